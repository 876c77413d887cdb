//! Wakers collected under the line's lock, to be woken after it: a waker is user code.

use std::task::Waker;

/// More than this at once are woken in several rounds; whoever looks pays for the room.
const ROOM: usize = 4;

#[derive(Default)]
pub(crate) struct Wakes {
    wakers: [Option<Waker>; ROOM],
    len: usize,
}

impl Wakes {
    pub(crate) const fn is_full(&self) -> bool {
        self.len == ROOM
    }

    pub(crate) fn push(&mut self, waker: Option<Waker>) {
        if let Some(place) = self.wakers.get_mut(self.len) {
            self.len += usize::from(waker.is_some());
            *place = waker;
        }
    }

    /// Wakes them all. A waker that panics does not keep the others asleep.
    pub(crate) fn wake(&mut self) {
        for waker in self
            .wakers
            .iter_mut()
            .take(self.len)
            .filter_map(Option::take)
        {
            wake(waker);
        }
        self.len = 0;
    }
}

/// Wakes one; a panic in it stays here, because the caller may be a guard's `Drop`.
pub(crate) fn wake(waker: Waker) {
    crate::guarded::contained(|| waker.wake());
}
