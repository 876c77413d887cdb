//! The signals between two threads that pass one object on, so that each acquire finds the other one
//! holding it.
//!
//! Decides when the holder may let go. Knows no pool.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

/// How long after it asked the other one is taken to be asleep.
const FALLS_ASLEEP: Duration = Duration::from_micros(30);

const NOBODY: usize = usize::MAX;

/// What both of them see.
pub(super) struct Table {
    began: Instant,
    asking: [AtomicBool; 2],
    gone: [AtomicBool; 2],
    holder: AtomicUsize,
    /// When the object was last let go, in nanoseconds; zero before the first time.
    let_go: AtomicU64,
}

impl Table {
    pub(super) fn new() -> Self {
        Self {
            began: Instant::now(),
            asking: [const { AtomicBool::new(false) }; 2],
            gone: [const { AtomicBool::new(false) }; 2],
            holder: AtomicUsize::new(NOBODY),
            let_go: AtomicU64::new(0),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    pub(super) fn asks(&self, me: usize) {
        self.asking[me].store(true, SeqCst);
    }

    /// I have it: how long since the other one let go; `None` where nobody has had it before.
    pub(super) fn got(&self, me: usize) -> Option<Duration> {
        let now = self.now();
        self.holder.store(me, SeqCst);
        self.asking[me].store(false, SeqCst);
        let let_go = self.let_go.load(SeqCst);
        (let_go > 0).then(|| Duration::from_nanos(now.saturating_sub(let_go)))
    }

    pub(super) fn lets_go(&self) {
        self.let_go.store(self.now().max(1), SeqCst);
    }

    /// Returns when the other one waits in its sleep, or `false` when it will not come again.
    pub(super) fn other_sleeps(&self, me: usize, until: Instant) -> bool {
        let other = 1 - me;
        while !self.asking[other].load(SeqCst) {
            if self.gone[other].load(SeqCst) || Instant::now() >= until {
                return false;
            }
            thread::yield_now();
        }
        let asleep = Instant::now() + FALLS_ASLEEP;
        while Instant::now() < asleep {
            spin_loop();
        }
        true
    }

    /// Returns when the other one has the object, or is gone.
    pub(super) fn other_has_it(&self, me: usize, until: Instant) {
        let other = 1 - me;
        while self.holder.load(SeqCst) == me && !self.gone[other].load(SeqCst) {
            if Instant::now() >= until {
                return;
            }
            spin_loop();
        }
    }

    pub(super) fn leaves(&self, me: usize) {
        self.gone[me].store(true, SeqCst);
    }
}
