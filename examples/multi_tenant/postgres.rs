//! The same on one server: a schema for each tenant, which its connections cannot leave by mistake.

use nebula_resource::{Context, Manager, Scope};
use nebula_resource_postgres::{PostgresConfig, PostgresResource};

use crate::{Outcome, TENANTS, TOGETHER, context, pool};

pub(crate) fn run(url: &str) -> Outcome {
    let tokio = tokio::runtime::Runtime::new()?;
    tokio.block_on(on_postgres(url))
}

/// The schema of a tenant, of this run.
fn schema(tenant: &str) -> String {
    format!("{tenant}_{}", std::process::id())
}

async fn on_postgres(url: &str) -> Outcome {
    let manager = Manager::new();
    let server = url.to_owned();
    manager
        .register("admin", PostgresResource, PostgresConfig::new(url))
        .await?;
    manager
        .register_per_tenant("db", PostgresResource, move |tenant| {
            let join = if server.contains('?') { '&' } else { '?' };
            let schema = schema(tenant);
            PostgresConfig::new(format!("{server}{join}options=-csearch_path%3D{schema}"))
        })
        .depends_on(["admin"])
        .pool(pool())
        .at_most_together(TOGETHER)
        .await?;

    let everybody = Context::new(Scope::GLOBAL);
    for (tenant, _) in TENANTS {
        let admin = manager
            .acquire::<PostgresResource>("admin", &everybody)
            .await?;
        let schema = schema(tenant);
        let made = format!("CREATE SCHEMA {schema}; CREATE TABLE {schema}.notes (text TEXT)");
        admin.batch_execute(&made).await?;
    }
    let busy = TENANTS.map(|(tenant, notes)| tokio::spawn(write(manager.clone(), tenant, notes)));
    for one in busy {
        one.await??;
    }
    for (tenant, notes) in TENANTS {
        let found = count(&manager, tenant).await?;
        println!("{tenant}: {found} notes in a schema of its own");
        assert_eq!(found, notes, "it sees its own notes, and nobody else's");
    }

    for (tenant, _) in TENANTS {
        let admin = manager
            .acquire::<PostgresResource>("admin", &everybody)
            .await?;
        let gone = format!("DROP SCHEMA {} CASCADE", schema(tenant));
        admin.batch_execute(&gone).await?;
    }
    let report = manager.shutdown().await;
    println!("{report}");
    assert!(report.is_clean());
    Ok(())
}

async fn write(manager: Manager, tenant: &'static str, notes: usize) -> Outcome {
    let context = context(tenant)?;
    for note in 0..notes {
        let db = manager.acquire::<PostgresResource>("db", &context).await?;
        let text = format!("{tenant} {note}");
        db.execute("INSERT INTO notes VALUES ($1)", &[&text])
            .await?;
    }
    Ok(())
}

async fn count(manager: &Manager, tenant: &str) -> Outcome<usize> {
    let db = manager
        .acquire::<PostgresResource>("db", &context(tenant)?)
        .await?;
    let row = db.query_one("SELECT count(*) FROM notes", &[]).await?;
    Ok(usize::try_from(row.get::<_, i64>(0))?)
}
