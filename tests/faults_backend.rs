//! Row 30: several pools that get their objects from one backend, which is down, or slow. What is
//! bounded is what the backend sees of all of them together.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use nebula_resource::{Backend, Backoff, ValidationError};
use support::*;

const POOLS: usize = 8;
const CALLERS: usize = 64;
const AT_ONCE: usize = 3;

fn backend() -> Backend {
    Backend::with_limits("orders-db", AT_ONCE, Backoff::default()).unwrap()
}

/// Patient callers, so that nobody has given up when the backend is back.
fn patient<H: Harness>(h: &H) -> PoolConfig {
    PoolConfig {
        max_size: 4,
        acquire_timeout: Duration::from_secs(3600),
        create_timeout: Duration::from_secs(20),
        ..h.config()
    }
}

/// Pools that share a backend, which does `act` with whoever comes.
fn pools<H: Harness>(h: &H, act: Act) -> (Backend, Script, Vec<H::Pool>) {
    let backend = backend();
    let script = h.script().of(&backend);
    script.always(Callback::Create, act);
    let pools = (0..POOLS).map(|_| h.pool(&script, patient(h))).collect();
    (backend, script, pools)
}

/// Callers who take an object and bring it back at once, spread over the pools.
fn visitors<H: Harness>(h: &H, pools: &[H::Pool]) -> Vec<Task<()>> {
    let visit = |number: usize| {
        let acquire = h.acquire(&pools[number % pools.len()]);
        h.spawn(async move { drop(acquire.await.expect("served in the end")) })
    };
    (0..CALLERS).map(visit).collect()
}

async fn all_gone<H: Harness>(h: &H, visitors: Vec<Task<()>>) {
    h.settle("everybody's end", || visitors.iter().all(Task::is_done))
        .await;
    for visitor in visitors {
        visitor.await;
    }
}

async fn nothing_lost<H: Harness>(h: &H, script: &Script, pools: Vec<H::Pool>) {
    script.heal();
    for pool in &pools {
        h.settle("rest", || {
            let status = pool.status();
            status.creating + status.checking + status.waiting == 0
        })
        .await;
        drop(h.get(pool).await.expect("a fresh acquire"));
        let audit = pool.audit();
        assert!(audit.balanced(), "{audit:?}");
    }
    let made: u64 = pools.iter().map(|pool| pool.stats().created).sum();
    assert_eq!(made as usize, script.made());
}

/// Down for 20 s with 64 callers: what a single pool would have tried, and no more.
async fn down_and_up<H: Harness>(h: H) {
    let (backend, script, pools) = pools(&h, Act::Fail);
    let callers = visitors(&h, &pools);
    h.until("the first refusal", || backend.status().failed_rounds > 0)
        .await;
    for _ in 0..2000 {
        h.advance(millis(10));
        h.nap().await;
    }
    // Three side by side, then one each time: after 50 ms or more, 100, 200, 400, and every 500 or more.
    let attempts = script.calls(Callback::Create);
    assert!((5..=AT_ONCE + 4 + 40).contains(&attempts), "{attempts}");
    assert!(script.most_inside(Callback::Create) <= AT_ONCE);
    assert_eq!(
        pools.iter().map(|p| p.status().waiting).sum::<usize>(),
        CALLERS
    );
    script.heal();
    all_gone(&h, callers).await;
    assert_eq!(backend.status().failed_rounds, 0);
    assert!(script.most_inside(Callback::Create) <= AT_ONCE);
    nothing_lost(&h, &script, pools).await;
}
on_every_runtime!(fault_30_several_pools_one_dead_backend: down_and_up);

/// The first success is told to all pools: nobody sits out a backoff of its own.
#[test]
fn fault_30_everybody_is_served_within_a_second_of_the_recovery() {
    run(|h: OnManual| async move {
        let (_, script, pools) = pools(&h, Act::Fail);
        let callers = visitors(&h, &pools);
        h.advance(Duration::from_secs(30));
        script.heal();
        let back = h.hand().now();
        all_gone(&h, callers).await;
        let took = h.hand().now().since(back);
        assert!(took <= Duration::from_secs(1), "{took:?}");
        nothing_lost(&h, &script, pools).await;
    });
}

/// While one pool's probe hangs, the others wait for its outcome.
async fn one_probe_for_all<H: Harness>(h: H) {
    let (backend, script, pools) = pools(&h, Act::Fail);
    let callers = visitors(&h, &pools);
    h.until("the first refusal", || backend.status().failed_rounds > 0)
        .await;
    h.until("rest", || backend.status().creating == 0).await;
    script.always(Callback::Create, Act::Hang);
    h.settle("a probe", || script.inside(Callback::Create) == 1)
        .await;
    let attempts = script.calls(Callback::Create);
    for _ in 0..500 {
        h.advance(millis(10));
        h.nap().await;
    }
    // One that hangs is joined by others, after a second each, but never by more than that.
    let more = script.calls(Callback::Create) - attempts;
    assert!(more < AT_ONCE, "{more} besides the one that hangs");
    assert_eq!(backend.status().creating, 1 + more);
    script.heal();
    all_gone(&h, callers).await;
    nothing_lost(&h, &script, pools).await;
}
on_every_runtime!(fault_30_one_probe_for_all: one_probe_for_all);

