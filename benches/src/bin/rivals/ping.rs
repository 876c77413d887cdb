//! How long a cache line takes from one processor to the other.
//!
//! The host moves its two processors about; contended figures mean something only together with this
//! one.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

/// There and back so often is one measurement.
const ROUND_TRIPS: u32 = 200;
const MEASUREMENTS: usize = 25;

/// Where the other thread does not come at all (one processor), nobody waits for it for ever.
const LONGEST: Duration = Duration::from_millis(100);

/// Spins until `ball` is `wanted`; `false` where that takes too long.
fn catch(ball: &AtomicU32, wanted: u32, until: Instant) -> bool {
    let mut spins = 0_u32;
    while ball.load(SeqCst) != wanted {
        spins += 1;
        if spins.is_multiple_of(4_096) {
            if Instant::now() >= until {
                return false;
            }
            thread::yield_now();
        }
        spin_loop();
    }
    true
}

/// Nanoseconds per crossing, one way: the median of several measurements.
pub(crate) fn crossing() -> f64 {
    let ball = AtomicU32::new(0);
    let until = Instant::now() + LONGEST;
    let total = ROUND_TRIPS * MEASUREMENTS as u32;
    let mut measured = Vec::with_capacity(MEASUREMENTS);
    thread::scope(|scope| {
        scope.spawn(|| {
            for trip in 0..total {
                if !catch(&ball, 2 * trip + 1, until) {
                    return;
                }
                ball.store(2 * trip + 2, SeqCst);
            }
        });
        for measurement in 0..MEASUREMENTS as u32 {
            let began = Instant::now();
            for trip in measurement * ROUND_TRIPS..(measurement + 1) * ROUND_TRIPS {
                ball.store(2 * trip + 1, SeqCst);
                if !catch(&ball, 2 * trip + 2, until) {
                    return;
                }
            }
            measured.push(began.elapsed().as_nanos() as f64 / f64::from(2 * ROUND_TRIPS));
        }
    });
    crate::figures::median(&measured).unwrap_or(f64::INFINITY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crossing_takes_some_time() {
        assert!(crossing() > 0.0);
    }

    #[test]
    fn nobody_waits_for_ever() {
        assert!(!catch(&AtomicU32::new(0), 1, Instant::now()));
    }
}
