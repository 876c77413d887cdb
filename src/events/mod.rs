//! What happens to resources, told to whoever subscribes.
//!
//! Decides who is told, and who loses what when they do not listen. Knows nothing of what the
//! events are good for. Each subscriber has a queue of its own, so that one who does not listen, or
//! a tenant with much traffic, costs the others nothing; and telling takes no lock.

mod inbox;
mod kinds;

use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::Poll;
use std::time::SystemTime;

use arc_swap::ArcSwap;
use nebula_resource_core::park::block_on;

pub use kinds::{EventKind, ResourceEvent};

use crate::filter::{Filter, Subject};
use crate::switch::{Signals, Switch};
use inbox::Inbox;

/// How many events a subscriber may be behind, unless told otherwise.
///
/// At some 100 bytes each, a subscriber costs 100 KiB.
pub const DEFAULT_BACKLOG: usize = 1024;

/// The most events that a subscriber may be behind.
const MOST_BACKLOG: usize = 1 << 20;

/// Where one subscribes to what happens.
///
/// While nobody is subscribed, telling costs one load. A subscriber that falls behind loses the
/// oldest events and is told how many; nobody ever waits for it.
///
/// Clones tell and hear the same.
///
/// # Examples
///
/// ```
/// use nebula_resource::events::{EventKind, Events, TryRecvError};
///
/// let events = Events::new();
/// let mut subscription = events.subscribe();
/// assert!(matches!(subscription.try_recv(), Err(TryRecvError::Empty)));
///
/// drop(events); // as at the end of a manager
/// assert!(matches!(subscription.try_recv(), Err(TryRecvError::Closed)));
/// ```
#[derive(Clone)]
pub struct Events(Arc<Bus>);

struct Bus {
    /// Those of all subscriptions.
    inboxes: ArcSwap<Vec<Arc<Inbox>>>,
    /// Whether there are any: what is looked at first.
    switch: Arc<Switch>,
    /// Held by whoever comes or goes.
    change: Mutex<()>,
}

impl Events {
    /// A bus of its own. The manager has one already.
    pub fn new() -> Self {
        Self::on(Arc::default())
    }

    /// A bus whose subscriptions show on `switch`.
    pub(crate) fn on(switch: Arc<Switch>) -> Self {
        Self(Arc::new(Bus {
            inboxes: ArcSwap::default(),
            switch,
            change: Mutex::new(()),
        }))
    }

    /// Hears from now on of everything that happens to any resource.
    pub fn subscribe(&self) -> Subscription {
        self.subscribe_to(Filter::all(), DEFAULT_BACKLOG)
    }

    /// Hears from now on of what happens to the resources that `filter` selects, and may fall
    /// `backlog` events behind (1 to 2²⁰; what is more or less counts as that).
    pub fn subscribe_to(&self, filter: Filter, backlog: usize) -> Subscription {
        let inbox = Arc::new(Inbox::new(filter, backlog.clamp(1, MOST_BACKLOG)));
        let new = Arc::clone(&inbox);
        self.0.change(|inboxes| inboxes.push(new));
        Subscription {
            inbox,
            bus: Arc::downgrade(&self.0),
        }
    }

    /// How many subscriptions there are.
    pub fn subscribers(&self) -> usize {
        self.0.inboxes.load().len()
    }

    /// Whether telling is of any use.
    #[inline]
    pub(crate) fn anybody(&self) -> bool {
        self.0.switch.is_on(Signals::EVENTS)
    }

    /// Tells all who are interested in `subject`. Never blocks, and never panics.
    pub(crate) fn tell(&self, subject: &Subject, kind: impl FnOnce() -> EventKind) {
        if !self.anybody() {
            return;
        }
        let inboxes = self.0.inboxes.load();
        let mut interested = inboxes.iter().filter(|inbox| inbox.filter.selects(subject));
        let Some(first) = interested.next() else {
            return;
        };
        let event = ResourceEvent {
            at: SystemTime::now(),
            key: subject.key.clone(),
            scope: subject.scope.clone(),
            kind: kind(),
        };
        for inbox in interested {
            inbox.put(event.clone());
        }
        first.put(event);
    }
}

