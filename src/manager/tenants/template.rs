//! A template with its type: how a tenant's pool is made, and how large it may grow.
//!
//! Decides nothing about when.

use std::any::{Any, type_name};
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::task::{Poll, Wake, Waker};
use std::time::Duration;

use nebula_resource_async::runtime::Chosen;
use nebula_resource_core::clock::Clock;
use nebula_resource_core::{BoxError, PoolConfig, ValidationError};

use super::exchange::Draft;
use super::share::Limits;
use super::{Budget, Nursery, Permit, Tenants};
use crate::lifecycle::State;
use crate::manager::erased::{About, Boxed, Entry, Registered};
use crate::manager::error::{ReloadError, ResourceError};
use crate::manager::setup::Setup;
use crate::primitives::ArcSwap;
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
    /// As it was registered; a reload begins with it again.
    pub(crate) given: Setup,
    /// Changed only under the lock of the tenants' books, together with its number there.
    pub(crate) source: ArcSwap<Source<R>>,
    pub(crate) tenants: Arc<Tenants>,
    /// For how long a tenant may ask for nothing before its pool is put away.
    pub(crate) patience: Duration,
    pub(crate) runtime: Chosen,
    pub(crate) me: Weak<Self>,
}

/// One configuration of a template.
pub(crate) struct Source<R: Resource> {
    pub(crate) config_of: ConfigOf<R>,
    pub(crate) setup: Arc<Setup>,
    pub(crate) generation: u64,
}

impl<R: Resource> Source<R> {
    /// One whose pools are configured like this, and otherwise made as `given` says.
    pub(crate) fn new(
        config_of: ConfigOf<R>,
        given: &Setup,
        pool: PoolConfig,
        tenants: &Arc<Tenants>,
        generation: u64,
    ) -> Result<Self, ValidationError> {
        pool.validate()?;
        let mut setup = given.clone();
        setup.ceiling = Some(setup.ceiling.unwrap_or(pool.max_size));
        setup.allowance = Some(Allowance::new(tenants, pool.create_timeout));
        setup.pool = pool;
        Ok(Self {
            config_of,
            setup: Arc::new(setup),
            generation,
        })
    }

    fn limits(&self) -> Limits {
        Limits::of(&self.setup.pool)
    }
}

/// The next configuration of a template.
struct Drafted<R: Resource> {
    template: Arc<Template<R>>,
    source: Arc<Source<R>>,
    /// Each pool stays configured as it is at the time.
    keeps_pools: bool,
}

