//! The handle: what an owner and a caller can do with a pool, whichever facade made it.
//!
//! Decides nothing; each method names the part that does. Both facades deref to it, so that
//! everything but their own `acquire` family exists once.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::closing::Closing;
use crate::config::{PoolConfig, ValidationError};
use crate::driver::Driver;
use crate::engine::{Audit, ObjectInfo, Status};
use crate::guard::Guard;
use crate::observer::Event;
use crate::options::Options;
use crate::shared::Shared;
use crate::stats::Totals;

/// A guard that borrows its pool.
pub type BorrowedGuard<'a, D> = Guard<D, &'a Shared<D>>;

/// A guard that keeps its pool's objects reachable by itself.
pub type CountedGuard<D> = Guard<D, Arc<Shared<D>>>;

/// A handle to a pool. Clones are handles to the same pool; dropping the last one closes it.
pub struct Pool<D: Driver> {
    pub(crate) shared: Arc<Shared<D>>,
    handle: Arc<Handle<D>>,
}

/// Counts the handles: guards and background work keep the shared part alive, but not the pool open.
struct Handle<D: Driver>(Arc<Shared<D>>);

impl<D: Driver> Drop for Handle<D> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<D: Driver> Shared<D> {
    fn close(&self) {
        if self.engine.close() {
            self.tell(|| Event::Closed);
        }
    }
}

impl<D: Driver> Pool<D> {
    /// For facades: makes a pool.
    ///
    /// # Errors
    ///
    /// When the configuration is refused.
    pub fn assemble(options: Options, driver: D, clock: Clock) -> Result<Self, ValidationError> {
        let ceiling = options.ceiling();
        options.config.validate_with_ceiling(ceiling)?;
        Ok(Self::assembled(options, ceiling, driver, clock))
    }

    /// For facades: makes a pool with the default configuration, which is valid.
    pub fn with_defaults(driver: D, clock: Clock) -> Self {
        let options = Options::default();
        let ceiling = options.ceiling();
        Self::assembled(options, ceiling, driver, clock)
    }

    fn assembled(options: Options, ceiling: usize, driver: D, clock: Clock) -> Self {
        let warm = options.config.warm_on_register;
        let shared = Shared::new(options, ceiling, driver, clock);
        if warm {
            shared.begin_rounds(shared.clock.now());
        }
        Self {
            handle: Arc::new(Handle(Arc::clone(&shared))),
            shared,
        }
    }

    /// The shared part, which guards refer to.
    pub const fn shared(&self) -> &Arc<Shared<D>> {
        &self.shared
    }

