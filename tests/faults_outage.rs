//! Rows 12, 13 and 14 at the level of a pool: a backend that is down and comes back, one that was
//! restarted while idle objects look fine, and one that accepts and never answers.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::BTreeSet;

use support::*;

const SECOND: Duration = Duration::from_secs(1);
const CALLERS: usize = 64;
const MOST: usize = 3;

/// Callers outlast every outage here.
fn patient<H: Harness>(h: &H) -> PoolConfig {
    PoolConfig {
        max_size: 16,
        max_concurrent_creates: MOST,
        acquire_timeout: Duration::from_secs(3600),
        create_timeout: 10 * SECOND,
        validate_timeout: 10 * SECOND,
        recycle_timeout: 10 * SECOND,
        ..h.config()
    }
}

/// So many callers, each of which takes one object and gives it back.
fn callers<H: Harness>(
    h: &H,
    pool: &H::Pool,
    count: usize,
) -> Vec<Task<Result<u64, AcquireError>>> {
    let one = || {
        let acquire = h.acquire(pool);
        h.spawn(async move { acquire.await.map(|guard| guard.id) })
    };
    (0..count).map(|_| one()).collect()
}

async fn ends<H: Harness>(h: &H, callers: Vec<Task<Result<u64, AcquireError>>>) -> Vec<u64> {
    let mut ids = Vec::new();
    for caller in callers {
        h.until("a caller's end", || caller.is_done()).await;
        ids.push(caller.await.expect("nobody sees the outage"));
    }
    ids
}

/// Moves time on in small steps, and gives threads and tasks the time to follow.
async fn pass<H: Harness>(h: &H, span: Duration) {
    for _ in 0..span.as_millis() / 50 {
        h.advance(millis(50));
        h.nap().await;
    }
}

/// Down from the beginning, or with everything lost at once; for a minute; and back.
async fn outage<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, patient(&h));
    for round in 0..2 {
        script.always(Callback::Create, Act::SlowFail(millis(20)));
        script.recount();
        let waiting = callers(&h, &pool, CALLERS);
        h.until("the line", || pool.status().waiting == CALLERS)
            .await;
        pass(&h, SECOND).await;
        let most = script.most_inside(Callback::Create);
        assert!(most <= MOST, "{most} attempts at once, round {round}");

        script.recount();
        pass(&h, 60 * SECOND).await;
        // One that a busy machine holds up for a second of this clock's is joined by the next.
        let probes = if H::KEEPS_UP { 1 } else { 2 };
        let most = script.most_inside(Callback::Create);
        assert!(most <= probes, "{most} probes at once");
        let attempts = script.begun(Callback::Create).len();
        // One every half to whole second; half of that where threads do not keep up.
        assert!((25..=120).contains(&attempts), "{attempts} in a minute");
        assert_eq!(pool.status().waiting, CALLERS, "nobody gave up");

        script.always(Callback::Create, Act::Good);
        pass(&h, SECOND).await;
        // Time stands still from here: they are served, or will not be within the second.
        ends(&h, waiting).await;
        assert!(script.most_inside(Callback::Create) <= MOST);
        pool.clear();
    }
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fault_12_an_outage_under_load: outage);

