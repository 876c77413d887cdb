//! A moment, as the engine counts time: nanoseconds since the process began to count.
//!
//! Pure arithmetic that saturates instead of wrapping; knows nothing of clocks.

use std::time::Duration;

/// A moment on a pool's clock, in nanoseconds since an arbitrary start (584 years' worth).
///
/// Arithmetic saturates: a difference is never negative, a sum never wraps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tick(u64);

impl Tick {
    /// The start of counting.
    pub const ZERO: Self = Self(0);
    /// Later than every other moment: "no deadline".
    pub const NEVER: Self = Self(u64::MAX);

    /// The moment `nanos` nanoseconds after the start.
    #[inline]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the start.
    #[inline]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// This moment plus `span`; [`NEVER`](Self::NEVER) where that is too far.
    #[inline]
    pub fn after(self, span: Duration) -> Self {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }

    /// How long ago `earlier` was; zero when it is not earlier.
    #[inline]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// This moment less `span`; [`ZERO`](Self::ZERO) where that is before the start.
    #[inline]
    pub fn before(self, span: Duration) -> Self {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_never_negative_and_sums_never_wrap() {
        let late = Tick::from_nanos(10);
        assert_eq!(Tick::ZERO.since(late), Duration::ZERO);
        assert_eq!(late.after(Duration::MAX), Tick::NEVER);
        assert_eq!(late.before(Duration::MAX), Tick::ZERO);
        assert_eq!(late.since(Tick::ZERO), Duration::from_nanos(10));
    }
}
