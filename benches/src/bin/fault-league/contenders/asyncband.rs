//! asyncband's bounded pool (once fastpool): callers are tasks. It leaves timeouts to its callers, so
//! every get has tokio's around it.

use std::sync::Arc;
use std::time::Duration;

use asyncband::pool::bounded::{Pool, PoolConfig};
use asyncband::pool::{ManageObject, ObjectStatus};
use futures::future::{BoxFuture, ready};

use crate::contender::{Asked, Contender, Deref, Entrant, Feature, Lack, Settings, Style};
use crate::server::{Refused, Server};
use crate::thing::Thing;

struct Manager(Server);

impl ManageObject for Manager {
    type Object = Thing;
    type Error = Refused;

    async fn create(&self) -> Result<Thing, Refused> {
        self.0.create().await
    }

    async fn is_recyclable(&self, thing: &mut Thing, _: &ObjectStatus) -> Result<(), Refused> {
        self.0.recycle_and_validate(thing).await
    }
}

struct One {
    pool: Arc<Pool<Manager>>,
    timeout: Duration,
}

impl Contender for One {
    fn get(&self) -> Asked {
        self.get_within(self.timeout)
    }

    fn get_within(&self, timeout: Duration) -> Asked {
        let pool = Arc::clone(&self.pool);
        let get = async move {
            match pool.get().await {
                Ok(guard) => Ok(Box::new(Deref(guard)) as _),
                Err(error) => Err(Lack::Failed(error.to_string())),
            }
        };
        super::ours::within(timeout, Box::pin(get))
    }

    fn size(&self) -> BoxFuture<'_, Option<usize>> {
        Box::pin(ready(Some(self.pool.status().current_size)))
    }

    fn retain(&self, keep: &mut dyn FnMut(&Thing) -> bool) {
        drop(self.pool.retain(|thing, _| keep(thing)));
    }
}

pub(super) struct Asyncband;

impl Entrant for Asyncband {
    fn name(&self) -> &'static str {
        "asyncband"
    }

    fn package(&self) -> &'static str {
        "asyncband"
    }

    fn style(&self) -> Style {
        Style::Tasks
    }

    fn lacks(&self, feature: Feature) -> Option<&'static str> {
        match feature {
            Feature::Future | Feature::Recycle | Feature::Retain => None,
            Feature::Hook => Some("no hook on a new object"),
            Feature::Resize => Some("max_size is fixed"),
            Feature::Close => Some("no close"),
            Feature::Pause => Some("no pause"),
            Feature::Orphan => Some("who waits keeps the pool open"),
            Feature::MaxLifetime => Some("no max lifetime; `retain` by hand"),
            Feature::MinIdle => Some("no min idle and no idle timeout; `retain` by hand"),
        }
    }

    fn open(&self, server: &Server, settings: &Settings, pools: usize) -> Vec<Arc<dyn Contender>> {
        let open = |_| -> Arc<dyn Contender> {
            let config = PoolConfig::new(settings.max_size);
            Arc::new(One {
                pool: Pool::new(config, Manager(server.clone())),
                timeout: settings.acquire,
            })
        };
        (0..pools).map(open).collect()
    }
}