/// The pauses between probes are random, and within bounds.
async fn pauses(h: OnManual) {
    let script = h.script();
    script.always(Callback::Create, Act::Fail);
    let pool = h.pool(&script, patient(&h));
    let waiting = callers(&h, &pool, CALLERS);
    h.advance(10 * SECOND);
    script.recount();
    h.advance(100 * SECOND);
    let begun = script.begun(Callback::Create);
    let pauses: Vec<_> = begun.windows(2).map(|two| two[1].since(two[0])).collect();
    assert!(
        pauses
            .iter()
            .all(|pause| (millis(400)..=millis(800)).contains(pause)),
        "{pauses:?}"
    );
    let different: BTreeSet<_> = pauses.iter().map(Duration::as_millis).collect();
    assert!(different.len() > pauses.len() / 3, "{different:?}");
    script.heal();
    let back = h.hand().now();
    let ends = callers(&h, &pool, 1);
    h.settle("everybody", || {
        waiting.iter().chain(&ends).all(Task::is_done)
    })
    .await;
    assert!(h.hand().now().since(back) <= SECOND);
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn fault_12_probes_are_jittered() {
    run(pauses);
}

/// The oldest goes first, and is trusted for half a second.
fn restartable<H: Harness>(h: &H) -> PoolConfig {
    PoolConfig {
        max_size: 8,
        max_concurrent_creates: 8,
        strategy: nebula_resource::Strategy::Fifo,
        validate_after: Some(millis(500)),
        ..patient(h)
    }
}

/// Idle objects, one of them fresh, all dead: the first that is found out has the others looked at.
async fn restarted_while_idle<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, restartable(&h));
    let old = h.stock(&pool, 5).await;
    h.advance(millis(600));
    // Trusted for another half second; with the oldest first, it comes last.
    let fresh = h.get(&pool).await.unwrap();
    assert_eq!(script.calls(Callback::Validate), 1);
    drop(fresh);
    script.restart();
    let caller = h.spawn(h.acquire(&pool));
    h.until("a caller", || caller.is_done()).await;
    let new = caller.await.expect("no error for the caller");
    assert!(!old.contains(&new.id), "{} is dead", new.id);
    assert_eq!(
        script.calls(Callback::Validate),
        6,
        "each of the five asked once more"
    );
    drop(new);
    assert_eq!(
        h.get(&pool).await.unwrap().id,
        6,
        "what is younger is trusted"
    );
    assert_eq!(script.calls(Callback::Validate), 6);
    h.nothing_lost(&pool, &script).await;
    assert_eq!(script.retired_for(), [RetireReason::Invalid; 5]);
}
on_every_runtime!(fault_13_one_dead_object_makes_the_older_ones_suspect: restarted_while_idle);

/// Guards were out when it happened, and come back afterwards: nobody is handed what they held.
async fn restarted_while_held<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, restartable(&h));
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(h.get(&pool).await.unwrap());
    }
    let (mut noticed, before) = (held.pop().unwrap(), held.pop().unwrap());
    // One is back when the restart has not been noticed yet, and is trusted: nobody could know.
    drop(before);
    script.restart();
    // Its holder met the error.
    noticed.broken = true;
    drop(noticed);
    drop(held);
    let ids = ends(&h, callers(&h, &pool, CALLERS)).await;
    assert!(ids.iter().all(|id| *id > 4), "{ids:?}");
    h.nothing_lost(&pool, &script).await;
    let mut reasons = script.retired_for();
    reasons.sort_by_key(|reason| *reason == RetireReason::Broken);
    assert_eq!(reasons[..3], [RetireReason::Invalid; 3]);
    assert_eq!(reasons[3..], [RetireReason::Broken]);
}
on_every_runtime!(fault_13_what_was_held_over_a_restart_is_suspect: restarted_while_held);

/// Everything is stale and dead, and many come at once: all of them go on, none with an error.
async fn restarted_under_load<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, restartable(&h));
    let old = h.stock(&pool, 8).await;
    h.advance(SECOND);
    script.restart();
    let ids = ends(&h, callers(&h, &pool, CALLERS)).await;
    assert!(ids.iter().all(|id| !old.contains(id)), "{ids:?}");
    h.nothing_lost(&pool, &script).await;
    assert_eq!(script.retired_for(), [RetireReason::Invalid; 8]);
}
on_every_runtime!(fault_13_nobody_sees_a_restart: restarted_under_load);

