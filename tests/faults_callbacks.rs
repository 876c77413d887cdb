//! Rows 1 to 4: what a factory's callbacks may do to a pool, and what that costs: the object at
//! most, and nobody's place.

mod support;

use support::*;

const LONG: Duration = Duration::from_secs(1800);

/// Failures are told at once instead of being waited out.
fn fail_fast<H: Harness>(h: &H) -> PoolConfig {
    PoolConfig {
        fail_fast: true,
        ..h.config()
    }
}

/// Objects that have been idle for long are validated before they are handed out; until then
/// nothing happens to them.
fn validating<H: Harness>(h: &H) -> PoolConfig {
    PoolConfig {
        validate_after: Some(LONG),
        maintenance_every: 2 * LONG,
        idle_timeout: None,
        max_lifetime: None,
        ..h.config()
    }
}

async fn create_panics<H: Harness>(h: H) {
    for act in [Act::Panic, Act::PanicEarly] {
        let script = h.script();
        script.next(Callback::Create, [act]);
        let pool = h.pool(&script, fail_fast(&h));
        let error = h.get(&pool).await.expect_err("create panicked");
        assert!(matches!(error, AcquireError::CreateFailed(_)), "{error:?}");
        let text = causes(&error);
        let what = "create panicked: Create panics on command";
        assert!(text.contains(what), "{text}");
        assert_eq!(pool.audit().permits, 0);
        h.nothing_lost(&pool, &script).await;
    }
}
on_every_runtime!(fault_01_create_panics: create_panics);

/// Without `fail_fast` a caller has until its deadline, and one panic does not cost it that.
async fn create_panics_once<H: Harness>(h: H) {
    let script = h.script();
    script.next(Callback::Create, [Act::Panic]);
    let pool = h.pool(&script, h.config());
    let guard = h.get(&pool).await.expect("the second attempt");
    assert_eq!(script.calls(Callback::Create), 2);
    drop(guard);
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fault_01_create_panics_once: create_panics_once);

/// Every caller in line hears of it at its own deadline, and attempts are few.
async fn create_keeps_panicking<H: Harness>(h: H) {
    let script = h.script();
    script.always(Callback::Create, Act::Panic);
    let pool = h.pool(&script, h.config());
    let callers: Vec<_> = (0..5).map(|_| h.spawn(h.acquire(&pool))).collect();
    h.settle("everybody's error", || callers.iter().all(|c| c.is_done()))
        .await;
    for caller in callers {
        let error = caller.await.expect_err("create panicked");
        let AcquireError::CreateFailed(failed) = &error else {
            panic!("{error:?}");
        };
        assert!(failed.attempts >= 2, "{failed:?}");
    }
    // Two or four at first, then one probe at a time: 50 ms, 100 ms, 200 ms, … apart at least.
    assert!(script.calls(Callback::Create) <= 8);
    assert_eq!(pool.audit().permits, 0);
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fault_01_create_keeps_panicking: create_keeps_panicking);

async fn create_hangs<H: Harness>(h: H) {
    let script = h.script();
    script.next(Callback::Create, [Act::Hang]);
    let pool = h.pool(&script, fail_fast(&h));
    let error = h.get(&pool).await.expect_err("create hangs");
    assert!(matches!(error, AcquireError::CreateFailed(_)), "{error:?}");
    let text = causes(&error);
    assert!(
        text.contains("create took longer than create_timeout"),
        "{text}"
    );
    assert_eq!(pool.audit().permits, 0);
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fault_02_create_hangs: create_hangs);

/// An impatient caller goes, the creation goes on, and the next caller has the object.
async fn create_outlasts_its_caller<H: Harness>(h: H) {
    let script = h.script();
    script.next(Callback::Create, [Act::Hang]);
    let config = PoolConfig {
        acquire_timeout: millis(50),
        create_timeout: Duration::from_secs(3600),
        ..h.config()
    };
    let pool = h.pool(&script, config);
    let error = h.get(&pool).await.expect_err("create hangs");
    let AcquireError::TimedOut(report) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(report.stage, Stage::Creating);
    assert_eq!(pool.status().creating, 1);
    script.heal();
    h.until("the object", || pool.status().idle == 1).await;
    h.nothing_lost(&pool, &script).await;
    assert_eq!(script.calls(Callback::Create), 1);
}
on_every_runtime!(fault_02_create_outlasts_its_caller: create_outlasts_its_caller);

