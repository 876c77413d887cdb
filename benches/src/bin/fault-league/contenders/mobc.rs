//! mobc: callers are tokio tasks. Checks on check-out and times out, as by default; keeps as many idle
//! objects as it may have (the default is two, and would have it make new ones all the time).

use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use mobc::{Connection, Error, Manager as Manage, Pool, async_trait};

use crate::contender::{Asked, Contender, Deref, Entrant, Feature, Lack, Lent, Settings, Style};
use crate::server::{Refused, Server};
use crate::thing::Thing;

struct Manager(Server);

#[async_trait]
impl Manage for Manager {
    type Connection = Thing;
    type Error = Refused;

    async fn connect(&self) -> Result<Thing, Refused> {
        self.0.create().await
    }

    async fn check(&self, thing: Thing) -> Result<Thing, Refused> {
        self.0.validate(&thing).await?;
        Ok(thing)
    }

    fn validate(&self, thing: &mut Thing) -> bool {
        !thing.is_broken()
    }
}

struct One(Pool<Manager>);

fn lent(got: Result<Connection<Manager>, Error<Refused>>) -> Result<Box<dyn Lent>, Lack> {
    let error = match got {
        Ok(guard) => return Ok(Box::new(Deref(guard))),
        Err(error) => error,
    };
    let text = error.to_string();
    Err(match error {
        Error::Timeout => Lack::TimedOut(text),
        Error::PoolClosed => Lack::Closed(text),
        Error::Inner(_) | Error::BadConn => Lack::Failed(text),
    })
}

impl Contender for One {
    fn get(&self) -> Asked {
        let pool = self.0.clone();
        Box::pin(async move { lent(pool.get().await) })
    }

    fn get_within(&self, timeout: Duration) -> Asked {
        let pool = self.0.clone();
        Box::pin(async move { lent(pool.get_timeout(timeout).await) })
    }

    fn size(&self) -> BoxFuture<'_, Option<usize>> {
        Box::pin(async { usize::try_from(self.0.state().await.connections).ok() })
    }

    fn resize(&self, max_size: usize) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let n = u64::try_from(max_size).unwrap_or(u64::MAX);
            self.0.set_max_open_conns(n).await;
            self.0.set_max_idle_conns(n).await;
        })
    }
}

pub(super) struct Mobc;

impl Entrant for Mobc {
    fn name(&self) -> &'static str {
        "mobc"
    }

    fn package(&self) -> &'static str {
        "mobc"
    }

    fn style(&self) -> Style {
        Style::Tasks
    }

    fn lacks(&self, feature: Feature) -> Option<&'static str> {
        match feature {
            Feature::Future | Feature::Resize => None,
            Feature::Recycle => Some("no callback that cleans"),
            Feature::Hook => Some("no hooks"),
            Feature::Close => Some("no close"),
            Feature::Pause => Some("no pause"),
            Feature::Retain => Some("no retain"),
            Feature::Orphan => Some("who waits keeps the pool open"),
            Feature::MaxLifetime => Some("looks at ages only on check-out, and has no min idle"),
            Feature::MinIdle => Some("no min idle"),
        }
    }

    fn open(&self, server: &Server, settings: &Settings, pools: usize) -> Vec<Arc<dyn Contender>> {
        let size = u64::try_from(settings.max_size).unwrap_or(u64::MAX);
        let open = |_| -> Arc<dyn Contender> {
            let pool = Pool::builder()
                .max_open(size)
                .max_idle(size)
                .get_timeout(Some(settings.acquire))
                .max_idle_lifetime(settings.idle_timeout)
                .max_lifetime(settings.max_lifetime)
                .build(Manager(server.clone()));
            Arc::new(One(pool))
        };
        (0..pools).map(open).collect()
    }
}