/// Everything hangs: each caller has its error in time, what hung is gone, and it is over when it is over.
async fn black_hole<H: Harness>(h: H) {
    let script = h.script().recycle_blocks();
    let config = PoolConfig {
        max_size: 8,
        max_concurrent_creates: MOST,
        validate_after: Some(millis(500)),
        ..h.config()
    };
    let pool = h.pool(&script, config);
    h.stock(&pool, 4).await;
    h.advance(SECOND);
    for callback in [Callback::Create, Callback::Validate, Callback::Recycle] {
        script.always(callback, Act::Hang);
    }
    let waiting = callers(&h, &pool, 16);
    h.until("somebody inside", || {
        script.inside(Callback::Validate) + script.inside(Callback::Recycle) > 0
    })
    .await;
    for caller in waiting {
        h.settle("an error", || caller.is_done()).await;
        let error = caller.await.unwrap_err();
        let typed = matches!(
            error,
            AcquireError::TimedOut(_) | AcquireError::CreateFailed(_)
        );
        assert!(typed, "{error}");
    }
    assert!(pool.status().creating <= MOST);
    assert!(
        script
            .retired_for()
            .iter()
            .all(|why| *why == RetireReason::TimedOut)
    );
    assert_eq!(pool.stats().retired, 4, "what hung is gone");
    assert_eq!((pool.status().idle, pool.status().checking), (0, 0));
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fault_14_a_black_hole: black_hole);

/// One connect hangs while objects are out. For a second it may still answer; then it keeps nobody
/// from having others made, and whoever comes back serves them besides.
async fn one_hangs(h: OnManual) {
    let script = h.script();
    let pool = h.pool(
        &script,
        PoolConfig {
            max_concurrent_creates: 4,
            ..patient(&h)
        },
    );
    let mut out = Vec::new();
    for _ in 0..3 {
        out.push(h.get(&pool).await.unwrap());
    }
    script.next(Callback::Create, [Act::Hang]);
    script.always(Callback::Create, Act::Slow(millis(100)));
    let hold = |h: &OnManual, count| -> Vec<_> {
        (0..count)
            .map(|_| h.spawn(h.acquire(&pool)))
            .collect::<Vec<_>>()
    };
    let waiting = hold(&h, 8);
    let served =
        |waiting: &[Task<Acquired<OnManual>>]| waiting.iter().filter(|w| w.is_done()).count();
    h.advance(millis(900));
    assert_eq!((served(&waiting), script.inside(Callback::Create)), (0, 1));
    out.pop();
    h.advance(Duration::ZERO);
    assert_eq!(served(&waiting), 1, "one that came back");
    h.advance(millis(200));
    assert_eq!(served(&waiting), 2, "one that was made");
    h.advance(SECOND);
    // Long before the one that hangs is given up. As many are on their way as somebody lacks, so the
    // last one waits for that, or for one that comes back.
    assert_eq!((served(&waiting), script.inside(Callback::Create)), (7, 1));
    out.pop();
    h.advance(Duration::ZERO);
    assert_eq!(served(&waiting), 8);
    assert!(script.most_inside(Callback::Create) <= 4);
    let guards = waiting;
    h.advance(10 * SECOND);
    assert_eq!(script.inside(Callback::Create), 0, "given up");
    assert_eq!(pool.stats().create_failures, 1);
    drop((guards, out));
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn fault_14_a_connect_that_hangs_does_not_keep_others_from_being_made() {
    run(one_hangs);
}

/// All that are begun hang: as many as may be, a second apart, and no more.
async fn all_hang(h: OnManual) {
    let script = h.script();
    let pool = h.pool(&script, patient(&h));
    let out = h.get(&pool).await.unwrap();
    script.always(Callback::Create, Act::Hang);
    let waiting = callers(&h, &pool, CALLERS);
    for (after, inside) in [(millis(900), 1), (SECOND, 2), (SECOND, 3), (5 * SECOND, 3)] {
        h.advance(after);
        assert_eq!(script.inside(Callback::Create), inside);
    }
    drop(out);
    h.advance(Duration::ZERO);
    ends(&h, waiting).await;
    assert_eq!(script.most_inside(Callback::Create), MOST);
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn fault_14_what_hangs_is_bounded() {
    run(all_hang);
}
