//! What the benchmarks share: factories whose callbacks cost nothing, and pools filled from them.
//!
//! Measures nothing itself.

pub mod figures;

use nebula_resource::{
    BlockingFactory, CreateContext, Factory, Pool, PoolConfig, Resource, Strategy, sync,
};

/// Makes numbers, at no cost.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numbers;

impl Factory for Numbers {
    type Object = u64;
    type Error = String;

    async fn create(&self) -> Result<u64, String> {
        Ok(0)
    }
}

impl BlockingFactory for Numbers {
    type Object = u64;
    type Error = String;

    fn create(&self) -> Result<u64, String> {
        Ok(0)
    }
}

impl Resource for Numbers {
    type Config = ();
    type Instance = u64;
    type Error = String;

    async fn create(&self, (): &(), _: &CreateContext) -> Result<u64, String> {
        Ok(0)
    }
}

/// The strategies that differ in how they store idle objects.
pub const STRATEGIES: [Strategy; 3] = [Strategy::Affine, Strategy::Fifo, Strategy::Lifo];

fn config(strategy: Strategy, objects: usize) -> PoolConfig {
    PoolConfig {
        max_size: objects,
        strategy,
        ..PoolConfig::default()
    }
}

/// A blocking pool of `objects` idle objects.
///
/// # Panics
///
/// When the pool cannot be made: a benchmark has no use for an error.
pub fn blocking_pool(strategy: Strategy, objects: usize) -> sync::Pool<Numbers> {
    let pool = sync::Pool::builder(Numbers)
        .config(config(strategy, objects))
        .build()
        .expect("a valid configuration");
    drop(pool.acquire_many(objects).expect("objects at no cost"));
    pool
}

/// An async pool of `objects` idle objects.
///
/// # Panics
///
/// When the pool cannot be made: a benchmark has no use for an error.
pub fn async_pool(strategy: Strategy, objects: usize) -> Pool<Numbers> {
    let pool = Pool::builder(Numbers)
        .config(config(strategy, objects))
        .build()
        .expect("a valid configuration");
    let all = pool.acquire_blocking_many(objects);
    drop(all.expect("objects at no cost"));
    pool
}
