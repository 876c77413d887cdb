//! Work that takes a known time and touches no memory.

use std::hint::black_box;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// So many steps of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Work(pub(crate) u64);

/// A step that waits for the one before.
const fn step(x: u64) -> u64 {
    x.wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407)
}

/// Does it.
#[inline]
pub(crate) fn work(Work(steps): Work) {
    let mut x = black_box(steps);
    for _ in 0..steps {
        x = black_box(step(x));
    }
}

/// How many steps a microsecond has, at this machine's best.
fn steps_per_micro() -> f64 {
    static MEASURED: OnceLock<f64> = OnceLock::new();
    const STEPS: u64 = 100_000;
    *MEASURED.get_or_init(|| {
        let one = |_| {
            let began = Instant::now();
            work(Work(STEPS));
            began.elapsed()
        };
        let best = (0..20).map(one).min().unwrap_or_default();
        STEPS as f64 / (best.as_secs_f64() * 1e6).max(1e-3)
    })
}

/// As much work as takes `span` when nothing interferes.
pub(crate) fn calibrated(span: Duration) -> Work {
    let steps = span.as_secs_f64() * 1e6 * steps_per_micro();
    Work(steps.round().max(1.0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_time_is_more_steps() {
        let short = calibrated(Duration::from_nanos(50));
        let long = calibrated(Duration::from_micros(1));
        assert!(short.0 >= 1 && long.0 > 5 * short.0, "{short:?} {long:?}");
    }
}
