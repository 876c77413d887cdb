//! Row 19: what a leap of the clock, or a suspended machine, does to a pool: nothing but make it
//! look before it trusts.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nebula_resource::runtime::Manual;
use nebula_resource::{Factory, Pool};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[derive(Default)]
struct Counted {
    validated: std::sync::Arc<AtomicUsize>,
}

impl Factory for Counted {
    type Object = ();
    type Error = String;

    async fn create(&self) -> Result<(), String> {
        Ok(())
    }

    async fn validate(&self, _: &mut ()) -> Result<(), String> {
        self.validated.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

#[test]
fn fault_19_a_leap_expires_nobody_and_has_everybody_validated() {
    let runtime = Manual::new();
    let factory = Counted::default();
    let validated = factory.validated.clone();
    let pool = Pool::builder(factory)
        .runtime(runtime.clone())
        .max_size(4)
        .build()
        .unwrap();
    drop(runtime.run(pool.acquire_many(4)).unwrap());
    runtime.advance(Duration::from_secs(45));

    runtime.manual_clock().leap(DAY);
    runtime.run_until_idle();

    assert_eq!(pool.status().size, 4, "nobody was retired");
    assert_eq!(pool.stats().retired, 0);
    let held = runtime.run(pool.acquire_many(4)).unwrap();
    assert_eq!(validated.load(Ordering::Relaxed), 4, "and all were asked");
    assert_eq!(pool.stats().created, 4);
    drop(held);

    // From here on they age again: an object's lifetime is not extended by more than the leap.
    runtime.advance(Duration::from_secs(31 * 60));
    assert_eq!(pool.stats().retired, 4);
    assert!(pool.audit().balanced(), "{:?}", pool.audit());
}

#[test]
fn fault_19_a_leap_while_in_use_does_not_expire_on_return() {
    let runtime = Manual::new();
    let pool = Pool::builder(Counted::default())
        .runtime(runtime.clone())
        .build()
        .unwrap();
    let held = runtime.run(pool.acquire()).unwrap();
    runtime.manual_clock().leap(DAY);
    runtime.run_until_idle();
    drop(held);
    let again = runtime.run(pool.acquire()).unwrap();
    assert_eq!(again.info().uses, 2, "the same object");
    assert!(
        again.held_for() <= DAY,
        "ages are never negative, and never wrap"
    );
    drop(again);
    assert!(pool.audit().balanced(), "{:?}", pool.audit());
}
