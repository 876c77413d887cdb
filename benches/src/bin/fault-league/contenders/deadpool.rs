//! deadpool (managed): callers are tasks. Has a runtime and all three timeouts, each of them the
//! row's own.

use std::sync::Arc;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{
    Hook, HookError, Manager as Manage, Metrics, Object, Pool, PoolError, RecycleResult, Timeouts,
};
use futures::future::{BoxFuture, ready};

use crate::contender::{Asked, Contender, Deref, Entrant, Feature, Lack, Settings, Style};
use crate::server::{Refused, Server};
use crate::thing::Thing;

struct Manager(Server);

impl Manage for Manager {
    type Type = Thing;
    type Error = Refused;

    async fn create(&self) -> Result<Thing, Refused> {
        self.0.create().await
    }

    async fn recycle(&self, thing: &mut Thing, _: &Metrics) -> RecycleResult<Refused> {
        Ok(self.0.recycle_and_validate(thing).await?)
    }
}

struct One(Pool<Manager>);

async fn get(pool: Pool<Manager>, timeouts: Timeouts) -> Result<Object<Manager>, Lack> {
    pool.timeout_get(&timeouts).await.map_err(|error| {
        let text = error.to_string();
        match error {
            PoolError::Timeout(_) => Lack::TimedOut(text),
            PoolError::Closed => Lack::Closed(text),
            _ => Lack::Failed(text),
        }
    })
}

impl One {
    fn ask(&self, timeouts: Timeouts) -> Asked {
        let pool = self.0.clone();
        Box::pin(async move { Ok(Box::new(Deref(get(pool, timeouts).await?)) as _) })
    }
}

impl Contender for One {
    fn get(&self) -> Asked {
        self.ask(self.0.timeouts())
    }

    fn get_within(&self, timeout: Duration) -> Asked {
        super::ours::within(timeout, self.get())
    }

    fn size(&self) -> BoxFuture<'_, Option<usize>> {
        Box::pin(ready(Some(self.0.status().size)))
    }

    fn resize(&self, max_size: usize) -> BoxFuture<'_, ()> {
        self.0.resize(max_size);
        Box::pin(ready(()))
    }

    fn close(&self) {
        self.0.close();
    }

    fn retain(&self, keep: &mut dyn FnMut(&Thing) -> bool) {
        drop(self.0.retain(|thing, _| keep(thing)));
    }
}

pub(super) struct Deadpool;

impl Entrant for Deadpool {
    fn name(&self) -> &'static str {
        "deadpool"
    }

    fn package(&self) -> &'static str {
        "deadpool"
    }

    fn style(&self) -> Style {
        Style::Tasks
    }

    fn lacks(&self, feature: Feature) -> Option<&'static str> {
        match feature {
            Feature::Future
            | Feature::Recycle
            | Feature::Hook
            | Feature::Resize
            | Feature::Close
            | Feature::Retain => None,
            Feature::Pause => Some("no pause"),
            Feature::Orphan => Some("who waits keeps the pool open"),
            Feature::MaxLifetime => Some("no max lifetime; `retain` by hand"),
            Feature::MinIdle => Some("no min idle and no idle timeout; `retain` by hand"),
        }
    }

    fn open(&self, server: &Server, settings: &Settings, pools: usize) -> Vec<Arc<dyn Contender>> {
        let open = |_| -> Option<Arc<dyn Contender>> {
            let hook = server.clone();
            let pool = Pool::<Manager>::builder(Manager(server.clone()))
                .max_size(settings.max_size)
                .wait_timeout(Some(settings.acquire))
                .create_timeout(Some(settings.create))
                .recycle_timeout(Some(settings.validate))
                .post_create(Hook::sync_fn(move |_, _| {
                    hook.hook().map_err(HookError::Backend)
                }))
                .runtime(Runtime::Tokio1)
                .build();
            Some(Arc::new(One(pool.ok()?)))
        };
        (0..pools).filter_map(open).collect()
    }
}
