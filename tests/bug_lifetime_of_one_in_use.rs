//! An object that was in use while `max_lifetime` was changed came back with the lifetime of before:
//! the stock took it for one that is about to expire, made another, and let it go. (Found by
//! `tests/oracle_care.rs`.)

use std::convert::Infallible;
use std::time::Duration;

use nebula_resource::runtime::Manual;
use nebula_resource::{Factory, Pool, RetireReason};

struct Unit;

impl Factory for Unit {
    type Object = ();
    type Error = Infallible;

    async fn create(&self) -> Result<(), Infallible> {
        Ok(())
    }
}

const MINUTE: Duration = Duration::from_secs(60);

/// Three objects are out for 55 s; the lifetime is changed; two come back, and one is thrown away,
/// whereupon the pool looks after its stock. Answers how many were retired and for age.
fn came_back(before: Option<Duration>, after: Option<Duration>) -> (u64, u64) {
    let runtime = Manual::new();
    let pool = Pool::builder(Unit)
        .max_size(3)
        .min_idle(2)
        .runtime(runtime.clone())
        .configure(|config| {
            config.lifetime_jitter = 0.0;
            config.max_lifetime = before;
        })
        .build()
        .expect("a valid configuration");
    let mut guards = runtime.run(pool.acquire_many(3)).expect("three objects");
    runtime.advance(Duration::from_secs(55));
    pool.reconfigure(|config| config.max_lifetime = after)
        .expect("a valid configuration");
    runtime.run_until_idle();
    let third = guards.pop().expect("three objects");
    drop(guards);
    third.discard();
    runtime.run_until_idle();
    assert!(pool.audit().balanced(), "{:?}", pool.audit());
    let aged = pool.stats().retired_for(RetireReason::MaxLifetime);
    (pool.stats().retired, aged)
}

#[test]
fn bug_lifetime_lifted_while_in_use() {
    assert_eq!(came_back(Some(MINUTE), None), (1, 0));
}

#[test]
fn bug_lifetime_set_while_in_use() {
    assert_eq!(came_back(None, Some(MINUTE)), (2, 1));
}

/// As it is when nothing changes.
#[test]
fn a_lifetime_that_stays_is_kept() {
    assert_eq!(came_back(None, None), (1, 0));
    assert_eq!(came_back(Some(MINUTE), Some(MINUTE)), (2, 1));
}
