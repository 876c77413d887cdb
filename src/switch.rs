//! What anybody listens to: the one word that is looked at where nothing may cost anything.
//!
//! Decides nothing; says whether hooks and subscribers are to be looked for at all.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::hooks::Operation;

/// A bit for each operation that hooks are attached for, and one for subscribers.
#[derive(Default)]
pub(crate) struct Switch(AtomicU8);

/// Something to listen to.
#[derive(Clone, Copy)]
pub(crate) struct Signals(u8);

impl Signals {
    /// What becomes of a resource, told to subscribers.
    pub(crate) const EVENTS: Self = Self(1 << 7);
    /// All operations, told to hooks.
    pub(crate) const OPERATIONS: Self = Self(0x0f);
    /// What callers do.
    pub(crate) const USE: Self = Self::EVENTS
        .and(Self::of(Operation::Acquire))
        .and(Self::of(Operation::Release));
    /// That callers give back what they had.
    pub(crate) const END_OF_USE: Self = Self::EVENTS.and(Self::of(Operation::Release));
    pub(crate) const NONE: Self = Self(0);

    pub(crate) const fn of(operation: Operation) -> Self {
        Self(1 << operation as u8)
    }

    pub(crate) const fn include(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Switch {
    /// Whether anybody listens to any of `signals`.
    #[inline]
    pub(crate) fn is_on(&self, signals: Signals) -> bool {
        // ord: Relaxed: what begins while somebody begins to listen may go unheard.
        self.0.load(Ordering::Relaxed) & signals.0 != 0
    }

    /// Of `signals`, exactly those that are `heard` are listened to from now on.
    pub(crate) fn set(&self, signals: Signals, heard: Signals) {
        self.0.fetch_or(signals.0 & heard.0, Ordering::Relaxed);
        self.0.fetch_and(!signals.0 | heard.0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_signal_is_its_own() {
        let switch = Switch::default();
        let is_on = |operation| switch.is_on(Signals::of(operation));
        switch.set(Signals::OPERATIONS, Signals::of(Operation::Release));
        switch.set(Signals::EVENTS, Signals::EVENTS);
        assert_eq!(Operation::ALL.map(is_on), [false, false, true, false]);
        assert!(switch.is_on(Signals::EVENTS) && switch.is_on(Signals::USE));
        switch.set(Signals::OPERATIONS, Signals::of(Operation::Create));
        switch.set(Signals::EVENTS, Signals::NONE);
        assert_eq!(Operation::ALL.map(is_on), [true, false, false, false]);
        assert!(!switch.is_on(Signals::EVENTS) && !switch.is_on(Signals::USE));
    }
}
