//! How whoever started something says that it is no longer wanted.
//!
//! Decides when a wait ends before its time. Knows nothing of what is waited for, nor of any
//! runtime: tasks and threads are told alike.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::Duration;

use event_listener::{Listener, listener};
use nebula_resource_core::park::block_on;

use crate::primitives::{AtomicBool, Event, Mutex, Ordering, PoisonError, fence};

/// What was waited for is no longer wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cancelled by the caller")]
pub struct Cancelled;

/// Says once, to all who look or wait, that something is no longer wanted.
///
/// Clones are the same cancellation. A [`child`](Self::child) is cancelled with its parent, and
/// can be cancelled alone.
///
/// # Examples
///
/// ```
/// use nebula_resource::context::{Cancellation, Cancelled};
/// use std::{future::pending, thread};
///
/// let workflow = Cancellation::new();
/// let step = workflow.child();
///
/// let waiting = thread::spawn(move || step.run_blocking(pending::<()>()));
/// workflow.cancel();
/// assert_eq!(waiting.join().unwrap(), Err(Cancelled));
/// ```
#[derive(Clone, Default)]
pub struct Cancellation(Option<Arc<Flag>>);

/// Without one there is nobody who could raise it, and nothing to pay for.
#[derive(Default)]
struct Flag {
    /// Goes up once, under the lock of `children`.
    raised: AtomicBool,
    event: Event,
    /// Empty once raised. Those that nobody holds any more are swept when it has doubled.
    children: Mutex<Children>,
}

#[derive(Default)]
struct Children {
    flags: Vec<Weak<Flag>>,
    sweep_at: usize,
}

impl Cancellation {
    /// One that can be cancelled.
    pub fn new() -> Self {
        Self(Some(Arc::default()))
    }

    /// One that is never cancelled; costs nothing. [`cancel`](Self::cancel) does nothing to it.
    pub const fn never() -> Self {
        Self(None)
    }

    /// One that is cancelled when this one is, and can be cancelled without it.
    pub fn child(&self) -> Self {
        let child = Arc::new(Flag::default());
        if let Some(parent) = &self.0 {
            parent.adopt(&child);
        }
        Self(Some(child))
    }

    /// Cancels it: every wait for it, or for one of its children, ends now. Once is enough.
    pub fn cancel(&self) {
        let mut next: Vec<_> = self.0.iter().cloned().collect();
        // A tree of any depth, without as deep a stack.
        while let Some(flag) = next.pop() {
            next.extend(flag.raise().iter().filter_map(Weak::upgrade));
        }
    }

    /// Whether it has been cancelled.
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        self.0.as_ref().is_some_and(|flag| flag.is_raised())
    }

    /// Waits until it is cancelled.
    ///
    /// # Cancel safety
    ///
    /// Can be dropped at any point.
    pub async fn cancelled(&self) {
        // Nothing ends this but the cancellation.
        let _ = self.run(std::future::pending::<()>()).await;
    }

    /// Does what `future` does, unless it is cancelled before that is done; then `future` is
    /// dropped at once, wherever it was.
    ///
    /// Allocates nothing.
    ///
    /// # Errors
    ///
    /// [`Cancelled`], also when it was cancelled before: then `future` is not begun.
    ///
    /// # Cancel safety
    ///
    /// Can be dropped at any point, with `future`.
    pub async fn run<F: Future>(&self, future: F) -> Result<F::Output, Cancelled> {
        let Some(flag) = &self.0 else {
            return Ok(future.await);
        };
        let mut future = pin!(future);
        // Most of what can be waited for is there at once, and nobody need listen.
        let first = poll_fn(|cx| {
            Poll::Ready(match flag.is_raised() {
                true => Poll::Ready(Err(Cancelled)),
                false => future.as_mut().poll(cx).map(Ok),
            })
        });
        if let Poll::Ready(output) = first.await {
            return output;
        }
        listener!(flag.event => raised);
        if flag.is_raised_after_listening() {
            return Err(Cancelled);
        }
        poll_fn(|cx| match Pin::new(&mut raised).poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(Cancelled)),
            Poll::Pending => future.as_mut().poll(cx).map(Ok),
        })
        .await
    }

    /// [`run`](Self::run), on this thread.
    ///
    /// # Errors
    ///
    /// [`Cancelled`], also when it was cancelled before: then `future` is not begun.
    ///
    /// # Blocking
    ///
    /// Until `future` is ready, or it is cancelled.
    pub fn run_blocking<F: Future>(&self, future: F) -> Result<F::Output, Cancelled> {
        block_on(self.run(future))
    }

    /// Waits on this thread until it is cancelled, but no longer than `timeout`; tells whether it
    /// was.
    ///
    /// # Blocking
    ///
    /// For as long as `timeout`.
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        let Some(flag) = &self.0 else {
            std::thread::sleep(timeout);
            return false;
        };
        listener!(flag.event => raised);
        flag.is_raised_after_listening() || raised.wait_timeout(timeout).is_some()
    }
}

impl Flag {
    fn is_raised(&self) -> bool {
        // ord: Acquire, pairs with the Release in `raise`: who was cancelled sees why.
        self.raised.load(Ordering::Acquire)
    }

    /// To be asked between listening and waiting.
    fn is_raised_after_listening(&self) -> bool {
        // Pairs with the fence with which `notify` begins: either the one who raises it sees the
        // listener, or the listener sees it raised.
        fence(Ordering::SeqCst);
        self.is_raised()
    }

    /// Raises it, and hands out those that are to be raised with it.
    fn raise(&self) -> Vec<Weak<Self>> {
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        // ord: Release, pairs with `is_raised`.
        self.raised.store(true, Ordering::Release);
        let flags = std::mem::take(&mut children.flags);
        drop(children);
        // Wakers are foreign code: not under the lock.
        self.event.notify(usize::MAX);
        flags
    }

    fn adopt(&self, child: &Arc<Self>) {
        let mut children = self.children.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_raised() {
            drop(children);
            // It has no children yet that could be forgotten here.
            child.raise();
            return;
        }
        if children.flags.len() >= children.sweep_at {
            children.flags.retain(|flag| flag.strong_count() > 0);
            children.sweep_at = 8.max(children.flags.len() * 2);
        }
        children.flags.push(Arc::downgrade(child));
    }
}

impl fmt::Debug for Cancellation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            None => "Cancellation(never)",
            Some(_) if self.is_cancelled() => "Cancellation(cancelled)",
            Some(_) => "Cancellation(not yet)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A long-lived parent does not remember all the children it ever had.
    #[test]
    fn children_that_are_gone_are_forgotten() {
        let parent = Cancellation::new();
        let kept: Vec<_> = (0..5).map(|_| parent.child()).collect();
        for _ in 0..10_000 {
            drop(parent.child());
        }
        let known = parent.0.as_ref().map_or(0, |flag| {
            flag.children.lock().map_or(0, |all| all.flags.len())
        });
        assert!(known <= 16, "{known}");
        parent.cancel();
        assert!(kept.iter().all(Cancellation::is_cancelled));
    }

    #[test]
    fn a_deep_tree_is_cancelled_to_its_leaves() {
        let root = Cancellation::new();
        let mut tree = vec![root.clone()];
        for depth in 0..100_000 {
            let next = tree[depth].child();
            tree.push(next);
        }
        root.cancel();
        assert!(tree.iter().all(Cancellation::is_cancelled));
    }
}
