//! Acquiring through the manager: who may, from which pool, and what ends the wait.
//!
//! Decides nothing about objects: that is the pool's. In the common case, where an instance is idle,
//! this adds a snapshot, a hash, a comparison of types and a reference count to what the pool does;
//! it takes no lock and allocates nothing.

use std::any::{TypeId, type_name};
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use nebula_resource_core::clock::Clock;
use nebula_resource_core::{AcquireError, Begun, Pool, Tick, park};

use crate::breaker::Call;
use crate::context::{Cancelled, Context};
use crate::manager::Inner;
use crate::manager::driver::ResourceDriver;
use crate::manager::error::ResourceError;
use crate::manager::guard::ManagedGuard;
use crate::manager::place::Place;
use crate::provider::AnyGuard;
use crate::quarantine::Hold;
use crate::resource::Resource;

pub(crate) type At = &'static Location<'static>;
type Started<'a, R> = Begun<ResourceDriver<R>, Place<'a, R>>;

/// Who asks for what.
#[derive(Clone, Copy)]
pub(crate) struct Question<'q> {
    pub(crate) key: &'q str,
    pub(crate) context: &'q Context,
    pub(crate) at: At,
    /// Since when it waits, where it was turned away by a pool that closed.
    pub(crate) since: Option<Tick>,
}

/// Which type of resource the caller expects.
#[derive(Clone, Copy)]
pub(crate) struct Wanted {
    pub(crate) id: TypeId,
    pub(crate) name: &'static str,
}

impl Wanted {
    pub(crate) fn of<R: Resource>() -> Self {
        Self {
            id: TypeId::of::<R>(),
            name: type_name::<R>(),
        }
    }
}

/// Why a pool that was asked gave nothing.
pub(crate) enum Nothing {
    /// It was closed: its resource has been reloaded, or is going. And since when the caller waits.
    Closed(Tick),
    Error(ResourceError),
}

impl<'q> Question<'q> {
    pub(crate) const fn new(key: &'q str, context: &'q Context, at: At) -> Self {
        Self {
            key,
            context,
            at,
            since: None,
        }
    }

    /// The same, of who was turned away.
    pub(crate) fn again(self, since: Tick) -> Self {
        let since = self.since.unwrap_or(since);
        Self {
            since: Some(since),
            ..self
        }
    }

    pub(crate) fn name(&self) -> String {
        self.key.to_owned()
    }

    /// When the caller's time is over, besides the pool's `timeout` from now on.
    pub(crate) fn until(&self, clock: &Clock, timeout: Duration) -> Option<Tick> {
        let own = self.context.deadline();
        let own = own.map(|deadline| clock.deadline(deadline));
        // Looking for another pool takes from the time that there was for the first one.
        let left = self.since.map(|since| since.after(timeout));
        own.into_iter().chain(left).min()
    }

    #[cold]
    pub(crate) fn cancelled(&self, source: Cancelled) -> ResourceError {
        ResourceError::Cancelled {
            key: self.name(),
            source,
        }
    }

    #[cold]
    pub(crate) fn shutting_down(&self) -> ResourceError {
        ResourceError::ShuttingDown { key: self.name() }
    }

    #[cold]
    pub(crate) fn quarantined(&self, hold: Hold) -> ResourceError {
        let key = self.name();
        ResourceError::Quarantined { key, hold }
    }

    #[cold]
    fn nothing(&self, why: AcquireError, since: Tick) -> Nothing {
        match why {
            AcquireError::Closed => Nothing::Closed(since),
            source => Nothing::Error(ResourceError::Pool {
                key: self.name(),
                source,
            }),
        }
    }

    /// Refuses whoever a circuit breaker does not let through. As a rule there is none.
    #[inline]
    fn let_in<R: Resource>(&self, place: &Place<'_, R>) -> Result<Option<Call>, Nothing> {
        let breakers = place.entry().breakers();
        if breakers.is_empty() {
            return Ok(None);
        }
        let call = breakers.let_in(self.key, place.clock());
        let refused = |refusal| Nothing::Error(ResourceError::BreakerOpen(refusal));
        call.map(Some).map_err(refused)
    }

