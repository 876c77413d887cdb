//! Own code around what is done to resources, and what becomes of them, told as it happens.
//!
//! ```sh
//! cargo run --example hooks_and_events
//! ```

use std::error::Error;
use std::thread;
use std::time::Duration;

use nebula_resource::events::{EventKind, RecvError};
use nebula_resource::hooks::{Attachment, Audit, Call, Hook, Operation, Refusal, SlowAcquire};
use nebula_resource::{
    BlockingResource, Context, CreateContext, Filter, Manager, ResourceConfig, Scope,
};

type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// A ledger, which is slow to open.
struct Ledger;

#[derive(serde::Deserialize)]
struct LedgerConfig {
    opens_in: Duration,
}

impl ResourceConfig for LedgerConfig {}

impl BlockingResource for Ledger {
    type Config = LedgerConfig;
    type Instance = Vec<String>;
    type Error = String;

    fn create(&self, config: &LedgerConfig, _: &CreateContext) -> Result<Vec<String>, String> {
        thread::sleep(config.opens_in);
        Ok(Vec::new())
    }
}

/// Lets only those in who say what for.
struct Purpose;

impl Hook for Purpose {
    fn name(&self) -> &str {
        "purpose"
    }

    fn before(&self, call: &Call<'_>) -> Result<(), Refusal> {
        match call.caller().and_then(|caller| caller.metadata("purpose")) {
            Some(_) => Ok(()),
            None => Err("say what for, in the metadata".into()),
        }
    }
}

fn main() -> Outcome {
    let manager = Manager::new();
    let acme = Scope::tenant("acme")?;

    // A subscriber hears of what happens from now on, on a thread of its own or in a task.
    let mut events = manager.events().subscribe();
    let listener = thread::spawn(move || {
        let mut acquired = 0;
        loop {
            match events.recv_blocking() {
                Ok(event) => {
                    println!("event: {} ({}): {:?}", event.key, event.scope, event.kind);
                    acquired += u32::from(matches!(event.kind, EventKind::Acquired { .. }));
                }
                // Nobody waits for a subscriber: what it was too slow for is lost, and counted.
                Err(RecvError::Lagged { lost }) => println!("{lost} events were lost"),
                Err(_) => return acquired,
            }
        }
    });

    // Lower numbers first: the audit also hears of what other hooks refuse.
    let hooks = manager.hooks();
    let audit = Audit::new(|record| println!("audit: {record}"));
    hooks.attach(Attachment::new(audit).priority(0));
    let slow = Duration::from_millis(20);
    hooks.attach(SlowAcquire::over(slow, |slow| println!("slow: {slow}")));
    let of_acme = Filter::all().within(acme.clone());
    let purpose = Attachment::new(Purpose)
        .on([Operation::Acquire])
        .to(of_acme);
    let purpose = hooks.attach(purpose);

    let opens_in = Duration::from_millis(50);
    manager
        .register("ledger", Ledger, LedgerConfig { opens_in })
        .scope(acme.clone())
        .wait()?;

    let silent = Context::new(acme);
    let refused = manager.acquire_blocking::<Ledger>("ledger", &silent);
    println!("refused: {}", refused.err().ok_or("that was wrong")?);

    let open = silent
        .clone()
        .with_metadata("purpose", "the yearly accounts");
    let mut ledger = manager.acquire_blocking::<Ledger>("ledger", &open)?;
    ledger.push("closed".to_owned());
    drop(ledger);

    // A hook can be taken away while the program runs.
    hooks.detach(purpose);
    assert_eq!(
        *manager.acquire_blocking::<Ledger>("ledger", &silent)?,
        ["closed"]
    );

    assert!(manager.shutdown().wait().is_clean());
    drop(manager); // the last of the events
    assert_eq!(listener.join().map_err(|_| "the listener panicked")?, 2);
    Ok(())
}
