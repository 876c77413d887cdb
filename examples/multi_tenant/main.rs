//! One program, many tenants: each has a database of its own, whose pool is made when it first asks.
//!
//! ```sh
//! cargo run --example multi_tenant
//! cargo run --example multi_tenant -- --postgres postgres://user@localhost/db
//! ```
//!
//! SQLite and threads here, a file for each tenant; a schema for each on a PostgreSQL server, and tasks, in
//! the neighbour (`postgres`). It fails if a tenant sees what is another's.

mod postgres;

use std::error::Error;
use std::path::Path;
use std::thread;

use clap::Parser;
use nebula_resource::{Context, Manager, PoolConfig, Scope};
use nebula_resource_sqlite::{Database, SqliteConfig, SqliteResource};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// From our own books: what a request brings along is looked up there before it becomes a scope, a path or
/// a schema.
const TENANTS: [(&str, usize); 3] = [("acme", 3), ("globex", 5), ("initech", 7)];

/// So many instances one tenant may have, and all of them together.
const EACH: usize = 2;
const TOGETHER: usize = 4;

#[derive(Parser)]
struct Args {
    /// A server to run on, too
    #[arg(long)]
    postgres: Option<String>,
}

fn main() -> Outcome {
    let args = Args::parse();
    let home = tempfile::tempdir()?;
    on_sqlite(home.path())?;
    match args.postgres {
        Some(url) => postgres::run(&url),
        None => Ok(()),
    }
}

fn pool() -> PoolConfig {
    PoolConfig {
        max_size: EACH,
        ..PoolConfig::default()
    }
}

fn on_sqlite(home: &Path) -> Outcome {
    let manager = Manager::new();
    let home = home.to_owned();
    manager
        .register_per_tenant("db", SqliteResource, move |tenant| {
            SqliteConfig::new(Database::File(home.join(tenant).with_extension("db")))
        })
        .pool(pool())
        .at_most_together(TOGETHER)
        .wait()?;

    // All of them at once: who finds the total taken waits for what another one gives back.
    thread::scope(|scope| {
        let manager = &manager;
        let busy =
            TENANTS.map(|(tenant, notes)| scope.spawn(move || write(manager, tenant, notes)));
        let mut busy = busy.into_iter().map(|one| one.join());
        busy.try_for_each(|one| one.map_err(|_| "a tenant panicked")?)
    })?;
    for (tenant, notes) in TENANTS {
        let found = count(&manager, tenant)?;
        println!("{tenant}: {found} notes in a file of its own");
        assert_eq!(found, notes, "it sees its own notes, and nobody else's");
    }

    // Whoever is nobody's gets nobody's database.
    let nobody = Context::new(Scope::GLOBAL);
    let refused = manager.acquire_blocking::<SqliteResource>("db", &nobody);
    println!("{}", refused.err().ok_or("it was let in")?);

    // A tenant leaves, and what it had ends; the others do not notice.
    let report = manager.end_scope(&Scope::tenant("acme")?).wait();
    println!("{report}");
    assert_eq!(count(&manager, "globex")?, 5);

    let report = manager.shutdown().wait();
    println!("{report}");
    assert!(report.is_clean());
    Ok(())
}

/// What is done for a tenant, somewhere inside its scope.
fn context(tenant: &str) -> Outcome<Context> {
    Ok(Context::new(Scope::tenant(tenant)?.workflow("import")?))
}

fn write(manager: &Manager, tenant: &str, notes: usize) -> Outcome {
    let context = context(tenant)?;
    manager
        .acquire_blocking::<SqliteResource>("db", &context)?
        .execute_batch("CREATE TABLE notes (text TEXT)")?;
    for note in 0..notes {
        let db = manager.acquire_blocking::<SqliteResource>("db", &context)?;
        db.execute(
            "INSERT INTO notes VALUES (?1)",
            [format!("{tenant} {note}")],
        )?;
    }
    Ok(())
}

fn count(manager: &Manager, tenant: &str) -> Outcome<usize> {
    let db = manager.acquire_blocking::<SqliteResource>("db", &context(tenant)?)?;
    let mine = db.query_row("SELECT count(*) FROM notes", [], |row| row.get::<_, i64>(0))?;
    Ok(usize::try_from(mine)?)
}
