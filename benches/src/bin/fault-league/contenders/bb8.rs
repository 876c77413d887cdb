//! bb8: callers are tokio tasks. Tests on check-out and times out, as by default.

use std::sync::Arc;
use std::time::Duration;

use bb8::{CustomizeConnection, ManageConnection, Pool, RunError};
use futures::future::{BoxFuture, FutureExt, ready};

use crate::contender::{Asked, Contender, Deref, Entrant, Feature, Lack, Settings, Style};
use crate::server::{Refused, Server};
use crate::thing::Thing;

struct Manager(Server);

impl ManageConnection for Manager {
    type Connection = Thing;
    type Error = Refused;

    async fn connect(&self) -> Result<Thing, Refused> {
        self.0.create().await
    }

    async fn is_valid(&self, thing: &mut Thing) -> Result<(), Refused> {
        self.0.validate(thing).await
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
    fn on_acquire<'a>(&'a self, _thing: &'a mut Thing) -> BoxFuture<'a, Result<(), Refused>> {
        async { self.0.hook() }.boxed()
    }
}

struct One(Pool<Manager>);

impl Contender for One {
    fn get(&self) -> Asked {
        let pool = self.0.clone();
        Box::pin(async move {
            match pool.get_owned().await {
                Ok(guard) => Ok(Box::new(Deref(guard)) as _),
                Err(RunError::User(error)) => Err(Lack::Failed(error.to_string())),
                Err(RunError::TimedOut) => Err(Lack::TimedOut("Timed out in bb8".to_owned())),
            }
        })
    }

    fn get_within(&self, timeout: Duration) -> Asked {
        super::ours::within(timeout, self.get())
    }

    fn size(&self) -> BoxFuture<'_, Option<usize>> {
        Box::pin(ready(usize::try_from(self.0.state().connections).ok()))
    }
}

pub(super) struct Bb8;

impl Entrant for Bb8 {
    fn name(&self) -> &'static str {
        "bb8"
    }

    fn package(&self) -> &'static str {
        "bb8"
    }

    fn style(&self) -> Style {
        Style::Tasks
    }

    fn lacks(&self, feature: Feature) -> Option<&'static str> {
        match feature {
            Feature::Future | Feature::Hook | Feature::MaxLifetime | Feature::MinIdle => None,
            Feature::Recycle => Some("no callback that cleans"),
            Feature::Resize => Some("max_size is fixed"),
            Feature::Close => Some("no close"),
            Feature::Pause => Some("no pause"),
            Feature::Retain => Some("no retain"),
            Feature::Orphan => Some("who waits keeps the pool open"),
        }
    }

    fn open(&self, server: &Server, settings: &Settings, pools: usize) -> Vec<Arc<dyn Contender>> {
        let size = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let open = |_| -> Arc<dyn Contender> {
            let pool = Pool::builder()
                .max_size(size(settings.max_size))
                .min_idle(size(settings.min_idle))
                .connection_timeout(settings.acquire)
                .idle_timeout(settings.idle_timeout)
                .max_lifetime(settings.max_lifetime)
                .reaper_rate(settings.upkeep)
                .connection_customizer(Box::new(Hook(server.clone())))
                .build_unchecked(Manager(server.clone()));
            Arc::new(One(pool))
        };
        (0..pools).map(open).collect()
    }
}
