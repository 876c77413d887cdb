//! Redis as a resource of a manager, for tasks and for threads.
//!
//! Decides nothing: a connection is looked after by the factory that made it, as in a bare pool.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use nebula_resource::{BlockingResource, CreateContext, Resource, ResourceConfig, ValidationError};
use nebula_resource_core::{BlockingFactory, Factory};

use crate::blocking::BlockingRedisConnection;
use crate::connection::RedisConnection;
use crate::error::ConnectionError;
use crate::factory::Redis;
use crate::settings::RedisConfig;

/// A Redis server, for a manager whose callers await, mostly: what a [`Redis`] factory is for a bare
/// pool.
///
/// Connections run on tokio: the manager has to find it (feature `tokio` of `nebula-resource`, on by
/// default), or be given it.
///
/// # Examples
///
/// ```no_run
/// use nebula_resource::{BoxError, Context, Manager, Scope};
/// use nebula_resource_redis::{RedisConfig, RedisResource, redis::AsyncCommands};
///
/// # async fn example() -> Result<(), BoxError> {
/// let manager = Manager::new();
/// manager.register("cache", RedisResource, RedisConfig::new("redis://localhost")).await?;
///
/// let nobody = Context::new(Scope::GLOBAL);
/// let mut cache = manager.acquire::<RedisResource>("cache", &nobody).await?;
/// let _: () = cache.set("visits", 1).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct RedisResource;

/// A Redis server, for a manager whose callers block, mostly; needs no runtime.
///
/// # Examples
///
/// ```no_run
/// use nebula_resource::{BoxError, Context, Manager, Scope};
/// use nebula_resource_redis::{BlockingRedisResource, RedisConfig, redis::Commands};
///
/// # fn example() -> Result<(), BoxError> {
/// let manager = Manager::new();
/// let config = RedisConfig::new("redis://localhost");
/// manager.register_blocking("cache", BlockingRedisResource, config)?;
///
/// let nobody = Context::new(Scope::GLOBAL);
/// let mut cache = manager.acquire_blocking::<BlockingRedisResource>("cache", &nobody)?;
/// let _: () = cache.set("visits", 1)?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct BlockingRedisResource;

/// A connection `C` of a Redis resource.
pub struct Managed<C> {
    connection: C,
    factory: Arc<Redis>,
}

/// A URL that cannot be used is refused, with a reason that does not repeat it.
impl ResourceConfig for RedisConfig {
    fn validate(&self) -> Result<(), ValidationError> {
        match Redis::try_from(self.clone()) {
            Ok(_) => Ok(()),
            Err(error) => Err(ValidationError::new("url", "the URL of a server", error)),
        }
    }
}

/// One for all of a pool.
fn factory(config: &RedisConfig, context: &CreateContext) -> Result<Arc<Redis>, ConnectionError> {
    Ok(context.try_common(|| Redis::try_from(config.clone()))?)
}

impl Resource for RedisResource {
    type Config = RedisConfig;
    type Instance = Managed<RedisConnection>;
    type Error = ConnectionError;

    async fn create(
        &self,
        config: &RedisConfig,
        context: &CreateContext,
    ) -> Result<Managed<RedisConnection>, ConnectionError> {
        let factory = factory(config, context)?;
        let connection = Factory::create(&*factory).await?;
        Ok(Managed {
            connection,
            factory,
        })
    }

    async fn is_valid(&self, db: &mut Managed<RedisConnection>) -> Result<(), ConnectionError> {
        Factory::validate(&*db.factory, &mut db.connection).await
    }

    async fn recycle(&self, db: &mut Managed<RedisConnection>) -> Result<(), ConnectionError> {
        Factory::recycle(&*db.factory, &mut db.connection).await
    }

    fn is_broken(&self, db: &Managed<RedisConnection>) -> bool {
        Factory::is_broken(&*db.factory, &db.connection)
    }
}

impl BlockingResource for BlockingRedisResource {
    type Config = RedisConfig;
    type Instance = Managed<BlockingRedisConnection>;
    type Error = ConnectionError;

    fn create(
        &self,
        config: &RedisConfig,
        context: &CreateContext,
    ) -> Result<Managed<BlockingRedisConnection>, ConnectionError> {
        let factory = factory(config, context)?;
        let connection = BlockingFactory::create(&*factory)?;
        Ok(Managed {
            connection,
            factory,
        })
    }

    fn is_valid(&self, db: &mut Managed<BlockingRedisConnection>) -> Result<(), ConnectionError> {
        BlockingFactory::validate(&*db.factory, &mut db.connection)
    }

    fn recycle(&self, db: &mut Managed<BlockingRedisConnection>) -> Result<(), ConnectionError> {
        BlockingFactory::recycle(&*db.factory, &mut db.connection)
    }

    /// It may have to talk to the server.
    fn recycle_blocks(&self) -> bool {
        true
    }

    fn is_broken(&self, db: &Managed<BlockingRedisConnection>) -> bool {
        BlockingFactory::is_broken(&*db.factory, &db.connection)
    }
}

impl<C> Deref for Managed<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.connection
    }
}

impl<C> DerefMut for Managed<C> {
    fn deref_mut(&mut self) -> &mut C {
        &mut self.connection
    }
}

impl<C> fmt::Debug for Managed<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Managed").finish_non_exhaustive()
    }
}
