//! Why an object left the pool for good: every retirement has a reason, and every reason a name.
//!
//! Decides nothing about when to retire; knows nothing of how an object is closed.

use std::fmt;

/// Why an object was retired.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RetireReason {
    /// The factory's `is_broken` said so, or its user did through `Guard::discard`.
    Broken,
    /// `validate` returned an error.
    Invalid,
    /// `recycle` returned an error.
    RecycleFailed,
    /// A callback on the object panicked.
    Panicked,
    /// A callback on the object took longer than its bound.
    TimedOut,
    /// The caller went away while a callback on the object was running.
    Abandoned,
    /// Returned while its holder was unwinding from a panic: nobody knows its state.
    Tainted,
    /// Idle for longer than `idle_timeout`.
    IdleTimeout,
    /// Older than `max_lifetime` (with its jitter).
    MaxLifetime,
    /// Used `max_uses` times.
    MaxUses,
    /// More objects than `max_size` after it was lowered.
    Surplus,
    /// `retain` let it go.
    NotRetained,
    /// `clear` was called.
    Cleared,
    /// The pool was closed.
    Closed,
}

impl RetireReason {
    /// Every reason, in a fixed order.
    pub const ALL: [Self; 14] = [
        Self::Broken,
        Self::Invalid,
        Self::RecycleFailed,
        Self::Panicked,
        Self::TimedOut,
        Self::Abandoned,
        Self::Tainted,
        Self::IdleTimeout,
        Self::MaxLifetime,
        Self::MaxUses,
        Self::Surplus,
        Self::NotRetained,
        Self::Cleared,
        Self::Closed,
    ];

    /// The position of this reason in [`ALL`](Self::ALL).
    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    /// A short name for logs and metrics: `idle_timeout`, `max_lifetime`, …
    pub const fn name(self) -> &'static str {
        match self {
            Self::Broken => "broken",
            Self::Invalid => "invalid",
            Self::RecycleFailed => "recycle_failed",
            Self::Panicked => "panicked",
            Self::TimedOut => "timed_out",
            Self::Abandoned => "abandoned",
            Self::Tainted => "tainted",
            Self::IdleTimeout => "idle_timeout",
            Self::MaxLifetime => "max_lifetime",
            Self::MaxUses => "max_uses",
            Self::Surplus => "surplus",
            Self::NotRetained => "not_retained",
            Self::Cleared => "cleared",
            Self::Closed => "closed",
        }
    }
}

impl fmt::Display for RetireReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::RetireReason;

    #[test]
    fn names_are_its_own_words_and_differ() {
        for (position, reason) in RetireReason::ALL.into_iter().enumerate() {
            let words = format!("{reason:?}");
            let name: String = reason.name().split('_').collect();
            assert_eq!(name, words.to_lowercase());
            assert_eq!(reason.to_string(), reason.name());
            let others = &RetireReason::ALL[position + 1..];
            assert!(others.iter().all(|other| other.name() != reason.name()));
        }
    }

    #[test]
    fn index_is_the_position_in_all() {
        for (position, reason) in RetireReason::ALL.into_iter().enumerate() {
            assert_eq!(reason.index(), position, "{reason}");
        }
    }
}
