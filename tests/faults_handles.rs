//! Rows 9 and 11: handles that go while something is still going on, and code of the pool's owner
//! that panics.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/stages.rs"]
mod stages;
mod support;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};

use nebula_resource::runtime::Manual;
use nebula_resource::{Event, Factory, Observer, Pool};
use stages::*;
use support::*;

async fn nothing_left<H: Harness>(h: &H, script: &Script) {
    h.settle("every object's end", || script.alive() == 0).await;
    assert_eq!(script.calls(Callback::Destroy), script.made());
}

/// Guards stay valid; their objects are destroyed as they return, in the factory's own words.
async fn guards_out<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, h.config());
    let guard = h.get(&pool).await.expect("an object");
    let idle = h.get(&pool).await.expect("another");
    drop(idle);
    drop(pool);
    h.settle("the idle object's end", || script.alive() == 1)
        .await;
    assert_eq!((guard.id, guard.info().uses), (1, 1));
    drop(guard);
    nothing_left(&h, &script).await;
    assert_eq!(
        script.retired_for(),
        [RetireReason::Closed, RetireReason::Closed]
    );
    assert!(script.told().contains(&Told::Closed));
}
on_every_runtime!(fault_09_last_handle_dropped_with_guards_out: guards_out);

/// A handle is a handle: only the last one closes.
async fn clones<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, h.config());
    drop(pool.clone());
    assert!(!pool.is_closed());
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fault_09_a_clone_dropped_closes_nothing: clones);

/// Futures that were made from a handle do not keep the pool open.
async fn waiters_in_line<H: Harness>(h: H) {
    let (script, pool, guard, first) = waiting(&h).await;
    let second = h.spawn(h.acquire(&pool));
    h.until("another", || pool.status().waiting == 2).await;
    let unpolled = h.acquire(&pool);
    drop(pool);
    assert!(is_closed::<H>(&ended(&h, first).await));
    assert!(is_closed::<H>(&ended(&h, second).await));
    assert!(is_closed::<H>(&ended(&h, h.spawn(unpolled)).await));
    assert_eq!(guard.id, 1);
    drop(guard);
    nothing_left(&h, &script).await;
}
on_async_runtimes!(fault_09_last_handle_dropped_with_waiters_in_line: waiters_in_line);

/// Creations end with the pool: nobody will want what they make.
async fn creates_running<H: Harness>(h: H) {
    let (script, pool, caller) = creating(&h).await;
    drop(pool);
    assert!(is_closed::<H>(&ended(&h, caller).await));
    h.until("the creation's end", || {
        script.inside(Callback::Create) == 0
    })
    .await;
    nothing_left(&h, &script).await;
    assert_eq!(script.made(), 0);
}
on_async_runtimes!(fault_09_last_handle_dropped_with_creates_running: creates_running);

/// A caller that was let in before the end gets its object; it is destroyed when it returns.
async fn validation_running<H: Harness>(h: H) {
    let (script, pool, caller) = validating(&h).await;
    drop(pool);
    script.heal();
    drop(ended(&h, caller).await.expect("it came before the end"));
    nothing_left(&h, &script).await;
}
on_async_runtimes!(fault_09_last_handle_dropped_while_validating: validation_running);

/// Something that every part of a pool keeps alive as long as it lives itself.
struct Probe(Arc<()>);

impl Factory for Probe {
    type Object = Arc<()>;
    type Error = String;

    async fn create(&self) -> Result<Arc<()>, String> {
        Ok(Arc::clone(&self.0))
    }
}

/// Neither a job nor an alarm keeps any part of a pool that has no handle and no guard.
fn outlived(runtime: &Manual, use_it: impl FnOnce(&Pool<Probe>)) {
    let life = Arc::new(());
    let seen: Weak<()> = Arc::downgrade(&life);
    let builder = Pool::builder(Probe(life)).runtime(runtime.clone());
    let config = PoolConfig {
        min_idle: 2,
        keepalive_every: Some(Duration::from_secs(1)),
        maintenance_every: Duration::from_secs(1),
        ..PoolConfig::default()
    };
    let pool = builder.config(config).build().unwrap();
    use_it(&pool);
    drop(pool);
    runtime.run_until_idle();
    assert_eq!(seen.strong_count(), 0, "part of it is left");
    assert!(format!("{runtime:?}").contains("jobs: 0"), "{runtime:?}");
}

#[test]
fn fault_09_nothing_outlives_the_last_handle() {
    let runtime = Manual::new();
    outlived(&runtime, |_| {});
    outlived(&runtime, |pool| drop(runtime.run(pool.acquire())));
    outlived(&runtime, |pool| {
        drop(runtime.run(pool.acquire()));
        runtime.advance(Duration::from_secs(10));
    });
    outlived(&runtime, |pool| {
        let waiting = Hand::new(pool.acquire_many(10));
        runtime.run_until_idle();
        drop(waiting);
    });
    // Alarms that are still to ring find nothing, and set no other.
    runtime.advance(Duration::from_secs(3600));
    assert_eq!(runtime.manual_clock().pending_alarms(), 0);
}