/// A probe that hangs keeps nobody from trying for longer than a second, as often as the backend bears.
#[test]
fn fault_30_a_probe_that_hangs_is_joined_by_the_next() {
    run(|h: OnManual| async move {
        let (backend, script, pools) = pools(&h, Act::Fail);
        let callers = visitors(&h, &pools);
        h.until("the first refusal", || backend.status().failed_rounds > 0)
            .await;
        script.always(Callback::Create, Act::Hang);
        for hanging in 1..=AT_ONCE {
            h.advance(Duration::from_secs(1));
            assert_eq!(script.inside(Callback::Create), hanging);
        }
        h.advance(Duration::from_secs(5));
        assert_eq!(backend.status().creating, AT_ONCE);
        script.heal();
        all_gone(&h, callers).await;
        nothing_lost(&h, &script, pools).await;
    });
}

/// The pool whose probe is under way is closed: another one's takes its place.
async fn prober_closed<H: Harness>(h: H) {
    let (backend, script, mut pools) = pools(&h, Act::Hang);
    let busy = |script: &Script| script.inside(Callback::Create);
    let first: Vec<_> = pools.drain(..1).collect();
    let closed: Vec<_> = (0..AT_ONCE)
        .map(|_| h.spawn(h.acquire(&first[0])))
        .collect();
    h.until("all passes taken", || busy(&script) == AT_ONCE)
        .await;
    let callers = visitors(&h, &pools);
    h.until("everybody in line", || {
        pools
            .iter()
            .map(|pool| pool.status().waiting)
            .sum::<usize>()
            == CALLERS
    })
    .await;
    assert_eq!(script.calls(Callback::Create), AT_ONCE);
    drop(first[0].close());
    for caller in closed {
        h.until("a refusal", || caller.is_done()).await;
        assert!(matches!(caller.await, Err(AcquireError::Closed)));
    }
    h.until("the passes taken over", || {
        script.calls(Callback::Create) == 2 * AT_ONCE && busy(&script) == AT_ONCE
    })
    .await;
    assert_eq!(backend.status().creating, AT_ONCE);
    script.heal();
    all_gone(&h, callers).await;
    nothing_lost(&h, &script, pools).await;
}
on_async_runtimes!(fault_30_a_closed_pool_passes_its_passes_on: prober_closed);

/// A backend that is there but slow: never more attempts at once than it can bear, and everybody served.
async fn slow<H: Harness>(h: H) {
    let (_, script, pools) = pools(&h, Act::Slow(millis(30)));
    let callers = visitors(&h, &pools);
    all_gone(&h, callers).await;
    let most = script.most_inside(Callback::Create);
    assert!(most > 1 && most <= AT_ONCE, "{most} at once");
    nothing_lost(&h, &script, pools).await;
}
on_every_runtime!(fault_30_a_slow_backend_is_not_stormed: slow);

/// Who waits for the backend's leave and is not wanted any more makes no attempt.
#[test]
fn fault_30_a_pass_that_nobody_waits_for_is_passed_on() {
    run(|h: OnManual| async move {
        let (_, script, pools) = pools(&h, Act::Hang);
        let holders: Vec<_> = (0..AT_ONCE)
            .map(|_| h.spawn(h.acquire(&pools[0])))
            .collect();
        h.until("all passes taken", || {
            script.inside(Callback::Create) == AT_ONCE
        })
        .await;
        pools[1]
            .reconfigure(|config| config.acquire_timeout = millis(5))
            .unwrap();
        let leaving = h.spawn(h.acquire(&pools[1]));
        let staying = h.spawn(h.acquire(&pools[2]));
        h.until("both in line", || {
            pools[1].status().creating + pools[2].status().creating == 2
        })
        .await;
        h.advance(millis(5));
        assert!(matches!(leaving.await, Err(AcquireError::TimedOut(_))));
        script.heal();
        for caller in holders.into_iter().chain([staying]) {
            h.settle("served", || caller.is_done()).await;
            drop(caller.await.unwrap());
        }
        h.until("rest", || pools[1].status().creating == 0).await;
        assert_eq!(pools[1].stats().created, 0, "nobody wanted it");
        nothing_lost(&h, &script, pools).await;
    });
}