    /// Refuses whoever was cancelled before an instance is taken.
    #[inline]
    fn still_wanted(&self) -> Result<(), ResourceError> {
        if self.context.cancellation().is_cancelled() {
            return Err(self.cancelled(Cancelled));
        }
        Ok(())
    }
}

/// How far an acquire has come that was not served at once.
pub(crate) enum Start<'a, R: Resource> {
    /// Something is in the way, or is to be told.
    Closely(Place<'a, R>),
    Begun(Started<'a, R>),
}

/// The common case: nobody is to be told, nobody turns anybody away, and an instance is idle.
///
/// Always in place, before anything is put together that only the other cases need.
#[inline(always)]
pub(crate) fn at_once<'a, R: Resource>(
    place: Place<'a, R>,
    context: &Context,
    at: At,
    task: Option<u64>,
) -> Result<ManagedGuard<'a, R>, Start<'a, R>> {
    let entry = place.entry();
    let is_open = entry.about.is_open_to_all || entry.lets_everybody_in();
    let is_plain = is_open && !entry.is_watched();
    if !is_plain || context.cancellation().is_cancelled() {
        return Err(Start::Closely(place));
    }
    let begun = Pool::begin_at_once(place, at, task);
    begun.map(ManagedGuard::new).map_err(Start::Begun)
}

