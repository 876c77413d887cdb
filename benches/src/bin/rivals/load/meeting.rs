//! How two tasks begin together, each on a worker of its own.
//!
//! A barrier does not do: it would put the one it wakes on the waker's own worker, where it sits until
//! the other one is through.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use tokio::task::yield_now;

/// How long one looks out for the other before it lets its worker do something else.
const LOOKS_OUT: Duration = Duration::from_micros(200);

/// Where the two meet.
#[derive(Debug, Default)]
pub(super) struct Meeting {
    /// Who looks out at this moment, and so keeps a worker busy.
    present: AtomicUsize,
    /// Set once both did.
    met: AtomicBool,
}

impl Meeting {
    /// Returns, without having yielded since, when the other one does.
    pub(super) async fn met(&self) {
        while !self.looked_out() {
            yield_now().await;
        }
    }

    fn looked_out(&self) -> bool {
        if self.present.fetch_add(1, SeqCst) == 1 {
            self.met.store(true, SeqCst);
        }
        let until = Instant::now() + LOOKS_OUT;
        while !self.met.load(SeqCst) && Instant::now() < until {
            spin_loop();
        }
        self.present.fetch_sub(1, SeqCst);
        // Asked again: who counted this one as present has gone ahead.
        self.met.load(SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_alone_meets_nobody() {
        let meeting = Meeting::default();
        assert!(!meeting.looked_out());
        assert!(!meeting.looked_out(), "it was not counted twice");
    }

    #[test]
    fn two_at_once_meet() {
        let meeting = Meeting::default();
        let look_out = || while !meeting.looked_out() {};
        std::thread::scope(|scope| {
            scope.spawn(look_out);
            look_out();
        });
    }
}
