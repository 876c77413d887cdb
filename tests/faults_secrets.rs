//! Row 24 at the level of a pool: whatever a pool says, it formats neither its factory nor its
//! objects, and shows an error only as the driver's `Display` puts it. (What that says is the
//! driver's business, and tested with each driver.)

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::error::Error;
use std::fmt::{self, Debug};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};

use nebula_resource::{Blocking, BlockingFactory, Event, Observer, Pool, sync};
use support::*;

const SECRET: &str = "hunter2";

/// Shows a secret to whoever asks. As a factory, an object and an error.
#[derive(Clone)]
struct Indiscreet(Mood);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Good,
    CannotCreate,
    CannotRecycle,
    Panics,
}

impl Debug for Indiscreet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SECRET)
    }
}

/// `Display` is for users: this driver minds its words there, and only there.
impl fmt::Display for Indiscreet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl Error for Indiscreet {}

impl BlockingFactory for Indiscreet {
    type Object = Self;
    type Error = Self;

    fn create(&self) -> Result<Self, Self> {
        assert!(self.0 != Mood::Panics, "create panics on command");
        match self.0 {
            Mood::CannotCreate => Err(self.clone()),
            _ => Ok(self.clone()),
        }
    }

    fn recycle(&self, _: &mut Self) -> Result<(), Self> {
        match self.0 {
            Mood::CannotRecycle => Err(self.clone()),
            _ => Ok(()),
        }
    }
}

/// All that was said.
#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Vec<String>>>);

impl Ear {
    fn hear(&self, words: impl Into<String>) {
        self.0.lock().unwrap().push(words.into());
    }

    fn look(&self, at: &impl Debug) {
        self.hear(format!("{at:?} {at:#?}"));
    }

    fn words(&self) -> String {
        self.0.lock().unwrap().join("\n")
    }
}

impl Observer for Ear {
    fn observe(&self, event: &Event<'_>) {
        self.look(event);
        self.hear(format!("observed {event:?}"));
    }
}

/// Everything the common part of both facades can be asked for.
fn interrogate<D>(ear: &Ear, pool: &nebula_resource_core::Pool<D>)
where
    D: nebula_resource_core::Driver + Debug,
{
    ear.look(pool);
    ear.look(&**pool.shared());
    ear.look(pool.shared().driver());
    match pool.acquire_blocking_timeout(millis(50)) {
        Ok(mut guard) => {
            ear.look(&guard);
            ear.look(&&mut guard);
            ear.look(&guard.info());
            let refused = pool.acquire_blocking_timeout(millis(5)).unwrap_err();
            ear.look(&refused);
            ear.hear(causes(&refused));
        }
        Err(error) => {
            ear.look(&error);
            ear.hear(causes(&error));
            let panic = catch_unwind(AssertUnwindSafe(|| unwrapped(Err(error))));
            let panic = panic.unwrap_err();
            ear.hear(panic.downcast_ref::<String>().unwrap().clone());
        }
    }
    drop(
        pool.acquire_blocking_timeout(millis(50))
            .map(|guard| ear.look(&guard)),
    );
    ear.look(&pool.status());
    ear.hear(pool.status().to_string());
    ear.look(&pool.stats());
    ear.look(&pool.objects());
    ear.look(&pool.config());
    ear.look(&pool.audit());
    ear.look(&pool.reconfigure(|c| c.max_size = 0).unwrap_err());
    ear.look(&pool.close());
}

#[test]
fn fault_24_a_pool_formats_neither_factory_nor_object() {
    quiet();
    for mood in [
        Mood::Good,
        Mood::CannotCreate,
        Mood::CannotRecycle,
        Mood::Panics,
    ] {
        let ear = Ear::default();
        let config = PoolConfig {
            max_size: 1,
            ..PoolConfig::default()
        };
        let builder = sync::Pool::builder(Indiscreet(mood)).config(config.clone());
        let builder = builder.observer(ear.clone());
        ear.look(&builder);
        let pool = builder.build().unwrap();
        ear.look(&pool);
        interrogate(&ear, &pool);

        let blocking = Blocking::new(Indiscreet(mood));
        ear.look(&blocking);
        let builder = Pool::builder(blocking).config(config).observer(ear.clone());
        ear.look(&builder);
        let pool = builder.build().unwrap();
        ear.look(&pool);
        interrogate(&ear, &pool);

        let words = ear.words();
        assert!(!words.contains(SECRET), "{words}");
        // Not for having heard nothing.
        assert!(
            words.contains("max_size") && words.contains("observed"),
            "{words}"
        );
        let refused = mood == Mood::CannotCreate || mood == Mood::CannotRecycle;
        assert!(!refused || words.contains("refused"), "{words}");
    }
}

fn unwrapped(result: Result<(), AcquireError>) {
    result.unwrap();
}

/// The panics here are unwrapped errors, which is what they are about.
fn quiet() {
    std::panic::set_hook(Box::new(|_| {}));
}
