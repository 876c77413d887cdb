//! An object between the idle store and a guard: whoever drops it on the way retires it.
//!
//! Decides what an unfinished step costs: the object, never its permit.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use crate::driver::{Driver, Home};
use crate::entry::Entry;
use crate::primitives::around::thread_local;
use crate::record::ObjectState;
use crate::retire::RetireReason;
use crate::shared::Shared;

thread_local! {
    /// Why a `Held` that is dropped right now is dropped; see [`dropping_for`].
    static FATE: Cell<RetireReason> = const { Cell::new(RetireReason::Abandoned) };
}

/// Runs `drop_it`, in which every `Held` that is dropped retires its object for `reason`.
///
/// A future that is given up owns its `Held` out of our reach; its drop runs on this thread, so
/// the reason can wait here for it.
pub(crate) fn dropping_for<R>(reason: RetireReason, drop_it: impl FnOnce() -> R) -> R {
    struct Restore(RetireReason);
    impl Drop for Restore {
        fn drop(&mut self) {
            FATE.with(|fate| fate.set(self.0));
        }
    }
    let _restore = Restore(FATE.with(|fate| fate.replace(reason)));
    drop_it()
}

/// Why what is dropped right now is dropped.
pub(crate) fn fate() -> RetireReason {
    if std::thread::panicking() {
        RetireReason::Panicked
    } else {
        FATE.with(Cell::get)
    }
}

/// An object that somebody is working on.
pub struct Held<D: Driver, H: Home<D>>(Option<(H, Box<Entry<D::Object>>)>);

impl<D: Driver, H: Home<D>> Held<D, H> {
    #[inline]
    pub(crate) const fn new(home: H, entry: Box<Entry<D::Object>>) -> Self {
        Self(Some((home, entry)))
    }

    /// The pool it belongs to.
    #[inline]
    pub fn home(&self) -> &Shared<D> {
        match &self.0 {
            Some((home, _)) => home,
            None => unreachable!("taken only by value"),
        }
    }

    /// The object, to be worked on.
    pub fn object(&mut self) -> &mut D::Object {
        &mut self.entry_mut().object
    }

    #[inline]
    pub(crate) fn entry_mut(&mut self) -> &mut Entry<D::Object> {
        self.parts_mut().1
    }

    /// Both at once: the pool, and the object with its metadata.
    #[inline]
    pub(crate) fn parts_mut(&mut self) -> (&Shared<D>, &mut Entry<D::Object>) {
        match &mut self.0 {
            Some((home, entry)) => (home, entry),
            None => unreachable!("taken only by value"),
        }
    }

    /// Ends the care: the object goes on in other hands.
    #[inline]
    pub(crate) fn into_parts(mut self) -> (H, Box<Entry<D::Object>>) {
        match self.0.take() {
            Some(parts) => parts,
            None => unreachable!("taken only by value"),
        }
    }

    /// The same object, tied to the pool by count. None when the pool is just going, and the
    /// object with it.
    pub(crate) fn counted(self) -> Option<Held<D, Arc<Shared<D>>>> {
        let (home, entry) = self.into_parts();
        match home.arc() {
            Some(shared) => Some(Held::new(shared, entry)),
            None => {
                home.retire(entry, RetireReason::Closed);
                None
            }
        }
    }

    /// The home itself, to come back to.
    pub fn home_ref(&self) -> H {
        match &self.0 {
            Some((home, _)) => home.clone(),
            None => unreachable!("taken only by value"),
        }
    }

    /// The same object, tied to the pool as its borrower was.
    pub(crate) fn back_to<G: Home<D>>(self, home: G) -> Held<D, G> {
        let (_, entry) = self.into_parts();
        Held::new(home, entry)
    }

    pub(crate) fn retire(self, reason: RetireReason) {
        let (home, entry) = self.into_parts();
        home.retire(entry, reason);
    }

    pub(crate) fn checking(&mut self) {
        self.entry_mut().record.set_state(ObjectState::Checking);
    }
}

impl<D: Driver, H: Home<D>> Drop for Held<D, H> {
    #[inline]
    fn drop(&mut self) {
        if let Some((home, entry)) = self.0.take() {
            abandon(&home, entry);
        }
    }
}

/// Apart, so that the common case, in which it was taken, is a comparison.
#[cold]
fn abandon<D: Driver>(home: &Shared<D>, entry: Box<Entry<D::Object>>) {
    home.retire(entry, fate());
}

impl<D: Driver, H: Home<D>> fmt::Debug for Held<D, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").finish_non_exhaustive()
    }
}
