//! Acquiring through the manager: who may, from which pool, and what ends the wait.
//!
//! Decides nothing about objects: that is the pool's. In the common case, where an instance is idle,
//! this adds a snapshot, a hash, a comparison of types and a reference count to what the pool does;
//! it takes no lock and allocates nothing.

use std::any::{TypeId, type_name};
use std::future::poll_fn;
use std::panic::Location;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use nebula_resource_core::clock::Clock;
use nebula_resource_core::{AcquireError, Pool, Rest, Tick, park};

use crate::context::{Cancelled, Context};
use crate::manager::Inner;
use crate::manager::driver::ResourceDriver;
use crate::manager::error::ResourceError;
use crate::manager::guard::ManagedGuard;
use crate::manager::place::Place;
use crate::provider::AnyGuard;
use crate::resource::Resource;

pub(crate) type At = &'static Location<'static>;
type Waiting<'a, R> = Rest<'a, ResourceDriver<R>, Place<'a, R>>;

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
    fn until(&self, clock: &Clock, timeout: Duration) -> Option<Tick> {
        let own = self.context.deadline();
        let own = own.map(|deadline| clock.deadline(deadline));
        // Looking for another pool takes from the time that there was for the first one.
        let left = self.since.map(|since| since.after(timeout));
        own.into_iter().chain(left).min()
    }

    #[cold]
    fn cancelled(&self, source: Cancelled) -> ResourceError {
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
    fn nothing(&self, why: AcquireError, since: Tick) -> Nothing {
        match why {
            AcquireError::Closed => Nothing::Closed(since),
            source => Nothing::Error(ResourceError::Pool {
                key: self.name(),
                source,
            }),
        }
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

impl Inner {
    /// Acquires for a task.
    pub(crate) async fn acquire<R: Resource>(
        &self,
        ask: Question<'_>,
    ) -> Result<ManagedGuard<'static, R>, ResourceError> {
        let mut ask = ask;
        loop {
            let entry = self.find::<R>(ask)?;
            match self.enter(ask, Place::Far(entry)).await {
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

    /// Acquires from this pool, for a task.
    #[inline]
    pub(crate) async fn enter<'a, R: Resource>(
        &self,
        ask: Question<'_>,
        place: Place<'a, R>,
    ) -> Result<ManagedGuard<'a, R>, Nothing> {
        if place.entry().is_watched() {
            return Box::pin(self.enter_watched(ask, place)).await;
        }
        self.enter_unseen(ask, place).await
    }

    /// [`enter`](Self::enter), of which nobody is told.
    #[inline]
    pub(crate) async fn enter_unseen<'a, R: Resource>(
        &self,
        ask: Question<'_>,
        place: Place<'a, R>,
    ) -> Result<ManagedGuard<'a, R>, Nothing> {
        ask.still_wanted().map_err(Nothing::Error)?;
        let task = poll_fn(|cx| Poll::Ready(cx.waker().data() as usize as u64)).await;
        let mut since = Tick::ZERO;
        let begun = Pool::begin(place, ask.at, Some(task), |clock, timeout| {
            since = clock.now();
            ask.until(clock, timeout)
        });
        match begun {
            Ok(guard) => Ok(ManagedGuard::new(guard)),
            // On the heap, so that the future stays small: most acquires never come here.
            Err(rest) => Box::pin(self.wait(ask, since, rest)).await,
        }
    }

    /// Waits, since then, until there is an outcome or the caller is cancelled.
    async fn wait<'a, R: Resource>(
        &self,
        ask: Question<'_>,
        since: Tick,
        rest: Waiting<'a, R>,
    ) -> Result<ManagedGuard<'a, R>, Nothing> {
        match ask.context.run(rest).await {
            Ok(Ok(guard)) => Ok(ManagedGuard::new(guard)),
            Ok(Err(why)) => Err(ask.nothing(why, since)),
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
            let entry = self.find::<R>(ask)?;
            match self.enter_blocking(ask, Place::Far(entry)) {
                Ok(guard) => return Ok(guard),
                Err(Nothing::Error(why)) => return Err(why),
                Err(Nothing::Closed(since)) => ask = ask.again(since),
            }
        }
    }

    /// Acquires from this pool, for a thread.
    #[inline]
    pub(crate) fn enter_blocking<'a, R: Resource>(
        &self,
        ask: Question<'_>,
        place: Place<'a, R>,
    ) -> Result<ManagedGuard<'a, R>, Nothing> {
        if place.entry().is_watched() {
            return self.enter_blocking_watched(ask, place);
        }
        self.enter_blocking_unseen(ask, place)
    }

    /// [`enter_blocking`](Self::enter_blocking), of which nobody is told.
    #[inline]
    pub(crate) fn enter_blocking_unseen<'a, R: Resource>(
        &self,
        ask: Question<'_>,
        place: Place<'a, R>,
    ) -> Result<ManagedGuard<'a, R>, Nothing> {
        ask.still_wanted().map_err(Nothing::Error)?;
        let mut since = Tick::ZERO;
        let begun = Pool::begin(place, ask.at, None, |clock, timeout| {
            since = clock.now();
            ask.until(clock, timeout)
        });
        match begun {
            Ok(guard) => Ok(ManagedGuard::new(guard)),
            Err(rest) => park::block_on(self.wait(ask, since, rest)),
        }
    }
}