impl Inner {
    /// Acquires for a task.
    pub(crate) async fn acquire<R: Resource>(
        &self,
        ask: Question<'_>,
    ) -> Result<ManagedGuard<'static, R>, ResourceError> {
        let mut ask = ask;
        loop {
            let place = Place::Far(self.find::<R>(ask)?);
            let start = match at_once(place, ask.context, ask.at, Some(park::task_key().await)) {
                Ok(guard) => return Ok(guard),
                Err(start) => start,
            };
            match Box::pin(self.enter(ask, start)).await {
                Ok(guard) => return Ok(guard),
                Err(Nothing::Error(why)) => return Err(why),
                Err(Nothing::Closed(since)) => ask = ask.again(since),
            }
        }
    }

    /// Acquires for a task that knows the type only by name.
    pub(crate) async fn acquire_any(
        &self,
        ask: Question<'_>,
        wanted: Wanted,
    ) -> Result<AnyGuard, ResourceError> {
        let mut ask = ask;
        loop {
            let found = self.look_for(ask, wanted)?;
            match Arc::clone(&found.entry).acquire_any(self, ask).await {
                Ok(guard) => return Ok(guard),
                Err(Nothing::Error(why)) => return Err(why),
                Err(Nothing::Closed(since)) => ask = ask.again(since),
            }
        }
    }

    /// Acquires from this pool, for a task that was not served [at once](at_once).
    pub(crate) async fn enter<'a, R: Resource>(
        &self,
        ask: Question<'_>,
        start: Start<'a, R>,
    ) -> Result<ManagedGuard<'a, R>, Nothing> {
        match start {
            Start::Begun(begun) => self.go_on(ask, begun, None).await,
            Start::Closely(place) if place.entry().is_watched() => {
                self.enter_watched(ask, place).await
            }
            Start::Closely(place) => self.enter_unseen(ask, place).await,
        }
    }

    /// [`enter`](Self::enter), of which nobody is told.
    #[inline]
    pub(crate) async fn enter_unseen<'a, R: Resource>(
        &self,
        ask: Question<'_>,
        place: Place<'a, R>,
    ) -> Result<ManagedGuard<'a, R>, Nothing> {
        ask.still_wanted().map_err(Nothing::Error)?;
        if let Some(ward) = place.keeper()
            && ward.lets_in_slowly()
        {
            return Box::pin(self.enter_slowly(ask, place, ward)).await;
        }
        self.enter_at_once(ask, place).await
    }

    /// [`enter_unseen`](Self::enter_unseen), with nothing left in the way.
    #[inline]
    pub(crate) async fn enter_at_once<'a, R: Resource>(
        &self,
        ask: Question<'_>,
        place: Place<'a, R>,
    ) -> Result<ManagedGuard<'a, R>, Nothing> {
        let task = Some(park::task_key().await);
        let call = ask.let_in(&place)?;
        match Pool::begin_at_once(place, ask.at, task) {
            Ok(guard) => Ok(ManagedGuard::new(guard).on(call)),
            Err(begun) => self.go_on(ask, begun, call).await,
        }
    }

    /// Waits until there is an outcome or the caller is cancelled.
    async fn go_on<'a, R: Resource>(
        &self,
        ask: Question<'_>,
        begun: Started<'a, R>,
        call: Option<Call>,
    ) -> Result<ManagedGuard<'a, R>, Nothing> {
        let mut since = Tick::ZERO;
        let keeper = begun.home().and_then(|place| place.keeper());
        let rest = begun.rest(|clock, timeout| {
            since = clock.now();
            ask.until(clock, timeout)
        });
        let served = match keeper {
            None => ask.context.run(rest).await,
            Some(ward) => match ask.context.run(ward.unless_held(rest)).await {
                Ok(Err(hold)) => return Err(Nothing::Error(ask.quarantined(hold))),
                Ok(Ok(served)) => Ok(served),
                Err(cancelled) => Err(cancelled),
            },
        };
        match served {
            Ok(Ok(guard)) => Ok(ManagedGuard::new(guard).on(call)),
            Ok(Err(why)) => {
                if let Some(call) = call {
                    call.not_served(&why);
                }
                Err(ask.nothing(why, since))
            }
            Err(cancelled) => Err(Nothing::Error(ask.cancelled(cancelled))),
        }
    }

    /// Acquires for a thread.
    pub(crate) fn acquire_blocking<R: Resource>(
        &self,
        ask: Question<'_>,
    ) -> Result<ManagedGuard<'static, R>, ResourceError> {
        let mut ask = ask;
        loop {
            let place = Place::Far(self.find::<R>(ask)?);
            let start = match at_once(place, ask.context, ask.at, None) {
                Ok(guard) => return Ok(guard),
                Err(start) => start,
            };
            match self.enter_blocking(ask, start) {
                Ok(guard) => return Ok(guard),
                Err(Nothing::Error(why)) => return Err(why),
                Err(Nothing::Closed(since)) => ask = ask.again(since),
            }
        }
    }

    /// Acquires from this pool, for a thread that was not served [at once](at_once).
    #[cold]
    pub(crate) fn enter_blocking<'a, R: Resource>(
        &self,
        ask: Question<'_>,
        start: Start<'a, R>,
    ) -> Result<ManagedGuard<'a, R>, Nothing> {
        match start {
            Start::Begun(begun) => park::block_on(self.go_on(ask, begun, None)),
            Start::Closely(place) if place.entry().is_watched() => {
                self.enter_blocking_watched(ask, place)
            }
            Start::Closely(place) => self.enter_blocking_unseen(ask, place),
        }
    }

    /// [`enter_blocking`](Self::enter_blocking), of which nobody is told.
    #[inline]
    pub(crate) fn enter_blocking_unseen<'a, R: Resource>(
        &self,
        ask: Question<'_>,
        place: Place<'a, R>,
    ) -> Result<ManagedGuard<'a, R>, Nothing> {
        ask.still_wanted().map_err(Nothing::Error)?;
        if let Some(ward) = place.keeper()
            && ward.lets_in_slowly()
        {
            return park::block_on(self.enter_slowly(ask, place, ward));
        }
        let call = ask.let_in(&place)?;
        match Pool::begin_at_once(place, ask.at, None) {
            Ok(guard) => Ok(ManagedGuard::new(guard).on(call)),
            Err(begun) => park::block_on(self.go_on(ask, begun, call)),
        }
    }
}
