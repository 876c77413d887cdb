//! Running a user's future within bounds: it may hang, and it may panic.
//!
//! Decides when its time is up. The clock is read only once the future has not answered at
//! once, so that a callback with nothing to do costs nothing.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

use crate::Tick;
use crate::clock::{Clock, Sleep};
use crate::factory::BoxError;
use crate::guarded::{contained, panicked};
use crate::held::dropping_for;
use crate::retire::RetireReason;

/// A caller's deadline: turned into a moment when somebody first has to know it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Deadline {
    /// The pool's `acquire_timeout`, not looked up yet.
    Configured,
    After(Duration),
    At(Tick),
    /// A moment, and when somebody first had to know it: since then the caller waits.
    Known {
        at: Tick,
        since: Tick,
    },
}

impl Deadline {
    /// Says what the configured timeout is; of no effect on a deadline of one's own.
    #[inline]
    pub(crate) const fn configure(&mut self, timeout: Duration) {
        if matches!(self, Self::Configured) {
            *self = Self::After(timeout);
        }
    }

    /// The moment; from the first call on it stays the same.
    pub(crate) fn at(&mut self, now: Tick) -> Tick {
        let at = match *self {
            Self::Configured => Tick::NEVER,
            Self::After(span) => now.after(span),
            Self::At(at) => at,
            Self::Known { at, .. } => return at,
        };
        *self = Self::Known { at, since: now };
        at
    }

    /// Since when the caller waits, if it had to yet.
    pub(crate) const fn since(&self) -> Option<Tick> {
        match self {
            Self::Known { since, .. } => Some(*since),
            _ => None,
        }
    }
}

/// Why a callback did not come to its own end.
#[derive(Debug)]
pub(crate) enum Unfinished {
    /// Its own bound came first: it took longer than any call may.
    TimedOut,
    /// The caller's deadline came first, which says nothing about the callback.
    OutOfTime,
    Panicked(BoxError),
}

/// Which of the two ends comes first.
#[derive(Clone, Copy, Debug)]
enum End {
    Bound,
    Deadline,
}

pin_project! {
    /// See [`bounded`].
    pub(crate) struct Bounded<'a, F> {
        #[pin]
        future: Option<F>,
        callback: &'static str,
        clock: &'a Clock,
        deadline: &'a mut Deadline,
        bound: Duration,
        alarm: Option<(Sleep, End)>,
    }
}

/// Polls `future`, the user's `callback`, until it ends, panics, or `bound` or the deadline is
/// over.
pub(crate) const fn bounded<'a, F: Future>(
    callback: &'static str,
    clock: &'a Clock,
    deadline: &'a mut Deadline,
    bound: Duration,
    future: F,
) -> Bounded<'a, F> {
    Bounded {
        future: Some(future),
        callback,
        clock,
        deadline,
        bound,
        alarm: None,
    }
}

impl<F: Future> Future for Bounded<'_, F> {
    type Output = Result<F::Output, Unfinished>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            return Poll::Ready(Err(Unfinished::OutOfTime));
        };
        match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(Poll::Ready(output)) => {
                // Its drop is user code too.
                contained(|| this.future.set(None));
                return Poll::Ready(Ok(output));
            }
            Ok(Poll::Pending) => {}
            Err(panic) => {
                give_up(this.future, RetireReason::Panicked);
                let error = panicked(this.callback, panic);
                return Poll::Ready(Err(Unfinished::Panicked(error)));
            }
        }
        let (alarm, end) = this.alarm.get_or_insert_with(|| {
            let now = this.clock.now();
            let (own, deadline) = (now.after(*this.bound), this.deadline.at(now));
            let end = if own <= deadline {
                End::Bound
            } else {
                End::Deadline
            };
            (this.clock.sleep_until(own.min(deadline)), end)
        });
        if Pin::new(alarm).poll(cx).is_pending() {
            return Poll::Pending;
        }
        let why = match end {
            End::Bound => Unfinished::TimedOut,
            End::Deadline => Unfinished::OutOfTime,
        };
        give_up(this.future, RetireReason::TimedOut);
        Poll::Ready(Err(why))
    }
}

/// Drops the future now, and with it the object it holds, for `reason`. Its drop is user code too.
fn give_up<F>(mut future: Pin<&mut Option<F>>, reason: RetireReason) {
    contained(|| dropping_for(reason, || future.set(None)));
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use std::future::ready;
    use std::task::Waker;

    use super::*;

    #[test]
    fn a_deadline_is_fixed_by_the_first_who_asks() {
        let second = Duration::from_secs(1);
        let now = Tick::ZERO.after(second);
        let mut never = Deadline::Configured;
        assert_eq!(never.at(now), Tick::NEVER, "nobody has said when");
        let mut after = Deadline::Configured;
        after.configure(second);
        after.configure(second * 2);
        assert_eq!(after.since(), None);
        assert_eq!(after.at(now), now.after(second));
        assert_eq!(after.at(now.after(second)), now.after(second));
        assert_eq!(after.since(), Some(now));
    }

    #[test]
    fn polled_after_its_end_it_is_over() {
        let clock = Clock::system();
        let mut deadline = Deadline::Configured;
        let long = Duration::from_secs(60);
        let bounded = bounded("create", &clock, &mut deadline, long, ready(7));
        let mut bounded = std::pin::pin!(bounded);
        let mut cx = Context::from_waker(Waker::noop());
        assert!(matches!(bounded.as_mut().poll(&mut cx), Poll::Ready(Ok(7))));
        let again = bounded.as_mut().poll(&mut cx);
        assert!(matches!(again, Poll::Ready(Err(Unfinished::OutOfTime))));
    }
}