/// A pool's part in what all tenants may have together.
#[derive(Clone)]
pub(crate) struct Allowance {
    budget: Arc<Budget>,
    tenants: Weak<Tenants>,
    /// For how long a creation waits for its permit, in nanoseconds.
    patience: u64,
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
            patience: u64::try_from((create_timeout / 10 * 9).as_nanos()).unwrap_or(u64::MAX),
        }
    }

    /// The right to one more instance, as soon as there is one.
    pub(crate) async fn permit(&self, clock: &Clock) -> Result<Permit, BoxError> {
        if let Some(permit) = self.budget.try_take() {
            return Ok(permit);
        }
        let deadline = clock.now().after(Duration::from_nanos(self.patience));
        let mut taking = pin!(self.budget.take());
        loop {
            let now = clock.now();
            if now >= deadline {
                return Err(AllTaken(self.budget.total()).into());
            }
            // Before each wait, and again: what somebody gives back lies idle in their own pool, and
            // nobody else is told of it.
            self.make_room().await;
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

    async fn make_room(&self) {
        if let Some(tenants) = self.tenants.upgrade() {
            tenants.make_room().await;
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
        let source = self.source.load_full();
        let pool = source.setup.pool.clone();
        let made = self.make(&source, tenant, pool, size);
        let made = made.map_err(|source| ResourceError::Template {
            key: self.about.key.clone(),
            tenant: tenant.clone(),
            source,
        })?;
        // From the table: created, initializing, ready.
        made.entry.advance(State::Initializing);
        made.entry.advance(State::Ready);
        Ok(made)
    }

    fn draft(
        self: Arc<Self>,
        config_of: Box<dyn Any + Send>,
        pool: Option<PoolConfig>,
    ) -> Result<Box<dyn Draft>, ReloadError> {
        let key = self.about.key.clone();
        let Ok(config_of) = config_of.downcast::<ConfigOf<R>>() else {
            return Err(ReloadError::WrongConfig {
                key,
                resource: self.about.resource,
                wanted: type_name::<R::Config>(),
            });
        };
        let before = self.source.load_full();
        let keeps_pools = pool.is_none();
        let pool = pool.unwrap_or_else(|| before.setup.pool.clone());
        let generation = before.generation + 1;
        let source = Source::new(*config_of, &self.given, pool, &self.tenants, generation);
        let source = source.map_err(|source| ReloadError::Invalid { key, source })?;
        Ok(Box::new(Drafted {
            template: self,
            source: Arc::new(source),
            keeps_pools,
        }))
    }

    fn keep_watch(&self) {
        let clock = self.clock();
        let next = clock.now().after(self.patience / 2);
        clock.wake_at(next, Waker::from(Arc::new(Alarm(self.me.clone()))));
    }

    fn maintain(&self) -> Boxed<()> {
        let tenants = Arc::clone(&self.tenants);
        let (now, patience) = (self.clock().now(), self.patience);
        Box::pin(async move {
            tenants.sweep(now, patience);
            tenants.bury_left().await;
        })
    }
}

impl<R: Resource> Draft for Drafted<R> {
    fn generation(&self) -> u64 {
        self.source.generation
    }

    fn limits(&self) -> Limits {
        self.source.limits()
    }

    fn conceive(&self, old: &Registered, size: usize) -> Result<Registered, ValidationError> {
        let live = old.typed::<R>().filter(|_| self.keeps_pools);
        let pool = match live {
            Some(old) => old.pool.config(),
            None => self.source.setup.pool.clone(),
        };
        let tenant = &old.entry.about().scope;
        self.template.make(&self.source, tenant, pool, size)
    }

    fn put_in_force(&self) -> Box<dyn Any + Send> {
        Box::new(self.template.source.swap(Arc::clone(&self.source)))
    }
}

impl<R: Resource> Template<R> {
    /// A pool for `tenant`, of so many instances at most.
    fn make(
        &self,
        source: &Source<R>,
        tenant: &Scope,
        pool: PoolConfig,
        size: usize,
    ) -> Result<Registered, ValidationError> {
        let config = (source.config_of)(tenant.id().unwrap_or_default());
        let (key, needs) = (self.about.key.clone(), self.about.needs.clone());
        let mut about = About::new::<R>(key, tenant.clone(), needs);
        about.generation = source.generation;
        let mut pool = pool;
        pool.max_size = size;
        pool.min_idle = source.setup.pool.min_idle.min(size);
        let (resource, setup) = (Arc::clone(&self.resource), Arc::clone(&source.setup));
        let entry = Entry::with(about, resource, config, pool, setup)?;
        Ok(Registered::new(Arc::new(entry)))
    }

    fn clock(&self) -> Clock {
        let own = self.given.clock.clone();
        own.unwrap_or_else(|| self.runtime.get().clock())
    }

    fn sweep(&self) {
        self.tenants.sweep(self.clock().now(), self.patience);
        if self.tenants.needs_watch() {
            self.keep_watch();
        }
    }
}

/// Goes off on the clock's thread, which has no time for the sweep itself.
struct Alarm<R: Resource>(Weak<Template<R>>);

impl<R: Resource> Wake for Alarm<R> {
    fn wake(self: Arc<Self>) {
        if let Some(template) = self.0.upgrade() {
            let (there, runtime) = (Arc::clone(&template), template.runtime.get());
            let sweep = runtime.spawn(Box::pin(async move { there.sweep() }));
            // Where nothing runs in the background, `maintain` is called by hand.
            if sweep.is_err() && runtime.can_spawn() {
                template.keep_watch();
            }
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