#[cfg(feature = "tokio")]
#[test]
fn fault_09_no_tokio_task_outlives_the_last_handle() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let life = Arc::new(());
        let seen = Arc::downgrade(&life);
        let pool = Pool::new(Probe(life));
        pool.reconfigure(|c| c.min_idle = 2).unwrap();
        drop(pool.acquire().await.unwrap());
        drop(pool);
        let metrics = tokio::runtime::Handle::current().metrics();
        let gone = || metrics.num_alive_tasks() == 0 && seen.strong_count() == 0;
        let patience = tokio::time::timeout(Duration::from_secs(20), async {
            while !gone() {
                tokio::task::yield_now().await;
            }
        });
        patience.await.expect("something outlives the pool");
    });
}

fn panics(what: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(what)).expect_err("it panics");
    panic.downcast_ref::<&str>().unwrap_or(&"").to_string()
}

/// The caller sees the panic of its own predicate, at whichever object, and every object stays.
async fn predicate_panics<H: Harness>(h: H) {
    let script = h.script();
    let config = PoolConfig {
        max_size: 3,
        ..h.config()
    };
    let pool = h.pool(&script, config);
    h.stock(&pool, 3).await;
    for at in 1..=3 {
        let mut looked = 0;
        let message = panics(|| {
            pool.retain(|_, _| {
                looked += 1;
                assert!(looked < at, "mine");
                true
            });
        });
        assert_eq!((message.as_str(), looked), ("mine", at));
        assert_eq!(pool.status().idle, 3, "they were only looked at");
    }
    // Those already let go are gone, the others stay.
    let mut looked = 0;
    panics(|| {
        pool.retain(|_, _| {
            looked += 1;
            assert!(looked < 2, "mine");
            false
        });
    });
    assert_eq!(pool.status().idle, 2);
    h.nothing_lost(&pool, &script).await;
    assert_eq!(script.retired_for(), [RetireReason::NotRetained]);
}
on_every_runtime!(fault_11_retain_predicate_panics: predicate_panics);

/// Whoever came while the predicate ran is served although it panicked.
async fn predicate_panics_with_a_waiter<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, one(&h));
    h.stock(&pool, 1).await;
    let mut caller = Hand::new(pool.acquire_async_owned());
    let message = panics(|| {
        pool.retain(|_, _| {
            assert!(caller.poll().is_pending(), "its object is out");
            panic!("mine");
        });
    });
    assert_eq!(message, "mine");
    assert_eq!(caller.woken(), 1);
    assert!(caller.poll().is_ready());
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fault_11_retain_predicate_panics_with_a_waiter: predicate_panics_with_a_waiter);

async fn change_panics<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, h.config());
    let before = pool.config();
    let message = panics(|| {
        let _never = pool.reconfigure(|config| {
            config.max_size = 7;
            panic!("mine");
        });
    });
    assert_eq!(message, "mine");
    assert_eq!(pool.config(), before, "all of it or nothing");
    pool.reconfigure(|config| config.max_size = 3).unwrap();
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fault_11_reconfigure_closure_panics: change_panics);

struct Grumpy;

impl Observer for Grumpy {
    fn observe(&self, event: &Event<'_>) {
        panic!("I do not want to hear of {event:?}");
    }
}

/// Every event there is, told to an observer that panics at each: nobody else notices.
#[test]
fn fault_11_observer_panics() {
    let runtime = Manual::new();
    let script = Script::new(nebula_resource::clock::Clock::manual(
        runtime.manual_clock(),
    ));
    let builder = Pool::builder(script.clone()).runtime(runtime.clone());
    let config = PoolConfig {
        max_size: 1,
        leak_after: Some(Duration::from_secs(1)),
        maintenance_every: Duration::from_secs(1),
        ..PoolConfig::default()
    };
    let pool = builder.config(config).observer(Grumpy).build().unwrap();
    script.next(Callback::Create, [Act::Fail]);
    script.next(Callback::Recycle, [Act::Fail]);
    drop(runtime.run(pool.acquire()).unwrap());
    let held = runtime.run(pool.acquire()).unwrap();
    let nested = runtime.run(pool.acquire_timeout(Duration::from_secs(5)));
    assert!(nested.unwrap_err().is_timeout());
    drop(held);
    pool.resize(2).unwrap();
    pool.clear();
    drop(runtime.run(pool.acquire()).unwrap());
    assert!(pool.audit().balanced(), "{:?}", pool.audit());
    runtime.run(pool.close());
    assert_eq!(script.alive(), 0);
}

/// `wait` waits, however long the last guard is out.
#[test]
fn fault_10_close_waits_for_the_last_guard() {
    let clock = nebula_resource::clock::Clock::system();
    let script = Script::new(clock);
    let pool = nebula_resource::sync::Pool::new(script.clone());
    let guard = pool.acquire().unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            pool.close().wait();
            tell.send(script.alive()).unwrap();
        });
        assert!(told.recv_timeout(millis(50)).is_err(), "one is still out");
        drop(guard);
        assert_eq!(told.recv_timeout(Duration::from_secs(20)), Ok(0));
    });
}
