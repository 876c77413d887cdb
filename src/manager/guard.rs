//! What the manager hands out: an instance, and where it belongs.
//!
//! Decides nothing; its `Drop` is the pool's. What its holder says of the instance is handed on to
//! whoever counts.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use nebula_resource_core::{Guard, ObjectInfo};

use crate::breaker::Call;
use crate::key::Key;
use crate::manager::driver::ResourceDriver;
use crate::manager::erased::About;
use crate::manager::place::Place;
use crate::manager::reports::Finding;
use crate::manager::watch::{Left, Ticket};
use crate::outcome::Severity;
use crate::resource::Resource;
use crate::scope::Scope;

/// An instance of a resource, in its holder's hands; goes back when dropped.
///
/// It stays valid whatever happens to the resource: a reload, a deregistration or a shutdown waits
/// for it and takes nothing away. From [`Manager::acquire`] it is `'static`; from a [`Handle`] it
/// borrows that, and costs less.
///
/// Dropping it never blocks or panics, on any thread, in or out of a runtime. Dropped while its
/// thread is unwinding from a panic, the instance is retired: nobody knows its state.
///
/// [`Manager::acquire`]: super::Manager::acquire
/// [`Handle`]: super::Handle
pub struct ManagedGuard<'a, R: Resource> {
    guard: InHand<'a, R>,
    /// Who is told of its end, as a rule nobody.
    ticket: Option<Arc<Ticket>>,
}

type PoolGuard<'a, R> = Guard<ResourceDriver<R>, Place<'a, R>>;

impl<'a, R: Resource> ManagedGuard<'a, R> {
    #[inline]
    pub(crate) const fn new(guard: PoolGuard<'a, R>) -> Self {
        Self {
            guard: InHand(Some(guard)),
            ticket: None,
        }
    }

    /// The same, of whose use circuit breakers know.
    #[inline]
    pub(crate) fn on(mut self, call: Option<Call>) -> Self {
        if call.is_some() {
            self.guard.begin(call);
        }
        self
    }

    /// The same, of whose end somebody is told.
    pub(crate) fn seen(mut self, ticket: Ticket) -> Self {
        self.ticket = Some(Arc::new(ticket));
        self
    }

    fn about(&self) -> &About {
        &self.guard.home().entry().about
    }

    /// What the resource is called.
    pub fn key(&self) -> &Key {
        &self.about().key
    }

    /// Whose the resource is: the caller's scope, or one above it.
    pub fn scope(&self) -> &Scope {
        &self.about().scope
    }

    /// The number of the configuration that the instance was made with: 1 at first, one more with
    /// each reload.
    pub fn generation(&self) -> u64 {
        self.about().generation
    }

    /// What is known about the instance.
    pub fn info(&self) -> ObjectInfo {
        self.guard.info()
    }

    /// How long it has been out, to a quarter of a second.
    pub fn held_for(&self) -> Duration {
        self.guard.held_for()
    }

    /// Says that something that was done with the instance has failed, and answers for how bad its
    /// resource [takes](Resource::classify) that; see [`Severity`] for what follows. The instance
    /// stays in the caller's hands, whatever the error.
    ///
    /// What is reported here is what the resource's circuit breaker and health go by. Errors that say
    /// nothing about the resource (the caller was cancelled, its input is wrong) need not be reported.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource::{Context, Manager, Scope, Severity};
    /// # use nebula_resource::{BlockingResource, CreateContext};
    /// # struct Link;
    /// # impl BlockingResource for Link {
    /// #     type Config = ();
    /// #     type Instance = u32;
    /// #     type Error = std::io::Error;
    /// #     fn create(&self, (): &(), _: &CreateContext) -> std::io::Result<u32> { Ok(7) }
    /// # }
    /// # fn send(_: &u32) -> std::io::Result<()> {
    /// #     Err(std::io::ErrorKind::ConnectionReset.into())
    /// # }
    ///
    /// let manager = Manager::new();
    /// let links = manager.register_blocking("link", Link, ())?;
    ///
    /// let mut link = links.acquire_blocking()?;
    /// if let Err(error) = send(&link) {
    ///     assert_eq!(link.report(&error), Severity::Fatal); // its connection is gone
    /// }
    /// drop(link); // and it is not used again
    /// assert_eq!(links.status().idle, 0);
    /// # Ok::<(), nebula_resource::BoxError>(())
    /// ```
    pub fn report(&mut self, error: &(dyn Error + 'static)) -> Severity {
        let severity = self.guard.home().driver().classify(error);
        self.tell(Finding::Failed { severity, error });
        self.guard.is_spoilt |= severity.spoils_the_instance();
        self.guard.told(Some(severity), Some(error));
        severity
    }

    /// Says that something that was done with the instance has worked.
    pub fn report_ok(&mut self) {
        self.tell(Finding::Worked);
        self.guard.told(None, None);
    }

    fn tell(&self, finding: Finding<'_>) {
        self.guard.home().driver().watch().report(finding);
    }

    /// [Reports](Self::report) the one or the other, and hands it on.
    ///
    /// # Examples
    ///
    /// ```
    /// # use nebula_resource::{BlockingResource, Context, CreateContext, Manager, ManagedGuard, Scope};
    /// # struct Counter;
    /// # impl BlockingResource for Counter {
    /// #     type Config = ();
    /// #     type Instance = u32;
    /// #     type Error = std::io::Error;
    /// #     fn create(&self, (): &(), _: &CreateContext) -> std::io::Result<u32> { Ok(7) }
    /// # }
    /// # let manager = Manager::new();
    /// # let counters = manager.register_blocking("counter", Counter, ())?;
    /// # fn count(counter: &mut u32) -> std::io::Result<u32> { Ok(*counter) }
    /// let mut counter = counters.acquire_blocking()?;
    /// let counted = count(&mut counter);
    /// let counted = counter.reported(counted)?;
    /// # assert_eq!(counted, 7);
    /// # Ok::<(), nebula_resource::BoxError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `result`, as it came.
    pub fn reported<T, E: Error + 'static>(&mut self, result: Result<T, E>) -> Result<T, E> {
        match &result {
            Ok(_) => self.report_ok(),
            Err(error) => _ = self.report(error),
        }
        result
    }

