//! What each stage takes for well, and where looking ends.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use nebula_resource_core::park::block_on;
use nebula_resource_core::{BlockingFactory, BoxError, Pool};
use proptest::prelude::*;

use super::*;

struct Nothing;

impl BlockingFactory for Nothing {
    type Object = ();
    type Error = BoxError;

    fn create(&self) -> Result<(), BoxError> {
        Ok(())
    }
}

fn idle() -> Status {
    let pool = nebula_resource_sync::Pool::new(Nothing);
    Pool::status(&pool)
}

fn examination(probed: HealthState, latency: Option<Duration>) -> Examination {
    let answer = Probed {
        state: probed,
        latency,
    };
    Examination {
        key: Key::new("db").unwrap(),
        scope: Scope::GLOBAL,
        pool: idle(),
        oldest_waiter: None,
        needs: Vec::new(),
        asking: Mutex::new(Some(Box::pin(ready(answer)))),
        probed: Mutex::new(None),
    }
}

fn look(examination: &Examination, stages: &[Arc<dyn Stage>]) -> (HealthState, Vec<String>) {
    let mut at = Vec::new();
    let looking = examination.go_through(stages, |name| at.push(name.to_owned()));
    let state = block_on(looking);
    (state, at)
}

fn well() -> Examination {
    examination(HealthState::Healthy, Some(Duration::from_millis(300)))
}

fn boxed(stage: impl Stage) -> Arc<dyn Stage> {
    Arc::new(stage)
}

#[test]
fn the_first_that_finds_it_unhealthy_is_the_last() {
    let dead = examination(HealthState::unhealthy("refused"), None);
    let all = || {
        [
            boxed(Dependencies),
            boxed(Connectivity),
            boxed(Utilization(0.5)),
        ]
    };
    let (state, at) = look(&dead, &all());
    assert_eq!(state, HealthState::unhealthy("refused"));
    assert_eq!(at, ["dependencies", "connectivity"]);
    let (state, at) = look(&well(), &all());
    assert_eq!((state, at.len()), (HealthState::Healthy, 3));
}

#[test]
fn the_worst_counts_wherever_it_was_found() {
    let mut tired = examination(HealthState::degraded("tired", 0.1).unwrap(), None);
    tired.needs = vec![(Key::new("disk").unwrap(), HealthState::unhealthy("full"))];
    let (state, _) = look(&tired, &[boxed(Connectivity), boxed(Dependencies)]);
    assert_eq!(
        state.to_string(),
        "degraded by 50 %: \"disk\" is unhealthy: full"
    );
    let (state, _) = look(&tired, &[boxed(Connectivity)]);
    assert_eq!(
        state.to_string(),
        "degraded by 10 %: tired",
        "it is not asked again"
    );
}

#[test]
fn slow_answers_are_degraded_by_what_they_lose() {
    let fast = Performance::slower_than(Duration::from_millis(300));
    let slow = Performance::slower_than(Duration::from_millis(150));
    let (state, _) = look(&well(), &[boxed(Connectivity), boxed(fast)]);
    assert_eq!(state, HealthState::Healthy);
    let (state, _) = look(&well(), &[boxed(Connectivity), boxed(slow)]);
    assert_eq!(
        state.to_string(),
        "degraded by 50 %: it took 300ms to answer, more than 150ms"
    );
    let (state, _) = look(&well(), &[boxed(slow)]);
    assert_eq!(state, HealthState::Healthy, "nobody was asked");
}

#[test]
fn a_pool_that_is_all_in_use_is_degraded_by_those_who_wait() {
    let mut busy = well();
    (busy.pool.max_size, busy.pool.in_use, busy.pool.waiting) = (10, 10, 10);
    let stage = Utilization::above(0.9).unwrap();
    let (state, _) = look(&busy, &[boxed(stage)]);
    assert!(
        matches!(&state, HealthState::Degraded { impact, .. } if impact.get() == 0.5),
        "{state}"
    );
    busy.pool.in_use = 9;
    busy.pool.waiting = 0;
    assert_eq!(look(&busy, &[boxed(stage)]).0, HealthState::Healthy);
}

#[test]
fn what_is_not_known_of_a_need_does_not_count() {
    let mut alone = well();
    alone.needs = vec![(Key::new("disk").unwrap(), HealthState::Unknown)];
    assert_eq!(look(&alone, &[boxed(Dependencies)]).0, HealthState::Healthy);
}

proptest! {
    #[test]
    fn a_threshold_is_a_part(threshold in any::<f64>()) {
        let accepted = Utilization::above(threshold).is_ok();
        prop_assert_eq!(accepted, (0.0..=1.0).contains(&threshold));
    }

    #[test]
    fn no_stage_but_the_first_finds_it_unhealthy(
        in_use in 0_usize..100, waiting in 0_usize..10_000, max_size in 0_usize..100,
        nanos in any::<u64>(), threshold in any::<u64>(),
    ) {
        let mut any = examination(HealthState::Healthy, Some(Duration::from_nanos(nanos)));
        (any.pool.in_use, any.pool.waiting, any.pool.max_size) = (in_use, waiting, max_size);
        any.needs = vec![(Key::new("disk").unwrap(), HealthState::beyond_recovery("gone"))];
        let slow = Performance::slower_than(Duration::from_nanos(threshold));
        let stages = [boxed(Connectivity), boxed(slow), boxed(Utilization(0.9)), boxed(Dependencies)];
        prop_assert!(look(&any, &stages).0.is_served());
    }
}
