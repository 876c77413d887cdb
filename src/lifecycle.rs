//! The ten states of a resource, and the one table that says which may follow which.
//!
//! Decides what can happen to a resource at all. Knows nothing of what a state means for its
//! pool, of who changes it, or when: whoever has a reason asks [`Lifecycle::to`], and is refused
//! whatever is not in the table.

use std::fmt;

use crate::primitives::{AtomicU8, Ordering};

/// Where a resource is in its life.
///
/// # Examples
///
/// ```
/// use nebula_resource::lifecycle::State;
///
/// assert_eq!(State::Created.to(State::Initializing), Ok(State::Initializing));
///
/// let refused = State::Terminated.to(State::Ready);
/// assert_eq!(
///     refused.map_err(|refused| refused.to_string()),
///     Err("terminated cannot become ready: it is the end".to_owned()),
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Registered; nothing has been done for it yet.
    Created,
    /// Being made ready: checked, warmed, made again after a quarantine.
    Initializing,
    /// Handed out to whoever asks; nobody has asked yet.
    Ready,
    /// Ready, with guards out.
    InUse,
    /// Ready, with no guard out at the moment.
    Idle,
    /// Closed to new callers; guards that are out are waited for.
    Draining,
    /// What it was made of is being cleaned up.
    Cleanup,
    /// Gone.
    Terminated,
    /// Not to be had, and nothing is being done about it.
    Failed,
    /// Not to be had until it has recovered.
    Quarantined,
}

use State::{
    Cleanup, Created, Draining, Failed, Idle, InUse, Initializing, Quarantined, Ready, Terminated,
};

/// What may follow what. Nothing else can happen.
///
/// However far a resource has come, its way out is the same: `Draining`, `Cleanup`, `Terminated`,
/// with no way back. Only what was never begun is gone at once.
const NEXT: [(State, &[State]); 10] = [
    (Created, &[Initializing, Terminated]),
    (Initializing, &[Ready, Draining, Failed, Quarantined]),
    (Ready, &[InUse, Draining, Failed, Quarantined]),
    (InUse, &[Idle, Draining, Failed, Quarantined]),
    (Idle, &[InUse, Draining, Failed, Quarantined]),
    (Draining, &[Cleanup]),
    (Cleanup, &[Terminated]),
    (Terminated, &[]),
    (Failed, &[Initializing, Draining]),
    (Quarantined, &[Initializing, Ready, Draining, Failed]),
];

impl State {
    /// Every state, in the order of a life.
    pub const ALL: [Self; 10] = {
        let mut all = [Created; 10];
        let mut at = 0;
        while at < NEXT.len() {
            all[at] = NEXT[at].0;
            // A state is found in the table by its number.
            assert!(all[at] as usize == at, "a row of the table is out of place");
            at += 1;
        }
        all
    };

