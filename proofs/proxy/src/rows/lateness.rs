//! How late the machine is: a thread that sleeps for a moment, again and again, and adds up how much
//! longer each time took.
//!
//! Decides nothing. A bound that holds on a machine that runs us holds with this added on one that does
//! not; on a quiet one it is next to nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

const BEAT: Duration = Duration::from_millis(5);

/// Every timer is a little late.
const USUAL: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(super) struct Lateness {
    stopped: Arc<AtomicBool>,
    nanos: Arc<AtomicU64>,
}

impl Lateness {
    /// Starts to measure.
    pub(super) fn measure() -> Self {
        let lateness = Self {
            stopped: Arc::default(),
            nanos: Arc::default(),
        };
        let (stopped, nanos) = (Arc::clone(&lateness.stopped), Arc::clone(&lateness.nanos));
        thread::spawn(move || {
            while !stopped.load(SeqCst) {
                let start = Instant::now();
                thread::sleep(BEAT);
                let late = start.elapsed().saturating_sub(BEAT + USUAL);
                let late = u64::try_from(late.as_nanos()).unwrap_or(u64::MAX);
                nanos.fetch_add(late, SeqCst);
            }
        });
        lateness
    }

    pub(super) fn so_far(&self) -> Duration {
        Duration::from_nanos(self.nanos.load(SeqCst))
    }
}

impl Drop for Lateness {
    fn drop(&mut self) {
        self.stopped.store(true, SeqCst);
    }
}
