//! A change of the configuration: each of its fields, to values that matter within a history.
//!
//! Decides nothing about what follows.

use std::time::Duration;

use nebula_resource::config::Backoff;
use nebula_resource::{Fairness, PoolConfig, Strategy};
use proptest::prelude::{Just, prop_oneof};
use proptest::sample::select;
use proptest::strategy::Strategy as Generator;

/// One field, and its new value.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    MaxSize(usize),
    MinIdle(usize),
    Strategy(Strategy),
    Fairness(Fairness),
    AcquireTimeout(u64),
    CreateTimeout(u64),
    ValidateTimeout(u64),
    RecycleTimeout(u64),
    DestroyTimeout(u64),
    IdleTimeout(Option<u64>),
    MaxLifetime(Option<u64>),
    LifetimeJitter,
    MaxUses(Option<u64>),
    ValidateAfter(Option<u64>),
    KeepaliveEvery(Option<u64>),
    LeakAfter(Option<u64>),
    MaxWaiting(Option<usize>),
    ShedAfter(Option<u64>),
    MaxConcurrentCreates(usize),
    FailFast(bool),
    CreateBackoff(u64),
    WarmOnRegister(bool),
    WarmConcurrency(usize),
    MaintenanceEvery(u64),
}

use Change::*;

const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn span(count: Option<u64>) -> Option<Duration> {
    count.map(seconds)
}

/// Short: a history must not wait for it.
pub(crate) const fn backoff(millis: u64) -> Backoff {
    Backoff {
        first: Duration::from_millis(millis),
        max: Duration::from_millis(millis),
    }
}

impl Change {
    pub(crate) fn apply(&self, config: &mut PoolConfig) {
        match *self {
            MaxSize(count) => config.max_size = count,
            MinIdle(count) => config.min_idle = count,
            Strategy(strategy) => config.strategy = strategy,
            Fairness(fairness) => config.fairness = fairness,
            AcquireTimeout(count) => config.acquire_timeout = seconds(count),
            CreateTimeout(count) => config.create_timeout = seconds(count),
            ValidateTimeout(count) => config.validate_timeout = seconds(count),
            RecycleTimeout(count) => config.recycle_timeout = seconds(count),
            DestroyTimeout(count) => config.destroy_timeout = seconds(count),
            IdleTimeout(count) => config.idle_timeout = span(count),
            MaxLifetime(count) => config.max_lifetime = span(count),
            // Only one value leaves nothing to chance.
            LifetimeJitter => config.lifetime_jitter = 0.0,
            MaxUses(count) => config.max_uses = count,
            ValidateAfter(count) => config.validate_after = span(count),
            KeepaliveEvery(count) => config.keepalive_every = span(count),
            LeakAfter(count) => config.leak_after = span(count),
            // Callers come one by one here, and whoever is alone is never turned away.
            MaxWaiting(count) => config.max_waiting = count,
            ShedAfter(count) => config.shed_after = span(count),
            MaxConcurrentCreates(count) => config.max_concurrent_creates = count,
            FailFast(yes) => config.fail_fast = yes,
            CreateBackoff(millis) => config.create_backoff = backoff(millis),
            WarmOnRegister(yes) => config.warm_on_register = yes,
            WarmConcurrency(count) => config.warm_concurrency = count,
            MaintenanceEvery(count) => config.maintenance_every = seconds(count),
        }
    }
}

/// Times are tens of seconds, as are the steps of a history, so that nothing hangs on a millisecond;
/// a keepalive comes up to a tenth early, which is less than ten seconds here.
pub(crate) fn change() -> impl Generator<Value = Change> {
    let bound = || 5_u64..9;
    let tens = |values: &'static [u64]| proptest::option::of(select(values));
    let policies = [Fairness::Bounded, Fairness::Strict];
    let strategies = [
        Strategy::Fifo,
        Strategy::Lru,
        Strategy::Lifo,
        Strategy::Affine,
    ];
    let usual = prop_oneof![
        (1_usize..6).prop_map(MaxSize),
        (0_usize..4).prop_map(MinIdle),
        tens(&[20, 50, 120]).prop_map(IdleTimeout),
        tens(&[60, 150, 300]).prop_map(MaxLifetime),
        proptest::option::of(1_u64..4).prop_map(MaxUses),
        tens(&[0, 20, 40]).prop_map(ValidateAfter),
        tens(&[50, 80]).prop_map(KeepaliveEvery),
        select(strategies.to_vec()).prop_map(Strategy),
        select(policies.to_vec()).prop_map(Fairness),
    ];
    let rare = prop_oneof![
        (26_u64..60).prop_map(AcquireTimeout),
        bound().prop_map(CreateTimeout),
        bound().prop_map(ValidateTimeout),
        bound().prop_map(RecycleTimeout),
        bound().prop_map(DestroyTimeout),
        Just(LifetimeJitter),
        tens(&[20, 50]).prop_map(LeakAfter),
        proptest::option::of(0_usize..4).prop_map(MaxWaiting),
        tens(&[0, 20]).prop_map(ShedAfter),
        (0_usize..4).prop_map(MaxConcurrentCreates),
        proptest::bool::ANY.prop_map(FailFast),
        (1_u64..3).prop_map(CreateBackoff),
        proptest::bool::ANY.prop_map(WarmOnRegister),
        (0_usize..3).prop_map(WarmConcurrency),
        select(vec![3500_u64, 3600, 7200]).prop_map(MaintenanceEvery),
    ];
    prop_oneof![3 => usual, 1 => rare]
}