/// While one creation hangs, whoever waits is served by what comes back; and once its time is up,
/// its place is free for another.
async fn others_are_served_while_create_hangs<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, h.config());
    let first = h.get(&pool).await.expect("the first object");
    script.next(Callback::Create, [Act::Hang]);
    let waiting = h.spawn(h.acquire(&pool));
    h.until("the creation", || script.inside(Callback::Create) == 1)
        .await;
    drop(first);
    h.until("the object that came back", || waiting.is_done())
        .await;
    let served = waiting.await.expect("the object that came back");
    assert_eq!(served.id, 1);
    assert_eq!(pool.status().creating, 1);
    h.settle("the end of the creation", || pool.status().creating == 0)
        .await;
    assert_eq!(pool.audit().permits, 1);
    let second = h.get(&pool).await.expect("the freed permit");
    drop((served, second));
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(
    fault_02_others_are_served_while_create_hangs: others_are_served_while_create_hangs
);

/// One bad validation costs its object, and its caller a little time: it gets the other one.
async fn validate_goes_wrong<H: Harness>(h: H) {
    for (act, reason) in [
        (Act::Hang, RetireReason::TimedOut),
        (Act::Panic, RetireReason::Panicked),
        (Act::PanicEarly, RetireReason::Panicked),
        (Act::Fail, RetireReason::Invalid),
    ] {
        let script = h.script();
        let pool = h.pool(&script, validating(&h));
        h.stock(&pool, 2).await;
        h.advance(LONG);
        script.next(Callback::Validate, [act]);
        let guard = h.get(&pool).await.expect("the other object");
        assert_eq!(script.calls(Callback::Validate), 2, "{act:?}");
        assert_eq!(script.made(), 2, "{act:?}: the good one was there");
        assert_eq!(pool.stats().retired_for(reason), 1, "{act:?}");
        assert_eq!(pool.status().size, 1, "{act:?}");
        let good = guard.id;
        drop(guard);
        h.settle("the burial", || script.retired_for() == [reason])
            .await;
        let again = h.get(&pool).await.expect("the same object");
        assert_eq!(again.id, good, "{act:?}: a bad object was handed out");
        drop(again);
        h.nothing_lost(&pool, &script).await;
    }
}
on_every_runtime!(fault_03_validate_goes_wrong: validate_goes_wrong);

/// With nothing but bad objects the caller ends with a new one.
async fn every_validation_goes_wrong<H: Harness>(h: H) {
    for act in [Act::Hang, Act::Panic, Act::Fail] {
        let script = h.script();
        let pool = h.pool(&script, validating(&h));
        let old = h.stock(&pool, 2).await;
        h.advance(LONG);
        script.always(Callback::Validate, act);
        let guard = h.get(&pool).await.expect("a new object");
        assert!(!old.contains(&guard.id), "{act:?}");
        assert_eq!(pool.stats().retired, 2, "{act:?}");
        drop(guard);
        h.nothing_lost(&pool, &script).await;
    }
}
on_every_runtime!(fault_03_every_validation_goes_wrong: every_validation_goes_wrong);

/// It says that a dead object lives. Its holder finds out and says so: nobody else gets it, and
/// its siblings are looked at before they are handed out.
async fn validate_lies_once<H: Harness>(h: H) {
    for discards in [true, false] {
        let script = h.script();
        let pool = h.pool(&script, validating(&h));
        h.stock(&pool, 2).await;
        let mut dead = h.get(&pool).await.expect("an object that only looks well");
        let id = dead.id;
        if discards {
            dead.discard();
        } else {
            dead.broken = true;
            drop(dead);
        }
        assert_eq!(pool.stats().retired_for(RetireReason::Broken), 1);
        let other = h.get(&pool).await.expect("the other object");
        assert_ne!(other.id, id);
        assert_eq!(script.calls(Callback::Validate), 1);
        drop(other);
        h.nothing_lost(&pool, &script).await;
    }
}
on_every_runtime!(fault_03_validate_lies_once: validate_lies_once);

