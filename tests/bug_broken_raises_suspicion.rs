//! One object that turns out broken when it is returned makes the idle ones suspect: its server may
//! have gone, and with it all of them. Each is validated before it is handed out, however
//! recently it was used.

#![allow(clippy::unwrap_used, reason = "the helpers of a test may panic")]

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use nebula_resource::{BlockingFactory, RetireReason, sync::Pool};

#[derive(Clone, Default)]
struct Fragile {
    broken: Arc<AtomicBool>,
    validations: Arc<AtomicUsize>,
}

impl BlockingFactory for Fragile {
    type Object = ();
    type Error = Infallible;

    fn create(&self) -> Result<(), Infallible> {
        Ok(())
    }

    fn validate(&self, (): &mut ()) -> Result<(), Infallible> {
        self.validations.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn is_broken(&self, (): &()) -> bool {
        self.broken.swap(false, Ordering::Relaxed)
    }
}

/// Three objects; one is returned broken, which must have the two others validated once.
fn one_of_three_is_broken(
    give_back: impl FnOnce(nebula_resource::sync::Guard<'_, Fragile>, &Fragile),
) {
    let factory = Fragile::default();
    let pool = Pool::builder(factory.clone())
        .max_size(3)
        .validate_after(None)
        .build()
        .unwrap();
    drop(pool.acquire_many(3).unwrap());
    give_back(pool.acquire().unwrap(), &factory);
    assert_eq!(pool.stats().retired_for(RetireReason::Broken), 1);

    drop(pool.acquire_many(3).unwrap()); // one is new
    assert_eq!(factory.validations.load(Ordering::Relaxed), 2);
    drop(pool.acquire_many(3).unwrap()); // they are proven
    assert_eq!(factory.validations.load(Ordering::Relaxed), 2);
}

#[test]
fn returned_by_drop() {
    one_of_three_is_broken(|guard, factory| {
        factory.broken.store(true, Ordering::Relaxed);
        drop(guard);
    });
}

#[test]
fn returned_by_release() {
    one_of_three_is_broken(|guard, factory| {
        factory.broken.store(true, Ordering::Relaxed);
        smol::block_on(guard.release());
    });
}

#[test]
fn discarded() {
    one_of_three_is_broken(|guard, _| guard.discard());
}
