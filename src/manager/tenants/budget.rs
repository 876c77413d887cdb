//! The instances that all tenants of a template may have together.
//!
//! Decides who may have one more, and who waits. Knows nothing of tenants or pools: whoever has an
//! instance holds a permit, and gives it back by dropping it.

use std::fmt;
use std::sync::Arc;

use event_listener::listener;

use crate::primitives::{AtomicUsize, Event, Ordering, fence};

/// So many permits, and who waits for one.
pub(crate) struct Budget {
    total: usize,
    /// Permits that are out: raised by a compare-and-swap that keeps it at `total` or below, lowered
    /// by whoever drops one.
    taken: AtomicUsize,
    freed: Event,
}

/// The right to have one instance.
pub(crate) struct Permit(Arc<Budget>);

impl Budget {
    pub(crate) fn new(total: usize) -> Arc<Self> {
        Arc::new(Self {
            total,
            taken: AtomicUsize::new(0),
            freed: Event::new(),
        })
    }

    pub(crate) const fn total(&self) -> usize {
        self.total
    }

    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Relaxed)
    }

    /// A permit, if one is free.
    pub(crate) fn try_take(self: &Arc<Self>) -> Option<Permit> {
        // proof: budget-cap
        let more = |taken| (taken < self.total).then_some(taken + 1);
        // ord: AcqRel, pairs with the Release in `Permit::drop`.
        let taken = self
            .taken
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
        taken.is_ok().then(|| Permit(Arc::clone(self)))
    }

    /// A permit, as soon as one is free.
    ///
    /// Dropped while it waits, it passes the wake-up on, as every listener does.
    pub(crate) async fn take(self: &Arc<Self>) -> Permit {
        loop {
            listener!(self.freed => freed);
            // Pairs with the fence in `Permit::drop`: either the one who gives a permit back sees the
            // listener, or the listener sees the permit.
            fence(Ordering::SeqCst);
            if let Some(permit) = self.try_take() {
                return permit;
            }
            freed.await;
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        // ord: Release, pairs with the AcqRel in `try_take`.
        self.0.taken.fetch_sub(1, Ordering::Release);
        fence(Ordering::SeqCst);
        // One more for each: two permits that come back before the first waiter has left the list
        // are for two.
        // proof: budget-tells
        self.0.freed.notify_additional(1);
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("total", &self.total)
            .field("taken", &self.taken())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use std::future::Future;
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn poll<T>(future: Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn never_more_are_out_than_there_are() {
        let budget = Budget::new(2);
        let (one, two) = (budget.try_take().unwrap(), budget.try_take().unwrap());
        assert!(budget.try_take().is_none());
        drop(one);
        let again = budget.try_take().unwrap();
        assert!(budget.try_take().is_none());
        drop((two, again));
        assert_eq!(budget.taken(), 0);
    }

    #[test]
    fn who_waits_is_served_and_who_gives_up_passes_it_on() {
        let budget = Budget::new(1);
        let held = budget.try_take().unwrap();
        let mut first = Box::pin(budget.take());
        let mut second = pin!(budget.take());
        assert!(poll(first.as_mut()).is_pending());
        assert!(poll(second.as_mut()).is_pending());
        drop(held);
        drop(first);
        assert!(
            poll(second.as_mut()).is_ready(),
            "the wake-up was passed on"
        );
        assert_eq!(budget.taken(), 0);
    }

    #[test]
    fn threads_at_once_never_exceed_it() {
        let budget = Budget::new(3);
        let (out, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..2_000 {
                        let permit = nebula_resource_core::park::block_on(budget.take());
                        most.fetch_max(out.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        out.fetch_sub(1, Ordering::SeqCst);
                        drop(permit);
                    }
                });
            }
        });
        assert!((1..=3).contains(&most.load(Ordering::SeqCst)));
        assert_eq!(budget.taken(), 0);
    }
}