    /// The states that may follow this one.
    pub const fn next(self) -> &'static [Self] {
        NEXT[self as usize].1
    }

    /// `next`, if it may follow.
    ///
    /// # Errors
    ///
    /// [`Refused`] for whatever is not in the table, this state itself included.
    pub fn to(self, next: Self) -> Result<Self, Refused> {
        if self.next().contains(&next) {
            Ok(next)
        } else {
            Err(Refused { from: self, next })
        }
    }

    /// Whether callers are served.
    pub const fn serves(self) -> bool {
        matches!(self, Ready | InUse | Idle)
    }

    /// Whether nothing can follow.
    pub const fn is_final(self) -> bool {
        self.next().is_empty()
    }

    /// `Ready` looked at more closely: with `in_use` guards out, after `uses` of them.
    ///
    /// `InUse` and `Idle` are counted, not written down: an acquire that wrote its resource's state
    /// would have all of them write to the same place.
    ///
    /// # Examples
    ///
    /// ```
    /// use nebula_resource::lifecycle::State;
    ///
    /// assert_eq!(State::Ready.observed(0, 0), State::Ready);
    /// assert_eq!(State::Ready.observed(3, 40), State::InUse);
    /// assert_eq!(State::Ready.observed(0, 40), State::Idle);
    /// assert_eq!(State::Draining.observed(3, 40), State::Draining);
    /// ```
    pub const fn observed(self, in_use: usize, uses: u64) -> Self {
        match (self, in_use, uses) {
            (Ready, 0, 0) => Ready,
            (Ready, 0, _) => Idle,
            (Ready, ..) => InUse,
            (other, ..) => other,
        }
    }

    /// A short name for logs, metrics and drawings: `in_use`, `draining`, …
    pub const fn name(self) -> &'static str {
        match self {
            Created => "created",
            Initializing => "initializing",
            Ready => "ready",
            InUse => "in_use",
            Idle => "idle",
            Draining => "draining",
            Cleanup => "cleanup",
            Terminated => "terminated",
            Failed => "failed",
            Quarantined => "quarantined",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A transition that is not in the table: nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// The state it is in.
    pub from: State,
    /// The state that was asked for.
    pub next: State,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, next } = self;
        write!(f, "{from} cannot become {next}: ")?;
        let Some((last, others)) = from.next().split_last() else {
            return f.write_str("it is the end");
        };
        f.write_str("only ")?;
        for (at, other) in others.iter().enumerate() {
            let comma = if at + 1 < others.len() { ", " } else { " or " };
            write!(f, "{other}{comma}")?;
        }
        write!(f, "{last} may follow")
    }
}

impl std::error::Error for Refused {}

/// The state of one resource: anybody reads it, and whoever has a reason changes it.
///
/// # Examples
///
/// ```
/// use nebula_resource::lifecycle::{Lifecycle, State};
///
/// let life = Lifecycle::new();
/// life.to(State::Initializing)?;
/// assert_eq!(life.to(State::Ready)?, State::Initializing); // what it was before
/// assert!(life.to(State::Terminated).is_err()); // not without draining and cleaning up
/// assert_eq!(life.state(), State::Ready);
/// # Ok::<(), nebula_resource::lifecycle::Refused>(())
/// ```
pub struct Lifecycle(
    /// The state's number, changed by compare-and-swap along the table only.
    AtomicU8,
);

impl Lifecycle {
    /// Begins with [`State::Created`].
    pub const fn new() -> Self {
        Self(AtomicU8::new(Created as u8))
    }

    /// The state at this moment.
    pub fn state(&self) -> State {
        // ord: Acquire, pairs with the AcqRel in `to`: who sees a state sees what was done for it.
        State::ALL[usize::from(self.0.load(Ordering::Acquire))]
    }

    /// Changes the state, and answers which one it was.
    ///
    /// Of several that change it at once each is judged by the state that it really finds.
    ///
    /// # Errors
    ///
    /// [`Refused`] when `next` may not follow; nothing has changed.
    pub fn to(&self, next: State) -> Result<State, Refused> {
        let mut from = self.state();
        loop {
            let next = from.to(next)?;
            // ord: AcqRel, pairs with the Acquire in `state`, and with itself.
            let swapped = self.0.compare_exchange(
                from as u8,
                next as u8,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            match swapped {
                Ok(_) => return Ok(from),
                Err(found) => from = State::ALL[usize::from(found)],
            }
        }
    }
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Lifecycle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lifecycle").field(&self.state()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_state() -> impl Strategy<Value = State> {
        proptest::sample::select(&State::ALL[..])
    }

    /// Every state that can follow `from`, sooner or later.
    fn reachable(from: State) -> Vec<State> {
        let mut found = from.next().to_vec();
        let mut at = 0;
        while let Some(state) = found.get(at).copied() {
            let fresh = |next: &&State| !found.contains(next);
            let more: Vec<State> = state.next().iter().filter(fresh).copied().collect();
            found.extend(more);
            at += 1;
        }
        found
    }