    /// Takes the instance out of the pool for good; the pool may make another in its place.
    pub fn detach(mut self) -> R::Instance {
        self.take().detach().it
    }

    /// Has the instance cleaned up instead of reused, and the others suspected: what broke this one
    /// may have broken them.
    pub fn discard(mut self) {
        self.tell(Finding::Discarded);
        self.guard.told(Some(Severity::Fatal), None);
        self.take().discard();
    }

    /// Gives the instance back and waits until it has been recycled.
    ///
    /// # Cancel safety
    ///
    /// Dropped before its end, it retires the instance.
    pub fn release(mut self) -> impl Future<Output = ()> + Send {
        let releasing = self.take().release();
        let left = Left(self.ticket.take());
        async move {
            releasing.await;
            drop(left);
        }
    }

    /// [`release`](Self::release) for callers that block.
    ///
    /// # Blocking
    ///
    /// Until the instance has been recycled, at most `recycle_timeout`.
    pub fn release_blocking(mut self) {
        self.take().release_blocking();
    }

    /// Its holder is done with it: whoever is to know hears of it, before it is back.
    fn take(&mut self) -> PoolGuard<'a, R> {
        if let Some(ticket) = &self.ticket {
            ticket.leaving();
        }
        self.guard.take()
    }

    #[cold]
    fn end(&mut self) {
        if self.guard.0.is_some() {
            drop(self.take());
        }
        drop(Left(self.ticket.take()));
    }
}

impl<R: Resource> Drop for ManagedGuard<'_, R> {
    #[inline]
    fn drop(&mut self) {
        if self.ticket.is_some() || self.guard.has_a_call() {
            self.end();
        }
    }
}

impl<R: Resource> Deref for ManagedGuard<'_, R> {
    type Target = R::Instance;

    #[inline]
    fn deref(&self) -> &R::Instance {
        &self.guard.it
    }
}

impl<R: Resource> DerefMut for ManagedGuard<'_, R> {
    #[inline]
    fn deref_mut(&mut self) -> &mut R::Instance {
        &mut self.guard.it
    }
}

/// Says which instance it is, and never shows it: that may know secrets.
impl<R: Resource> fmt::Debug for ManagedGuard<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagedGuard")
            .field("key", self.key())
            .field("scope", self.scope())
            .field("id", &self.info().id)
            .finish_non_exhaustive()
    }
}

/// The pool's guard, until it is taken.
struct InHand<'a, R: Resource>(Option<PoolGuard<'a, R>>);

impl<'a, R: Resource> InHand<'a, R> {
    /// The call that was let through has got its instance.
    #[cold]
    fn begin(&mut self, call: Option<Call>) {
        self.call = call;
        self.lap();
    }

    /// How long its holder has had it, or since it last reported, where somebody wants to know; from
    /// now on it is since now.
    fn lap(&mut self) -> Duration {
        let home = self.home();
        if !home.entry().breakers().time_calls() {
            return Duration::ZERO;
        }
        let now = home.clock().now();
        let took = now.since(self.reported_at);
        self.reported_at = now;
        took
    }

    /// Its holder has said how it goes.
    fn told(&mut self, severity: Option<Severity>, error: Option<&(dyn Error + 'static)>) {
        if let Some(mut call) = self.call.take() {
            let took = self.lap();
            let home = self.home();
            let breakers = home.entry().breakers();
            breakers.told(&mut call, severity, took, home.clock(), error);
            self.call = Some(call);
        }
    }

    #[cold]
    fn end_call(&mut self) {
        if let Some(mut call) = self.call.take() {
            let took = self.lap();
            let home = self.home();
            home.entry().breakers().ended(&mut call, took, home.clock());
        }
    }

    /// Whether a circuit breaker waits for what comes of it.
    #[inline]
    fn has_a_call(&self) -> bool {
        self.0.as_ref().is_some_and(|guard| guard.call.is_some())
    }

    /// However its holder is done with it, the call that it stands for is ended first.
    fn take(&mut self) -> PoolGuard<'a, R> {
        if self.has_a_call() {
            self.end_call();
        }
        match self.0.take() {
            Some(guard) => guard,
            None => unreachable!("only here is it taken"),
        }
    }
}

impl<'a, R: Resource> Deref for InHand<'a, R> {
    type Target = PoolGuard<'a, R>;

    #[inline]
    fn deref(&self) -> &PoolGuard<'a, R> {
        match &self.0 {
            Some(guard) => guard,
            None => unreachable!("who takes it has it no more"),
        }
    }
}

impl<R: Resource> DerefMut for InHand<'_, R> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Self::Target {
        match &mut self.0 {
            Some(guard) => guard,
            None => unreachable!("who takes it has it no more"),
        }
    }
}
