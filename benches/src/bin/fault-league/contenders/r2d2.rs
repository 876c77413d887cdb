//! r2d2: callers are threads. Tests on check-out and times out, as by default.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, ready};
use r2d2::{CustomizeConnection, ManageConnection, Pool};
use scheduled_thread_pool::ScheduledThreadPool;

use crate::contender::{Asked, Contender, Deref, Entrant, Feature, Lack, Lent, Settings, Style};
use crate::server::{Refused, Server};
use crate::thing::Thing;

struct Manager(Server);

impl ManageConnection for Manager {
    type Connection = Thing;
    type Error = Refused;

    fn connect(&self) -> Result<Thing, Refused> {
        self.0.create_blocking()
    }

    fn is_valid(&self, thing: &mut Thing) -> Result<(), Refused> {
        self.0.validate_blocking(thing)
    }

    fn has_broken(&self, thing: &mut Thing) -> bool {
        thing.is_broken()
    }
}

struct Hook(Server);

impl std::fmt::Debug for Hook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hook")
    }
}

impl CustomizeConnection<Thing, Refused> for Hook {
    fn on_acquire(&self, _thing: &mut Thing) -> Result<(), Refused> {
        self.0.hook()
    }
}

struct One(Pool<Manager>);

fn lent(got: Result<r2d2::PooledConnection<Manager>, r2d2::Error>) -> Result<Box<dyn Lent>, Lack> {
    match got {
        Ok(guard) => Ok(Box::new(Deref(guard))),
        Err(error) => Err(Lack::TimedOut(error.to_string())),
    }
}

impl Contender for One {
    fn get(&self) -> Asked {
        let pool = self.0.clone();
        Box::pin(async move { lent(pool.get()) })
    }

    fn get_within(&self, timeout: Duration) -> Asked {
        let pool = self.0.clone();
        Box::pin(async move { lent(pool.get_timeout(timeout)) })
    }

    fn size(&self) -> BoxFuture<'_, Option<usize>> {
        Box::pin(ready(usize::try_from(self.0.state().connections).ok()))
    }
}

pub(super) struct R2d2;

/// As r2d2 makes one for itself.
const THREADS: usize = 3;

impl Entrant for R2d2 {
    fn name(&self) -> &'static str {
        "r2d2"
    }

    fn package(&self) -> &'static str {
        "r2d2"
    }

    fn style(&self) -> Style {
        Style::Threads
    }

    fn lacks(&self, feature: Feature) -> Option<&'static str> {
        match feature {
            Feature::Future => Some("blocks its thread: there is no future to drop"),
            Feature::Recycle => Some("no callback that cleans"),
            Feature::Hook | Feature::MaxLifetime | Feature::MinIdle => None,
            Feature::Resize => Some("max_size is fixed"),
            Feature::Close => Some("no close"),
            Feature::Pause => Some("no pause"),
            Feature::Retain => Some("no retain"),
            Feature::Orphan => Some("who waits keeps the pool open"),
        }
    }

    /// Cannot be configured.
    fn upkeep(&self, _settings: &Settings) -> Duration {
        Duration::from_secs(30)
    }

    fn open(&self, server: &Server, settings: &Settings, pools: usize) -> Vec<Arc<dyn Contender>> {
        // One pool makes its own threads; several of one server can share them.
        let threads = ScheduledThreadPool::builder().num_threads(THREADS);
        let threads = (pools > 1).then(|| Arc::new(threads.build()));
        let size = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let open = |_| -> Arc<dyn Contender> {
            let mut builder = Pool::builder();
            if let Some(threads) = &threads {
                builder = builder.thread_pool(Arc::clone(threads));
            }
            let pool = builder
                .max_size(size(settings.max_size))
                .min_idle(Some(size(settings.min_idle)))
                .connection_timeout(settings.acquire)
                .idle_timeout(settings.idle_timeout)
                .max_lifetime(settings.max_lifetime)
                .connection_customizer(Box::new(Hook(server.clone())))
                .build_unchecked(Manager(server.clone()));
            Arc::new(One(pool))
        };
        (0..pools).map(open).collect()
    }
}
