//! A future that waits for a moment, on any runtime or none.
//!
//! Decides when a sleeper's alarm is set, replaced and taken back. Knows nothing of who wakes it.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use super::Clock;
use super::alarms::AlarmId;
use crate::tick::Tick;

/// Ready once its [`Clock`] shows a given time; made by [`Clock::sleep_until`] and
/// [`Clock::sleep`].
///
/// Sets an alarm at the first poll that finds it too early, so that a sleep that is never needed
/// costs a clock read. Stays ready once it is. Until [`Tick::NEVER`] it sleeps without an alarm.
///
/// # Examples
///
/// ```
/// use std::time::{Duration, Instant};
/// use nebula_resource_core::{clock::Clock, park::block_on};
///
/// let start = Instant::now();
/// block_on(Clock::system().sleep(Duration::from_millis(5)));
/// assert!(start.elapsed() >= Duration::from_millis(5));
/// ```
///
/// # Cancel safety
///
/// Dropping it takes its alarm back.
#[derive(Debug)]
#[must_use = "a sleep does nothing unless it is awaited or polled"]
pub struct Sleep {
    clock: Clock,
    at: Tick,
    /// The pending alarm and whom it wakes.
    alarm: Option<(AlarmId, Waker)>,
}

impl Sleep {
    pub(super) const fn new(clock: Clock, at: Tick) -> Self {
        Self {
            clock,
            at,
            alarm: None,
        }
    }

    /// The moment it waits for.
    pub const fn at(&self) -> Tick {
        self.at
    }

    fn arm(&mut self, waker: &Waker) {
        let armed = self
            .alarm
            .as_ref()
            .is_some_and(|(_, known)| known.will_wake(waker));
        if armed || self.at == Tick::NEVER {
            return;
        }
        self.disarm();
        // No id means that it went off already: the next poll sets another.
        let id = self.clock.register(self.at, waker.clone());
        self.alarm = id.map(|id| (id, waker.clone()));
    }

    fn disarm(&mut self) {
        if let Some((id, _)) = self.alarm.take() {
            self.clock.cancel(id);
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.clock.now() >= self.at {
            self.disarm();
            return Poll::Ready(());
        }
        self.arm(cx.waker());
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.disarm();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::time::Duration;

    use super::super::ManualClock;
    use super::super::testing::teller;
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn set() -> (Arc<ManualClock>, Clock, Tick) {
        let hand = ManualClock::new();
        let clock = Clock::manual(&hand);
        (Arc::clone(&hand), clock, hand.now())
    }

    #[test]
    fn a_sleep_sets_its_alarm_when_polled_and_takes_it_back_when_dropped() {
        let (hand, clock, start) = set();
        let (waker, told) = teller(&clock);
        let mut sleep = Box::pin(clock.sleep(SECOND));
        assert_eq!(
            (sleep.at(), hand.pending_alarms()),
            (start.after(SECOND), 0)
        );
        let mut cx = Context::from_waker(&waker);
        assert_eq!(sleep.as_mut().poll(&mut cx), Poll::Pending);
        assert_eq!(sleep.as_mut().poll(&mut cx), Poll::Pending);
        assert_eq!(hand.pending_alarms(), 1);
        drop(sleep);
        assert_eq!(hand.pending_alarms(), 0);
        hand.advance(SECOND);
        assert!(told.try_recv().is_err());
    }

    #[test]
    fn a_sleep_wakes_whoever_polled_it_last() {
        let (hand, clock, _) = set();
        let ((first, not_told), (last, told)) = (teller(&clock), teller(&clock));
        let mut sleep = pin!(clock.sleep(SECOND));
        for waker in [&first, &last] {
            assert!(
                sleep
                    .as_mut()
                    .poll(&mut Context::from_waker(waker))
                    .is_pending()
            );
        }
        assert_eq!(hand.pending_alarms(), 1);
        hand.advance(SECOND);
        assert!(not_told.try_recv().is_err() && told.try_recv().is_ok());
        for _ in 0..2 {
            assert!(
                sleep
                    .as_mut()
                    .poll(&mut Context::from_waker(&last))
                    .is_ready()
            );
        }
    }

    #[test]
    fn a_sleep_until_never_needs_no_alarm() {
        let (hand, clock, _) = set();
        let mut sleep = pin!(clock.sleep_until(Tick::NEVER));
        assert!(
            sleep
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
        assert_eq!(hand.pending_alarms(), 0);
    }

    #[test]
    fn a_sleeping_thread_is_woken_by_the_hand() {
        let (hand, clock, start) = set();
        std::thread::scope(|scope| {
            let sleeper = scope.spawn(|| {
                crate::park::block_on(async {
                    clock.sleep(SECOND).await;
                    clock.sleep(SECOND).await;
                    clock.now()
                })
            });
            while !sleeper.is_finished() {
                if let Some(at) = hand.next_alarm() {
                    hand.advance(at.since(hand.now()));
                }
                std::thread::yield_now();
            }
            assert_eq!(sleeper.join().unwrap(), start.after(SECOND * 2));
        });
    }
}