    /// Takes an idle object that needs no check, if there is one and nobody has a better right to
    /// it. Never waits, never creates.
    #[track_caller]
    pub fn try_acquire(&self) -> Option<BorrowedGuard<'_, D>> {
        self.shared.try_acquire(&*self.shared, Location::caller())
    }

    /// [`try_acquire`](Self::try_acquire) with a `'static` guard.
    #[track_caller]
    pub fn try_acquire_owned(&self) -> Option<CountedGuard<D>> {
        self.shared
            .try_acquire(Arc::clone(&self.shared), Location::caller())
    }

    /// The configuration in force.
    pub fn config(&self) -> PoolConfig {
        self.shared.engine.settings().config.clone()
    }

    /// Changes the configuration of the live pool, all of it or nothing.
    ///
    /// No guard is revoked and nobody in line is dropped, unless it asks for more objects than there
    /// may be from now on ([`TooMany`](crate::AcquireError::TooMany)). Growth takes effect at once; shrinking
    /// retires idle objects now and others as they return. `change` is called again when somebody
    /// else changed the configuration at the same time, so it must not have other effects.
    ///
    /// # Errors
    ///
    /// [`ValidationError`]: the old configuration is still in force.
    pub fn reconfigure(&self, change: impl Fn(&mut PoolConfig)) -> Result<(), ValidationError> {
        let engine = &self.shared.engine;
        let before = engine.settings().config.min_idle;
        engine.reconfigure(change)?;
        let now = self.shared.clock.now();
        if engine.settings().config.min_idle > before {
            // Whoever asks for stock now wants it now, used or not.
            self.shared.begin_rounds(now);
        }
        self.shared.reschedule(now);
        self.shared.tell(|| Event::Reconfigured);
        Ok(())
    }

    /// Changes `max_size`.
    ///
    /// # Errors
    ///
    /// [`ValidationError`] when it is zero, below `min_idle`, or beyond the ceiling.
    pub fn resize(&self, max_size: usize) -> Result<(), ValidationError> {
        self.reconfigure(|config| config.max_size = max_size)
    }

    /// Stops handing out objects: callers wait until [`resume`](Self::resume) or their deadline.
    /// Guards that are out stay valid, and a task that was handed an object before and has not been polled
    /// since still gets it. Answers whether that changed anything.
    pub fn pause(&self) -> bool {
        self.shared.engine.pause()
    }

    /// Hands out objects again, first to those who waited.
    pub fn resume(&self) -> bool {
        self.shared.engine.resume()
    }

    /// Retires every idle object for which `keep` says no; answers how many.
    ///
    /// They are out of the pool while `keep` looks at them: it should be quick.
    ///
    /// # Panics
    ///
    /// When `keep` does; the pool is unharmed, and objects not yet looked at stay.
    pub fn retain(&self, keep: impl FnMut(&D::Object, &ObjectInfo) -> bool) -> usize {
        self.shared.engine.retain(self.shared.clock.now(), keep)
    }

    /// Retires every object made before this call: idle ones now, others when they return.
    pub fn clear(&self) {
        self.shared.engine.clear();
    }

    /// Closes the pool: those in line and those to come get [`Closed`], idle objects are retired,
    /// guards stay valid and their objects are retired when they return.
    ///
    /// It is closed when this returns. The [`Closing`] tells when the last object is gone.
    ///
    /// [`Closed`]: crate::AcquireError::Closed
    pub fn close(&self) -> Closing {
        self.shared.close();
        Closing::new(Arc::clone(&self.shared))
    }

    /// Whether the pool was closed.
    pub fn is_closed(&self) -> bool {
        self.shared.engine.permits.state().closed()
    }

    /// How many objects there are and where, at this moment.
    pub fn status(&self) -> Status {
        self.shared.engine.status()
    }

    /// What has happened since the pool was made.
    pub fn stats(&self) -> Totals {
        self.shared.engine.totals()
    }

    /// Every object: its state, age, uses, and who took it where.
    pub fn objects(&self) -> Vec<ObjectInfo> {
        self.shared.engine.registry.objects(self.shared.clock.now())
    }

    /// How long the one that has waited longest has waited; `None` when nobody waits.
    pub fn oldest_waiter(&self) -> Option<Duration> {
        let since = self.shared.engine.oldest_waiter()?;
        Some(self.shared.clock.now().since(since))
    }

    /// One round of maintenance, now.
    ///
    /// Only needed where nothing runs in the background: with a runtime, rounds come by themselves
    /// every `maintenance_every`.
    ///
    /// # Cancel safety
    ///
    /// Dropped before its end, it retires the object it was working on.
    pub fn run_maintenance(&self) -> impl Future<Output = ()> + Send + use<D> {
        let shared = Arc::clone(&self.shared);
        async move { crate::maintenance::round(&shared).await }
    }

    /// Destroys what was retired, here and now. For the framework, where nothing runs in the background.
    #[doc(hidden)]
    pub fn bury_retired(&self) -> impl Future<Output = ()> + Send + use<D> {
        let shared = Arc::clone(&self.shared);
        async move { shared.bury_all().await }
    }

    /// Whether the books balance. For tests.
    #[doc(hidden)]
    pub fn audit(&self) -> Audit {
        self.shared.engine.audit()
    }
}

impl<D: Driver> Clone for Pool<D> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            handle: Arc::clone(&self.handle),
        }
    }
}

impl<D: Driver> fmt::Debug for Pool<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("status", &self.status())
            .field("config", &self.config())
            .finish_non_exhaustive()
    }
}
