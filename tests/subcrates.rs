//! What the sub-crates are for can be had through `nebula_resource` alone. The sub-crates test the
//! rest themselves.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use nebula_resource::clock::{Clock, ManualClock};
use nebula_resource::runtime::{AnyRuntime, Manual, NoRuntime, Runtime, Threads};
use nebula_resource::{
    AcquireError, Backoff, Blocking, BlockingFactory, BoxError, Closing, CreateFailed, Event,
    Factory, Fairness, ObjectInfo, ObjectState, Observer, PoolConfig, RetireReason, Stage, Status,
    Strategy, TimedOut, Totals, ValidationError, WaitSummary, config, engine, prelude, sync,
};

struct Numbers;

impl Factory for Numbers {
    type Object = u32;
    type Error = BoxError;

    async fn create(&self) -> Result<u32, BoxError> {
        Ok(7)
    }
}

impl BlockingFactory for Numbers {
    type Object = u32;
    type Error = Infallible;

    fn create(&self) -> Result<u32, Infallible> {
        Ok(8)
    }
}

struct Deaf;

impl Observer for Deaf {
    fn observe(&self, _event: &Event<'_>) {}
}

#[test]
fn the_async_facade() -> Result<(), BoxError> {
    let builder: nebula_resource::Builder<Numbers> = nebula_resource::Pool::builder(Numbers);
    let pool: nebula_resource::Pool<Numbers> = builder.runtime(Threads).observer(Deaf).build()?;
    smol::block_on(async {
        let guard: nebula_resource::Guard<'_, Numbers> = pool.acquire().await?;
        assert_eq!(*guard, 7);
        drop(guard);
        let owned: nebula_resource::OwnedGuard<Numbers> = pool.acquire_owned().await?;
        drop(owned);
        let closing: Closing = pool.close();
        closing.await;
        Ok(())
    })
}

#[test]
fn the_blocking_facade() -> Result<(), BoxError> {
    let builder: sync::Builder<Numbers> = sync::Pool::builder(Numbers);
    let pool: sync::Pool<Numbers> = builder.runtime(sync::Background::Helpers).build()?;
    let guard: sync::Guard<'_, Numbers> = pool.acquire()?;
    assert_eq!(*guard, 8);
    drop(guard);
    let owned: sync::OwnedGuard<Numbers> = pool.acquire_owned()?;
    drop(owned);
    pool.close().wait();
    Ok(())
}

#[test]
fn both_bridges() -> Result<(), BoxError> {
    let pool = nebula_resource::Pool::new(Blocking::new(Numbers));
    assert_eq!(**pool.acquire_blocking()?, 8);
    let pool = sync::Pool::new(Numbers);
    assert_eq!(*smol::block_on(pool.acquire_async())?, 8);
    Ok(())
}

#[test]
fn the_engine_of_either_pool() -> Result<(), BoxError> {
    fn totals<D: engine::Driver>(pool: &engine::Pool<D>) -> Totals {
        pool.stats()
    }
    let (one, other) = (
        nebula_resource::Pool::new(Numbers),
        sync::Pool::new(Numbers),
    );
    drop(one.acquire_blocking()?);
    drop(other.acquire()?);
    assert_eq!(totals(&one).acquired, totals(&other).acquired);
    Ok(())
}

#[test]
fn configuration_errors_and_inspection() -> Result<(), BoxError> {
    let config = PoolConfig {
        max_size: 1,
        strategy: Strategy::Lifo,
        fairness: Fairness::Strict,
        create_backoff: Backoff::default(),
        ..PoolConfig::default()
    };
    let pool = sync::Pool::builder(Numbers).config(config).build()?;
    let refused: ValidationError = pool.resize(config::MAX_CEILING + 1).unwrap_err();
    assert_eq!(refused.field, "max_size");

    let held = pool.acquire()?;
    let status: Status = pool.status();
    assert_eq!(status.in_use, 1);
    let objects: Vec<ObjectInfo> = pool.objects();
    assert_eq!(objects[0].state, ObjectState::InUse);
    let waits: WaitSummary = pool.stats().wait;
    assert_eq!(waits.count, pool.stats().waited);
    assert_eq!(pool.stats().retired_for(RetireReason::Surplus), 0);

    let error: AcquireError = pool.acquire_timeout(Duration::from_millis(1)).unwrap_err();
    match error {
        AcquireError::TimedOut(report) => {
            let TimedOut { stage, .. } = *report;
            assert_eq!(stage, Stage::Waiting);
        }
        AcquireError::CreateFailed(report) => {
            let CreateFailed { attempts, .. } = *report;
            panic!("{attempts} attempts failed");
        }
        other => panic!("{other}"),
    }
    drop(held);
    Ok(())
}

#[test]
fn runtimes_and_clocks() {
    let manual = Manual::new();
    let _clock: Clock = manual.clock();
    let _hand_moved: Arc<ManualClock> = ManualClock::new();
    let _any: [AnyRuntime; 3] = [manual.into(), NoRuntime.into(), Threads.into()];
    #[cfg(feature = "tokio")]
    assert!(nebula_resource::runtime::Tokio::current().is_err());
    #[cfg(feature = "smol")]
    let _smol: AnyRuntime = nebula_resource::runtime::Smol.into();
}

#[test]
fn the_prelude_is_enough_for_a_small_program() -> Result<(), BoxError> {
    use prelude::*;

    fn all<F: Factory, B: BlockingFactory>(_: &Pool<F>, _: &B) -> Result<(), AcquireError> {
        let _config = PoolConfig {
            strategy: Strategy::Fifo,
            fairness: Fairness::Bounded,
            ..PoolConfig::default()
        };
        Ok(())
    }
    assert_eq!(RetireReason::Closed.name(), "closed");
    Ok(all(&Pool::new(Numbers), &Numbers)?)
}
