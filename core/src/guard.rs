//! The guard: an object in its holder's hands.
//!
//! Decides nothing; its `Drop` gives the object back, from any thread, without blocking.

use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use crate::driver::{Driver, Home};
use crate::engine::ObjectInfo;
use crate::entry::Entry;
use crate::held::Held;
use crate::retire::RetireReason;

/// An object taken from a pool; goes back when dropped.
///
/// `Guard<D, &Shared<D>>` borrows the pool and touches no reference count; `Guard<D, Arc<Shared<D>>>`
/// is `'static`. The facades name them `Guard<'_, …>` and `OwnedGuard<…>`.
///
/// Dropping it never blocks or panics, on any thread, in or out of a runtime. It takes the line's
/// lock only when somebody waits for an object, and, when the object is to be retired, the clock's
/// for a moment to have it destroyed elsewhere; otherwise it takes none, and allocates nothing. Dropped while its thread is unwinding from a
/// panic, the object is retired: nobody knows its state. Leaked with `mem::forget`, it counts
/// as in use for ever, and is reported after `leak_after`.
pub struct Guard<D: Driver, H: Home<D>>(Option<(H, Box<Entry<D::Object>>)>);

impl<D: Driver, H: Home<D>> Guard<D, H> {
    #[inline]
    pub(crate) const fn new(home: H, entry: Box<Entry<D::Object>>) -> Self {
        Self(Some((home, entry)))
    }

    #[inline]
    const fn parts(&self) -> &(H, Box<Entry<D::Object>>) {
        match &self.0 {
            Some(parts) => parts,
            None => unreachable!(),
        }
    }

    #[inline]
    fn take(mut self) -> (H, Box<Entry<D::Object>>) {
        match self.0.take() {
            Some(parts) => parts,
            None => unreachable!("only here and in `drop` is it taken"),
        }
    }

    /// The same object, tied to the pool in another way.
    #[inline]
    pub(crate) fn tied_to<G: Home<D>>(self, home: G) -> Guard<D, G> {
        let (_, entry) = self.take();
        Guard::new(home, entry)
    }

    /// Where it belongs, for the framework.
    #[doc(hidden)]
    pub const fn home(&self) -> &H {
        &self.parts().0
    }

    /// What is known about the object.
    pub fn info(&self) -> ObjectInfo {
        let (home, entry) = self.parts();
        entry.record.info(home.clock.now())
    }

    /// Takes the object out of the pool for good; the pool may make another in its place.
    pub fn detach(self) -> D::Object {
        let (home, entry) = self.take();
        home.engine.detach(*entry)
    }

    /// Has the object destroyed instead of reused, and the others suspected: what broke this one may
    /// have broken them.
    pub fn discard(self) {
        let (home, entry) = self.take();
        home.retire(entry, RetireReason::Broken);
    }

    /// Gives the object back and waits until it has been recycled.
    ///
    /// Dropping the guard is enough in most programs; this is for those who want the recycling
    /// done on their own time rather than on the next caller's.
    ///
    /// # Cancel safety
    ///
    /// Dropped before its end, it retires the object.
    pub fn release(self) -> impl Future<Output = ()> + Send
    where
        H: Send,
    {
        let (home, entry) = self.take();
        crate::care::release(Held::new(home, entry))
    }

    /// [`release`](Self::release) for callers that block.
    ///
    /// # Blocking
    ///
    /// Until the object has been recycled, at most `recycle_timeout`.
    pub fn release_blocking(self) {
        crate::park::block_on(self.release());
    }

    /// How long it has been out, to a quarter of a second.
    pub fn held_for(&self) -> Duration {
        self.info().in_state_for
    }
}

impl<D: Driver, H: Home<D>> Deref for Guard<D, H> {
    type Target = D::Object;

    #[inline]
    fn deref(&self) -> &D::Object {
        &self.parts().1.object
    }
}

impl<D: Driver, H: Home<D>> DerefMut for Guard<D, H> {
    #[inline]
    fn deref_mut(&mut self) -> &mut D::Object {
        match &mut self.0 {
            Some((_, entry)) => &mut entry.object,
            None => unreachable!(),
        }
    }
}

impl<D: Driver, H: Home<D>> Drop for Guard<D, H> {
    #[inline]
    fn drop(&mut self) {
        if let Some((home, entry)) = self.0.take() {
            home.release(entry);
        }
    }
}

/// Says which object it is, and never shows the object: that may know secrets.
impl<D: Driver, H: Home<D>> fmt::Debug for Guard<D, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("id", &self.parts().1.record.id)
            .finish_non_exhaustive()
    }
}
