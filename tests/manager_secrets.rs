//! Row 24 of the fault matrix, through the manager: whatever it tells anybody, in whatever form, no
//! secret shows.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "manager/listen.rs"]
mod listen;
#[path = "manager/world.rs"]
mod world;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use listen::still;
use nebula_resource::context::{Baggage, CredentialFuture, CredentialProvider};
use nebula_resource::hooks::{Call, Hook, Outcome, Refusal};
use nebula_resource::{Context, CreateContext, Resource, ResourceConfig, Scope};

const CANARY: &str = "CANARY-7f3a";

/// Knows secrets wherever a driver may know some.
struct Vault;

#[derive(Debug, serde::Deserialize)]
struct Password(String);

impl ResourceConfig for Password {}

#[derive(Debug)]
struct Session(#[allow(dead_code, reason = "shown by `Debug` alone")] String);

/// Careful in `Display` only.
#[derive(Debug)]
struct Refused(#[allow(dead_code, reason = "shown by `Debug` alone")] String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("wrong password")
    }
}

impl std::error::Error for Refused {}

impl Resource for Vault {
    type Config = Password;
    type Instance = Session;
    type Error = Refused;

    async fn create(&self, config: &Password, _: &CreateContext) -> Result<Session, Refused> {
        match config.0.starts_with("wrong") {
            true => Err(Refused(config.0.clone())),
            false => Ok(Session(config.0.clone())),
        }
    }
}

struct Keys;

impl CredentialProvider for Keys {
    fn credential<'a>(&'a self, _: &'a str) -> CredentialFuture<'a> {
        Box::pin(async { Ok(CANARY.into()) })
    }
}

/// Writes down everything that a hook can see, as it shows itself.
#[derive(Clone, Default)]
struct Everything(Arc<Mutex<String>>);

impl Everything {
    fn note(&self, what: &dyn fmt::Debug) {
        let text = format!("{what:?}\n{what:#?}\n");
        self.0.lock().unwrap().push_str(&text);
    }
}

impl Hook for Everything {
    fn before(&self, call: &Call<'_>) -> Result<(), Refusal> {
        self.note(call);
        Ok(())
    }

    fn after(&self, call: &Call<'_>, outcome: &Outcome<'_>) {
        self.note(&(call, outcome, call.caller()));
        let error = outcome.error().map(ToString::to_string);
        self.note(&error);
    }
}

#[test]
fn fault_24_the_manager_shows_no_secret_anywhere() {
    let (runtime, manager) = still();
    let all = Everything::default();
    manager.hooks().attach(all.clone());
    let mut events = manager.events().subscribe();
    let acme = Scope::tenant("acme").unwrap();
    let caller = Context::new(acme.clone())
        .with_metadata("token", CANARY)
        .with_baggage(Baggage::parse(&format!("key={CANARY}")).unwrap())
        .with_credentials(Arc::new(Keys));

    let registration = manager
        .register("vault", Vault, Password(CANARY.into()))
        .scope(acme.clone());
    all.note(&registration);
    all.note(&registration.wait().unwrap());
    let guard = runtime
        .run(manager.acquire::<Vault>("vault", &caller))
        .unwrap();
    assert_eq!(guard.0, CANARY, "it is there");
    all.note(&guard);
    all.note(&manager);
    all.note(&manager.status());
    all.note(&manager.graph());

    // A configuration that fails with a secret in its error.
    let wrong = Password(format!("wrong {CANARY}"));
    let reload = manager.reload_config("vault", wrong).scope(acme);
    all.note(&reload);
    let refused = runtime.run(async { reload.await }).unwrap_err();
    all.note(&refused);
    all.note(&refused.to_string());

    // The same for every tenant.
    let template = manager.register_per_tenant("vaults", Vault, |_| Password(CANARY.into()));
    all.note(&template);
    template.wait().unwrap();
    let got = runtime.run(manager.acquire::<Vault>("vaults", &caller));
    drop(got.unwrap());
    let wrong = |_: &str| Password(format!("wrong {CANARY}"));
    let reload = manager.reload_per_tenant("vaults", wrong);
    all.note(&reload);
    let refused = runtime.run(async { reload.await }).unwrap_err();
    all.note(&refused);
    all.note(&refused.to_string());

    // Somebody waits in vain.
    let mut late = Box::pin(manager.acquire::<Vault>("vault", &caller));
    assert!(world::poll(&mut late).is_pending());
    runtime.advance(Duration::from_secs(30));
    let late = runtime.run(late).unwrap_err();
    all.note(&late);
    all.note(&late.to_string());

    let shutting_down = manager.shutdown();
    runtime.advance(Duration::from_secs(60));
    let report = runtime.run(shutting_down);
    all.note(&report);
    all.note(&report.to_string());
    drop(guard);
    runtime.run_until_idle();
    while let Ok(event) = events.try_recv() {
        all.note(&event);
    }
    let shown = all.0.lock().unwrap();
    assert!(
        shown.contains("wrong password"),
        "errors are shown: {shown}"
    );
    assert!(
        shown.contains("tenant acme") && shown.contains("ReloadRefused"),
        "{shown}"
    );
    assert!(!shown.contains(CANARY), "{shown}");
}
