//! A blocking factory under an async pool: what its callbacks do to an object, good and bad, and
//! whether the runtime's threads stay free of them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::sync::Arc;
use std::thread;

use nebula_resource::clock::{Clock, ManualClock};
use nebula_resource::runtime::Threads;
use nebula_resource::{Blocking, BlockingFactory, Pool};
use support::*;

struct Bridged {
    script: Script,
    hand: Arc<ManualClock>,
    pool: Pool<Blocking<Script>>,
}

/// One object, which is validated before each use and recycled after it, elsewhere.
fn bridged() -> Bridged {
    let hand = ManualClock::new();
    let script = Script::new(Clock::manual(&hand)).recycle_blocks();
    let pool = Pool::builder(Blocking::new(script.clone()))
        .max_size(1)
        .validate_after(Some(Duration::ZERO))
        .acquire_timeout(Duration::from_secs(3600))
        .observer(script.clone())
        .runtime(Threads)
        .clock(Clock::manual(&hand))
        .build()
        .unwrap();
    Bridged { script, hand, pool }
}

impl Bridged {
    /// The number of the object that the next caller gets.
    fn visit(&self) -> u64 {
        self.pool.acquire_blocking().unwrap().id
    }

    fn wait_until(&self, what: &str, holds: impl Fn(&Script) -> bool) {
        let begun = std::time::Instant::now();
        while !holds(&self.script) {
            assert!(begun.elapsed() < Duration::from_secs(20), "{what}");
            thread::sleep(millis(1));
        }
    }

    /// Every object but the one that is idle has come to its end, and everybody knows.
    fn nothing_lost(&self) {
        self.wait_until("all but one gone", |script| script.alive() == 1);
        let told = |_: &Script| self.pool.stats().destroyed == self.pool.stats().retired;
        self.wait_until("everybody knows", told);
        assert!(self.pool.audit().balanced(), "{:?}", self.pool.audit());
    }
}

#[test]
fn an_object_is_lent_to_its_callbacks_and_comes_back() {
    let bridged = bridged();
    assert_eq!(
        (bridged.visit(), bridged.visit(), bridged.visit()),
        (1, 1, 1)
    );
    let script = &bridged.script;
    assert_eq!(script.calls(Callback::Recycle), 2);
    assert_eq!(script.calls(Callback::Validate), 3, "a new one too");
    bridged.nothing_lost();
}

#[test]
fn what_fails_or_panics_costs_that_object_and_no_more() {
    for callback in [Callback::Validate, Callback::Recycle] {
        for act in [Act::Fail, Act::Panic, Act::Bomb] {
            let bridged = bridged();
            assert_eq!(bridged.visit(), 1);
            bridged.script.next(callback, [act]);
            assert_eq!(bridged.visit(), 2, "{callback:?} {act:?}");
            let why = match (act, callback) {
                (Act::Fail, Callback::Recycle) => RetireReason::RecycleFailed,
                (Act::Fail, _) => RetireReason::Invalid,
                _ => RetireReason::Panicked,
            };
            bridged.nothing_lost();
            assert_eq!(bridged.script.retired_for(), [why], "{callback:?} {act:?}");
        }
    }
}

/// The caller gets another object when the callback's time is up; the one that hangs is dropped when
/// the callback returns.
#[test]
fn what_hangs_is_written_off_in_time() {
    for callback in [Callback::Validate, Callback::Recycle] {
        let bridged = bridged();
        assert_eq!(bridged.visit(), 1);
        bridged.script.next(callback, [Act::Hang]);
        thread::scope(|scope| {
            let caller = scope.spawn(|| bridged.visit());
            bridged.wait_until("it hangs", |script| script.inside(callback) == 1);
            // It may not have set its alarm yet; and what comes next has its time too.
            bridged.wait_until("it is given up", |script| {
                bridged.hand.advance(millis(50));
                !script.retired_for().is_empty()
            });
            assert_eq!(caller.join().unwrap(), 2, "{callback:?}");
        });
        assert_eq!(bridged.script.retired_for(), [RetireReason::TimedOut]);
        assert_eq!(
            bridged.script.alive(),
            2,
            "it is still in the callback's hands"
        );
        bridged.script.heal();
        bridged.nothing_lost();
    }
}

/// An object of which `is_broken` is asked while nobody has it in hand, and which is destroyed by
/// its factory.
#[test]
fn the_factory_says_what_is_broken_and_says_goodbye() {
    let bridged = bridged();
    bridged.pool.acquire_blocking().unwrap().broken = true;
    assert_eq!(bridged.visit(), 2);
    bridged.nothing_lost();
    assert_eq!(bridged.script.retired_for(), [RetireReason::Broken]);
    assert_eq!(bridged.script.calls(Callback::Destroy), 1);
}

struct Secretive;

impl BlockingFactory for Secretive {
    type Object = &'static str;
    type Error = String;

    fn create(&self) -> Result<&'static str, String> {
        Ok("swordfish")
    }
}

#[test]
fn neither_the_factory_nor_its_objects_are_shown() {
    let factory = Blocking::new(Secretive);
    assert_eq!(format!("{factory:?}"), "Blocking { .. }");
    let pool = Pool::builder(factory).runtime(Threads).build().unwrap();
    let guard = pool.acquire_blocking().unwrap();
    assert_eq!(**guard, "swordfish");
    assert_eq!(format!("{:?}", *guard), "Lendable { .. }");
}
