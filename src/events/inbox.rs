//! One subscriber's events that it has not heard yet.
//!
//! Decides what is lost when there are too many: the oldest. Knows nothing of what they say.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use atomic_waker::AtomicWaker;
use crossbeam_queue::ArrayQueue;
use nebula_resource_core::catch;

use super::ResourceEvent;
use crate::filter::Filter;

pub(super) struct Inbox {
    pub(super) filter: Filter,
    /// Whoever waits for the next event.
    pub(super) reader: AtomicWaker,
    events: ArrayQueue<ResourceEvent>,
    /// How many were pushed out since the subscriber was last told.
    lost: AtomicU64,
    /// Goes up once.
    closed: AtomicBool,
}

impl Inbox {
    pub(super) fn new(filter: Filter, backlog: usize) -> Self {
        Self {
            filter,
            reader: AtomicWaker::new(),
            events: ArrayQueue::new(backlog),
            lost: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        }
    }

    /// Puts `event` in, in place of the oldest where there is no room.
    pub(super) fn put(&self, event: ResourceEvent) {
        if self.events.force_push(event).is_some() {
            // ord: Relaxed: only the number counts.
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        self.wake();
    }

    pub(super) fn take(&self) -> Option<ResourceEvent> {
        self.events.pop()
    }

    pub(super) fn take_lost(&self) -> Option<u64> {
        if self.lost.load(Ordering::Relaxed) == 0 {
            return None;
        }
        Some(self.lost.swap(0, Ordering::Relaxed))
    }

    pub(super) fn close(&self) {
        // ord: Release, pairs with `is_closed`: who sees it sees every event before it.
        self.closed.store(true, Ordering::Release);
        self.wake();
    }

    pub(super) fn is_closed(&self) -> bool {
        // ord: Acquire, pairs with `close`.
        self.closed.load(Ordering::Acquire)
    }

    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    fn wake(&self) {
        if let Some(waker) = self.reader.take() {
            // Foreign code: a panic in it is not for whoever has something to tell.
            let _contained = catch("a waker", || waker.wake());
        }
    }
}
