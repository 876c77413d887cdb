//! The state of the sequential pool, small enough to be remembered by the million.
//!
//! Decides what may be taken, put back and retired. Which idle object is retired is not claimed, so
//! that it is left open here: of the idle ones so many are *ghosts*, and who they were shows when
//! the others are taken.

use crate::spec::Spec;

/// The most objects that one history may speak of.
pub(crate) const MOST_OBJECTS: usize = 120;

/// Objects by the order in which they appear in the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Set(u128);

impl Set {
    const EMPTY: Self = Self(0);

    pub(crate) const fn has(self, object: u8) -> bool {
        self.0 >> object & 1 == 1
    }

    const fn with(self, object: u8) -> Self {
        Self(self.0 | 1 << object)
    }

    const fn without(self, object: u8) -> Self {
        Self(self.0 & !(1 << object))
    }

    const fn count(self) -> u32 {
        self.0.count_ones()
    }

    pub(crate) fn members(self) -> impl Iterator<Item = u8> {
        (0..MOST_OBJECTS as u8).filter(move |object| self.has(*object))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) limit: u32,
    pub(crate) closed: bool,
    pub(crate) paused: bool,
    pub(crate) out: Set,
    pub(crate) idle: Set,
    /// Every object that was ever handed out.
    seen: Set,
    /// So many of the idle ones are retired already.
    ghosts: u32,
    /// So many more of them may be: an unseen object may live in their place.
    doubt: u32,
    /// So many creations may come out above the limit: begun before it was lowered.
    flight: u32,
}

impl State {
    pub(crate) fn new(spec: &Spec) -> Self {
        Self {
            limit: small(spec.limit),
            closed: false,
            paused: false,
            out: Set::EMPTY,
            idle: Set::EMPTY,
            seen: Set::EMPTY,
            ghosts: 0,
            doubt: 0,
            flight: 0,
        }
    }

    pub(crate) const fn open(&self) -> bool {
        !self.closed && !self.paused
    }

    /// How many of the idle ones are alive.
    const fn lively(&self) -> u32 {
        self.idle.count() - self.ghosts
    }

    const fn alive(&self) -> u32 {
        self.out.count() + self.lively()
    }

    /// Every way in which `object` can be taken now.
    pub(crate) fn taken(mut self, object: u8) -> impl Iterator<Item = Self> {
        let mut ways = [None, None];
        if self.idle.has(object) {
            self.idle = self.idle.without(object);
            ways[0] = (self.idle.count() >= self.ghosts).then_some(self);
        } else if !self.seen.has(object) {
            if self.alive() < self.limit {
                ways[0] = Some(self);
            } else {
                ways = [self.in_place_of_another(), self.come_out_late()];
            }
        }
        ways.into_iter().flatten().map(move |mut state| {
            state.seen = state.seen.with(object);
            state.out = state.out.with(object);
            state.forget_ghosts();
            state
        })
    }

    /// An object nobody has seen, alive where an idle one was thought to be.
    fn in_place_of_another(mut self) -> Option<Self> {
        let possible = self.doubt > 0 && self.lively() > 0;
        self.doubt = self.doubt.saturating_sub(1);
        self.ghosts += 1;
        possible.then_some(self)
    }

    fn come_out_late(mut self) -> Option<Self> {
        self.flight = self.flight.checked_sub(1)?;
        Some(self)
    }

    /// Only the living are left to remember once all the others are known to be gone.
    fn forget_ghosts(&mut self) {
        if self.idle.count() == self.ghosts {
            self.idle = Set::EMPTY;
            self.ghosts = 0;
        }
    }

    /// `object` becomes idle.
    pub(crate) fn put_back(mut self, object: u8) -> Option<Self> {
        let out = self.out.has(object);
        self.out = self.out.without(object);
        self.idle = self.idle.with(object);
        out.then_some(self)
    }

    /// `object` goes for good.
    pub(crate) fn gone(mut self, object: u8) -> Option<Self> {
        let out = self.out.has(object);
        self.out = self.out.without(object);
        out.then_some(self)
    }

    /// How many idle objects may not stay.
    pub(crate) const fn surplus(&self) -> u32 {
        let lively = self.lively();
        if self.closed {
            return lively;
        }
        let above = self.alive().saturating_sub(self.limit);
        if above < lively { above } else { lively }
    }

    /// So many idle objects go, whichever they are.
    pub(crate) fn trimmed(mut self, count: u32) -> Self {
        self.ghosts += count;
        self.forget_ghosts();
        self
    }

    /// Moves the limit. `late`: how many new objects may be on their way at this moment.
    pub(crate) fn resized(mut self, limit: usize, late: u32) -> Self {
        let limit = small(limit);
        if limit < self.limit {
            let unseen = self.limit.saturating_sub(self.alive());
            self.doubt += unseen;
            self.flight = (self.flight + unseen).min(late);
        }
        self.limit = limit;
        self
    }

    /// One idle object may have gone unnoticed.
    pub(crate) const fn doubted(mut self) -> Self {
        self.doubt += 1;
        self
    }

    /// Nothing is idle: as it is, or because all that might be gone is.
    pub(crate) fn with_nothing_idle(mut self) -> Option<Self> {
        let lively = self.lively();
        let possible = lively <= self.doubt || self.flight > 0;
        if lively <= self.doubt {
            self.doubt -= lively;
            self.ghosts += lively;
            self.forget_ghosts();
        }
        possible.then_some(self)
    }
}

fn small(limit: usize) -> u32 {
    u32::try_from(limit).unwrap_or(u32::MAX)
}
