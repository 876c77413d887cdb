//! A service that stops as it should: nobody new is admitted, what is being done is finished, and
//! everything says goodbye, dependants first. What stays behind is named.
//!
//! ```sh
//! cargo run --example graceful_shutdown    # stops by itself; press ctrl-c to be faster
//! ```

use std::convert::Infallible;
use std::time::Duration;

use nebula_resource::manager::ShutdownBudget;
use nebula_resource::{
    Context, CreateContext, Key, KeyError, Manager, Resource, ResourceError, RetireReason, Scope,
};
use tokio::time::sleep;

/// A connection to something that takes a moment to say goodbye.
struct Connection(Key);

struct Connections;

impl Resource for Connections {
    type Config = ();
    type Instance = Connection;
    type Error = Infallible;

    async fn create(&self, (): &(), context: &CreateContext) -> Result<Connection, Infallible> {
        Ok(Connection(context.key().clone()))
    }

    async fn cleanup(&self, connection: Connection, why: RetireReason) {
        sleep(Duration::from_millis(20)).await;
        println!("  {} said goodbye ({why})", connection.0);
    }
}

/// Needs the database, whoever registers it.
struct Cache;

impl Resource for Cache {
    type Config = ();
    type Instance = Connection;
    type Error = KeyError;

    async fn create(&self, (): &(), context: &CreateContext) -> Result<Connection, KeyError> {
        Ok(Connection(context.key().clone()))
    }

    async fn cleanup(&self, connection: Connection, why: RetireReason) {
        Connections.cleanup(connection, why).await;
    }

    fn dependencies(&self) -> Vec<Key> {
        Key::new("main_db").into_iter().collect()
    }
}

/// One worker: takes what it needs, works, gives it back, until it is told that it is over.
async fn work(manager: Manager) -> u32 {
    let context = Context::new(Scope::GLOBAL);
    let mut done = 0;
    loop {
        match manager.acquire::<Cache>("cache", &context).await {
            Ok(_cache) => sleep(Duration::from_millis(15)).await,
            Err(ResourceError::ShuttingDown { .. }) => return done,
            Err(other) => panic!("{other}"),
        }
        done += 1;
    }
}

/// Until somebody wants the service to end. A real one would wait for SIGTERM, too.
async fn asked_to_stop() {
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = sleep(Duration::from_millis(200)) => {}
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let manager = Manager::new();
    manager.register("main_db", Connections, ()).await?;
    manager.register("mail", Connections, ()).await?;
    manager.register("cache", Cache, ()).await?;
    let context = Context::new(Scope::GLOBAL);
    drop(manager.acquire::<Connections>("main_db", &context).await?);
    let workers: Vec<_> = (0..3)
        .map(|_| tokio::spawn(work(manager.clone())))
        .collect();

    // Somebody forgets to give one back.
    let forgotten = manager.acquire::<Connections>("mail", &context).await?;

    asked_to_stop().await;
    println!("what there is:\n{}", manager.graph());

    // The default is made for an orchestrator that kills after 30 s; this is for a reader.
    let budget = ShutdownBudget::within(Duration::from_secs(1));
    let shutting_down = manager.shutdown_within(budget);
    let mut done = 0;
    for worker in workers {
        done += worker.await?; // each ends by itself, with what it was doing done
    }
    println!("{done} pieces of work done, none broken off");

    let report = shutting_down.await;
    println!("{report}");
    assert!(!report.is_clean() && !report.hurried);
    assert!(report.elapsed < Duration::from_secs(1));
    let out: Vec<_> = report.guards_out().collect();
    let [(mail, guard)] = out[..] else {
        return Err("one is out, and only one".into());
    };
    assert_eq!(mail.key, "mail");
    assert_eq!(guard.taken_at.map(|at| at.file()), Some(file!()));
    assert!(report.cleaned_up() >= 2); // the database's, and what the workers had
    drop(forgotten); // still works, and is cleaned up even now
    Ok(())
}