/// The guard's drop returns with time standing still and without a callback; the next caller pays
/// at most the bound, and the object is gone.
async fn recycle_goes_wrong<H: Harness>(h: H) {
    for (act, reason) in [
        (Act::Hang, RetireReason::TimedOut),
        (Act::Panic, RetireReason::Panicked),
        (Act::PanicEarly, RetireReason::Panicked),
        (Act::Fail, RetireReason::RecycleFailed),
    ] {
        let script = h.script().recycle_blocks();
        recycle_fails(&h, script, act, reason).await;
    }
}
on_every_runtime!(fault_04_recycle_goes_wrong: recycle_goes_wrong);

async fn recycle_fails<H: Harness>(h: &H, script: Script, act: Act, reason: RetireReason) {
    let pool = h.pool(&script, h.config());
    let guard = h.get(&pool).await.expect("an object");
    let id = guard.id;
    script.next(Callback::Recycle, [act]);
    drop(guard);
    assert_eq!(script.calls(Callback::Recycle), 0, "{act:?}: in the drop");
    let next = h.get(&pool).await.expect("a new object");
    assert_ne!(next.id, id, "{act:?}: handed out unclean");
    assert_eq!(pool.stats().retired_for(reason), 1, "{act:?}");
    drop(next);
    h.nothing_lost(&pool, &script).await;
    assert_eq!(script.retired_for(), [reason], "{act:?}");
    // Of a callback that never answered there is nothing to tell but that.
    let told = script.told().contains(&Told::CheckFailed(1));
    assert_eq!(told, act != Act::Hang, "{act:?}");
}

/// On the caller's own thread, where a blocking pool recycles unless told otherwise.
async fn recycle_goes_wrong_in_place<H: Harness>(h: H) {
    for (act, reason) in [
        (Act::Panic, RetireReason::Panicked),
        (Act::Fail, RetireReason::RecycleFailed),
    ] {
        recycle_fails(&h, h.script(), act, reason).await;
    }
}
on_every_runtime!(fault_04_recycle_goes_wrong_in_place: recycle_goes_wrong_in_place);

/// `release` waits for the recycling; that is bounded too, and its panics stay inside.
async fn recycle_goes_wrong_in_release<H: Harness>(h: H) {
    for (act, reason) in [
        (Act::Hang, RetireReason::TimedOut),
        (Act::Panic, RetireReason::Panicked),
        (Act::Fail, RetireReason::RecycleFailed),
    ] {
        let script = h.script().recycle_blocks();
        let pool = h.pool(&script, h.config());
        let guard = h.get(&pool).await.expect("an object");
        script.next(Callback::Recycle, [act]);
        let release = h.spawn(guard.release());
        h.settle("the release", || release.is_done()).await;
        release.await;
        assert_eq!(pool.stats().retired_for(reason), 1, "{act:?}");
        h.nothing_lost(&pool, &script).await;
    }
}
on_every_runtime!(fault_04_recycle_goes_wrong_in_release: recycle_goes_wrong_in_release);

/// A destruction that hangs or panics holds up nobody: its permit was free before it began.
async fn destroy_goes_wrong<H: Harness>(h: H) {
    for act in [Act::Hang, Act::Panic, Act::PanicEarly] {
        let script = h.script();
        let config = PoolConfig {
            max_size: 1,
            ..h.config()
        };
        let pool = h.pool(&script, config);
        script.next(Callback::Destroy, [act]);
        h.get(&pool).await.expect("an object").discard();
        let next = h.get(&pool).await.expect("a new object");
        assert_eq!(next.id, 2, "{act:?}");
        h.settle("the burial", || pool.stats().destroyed == 1).await;
        assert_eq!(script.calls(Callback::Destroy), 1, "{act:?}");
        drop(next);
        h.nothing_lost(&pool, &script).await;
    }
}
on_every_runtime!(fault_04_destroy_goes_wrong: destroy_goes_wrong);

/// Asked in the guard's drop, a panicking `is_broken` costs the object, not the holder.
async fn is_broken_panics<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, h.config());
    let guard = h.get(&pool).await.expect("an object");
    script.next(Callback::IsBroken, [Act::Panic]);
    drop(guard);
    assert_eq!(pool.stats().retired_for(RetireReason::Panicked), 1);
    h.nothing_lost(&pool, &script).await;
}
on_every_runtime!(fault_04_is_broken_panics: is_broken_panics);
