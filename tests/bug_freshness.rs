//! What a pool trusted without a look was wrong in four ways. An object that was idle across a
//! `reconfigure` kept the trust of the old configuration: it was not validated when due, and handed out
//! past its life. A caller whose deadline cut a validation short made the pool suspect all objects. And
//! an object whose creation had begun before `clear` passed for one made after it.

mod support;

use nebula_resource::Strategy;
use support::*;

const HOUR: Duration = Duration::from_secs(3600);

/// Trusts without end, and does no maintenance on its own.
fn trusting(h: &OnManual) -> PoolConfig {
    PoolConfig {
        maintenance_every: HOUR,
        idle_timeout: None,
        max_lifetime: None,
        ..h.config()
    }
}

async fn trust_is_withdrawn(h: OnManual) {
    let script = h.script();
    let pool = h.pool(&script, trusting(&h));
    h.stock(&pool, 1).await;
    h.run_until_idle();
    pool.reconfigure(|config| {
        config.validate_after = Some(millis(500));
        config.max_lifetime = Some(Duration::from_secs(20));
    })
    .expect("a valid configuration");
    h.run_until_idle();
    h.advance(Duration::from_secs(10));
    drop(pool.acquire().await.expect("an object"));
    assert_eq!(script.calls(Callback::Validate), 1);
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn bug_validation_skipped_after_reconfigure() {
    run(trust_is_withdrawn);
}

async fn life_is_shortened(h: OnManual) {
    let script = h.script();
    let pool = h.pool(&script, trusting(&h));
    h.stock(&pool, 1).await;
    h.run_until_idle();
    pool.reconfigure(|config| config.max_lifetime = Some(Duration::from_secs(20)))
        .expect("a valid configuration");
    h.run_until_idle();
    h.advance(Duration::from_secs(60));
    let guard = pool.acquire().await.expect("an object");
    assert_eq!(guard.id, 2, "{:?}", guard.info());
    drop(guard);
    h.nothing_lost(&pool, &script).await;
    assert_eq!(script.retired_for(), [RetireReason::MaxLifetime]);
}

#[test]
fn bug_expired_handed_out_after_reconfigure() {
    run(life_is_shortened);
}

async fn a_caller_in_a_hurry(h: OnManual) {
    let script = h.script();
    let config = PoolConfig {
        strategy: Strategy::Fifo,
        validate_after: Some(Duration::from_secs(1)),
        validate_timeout: Duration::from_secs(5),
        ..trusting(&h)
    };
    let pool = h.pool(&script, config);
    let stale = h.get(&pool).await.expect("an object");
    let fresh = h.get(&pool).await.expect("another object");
    drop(stale);
    h.advance(Duration::from_secs(2));
    drop(fresh);
    script.always(Callback::Validate, Act::Hang);
    let late = pool.acquire_timeout(millis(5)).await;
    assert!(late.is_err(), "the stale one comes first");
    assert_eq!(script.calls(Callback::Validate), 1);
    drop(pool.acquire().await.expect("the fresh one"));
    assert_eq!(script.calls(Callback::Validate), 1, "it was not trusted");
    assert_eq!(pool.stats().retired, 1);
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn bug_short_deadline_raises_suspicion() {
    run(a_caller_in_a_hurry);
}

async fn made_across_a_clear(h: OnManual) {
    let script = h.script();
    script.always(Callback::Create, Act::Hang);
    let config = PoolConfig {
        create_timeout: Duration::from_secs(20),
        ..trusting(&h)
    };
    let pool = h.pool(&script, config);
    let mut caller = Hand::new(pool.acquire());
    assert!(caller.poll().is_pending());
    h.run_until_idle();
    assert_eq!(script.inside(Callback::Create), 1);
    pool.clear();
    script.heal();
    h.run_until_idle();
    drop(caller.into_future().await);
    // Whether it was handed out once or not at all: it does not stay.
    h.nothing_lost(&pool, &script).await;
    assert_eq!(script.retired_for(), [RetireReason::Cleared]);
}

#[test]
fn bug_clear_misses_creations_under_way() {
    run(made_across_a_clear);
}
