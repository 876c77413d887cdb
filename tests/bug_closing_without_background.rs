//! Whoever waited for a pool without a background to close was not told that the last guard had
//! come back: nothing runs there that destroys objects and says so.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use nebula_resource::Pool;
use nebula_resource::runtime::NoRuntime;
use support::*;

#[test]
fn bug_closing_without_a_background_hears_of_the_last_guard() {
    let clock = nebula_resource::clock::ManualClock::new();
    let script = Script::new(nebula_resource::clock::Clock::manual(&clock));
    let pool = Pool::builder(script).runtime(NoRuntime).build().unwrap();
    let guard = nebula_resource_core::park::block_on(pool.acquire_owned()).unwrap();
    let mut closing = Hand::new(pool.close());
    assert!(closing.poll().is_pending());
    drop(guard);
    assert!(closing.woken() > 0, "nobody told it");
    assert!(closing.poll().is_ready());
}
