//! What leaves the manager: it is not found any more, and drains by itself.
//!
//! Decides what may leave. Knows nothing of shutdown, which goes about it in order.

use std::collections::HashSet;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use nebula_resource_core::Closing;

use crate::lifecycle::State;
use crate::manager::Inner;
use crate::manager::erased::Registered;
use crate::manager::error::DeregisterError;
use crate::manager::registry::Change;
use crate::scope::Scope;

/// What was taken out of the manager and now drains by itself: guards that are out stay valid, and
/// what they hold is cleaned up when it comes back.
///
/// Await it, or [`wait`](Self::wait) for it, to know that the last instance is gone; it needs
/// nobody to do so. But where the manager was given no background
/// ([`NoRuntime`](crate::runtime::NoRuntime)), this is what cleans up; or the shutdown, in the end.
///
/// # Cancel safety
///
/// Dropping it changes nothing.
#[derive(Debug)]
pub struct Draining(Vec<Closing>);

impl Inner {
    pub(crate) fn deregister(&self, key: &str, scope: &Scope) -> Result<Draining, DeregisterError> {
        let mut change = self.registry.change();
        let snapshot = change.before();
        let there = snapshot.at(key, scope);
        let template = snapshot.template(key);
        let template = template.filter(|_| *scope == Scope::GLOBAL);
        let about = match (there, template) {
            (Some(there), _) => there.entry.about(),
            (None, Some(template)) => template.about(),
            (None, None) => {
                return Err(DeregisterError::UnknownKey {
                    key: key.to_owned(),
                    scope: scope.clone(),
                    known: snapshot.keys(),
                });
            }
        };
        let forgotten = change.forget(about);
        forgotten.map_err(DeregisterError::Needed)?;
        change.with(|snapshot| snapshot.take(key, scope));
        let tenants = template.map(|template| template.tenants().end());
        let gone = there.into_iter().cloned();
        let gone: Vec<_> = gone.chain(tenants.into_iter().flatten()).collect();
        // proof: deregister-leaves
        change.leave(&gone);
        drop(change);
        Ok(self.send_off(gone))
    }

    /// Closes the pools of what was taken out, or replaced.
    ///
    /// Only now: whoever is turned away by it looks again, and finds what is there instead.
    pub(crate) fn send_off(&self, gone: impl IntoIterator<Item = Registered>) -> Draining {
        let gone: Vec<_> = gone.into_iter().collect();
        let close = |gone: &Registered| {
            gone.entry.advance(State::Draining);
            gone.entry.close()
        };
        let closing = gone.iter().map(close).collect();
        let mut change = self.registry.change();
        change.leave(&gone);
        change.forget_settled();
        Draining(closing)
    }
}

impl Change<'_> {
    /// Notes that guards of these may still be out: with the change that takes them out, so that a
    /// shutdown knows of each, here or there.
    pub(crate) fn leave(&mut self, gone: &[Registered]) {
        let leaving = &mut self.books.leaving;
        let known: HashSet<_> = leaving.iter().map(Registered::address).collect();
        let news = gone.iter().filter(|gone| !known.contains(&gone.address()));
        leaving.extend(news.cloned());
    }

    /// Forgets what has left and has nothing out any more.
    pub(crate) fn forget_settled(&mut self) {
        let is_gone = |left: &mut Registered| left.is_gone();
        let settled = self.books.leaving.extract_if(.., is_gone);
        self.gone.extend(settled);
        for gone in &self.gone {
            // From the table: draining, cleanup, terminated.
            let life = &gone.entry.about().life;
            let cleaned_up = life.to(State::Cleanup);
            let _gone = cleaned_up.and_then(|_| life.to(State::Terminated));
        }
    }
}

impl Registered {
    /// Closed, and every instance has been said goodbye to.
    pub(crate) fn is_gone(&self) -> bool {
        let there = self.entry.pool_status();
        if !there.closed || there.size + there.creating > 0 {
            return false;
        }
        // Looked at last: what was being made until now has been counted. To its pool, what is laid
        // aside for a shutdown is gone.
        let totals = self.entry.totals();
        let all_retired = totals.created <= totals.destroyed + totals.detached;
        // proof: gone-for-good
        all_retired && self.entry.has_no_leftovers()
    }
}

impl Draining {
    /// Waits until the last instance is gone.
    ///
    /// # Blocking
    ///
    /// For as long as a guard is out; one that this thread holds itself, for ever.
    pub fn wait(self) {
        self.0.into_iter().for_each(Closing::wait);
    }

    /// Waits for at most `timeout`; answers whether the last instance is gone.
    ///
    /// # Blocking
    ///
    /// Blocks the thread.
    pub fn wait_timeout(self, timeout: Duration) -> bool {
        let began = Instant::now();
        let left = || timeout.saturating_sub(began.elapsed());
        self.0
            .into_iter()
            .all(|closing| closing.wait_timeout(left()))
    }
}

impl Future for Draining {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0
            .retain_mut(|closing| Pin::new(closing).poll(cx).is_pending());
        if self.0.is_empty() {
            return Poll::Ready(());
        }
        Poll::Pending
    }
}
