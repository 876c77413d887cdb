//! A template with its type: how a tenant's pool is made, and how large it may grow.
//!
//! Decides nothing about when.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::task::{Poll, Wake, Waker};
use std::time::Duration;

use nebula_resource_async::runtime::Chosen;
use nebula_resource_core::BoxError;
use nebula_resource_core::clock::Clock;

use super::{Budget, Nursery, Permit, Tenants};
use crate::lifecycle::State;
use crate::manager::erased::{About, Entry, Erased, Registered};
use crate::manager::error::ResourceError;
use crate::manager::setup::Setup;
use crate::resource::Resource;
use crate::scope::Scope;

/// How often one that waits for a permit looks for an idle instance that could make room.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Makes a tenant's configuration.
pub(crate) type ConfigOf<R> = Box<dyn Fn(&str) -> <R as Resource>::Config + Send + Sync>;

/// What every tenant's pool of one resource is made from.
pub(crate) struct Template<R: Resource> {
    pub(crate) about: About,
    pub(crate) resource: Arc<R>,
    pub(crate) config_of: ConfigOf<R>,
    pub(crate) setup: Arc<Setup>,
    pub(crate) tenants: Arc<Tenants>,
    /// For how long a tenant may ask for nothing before its pool is put away.
    pub(crate) patience: Duration,
    pub(crate) runtime: Chosen,
    pub(crate) me: Weak<Self>,
}

/// A pool's part in what all tenants may have together.
#[derive(Clone)]
pub(crate) struct Allowance {
    budget: Arc<Budget>,
    tenants: Weak<Tenants>,
    /// For how long a creation waits for its permit.
    patience: Duration,
}

/// All instances that tenants may have together are taken.
#[derive(Debug, thiserror::Error)]
#[error("all {0} instances that tenants may have together are taken")]
struct AllTaken(usize);

impl Allowance {
    pub(crate) fn new(tenants: &Arc<Tenants>, create_timeout: Duration) -> Self {
        Self {
            budget: Arc::clone(&tenants.budget),
            tenants: Arc::downgrade(tenants),
            // Less than the creation's own bound, whose error would say nothing of the reason.
            patience: create_timeout / 10 * 9,
        }
    }

    /// The right to one more instance, as soon as there is one.
    pub(crate) async fn permit(&self, clock: &Clock) -> Result<Permit, BoxError> {
        if let Some(permit) = self.budget.try_take() {
            return Ok(permit);
        }
        let deadline = clock.now().after(self.patience);
        let mut taking = pin!(self.budget.take());
        loop {
            let now = clock.now();
            if now >= deadline {
                return Err(AllTaken(self.budget.total()).into());
            }
            // Before each wait, and again: what somebody gives back lies idle in their own pool, and
            // nobody else is told of it.
            self.make_room();
            let mut enough = pin!(clock.sleep_until(deadline.min(now.after(LOOK_AGAIN))));
            let taken = poll_fn(|cx| match taking.as_mut().poll(cx) {
                Poll::Ready(permit) => Poll::Ready(Some(permit)),
                Poll::Pending => enough.as_mut().poll(cx).map(|()| None),
            });
            if let Some(permit) = taken.await {
                return Ok(permit);
            }
        }
    }

    fn make_room(&self) {
        if let Some(tenants) = self.tenants.upgrade() {
            tenants.shed();
        }
    }
}

impl<R: Resource> Nursery for Template<R> {
    fn about(&self) -> &About {
        &self.about
    }

    fn tenants(&self) -> &Tenants {
        &self.tenants
    }

    fn conceive(&self, tenant: &Scope, size: usize) -> Result<Registered, ResourceError> {
        let config = (self.config_of)(tenant.id().unwrap_or_default());
        let (key, needs) = (self.about.key.clone(), self.about.needs.clone());
        let about = About::new::<R>(key, tenant.clone(), needs);
        let mut pool = self.setup.pool.clone();
        pool.max_size = size;
        pool.min_idle = pool.min_idle.min(size);
        let (resource, setup) = (Arc::clone(&self.resource), Arc::clone(&self.setup));
        let entry = Entry::with(about, resource, config, pool, setup);
        let entry = entry.map_err(|source| ResourceError::Template {
            key: self.about.key.clone(),
            tenant: tenant.clone(),
            source,
        })?;
        // From the table: created, initializing, ready.
        entry.advance(State::Initializing);
        entry.advance(State::Ready);
        Ok(Registered::new(Arc::new(entry)))
    }

    fn keep_watch(&self) {
        let clock = self.clock();
        let next = clock.now().after(self.patience / 2);
        clock.wake_at(next, Waker::from(Arc::new(Alarm(self.me.clone()))));
    }
}

impl<R: Resource> Template<R> {
    fn clock(&self) -> Clock {
        let own = self.setup.clock.clone();
        own.unwrap_or_else(|| self.runtime.get().clock())
    }

    fn sweep(&self) {
        if self.tenants.sweep(self.clock().now(), self.patience) {
            self.keep_watch();
        }
    }
}

/// Goes off on the clock's thread, which has no time for the sweep itself.
struct Alarm<R: Resource>(Weak<Template<R>>);

impl<R: Resource> Wake for Alarm<R> {
    fn wake(self: Arc<Self>) {
        if let Some(template) = self.0.upgrade() {
            let there = Arc::clone(&template);
            // Where nothing runs in the background, nobody is put away for the time.
            drop(
                template
                    .runtime
                    .get()
                    .spawn(Box::pin(async move { there.sweep() })),
            );
        }
    }
}

impl<R: Resource> fmt::Debug for Template<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template")
            .field("key", &self.about.key)
            .finish_non_exhaustive()
    }
}
