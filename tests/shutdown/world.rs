//! A manager with a clock moved by hand, and resources that say goodbye as they are told. Decides
//! nothing about what a shutdown ought to do.

#![allow(dead_code, reason = "every test binary uses a part of it")]

use std::convert::Infallible;
use std::future::{IntoFuture, pending};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nebula_resource::clock::Clock;
use nebula_resource::runtime::{Manual, Runtime};
use nebula_resource::{
    Context, CreateContext, Handle, ManagedGuard, Manager, Resource, RetireReason, Scope,
};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) static NOBODY: Context = Context::new(Scope::GLOBAL);

/// How a thing says goodbye.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goodbye {
    Takes(Duration),
    Hangs,
    Panics,
}

pub(crate) const QUICK: Goodbye = Goodbye::Takes(Duration::ZERO);

/// What happened, in order: `name made`, `name begins` to say goodbye, `name dropped`.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn locked(&self) -> MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, name: &str, what: &str) {
        self.locked().push(format!("{name} {what}"));
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.locked().clone()
    }

    pub(crate) fn count(&self, line: &str) -> usize {
        self.lines().iter().filter(|logged| *logged == line).count()
    }
}

pub(crate) struct Thing {
    pub(crate) name: String,
    pub(crate) goodbye: Goodbye,
    pub(crate) clock: Clock,
    pub(crate) log: Log,
}

pub(crate) struct Instance {
    name: String,
    log: Log,
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.log.note(&self.name, "dropped");
    }
}

impl Resource for Thing {
    type Config = ();
    type Instance = Instance;
    type Error = Infallible;

    async fn create(&self, (): &(), _: &CreateContext) -> Result<Instance, Infallible> {
        self.log.note(&self.name, "made");
        Ok(Instance {
            name: self.name.clone(),
            log: self.log.clone(),
        })
    }

    async fn cleanup(&self, instance: Instance, _: RetireReason) {
        self.log.note(&self.name, "begins");
        match self.goodbye {
            Goodbye::Takes(span) => self.clock.sleep(span).await,
            Goodbye::Hangs => pending().await,
            Goodbye::Panics => panic!("{} is stuck", self.name),
        }
        drop(instance);
    }
}

pub(crate) type Guard = ManagedGuard<'static, Thing>;

pub(crate) struct World {
    pub(crate) runtime: Manual,
    pub(crate) manager: Manager,
    pub(crate) log: Log,
}

impl World {
    pub(crate) fn new() -> Self {
        let runtime = Manual::new();
        Self {
            manager: Manager::builder().runtime(runtime.clone()).build(),
            runtime,
            log: Log::default(),
        }
    }

    pub(crate) fn thing(&self, name: &str, goodbye: Goodbye) -> Thing {
        Thing {
            name: name.to_owned(),
            goodbye,
            clock: self.runtime.clock(),
            log: self.log.clone(),
        }
    }

    pub(crate) fn register(&self, name: &str, needs: &[&str], goodbye: Goodbye) -> Handle<Thing> {
        self.register_for(Scope::GLOBAL, name, needs, goodbye)
    }

    pub(crate) fn register_for(
        &self,
        scope: Scope,
        name: &str,
        needs: &[&str],
        goodbye: Goodbye,
    ) -> Handle<Thing> {
        let thing = self.thing(name, goodbye);
        let registration = self.manager.register(name, thing, ()).scope(scope);
        let registering = registration.depends_on(needs).into_future();
        let registered = self.runtime.run(registering);
        registered.unwrap_or_else(|refused| panic!("{refused}"))
    }

    pub(crate) fn acquire(&self, name: &str) -> Guard {
        self.acquire_for(&NOBODY, name)
    }

    #[track_caller]
    pub(crate) fn acquire_for(&self, context: &Context, name: &str) -> Guard {
        let acquired = self.runtime.run(self.manager.acquire(name, context));
        acquired.unwrap_or_else(|refused| panic!("{refused}"))
    }

    /// Has so many instances made, and puts them back.
    pub(crate) fn stock(&self, name: &str, count: usize) {
        let guards: Vec<_> = (0..count).map(|_| self.acquire(name)).collect();
        drop(guards);
    }
}
