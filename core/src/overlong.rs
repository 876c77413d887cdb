//! Creations that take long: noticed, so that they do not keep others from being made.
//!
//! Decides from when on a creation counts as one that hangs. It is not given up: `create_timeout`
//! does that. Knows nothing of what is done about it (`waiters::gate`).

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use crate::clock::Clock;

/// Whoever has taken so long may well never answer: a connect that loses its first packet takes one
/// second more (RFC 6298), and one that loses none takes milliseconds. Hardly longer than the longest
/// pause between two probes, so that what hangs and what refuses are waited for alike.
const LONG: Duration = Duration::from_secs(1);

/// Who is to know that a creation takes long.
pub(crate) trait Room {
    /// It does: there is room for another.
    fn slowed(&self);

    /// It is about to end.
    fn slow_ends(&self);
}

/// Undoes what was said, however the creation ends.
struct Slow<'r, R: Room>(&'r R);

impl<R: Room> Drop for Slow<'_, R> {
    fn drop(&mut self) {
        self.0.slow_ends();
    }
}

/// Runs a creation, and tells `room` while it takes long.
pub(crate) async fn told_when_long<F: Future>(
    clock: &Clock,
    room: &impl Room,
    creation: F,
) -> F::Output {
    let mut creation = pin!(creation);
    let mut slow = None;
    let mut sleep = None;
    poll_fn(|cx| {
        if let Poll::Ready(output) = creation.as_mut().poll(cx) {
            return Poll::Ready(output);
        }
        // Read only now: a creation that ends at once costs no look at the clock.
        let long = sleep.get_or_insert_with(|| clock.sleep(LONG));
        if slow.is_none() && Pin::new(long).poll(cx).is_ready() {
            room.slowed();
            slow = Some(Slow(room));
        }
        Poll::Pending
    })
    .await
}
