//! A small workflow engine, and an action that asks its context for what it needs.
//!
//! ```sh
//! cargo run --example workflow_action
//! ```
//!
//! The engine depends on `ResourceProvider`, not on the manager: in a test of an action, something
//! else provides.

use std::collections::BTreeMap;
use std::error::Error;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use nebula_resource::provider::{AnyGuard, ProvideFuture, Request, ResourceProvider, Resources};
use nebula_resource::{
    BlockingResource, Context, CreateContext, Manager, ResourceConfig, ResourceError, Scope,
};

type BoxError = Box<dyn Error + Send + Sync>;

/// What an action is: a step of a workflow, which knows only its context.
trait Action: Send + Sync {
    fn name(&self) -> &'static str;

    fn run<'a>(&'a self, ctx: &'a Resources) -> Pin<Box<dyn Future<Output = Done> + Send + 'a>>;
}

type Done = Result<String, BoxError>;

/// Runs the actions of a workflow, one after the other, each in a scope of its own.
struct Engine {
    provider: Arc<dyn ResourceProvider>,
}

impl Engine {
    async fn run(&self, execution: &Scope, actions: &[&dyn Action]) -> Result<(), BoxError> {
        for action in actions {
            let scope = execution.action(action.name())?;
            let ctx = Resources::new(Arc::clone(&self.provider), Context::new(scope));
            println!("{}: {}", ctx.context().scope(), action.run(&ctx).await?);
        }
        Ok(())
    }
}

/// A database: tables of names and amounts.
type Table = BTreeMap<String, u32>;

struct Db;

#[derive(Default, serde::Deserialize)]
struct DbConfig {
    #[serde(skip)]
    shared: Arc<Mutex<Table>>,
}

impl ResourceConfig for DbConfig {}

struct Connection(Arc<Mutex<Table>>);

impl Connection {
    fn add(&mut self, name: &str, amount: u32) -> u32 {
        let mut table = self
            .0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        let total = table.entry(name.to_owned()).or_default();
        *total += amount;
        *total
    }
}

impl BlockingResource for Db {
    type Config = DbConfig;
    type Instance = Connection;
    type Error = String;

    fn create(&self, config: &DbConfig, _: &CreateContext) -> Result<Connection, String> {
        Ok(Connection(Arc::clone(&config.shared)))
    }
}

/// The action, as whoever writes actions writes it.
struct Charge {
    customer: &'static str,
    amount: u32,
}

impl Action for Charge {
    fn name(&self) -> &'static str {
        "charge"
    }

    fn run<'a>(&'a self, ctx: &'a Resources) -> Pin<Box<dyn Future<Output = Done> + Send + 'a>> {
        Box::pin(async move {
            let mut db = ctx.resource::<Db>("main_db").await?;
            let total = db.add(self.customer, self.amount);
            Ok(format!("{} owes {total}", self.customer))
        })
    }
}

/// Provides to a test: one connection to nothing.
struct Stub;

impl ResourceProvider for Stub {
    fn provide<'p>(&'p self, _: Request<'p>) -> ProvideFuture<'p> {
        Box::pin(async { Ok(AnyGuard::new(Box::new(Connection(Arc::default())))) })
    }
}

fn main() -> Result<(), BoxError> {
    futures::executor::block_on(async {
        let manager = Manager::new();
        let acme = Scope::tenant("acme")?;
        let registration = manager.register("main_db", Db, DbConfig::default());
        registration.scope(acme.clone()).await?;
        let charge = Charge {
            customer: "alice",
            amount: 30,
        };

        // A run of a workflow of that tenant, with two steps.
        let engine = Engine {
            provider: Arc::new(manager.clone()),
        };
        let run = acme.workflow("billing")?.execution("4711")?;
        engine.run(&run, &[&charge, &charge]).await?;

        // The same workflow for somebody else: the database is not theirs.
        let other = Scope::tenant("globex")?;
        let run = other.workflow("billing")?.execution("4712")?;
        let refused = engine.run(&run, &[&charge]).await.err();
        let refused = refused.ok_or("that was another tenant's")?;
        println!("refused: {refused}");
        let why = refused.downcast_ref::<ResourceError>();
        assert!(matches!(why, Some(ResourceError::OutOfScope { .. })));

        // The action in a test, without a manager.
        let alone = Resources::new(Arc::new(Stub), Context::new(Scope::GLOBAL));
        assert_eq!(charge.run(&alone).await?, "alice owes 30");

        let report = manager.end_scope(&acme).await; // the tenant leaves, with all it had
        assert!(report.is_clean());
        Ok(())
    })
}
