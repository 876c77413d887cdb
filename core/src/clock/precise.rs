//! From the system's instants to ticks, exactly.
//!
//! Decides where counting starts. Knows nothing of coarse time, alarms, or hand-moved clocks.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::tick::Tick;

/// What a clock shows when counting starts. Not zero, so that instants from before the process
/// began to count, and moments such as "ten minutes ago", have ticks of their own.
pub(super) const ORIGIN: Tick = Tick::from_nanos(Duration::from_secs(3600).as_nanos() as u64);

static ANCHOR: OnceLock<Instant> = OnceLock::new();

/// The time now.
pub(super) fn now() -> Tick {
    tick_of(Instant::now())
}

/// The moment that `instant` stands for, before or after the start of counting.
pub(super) fn tick_of(instant: Instant) -> Tick {
    laid_off(ORIGIN, *ANCHOR.get_or_init(Instant::now), instant)
}

/// `base`, moved by as much as `instant` lies before or after `present`.
pub(super) fn laid_off(base: Tick, present: Instant, instant: Instant) -> Tick {
    match instant.checked_duration_since(present) {
        Some(ahead) => base.after(ahead),
        None => base.before(present.saturating_duration_since(instant)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_on_both_sides_of_the_present_keep_their_distance() {
        let present = Instant::now();
        let hour = Duration::from_secs(3600);
        let base = ORIGIN.after(hour);
        assert_eq!(laid_off(base, present, present), base);
        assert_eq!(laid_off(base, present, present + hour), base.after(hour));
        assert_eq!(laid_off(base, present + hour, present), ORIGIN);
    }

    #[test]
    fn an_instant_converts_to_between_the_readings_around_it() {
        let before = now();
        let instant = Instant::now();
        let after = now();
        assert!(before <= tick_of(instant) && tick_of(instant) <= after);
        assert!(before >= ORIGIN.before(Duration::from_secs(1)));
    }
}
