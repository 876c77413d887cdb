//! What the tests of the clocks share: wakers that do something.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::task::{Wake, Waker};
use std::time::Duration;

use super::Clock;
use crate::tick::Tick;

/// How long a test waits for what must come: long enough for any machine, however loaded.
pub(super) const LONG: Duration = Duration::from_secs(60);

struct Bell<F>(F);

impl<R, F: Fn() -> R + Send + Sync + 'static> Wake for Bell<F> {
    fn wake(self: Arc<Self>) {
        let _ = (self.0)();
    }
}

/// A waker that calls `ring`, whatever that returns.
pub(super) fn bell<R: 'static>(ring: impl Fn() -> R + Send + Sync + 'static) -> Waker {
    Waker::from(Arc::new(Bell(ring)))
}

/// A waker that tells what `clock` shows when it is called.
pub(super) fn teller(clock: &Clock) -> (Waker, Receiver<Tick>) {
    let (tell, told) = mpsc::channel();
    let clock = clock.clone();
    (bell(move || tell.send(clock.now())), told)
}