impl Bus {
    fn change(&self, change: impl FnOnce(&mut Vec<Arc<Inbox>>)) {
        let _changing = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        let mut inboxes = Vec::clone(&self.inboxes.load());
        change(&mut inboxes);
        let heard = match inboxes.is_empty() {
            true => Signals::NONE,
            false => Signals::EVENTS,
        };
        self.inboxes.store(Arc::new(inboxes));
        self.switch.set(Signals::EVENTS, heard);
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        for inbox in self.inboxes.load().iter() {
            inbox.close();
        }
    }
}

impl Default for Events {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("subscribers", &self.subscribers())
            .finish()
    }
}

/// Why there is no event to be had now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TryRecvError {
    /// Nothing has happened that has not been heard yet.
    #[error("there is no event now")]
    Empty,
    /// The subscriber was too slow, and the oldest events are lost. Those that came after them are
    /// still to be had.
    #[error("{lost} events were lost: the subscriber is too slow, or its backlog too small")]
    Lagged {
        /// How many.
        lost: u64,
    },
    /// Everything has been heard, and nothing will happen any more.
    #[error("there will be no more events")]
    Closed,
}

/// Why there is no next event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecvError {
    /// As [`TryRecvError::Lagged`].
    #[error("{lost} events were lost: the subscriber is too slow, or its backlog too small")]
    Lagged {
        /// How many.
        lost: u64,
    },
    /// As [`TryRecvError::Closed`].
    #[error("there will be no more events")]
    Closed,
}

/// Hears what happens, until it is dropped.
///
/// Events that one thread causes arrive in their order.
#[must_use = "it hears nothing after it is dropped"]
pub struct Subscription {
    inbox: Arc<Inbox>,
    bus: Weak<Bus>,
}

impl Subscription {
    /// The next event, as soon as there is one.
    ///
    /// # Errors
    ///
    /// [`RecvError::Lagged`] once after events were lost, [`RecvError::Closed`] at the end.
    ///
    /// # Cancel safety
    ///
    /// Can be dropped at any point; no event is lost by that.
    pub async fn recv(&mut self) -> Result<ResourceEvent, RecvError> {
        poll_fn(|cx| {
            // Between two looks, so that what comes in between wakes.
            let first = self.next();
            if first.is_ready() {
                return first;
            }
            self.inbox.reader.register(cx.waker());
            self.next()
        })
        .await
    }

    /// [`recv`](Self::recv) for a thread.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    ///
    /// # Blocking
    ///
    /// Until there is an event.
    pub fn recv_blocking(&mut self) -> Result<ResourceEvent, RecvError> {
        block_on(self.recv())
    }

    /// The next event, if there is one.
    ///
    /// # Errors
    ///
    /// [`TryRecvError::Empty`] if there is none, and as [`recv`](Self::recv).
    pub fn try_recv(&mut self) -> Result<ResourceEvent, TryRecvError> {
        match self.next() {
            Poll::Ready(Ok(event)) => Ok(event),
            Poll::Ready(Err(RecvError::Lagged { lost })) => Err(TryRecvError::Lagged { lost }),
            Poll::Ready(Err(RecvError::Closed)) => Err(TryRecvError::Closed),
            Poll::Pending => Err(TryRecvError::Empty),
        }
    }

    fn next(&self) -> Poll<Result<ResourceEvent, RecvError>> {
        // Asked first: what came before the end is to be heard, and what was lost before it.
        let closed = self.inbox.is_closed();
        if let Some(lost) = self.inbox.take_lost() {
            return Poll::Ready(Err(RecvError::Lagged { lost }));
        }
        match self.inbox.take() {
            Some(event) => Poll::Ready(Ok(event)),
            None if closed => Poll::Ready(Err(RecvError::Closed)),
            None => Poll::Pending,
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        if let Some(bus) = self.bus.upgrade() {
            bus.change(|inboxes| inboxes.retain(|inbox| !Arc::ptr_eq(inbox, &self.inbox)));
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("filter", &self.inbox.filter)
            .field("behind", &self.inbox.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
