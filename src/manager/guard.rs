//! What the manager hands out: an instance, and where it belongs.
//!
//! Decides nothing; its `Drop` is the pool's.

use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Duration;

use nebula_resource_core::{Guard, ObjectInfo};

use crate::key::Key;
use crate::manager::driver::ResourceDriver;
use crate::manager::erased::About;
use crate::manager::place::Place;
use crate::manager::watch::{Leaving, Left, Ticket};
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
    // In the order in which they are dropped.
    leaving: Leaving,
    guard: Guard<ResourceDriver<R>, Place<'a, R>>,
    left: Left,
}

impl<'a, R: Resource> ManagedGuard<'a, R> {
    #[inline]
    pub(crate) const fn new(guard: Guard<ResourceDriver<R>, Place<'a, R>>) -> Self {
        Self {
            leaving: Leaving(None),
            guard,
            left: Left(None),
        }
    }

    /// The same, of whose end somebody is told.
    pub(crate) fn seen(mut self, ticket: Ticket) -> Self {
        let ticket = Arc::new(ticket);
        self.leaving = Leaving(Some(Arc::clone(&ticket)));
        self.left = Left(Some(ticket));
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

    /// Takes the instance out of the pool for good; the pool may make another in its place.
    pub fn detach(self) -> R::Instance {
        drop(self.leaving);
        self.guard.detach().it
    }

    /// Has the instance cleaned up instead of reused, and the others suspected: what broke this one
    /// may have broken them.
    pub fn discard(self) {
        drop(self.leaving);
        self.guard.discard();
    }

    /// Gives the instance back and waits until it has been recycled.
    ///
    /// # Cancel safety
    ///
    /// Dropped before its end, it retires the instance.
    pub fn release(self) -> impl Future<Output = ()> + Send {
        let Self {
            leaving,
            guard,
            left,
        } = self;
        drop(leaving);
        let releasing = guard.release();
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
    pub fn release_blocking(self) {
        drop(self.leaving);
        self.guard.release_blocking();
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
