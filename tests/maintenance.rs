//! Does maintenance do what the configuration says, and no more? Lifetimes and their spread, idle
//! time, uses, keepalives, leaks, stock; and by hand, where nothing runs in the background.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::sync::Arc;
use std::task::Poll;

use nebula_resource::clock::{Clock, ManualClock};
use nebula_resource::runtime::NoRuntime;
use nebula_resource::{ObjectState, Pool};
use support::*;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

/// A round every second, and nothing else that would retire anything.
fn quiet<H: Harness>(h: &H) -> PoolConfig {
    PoolConfig {
        max_size: 20,
        maintenance_every: SECOND,
        idle_timeout: None,
        max_lifetime: None,
        // Time leaps here: no callback is to be late for that.
        create_timeout: HOUR,
        validate_timeout: HOUR,
        recycle_timeout: HOUR,
        destroy_timeout: HOUR,
        ..h.config()
    }
}

async fn full<H: Harness>(h: &H, pool: &H::Pool) {
    let size = pool.config().max_size;
    let mut guards = Vec::new();
    while guards.len() < size {
        guards.push(h.get(pool).await.expect("room"));
    }
}

/// Twenty objects of one birth, a jitter of a half: they go one by one over half of the lifetime.
async fn lifetimes_are_spread(h: OnManual) {
    let script = h.script();
    let config = PoolConfig {
        max_lifetime: Some(10 * MINUTE),
        lifetime_jitter: 0.5,
        ..quiet(&h)
    };
    let pool = h.pool(&script, config);
    full(&h, &pool).await;
    h.advance(5 * MINUTE - SECOND);
    assert_eq!(script.dropped(), 0, "nobody before half its time");
    let mut most_at_once = 0;
    for _ in 0..301 {
        let before = script.dropped();
        h.advance(SECOND);
        most_at_once = most_at_once.max(script.dropped() - before);
    }
    assert_eq!(script.dropped(), 20, "nobody beyond its time");
    assert!(most_at_once <= 4, "{most_at_once} within one second of 300");
    assert_eq!(script.retired_for(), [RetireReason::MaxLifetime; 20]);
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn lifetimes_end_one_by_one() {
    run(lifetimes_are_spread);
}

/// When an object expires is settled at its birth: being used, or looked after more often, or a
/// change of something else, does not draw again.
async fn jitter_is_fixed_at_birth(h: OnManual) {
    let mut ends = Vec::new();
    for meddle in [false, true] {
        let script = Script::new(Clock::manual(h.hand()));
        let runtime = nebula_resource::runtime::Manual::new();
        let config = PoolConfig {
            max_lifetime: Some(10 * MINUTE),
            lifetime_jitter: 0.5,
            ..quiet(&h)
        };
        let builder = Pool::builder(script.clone()).runtime(runtime.clone());
        let pool = builder.config(config).build().unwrap();
        runtime.run(pool.acquire_many(20)).unwrap();
        let mut end = Vec::new();
        for second in 1..=600 {
            runtime.advance(SECOND);
            if meddle && second % 20 == 0 {
                pool.reconfigure(|c| c.fail_fast = !c.fail_fast).unwrap();
                drop(pool.try_acquire());
            }
            end.resize(script.dropped(), second);
        }
        ends.push(end);
    }
    assert_eq!(ends[0].len(), 20);
    assert_eq!(ends[0], ends[1]);
}

#[test]
fn a_lifetime_is_settled_at_birth() {
    run(jitter_is_fixed_at_birth);
}

/// Held beyond its time, it is left to its holder; back, it is not handed out again.
async fn held_beyond_its_time<H: Harness>(h: H) {
    let script = h.script();
    let config = PoolConfig {
        max_lifetime: Some(MINUTE),
        lifetime_jitter: 0.0,
        ..quiet(&h)
    };
    let pool = h.pool(&script, config);
    let guard = h.get(&pool).await.unwrap();
    h.advance(2 * MINUTE);
    assert_eq!((guard.id, script.alive()), (1, 1));
    drop(guard);
    assert_eq!(h.get(&pool).await.unwrap().id, 2, "a new one");
    h.nothing_lost(&pool, &script).await;
    assert_eq!(script.retired_for(), [RetireReason::MaxLifetime]);
}
on_every_runtime!(an_object_held_beyond_its_lifetime: held_beyond_its_time);

async fn idle_time_counts_from_the_last_use(h: OnManual) {
    let script = h.script();
    let config = PoolConfig {
        idle_timeout: Some(MINUTE),
        ..quiet(&h)
    };
    let pool = h.pool(&script, config);
    h.stock(&pool, 2).await;
    h.advance(50 * SECOND);
    let id = h.get(&pool).await.unwrap().id;
    h.advance(15 * SECOND);
    let left: Vec<_> = pool.objects();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(h.get(&pool).await.unwrap().id, id, "the one used last");
    assert_eq!(script.retired_for(), [RetireReason::IdleTimeout]);
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn idle_time() {
    run(idle_time_counts_from_the_last_use);
}

async fn used_up<H: Harness>(h: H) {
    let script = h.script();
    let config = PoolConfig {
        max_uses: Some(3),
        ..quiet(&h)
    };
    let pool = h.pool(&script, config);
    let mut seen = Vec::new();
    for _ in 0..7 {
        seen.push(h.get(&pool).await.unwrap().id);
    }
    assert_eq!(seen, [1, 1, 1, 2, 2, 2, 3]);
    h.nothing_lost(&pool, &script).await;
    assert_eq!(script.retired_for(), [RetireReason::MaxUses; 2]);
}
on_every_runtime!(objects_are_used_up: used_up);

/// Validated in time, up to a tenth early; its idle time goes on, so that it is reaped all the same.
async fn keepalives(h: OnManual) {
    let script = h.script();
    let config = PoolConfig {
        keepalive_every: Some(MINUTE),
        idle_timeout: Some(10 * MINUTE),
        ..quiet(&h)
    };
    let pool = h.pool(&script, config);
    h.stock(&pool, 1).await;
    h.advance(53 * SECOND);
    assert_eq!(script.calls(Callback::Validate), 0, "not before its time");
    h.advance(9 * SECOND);
    assert_eq!(script.calls(Callback::Validate), 1);
    let info = &pool.objects()[0];
    assert_eq!((info.state, info.uses), (ObjectState::Idle, 1), "no use");
    assert!(info.in_state_for >= 62 * SECOND, "{info:?}");
    h.advance(9 * MINUTE);
    assert!((9..=11).contains(&script.calls(Callback::Validate)));
    assert_eq!(script.retired_for(), [RetireReason::IdleTimeout]);
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn keepalives_keep_alive_and_nothing_else() {
    run(keepalives);
}

/// A keepalive finds the dead before a caller does.
async fn keepalive_fails<H: Harness>(h: H) {
    let script = h.script();
    let config = PoolConfig {
        keepalive_every: Some(MINUTE),
        ..quiet(&h)
    };
    let pool = h.pool(&script, config);
    h.stock(&pool, 1).await;
    script.always(Callback::Validate, Act::Fail);
    h.advance(62 * SECOND);
    h.settle("the dead one's end", || script.alive() == 0).await;
    assert_eq!(script.retired_for(), [RetireReason::Invalid]);
    assert!(script.told().contains(&Told::CheckFailed(1)));
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(a_keepalive_that_fails: keepalive_fails);

/// Told once for each time it is taken, and taken from nobody.
async fn leaks(h: OnManual) {
    let script = h.script();
    let config = PoolConfig {
        leak_after: Some(MINUTE),
        ..quiet(&h)
    };
    let pool = h.pool(&script, config);
    let reported = || {
        let leaked = |told: &&Told| matches!(told, Told::Leaked(_));
        script.told().iter().filter(leaked).count()
    };
    for taken in 1..=2 {
        let guard = h.get(&pool).await.unwrap();
        h.advance(59 * SECOND);
        assert_eq!(reported(), taken - 1, "not before its time");
        h.advance(10 * MINUTE);
        assert_eq!(reported(), taken, "once");
        assert_eq!(guard.id, 1, "it is its holder's");
        drop(guard);
        h.advance(10 * MINUTE);
        assert_eq!(reported(), taken, "idle is not leaked");
    }
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn a_leak_is_reported_once_each_time() {
    run(leaks);
}

/// What leaves the stock is replaced at once, not with the next round.
async fn restock<H: Harness>(h: H) {
    let script = h.script();
    let config = PoolConfig {
        min_idle: 3,
        maintenance_every: Duration::from_secs(3600),
        ..quiet(&h)
    };
    let pool = h.pool(&script, config);
    drop(h.get(&pool).await.unwrap());
    // One more than that is made when the first one was out while its stock was made.
    let stocked = || (3..=4).contains(&pool.status().idle);
    h.settle("the stock", stocked).await;
    let retired = pool.retain(|_, _| false);
    assert!(retired >= 3);
    h.until("the stock again", || {
        h.advance(Duration::ZERO);
        stocked()
    })
    .await;
    h.get(&pool).await.unwrap().detach();
    h.advance(Duration::from_secs(3600));
    h.settle("the stock after a loss", stocked).await;
    // No stock is to be on its way when the books are looked at.
    pool.reconfigure(|c| c.min_idle = 0).unwrap();
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(stock_is_replaced: restock);

/// A backend that refuses is not stormed for the sake of the stock.
async fn restock_backs_off(h: OnManual) {
    let script = h.script();
    script.always(Callback::Create, Act::Fail);
    let config = PoolConfig {
        min_idle: 3,
        warm_on_register: true,
        ..quiet(&h)
    };
    let pool = h.pool(&script, config);
    h.advance(10 * MINUTE);
    let calls = script.calls(Callback::Create);
    // Two at first, then 0.1 s, 0.2 s, … 10 s apart: some 60 to 130 in ten minutes.
    assert!((40..=150).contains(&calls), "{calls} attempts");
    script.heal();
    h.settle("the stock", || pool.status().idle == 3).await;
    // No stock is to be on its way when the books are looked at.
    pool.reconfigure(|c| c.min_idle = 0).unwrap();
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn stocking_backs_off() {
    run(restock_backs_off);
}

async fn rounds_stop(h: OnManual) {
    let script = h.script();
    let config = PoolConfig {
        min_idle: 2,
        keepalive_every: Some(SECOND),
        ..quiet(&h)
    };
    let pool = h.pool(&script, config);
    drop(h.get(&pool).await.unwrap());
    h.advance(10 * SECOND);
    assert!(script.calls(Callback::Validate) >= 10);
    drop(pool.close());
    h.settle("every object's end", || script.alive() == 0).await;
    let (calls, made) = (script.calls(Callback::Validate), script.made());
    h.advance(10 * MINUTE);
    assert_eq!(h.hand().pending_alarms(), 0, "nobody wants to be woken");
    assert_eq!(
        (script.calls(Callback::Validate), script.made()),
        (calls, made)
    );
    assert!(pool.audit().balanced());
}

#[test]
fn rounds_stop_when_the_pool_is_closed() {
    run(rounds_stop);
}

/// Polls to the end; with nothing in the background it never has to wait here.
fn now<F: Future>(future: F) -> F::Output {
    match Hand::new(future).poll() {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing to wait for"),
    }
}

/// No runtime: the caller makes what it needs, and does the maintenance itself.
#[test]
fn by_hand_where_nothing_runs_in_the_background() {
    let hand: Arc<ManualClock> = ManualClock::new();
    let script = Script::new(Clock::manual(&hand));
    let config = PoolConfig {
        max_size: 4,
        min_idle: 2,
        idle_timeout: Some(MINUTE),
        ..PoolConfig::default()
    };
    let builder = Pool::builder(script.clone())
        .runtime(NoRuntime)
        .config(config);
    let builder = builder.clock(Clock::manual(&hand)).observer(script.clone());
    let pool = builder.build().unwrap();
    let guards = now(pool.acquire_many(4)).unwrap();
    assert_eq!(script.made(), 4, "made by the caller");
    drop(guards);
    hand.advance(10 * MINUTE);
    assert_eq!(pool.status().idle, 4, "nobody looked after them");
    now(pool.maintain());
    assert_eq!((pool.status().idle, script.dropped()), (2, 2));
    now(pool.acquire()).unwrap().discard();
    assert_eq!(script.dropped(), 2, "destroyed by whoever comes next");
    now(pool.maintain());
    assert_eq!((pool.status().idle, script.dropped()), (2, 3), "restocked");
    assert!(pool.audit().balanced(), "{:?}", pool.audit());
    drop(now(pool.acquire()).unwrap());
    now(pool.close());
    assert_eq!(script.alive(), 0);
    assert_eq!(script.calls(Callback::Destroy), script.made());
}