    #[test]
    fn of_all_pairs_only_these_are_allowed() {
        // Written out a second time, row by row in the order of `ALL`: a slip in the table shows.
        let allowed = [
            ".x.....x..", // created
            "..x..x..xx", // initializing
            "...x.x..xx", // ready
            "....xx..xx", // in use
            "...x.x..xx", // idle
            "......x...", // draining
            ".......x..", // cleanup
            "..........", // terminated
            ".x...x....", // failed
            ".xx..x..x.", // quarantined
        ];
        for (from, row) in State::ALL.into_iter().zip(allowed) {
            for (next, mark) in State::ALL.into_iter().zip(row.chars()) {
                let expected = if mark == 'x' {
                    Ok(next)
                } else {
                    Err(Refused { from, next })
                };
                assert_eq!(from.to(next), expected);
            }
        }
    }

    #[test]
    fn every_life_begins_once_and_can_end() {
        let from_the_start = reachable(Created);
        for state in State::ALL {
            let after = reachable(state);
            assert!(!after.contains(&Created), "{state} would begin again");
            assert_eq!(after.contains(&Terminated), state != Terminated, "{state}");
            assert_eq!(state.is_final(), state == Terminated);
            assert!(state == Created || from_the_start.contains(&state));
        }
    }

    #[test]
    fn nothing_serves_after_it_began_to_stop() {
        for stopping in [Draining, Cleanup, Terminated] {
            assert!(!stopping.serves());
            assert!(!reachable(stopping).into_iter().any(State::serves));
        }
    }

    #[test]
    fn whoever_serves_can_break_and_can_stop() {
        for state in State::ALL.into_iter().filter(|state| state.serves()) {
            for next in [Draining, Failed, Quarantined] {
                assert!(state.to(next).is_ok());
            }
        }
    }

    #[test]
    fn a_refusal_says_what_may_follow() {
        let says = |from: State, next| from.to(next).map_err(|refused| refused.to_string());
        let expected = "draining cannot become ready: only cleanup may follow";
        assert_eq!(says(Draining, Ready), Err(expected.to_owned()));
        let expected = "failed cannot become ready: only initializing or draining may follow";
        assert_eq!(says(Failed, Ready), Err(expected.to_owned()));
        let expected = "in_use cannot become created: \
                        only idle, draining, failed or quarantined may follow";
        assert_eq!(says(InUse, Created), Err(expected.to_owned()));
    }

    proptest! {
        #[test]
        fn a_walk_never_leaves_the_table(wishes in prop::collection::vec(any_state(), 0..64)) {
            let life = Lifecycle::new();
            for next in wishes {
                let before = life.state();
                let allowed = before.to(next);
                prop_assert_eq!(life.to(next), allowed.map(|_| before));
                prop_assert_eq!(life.state(), allowed.unwrap_or(before));
            }
        }

        #[test]
        fn what_is_observed_differs_only_in_use(
            state in any_state(), in_use in 0_usize..3, uses in 0_u64..3,
        ) {
            let seen = state.observed(in_use, uses);
            prop_assert_eq!(seen.serves(), state.serves());
            if state == Ready {
                prop_assert_eq!(seen == InUse, in_use > 0);
            } else {
                prop_assert_eq!(seen, state);
            }
        }
    }

    /// Of all that change it at once, as many succeed as there are ways to go.
    #[test]
    fn one_of_many_begins_to_stop() {
        for _ in 0..100 {
            let life = Lifecycle::new();
            assert!(life.to(Initializing).and_then(|_| life.to(Ready)).is_ok());
            let stopped = std::thread::scope(|scope| {
                let stop = || scope.spawn(|| life.to(Draining).is_ok());
                [stop(), stop()].map(|stop| stop.join().unwrap())
            });
            assert_eq!(stopped.iter().filter(|stopped| **stopped).count(), 1);
        }
    }
}