/// Stock waits for the backend like everybody, and comes once it is back.
#[test]
fn fault_30_stock_is_made_once_the_backend_is_back() {
    run(|h: OnManual| async move {
        let backend = backend();
        let script = h.script().of(&backend);
        let config = PoolConfig {
            min_idle: 2,
            ..patient(&h)
        };
        let pools: Vec<_> = (0..POOLS)
            .map(|_| h.pool(&script, config.clone()))
            .collect();
        for pool in &pools {
            drop(h.get(pool).await.unwrap());
        }
        h.settle("stock", || pools.iter().all(|pool| pool.status().idle >= 2))
            .await;
        script.always(Callback::Create, Act::Fail);
        pools.iter().for_each(|pool| pool.clear());
        h.advance(Duration::from_secs(60));
        assert!(pools.iter().all(|pool| pool.status().size == 0));
        let before = script.calls(Callback::Create);
        h.advance(Duration::from_secs(60));
        let attempts = script.calls(Callback::Create) - before;
        assert!(
            (1..=12).contains(&attempts),
            "{attempts} in a minute, all pools together"
        );
        script.always(Callback::Create, Act::Good);
        h.settle("the first one's stock", || {
            pools.iter().any(|pool| pool.status().idle >= 1)
        })
        .await;
        let back = h.hand().now();
        h.settle("everybody's stock", || {
            pools.iter().all(|pool| pool.status().idle >= 2)
        })
        .await;
        let took = h.hand().now().since(back);
        assert!(took <= millis(100), "{took:?}");
        nothing_lost(&h, &script, pools).await;
    });
}

#[test]
fn fault_30_limits_are_checked() {
    let refused = |at_once, backoff| -> ValidationError {
        Backend::with_limits("x", at_once, backoff).unwrap_err()
    };
    assert_eq!(
        refused(0, Backoff::default()).field,
        "max_concurrent_creates"
    );
    let backwards = Backoff {
        first: millis(2),
        max: millis(1),
    };
    assert_eq!(refused(1, backwards).field, "create_backoff.max");
}

/// A pool that is closed while its creation waits for leave needs none any more, and its caller is
/// told at once.
async fn closed_while_it_waits_for_leave<H: Harness>(h: H) {
    let backend = Backend::with_limits("orders-db", 1, Backoff::default()).unwrap();
    let script = h.script().of(&backend);
    script.always(Callback::Create, Act::Hang);
    let [first, second] = [h.pool(&script, patient(&h)), h.pool(&script, patient(&h))];
    let busy = h.spawn(h.acquire(&first));
    h.until("the only attempt", || script.inside(Callback::Create) == 1)
        .await;
    let waiting = h.spawn(h.acquire(&second));
    h.until("one that waits", || second.status().creating == 1)
        .await;

    drop(second.close());
    let refused = waiting.await.unwrap_err();
    assert!(matches!(refused, AcquireError::Closed), "{refused}");
    h.until("nothing is left of it", || second.status().creating == 0)
        .await;
    assert_eq!(script.calls(Callback::Create), 1, "it never began");
    assert!(second.audit().balanced(), "{:?}", second.audit());

    script.heal();
    drop(busy.await.expect("an object, late"));
    nothing_lost(&h, &script, vec![first]).await;
}
on_every_runtime!(fault_30_closed_while_it_waits_for_leave: closed_while_it_waits_for_leave);

/// Of two attempts side by side one fails, and the other one succeeds a little later: whoever was
/// refused in between is told at once, and sits no backoff out.
#[test]
fn fault_30_a_recovery_is_told_at_once() {
    run(|h: OnManual| async move {
        let second = Duration::from_secs(1);
        let (first, max) = (second, second);
        let backend = Backend::with_limits("orders-db", AT_ONCE, Backoff { first, max }).unwrap();
        let script = h.script().of(&backend);
        let [refused, trying] = [(); 2].map(|()| h.pool(&script, patient(&h)));
        let slowly = [Act::Slow(millis(100)), Act::SlowFail(millis(50))];
        script.next(Callback::Create, slowly);
        let callers = [(); 2].map(|()| h.spawn(h.acquire(&trying)));
        h.run_until_idle();
        assert_eq!(script.inside(Callback::Create), 2);
        h.advance(millis(60));
        let caller = h.spawn(h.acquire(&refused));
        h.run_until_idle();
        assert_eq!(backend.status().failed_rounds, 1);

        h.advance(millis(40));
        assert_eq!(backend.status().failed_rounds, 0);
        assert!(caller.is_done(), "no time has passed since");
        drop(caller.await.unwrap());
        for caller in callers {
            h.settle("the others", || caller.is_done()).await;
            drop(caller.await.unwrap());
        }
        nothing_lost(&h, &script, vec![refused, trying]).await;
    });
}

/// An attempt that took long, and ended well, is forgotten: the next outage is probed and ends as any.
#[test]
fn fault_30_a_slow_success_leaves_nothing_behind() {
    run(|h: OnManual| async move {
        let backend = backend();
        let script = h.script().of(&backend);
        let pool = h.pool(&script, patient(&h));
        script.next(Callback::Create, [Act::Slow(Duration::from_secs(3))]);
        let first = h.get(&pool).await.expect("made at leisure");
        assert_eq!(backend.status().creating, 0);
        script.next(Callback::Create, [Act::Fail; 2]);
        let second = h.get(&pool).await.expect("made by the third attempt");
        assert_eq!(script.calls(Callback::Create), 4);
        drop((first, second));
        nothing_lost(&h, &script, vec![pool]).await;
    });
}
