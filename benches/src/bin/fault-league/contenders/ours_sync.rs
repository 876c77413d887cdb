//! Our blocking pool: callers are threads. Its async door is asked where a row needs a future.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, ready};
use nebula_resource::{Backend, BlockingFactory, sync};

use super::ours::{self, Ear};
use crate::contender::{Asked, Contender, Deref, Entrant, Feature, Settings, Style};
use crate::server::{Refused, Server};
use crate::thing::Thing;

struct Manager(Server);

impl BlockingFactory for Manager {
    type Object = Thing;
    type Error = Refused;

    fn create(&self) -> Result<Thing, Refused> {
        self.0.create_blocking()
    }

    fn validate(&self, thing: &mut Thing) -> Result<(), Refused> {
        self.0.validate_blocking(thing)
    }

    fn recycle(&self, thing: &mut Thing) -> Result<(), Refused> {
        self.0.recycle_blocking(thing)
    }

    fn recycle_blocks(&self) -> bool {
        true
    }

    fn is_broken(&self, thing: &Thing) -> bool {
        thing.is_broken()
    }
}

struct One {
    pool: sync::Pool<Manager>,
    ear: Ear,
}

impl Contender for One {
    fn get(&self) -> Asked {
        let pool = self.pool.clone();
        Box::pin(async move {
            let got = pool.acquire_owned().map_err(|error| ours::lack(&error));
            Ok(Box::new(Deref(got?)) as _)
        })
    }

    fn get_within(&self, timeout: Duration) -> Asked {
        ours::within(timeout, self.future())
    }

    fn future(&self) -> Asked {
        let get = self.pool.acquire_async_owned();
        Box::pin(async move {
            let got = get.await.map_err(|error| ours::lack(&error));
            Ok(Box::new(Deref(got?)) as _)
        })
    }

    fn size(&self) -> BoxFuture<'_, Option<usize>> {
        Box::pin(ready(Some(self.pool.status().size)))
    }

    fn resize(&self, max_size: usize) -> BoxFuture<'_, ()> {
        let resized = self.pool.resize(max_size);
        debug_assert!(resized.is_ok(), "{resized:?}");
        Box::pin(ready(()))
    }

    fn close(&self) {
        drop(self.pool.close());
    }

    fn pause(&self) {
        self.pool.pause();
    }

    fn resume(&self) {
        self.pool.resume();
    }

    fn retain(&self, keep: &mut dyn FnMut(&Thing) -> bool) {
        self.pool.retain(|thing, _| keep(thing));
    }

    fn leaks(&self) -> usize {
        self.ear.leaks()
    }

    fn warnings(&self) -> Vec<String> {
        self.ear.warnings()
    }
}

pub(super) struct OursSync;

impl Entrant for OursSync {
    fn name(&self) -> &'static str {
        "ours-sync"
    }

    fn package(&self) -> &'static str {
        "nebula-resource"
    }

    fn style(&self) -> Style {
        Style::Threads
    }

    fn lacks(&self, feature: Feature) -> Option<&'static str> {
        ours::lacks(feature)
    }

    fn creates_at_once(&self, _settings: &Settings) -> usize {
        ours::creates_at_once()
    }

    fn open(&self, server: &Server, settings: &Settings, pools: usize) -> Vec<Arc<dyn Contender>> {
        let backend = Backend::new("the league's server");
        let open = |_| -> Option<Arc<dyn Contender>> {
            let ear = Ear::new(server);
            let mut builder = sync::Pool::builder(Manager(server.clone()))
                .config(ours::config(settings))
                .observer(ear.clone());
            if pools > 1 {
                builder = builder.backend(&backend);
            }
            let pool = builder.build().ok()?;
            Some(Arc::new(One { pool, ear }))
        };
        (0..pools).filter_map(open).collect()
    }
}
