//! Whether a pool can make instances at all, found out by making some.
//!
//! Decides how many, and how patiently. Knows nothing of what follows from it.

use nebula_resource_core::{AcquireError, Pool};

use crate::manager::driver::ResourceDriver;
use crate::resource::Resource;

/// Has `pool` make its first instances, by its own rules for who waits, within its `acquire_timeout` for
/// all of them together.
pub(crate) async fn prove<R: Resource>(
    pool: &Pool<ResourceDriver<R>>,
    at_once: bool,
) -> Result<(), AcquireError> {
    let config = pool.config();
    let (count, most) = match config.warm_on_register {
        true => (config.min_idle.max(1), config.warm_concurrency),
        false => (1, 1),
    };
    let creates = config.max_concurrent_creates;
    let (hurries, holds_back) = (at_once && !config.fail_fast, most < creates && count > 1);
    if !hurries && !holds_back {
        return pool.acquire_async_many(count).await.map(drop);
    }
    // Nobody else knows this pool yet. What is valid stays so whether or not it fails fast, and with
    // fewer creations at once.
    let _valid = pool.reconfigure(|config| {
        config.fail_fast |= hurries;
        config.max_concurrent_creates = creates.min(most);
    });
    let proven = pool.acquire_async_many(count).await.map(drop);
    let _valid = pool.reconfigure(|config| {
        config.fail_fast &= !hurries;
        config.max_concurrent_creates = creates;
    });
    proven
}
