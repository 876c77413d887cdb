//! When the line is too long: for how many there is room in it, and how long they may stand in a line
//! that does not go down.
//!
//! Decides who is turned away; both bounds are off unless they are configured. Told the time and how
//! the line stands; knows nothing of locks, nor of who waits.
//!
//! The second bound is the controlled delay of RFC 8289 in the form that servers use (Maurer, *Fail at
//! Scale*, ACM Queue 13(8), 2015). A line that is empty now and then is a burst, which is best waited
//! for. One that was never empty for an [`INTERVAL`] is a standing line: waiting in it makes everybody
//! late, and nobody is served the sooner for it.
//!
//! | the line | becomes | when |
//! |---|---|---|
//! | short | standing | somebody joins it and it was never empty for an interval |
//! | standing | short | somebody joins it and it is empty, or objects are still to be made |

use std::time::Duration;

use crate::Tick;
use crate::config::PoolConfig;

/// RFC 8289, and the same in the servers that follow it: longer than a burst, and no caller has given up.
pub(super) const INTERVAL: Duration = Duration::from_millis(100);

/// See the module.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overload {
    /// For how many there is room; for all, if zero.
    most: usize,
    /// How long anybody may stand in a standing line; for ever, if zero.
    shed_after: Duration,
    /// Unknown until somebody joins.
    short_until: Option<Tick>,
    standing: bool,
}

/// How the line stands for somebody who comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sight {
    /// How many stand there already.
    pub(crate) waiting: usize,
    /// Whether they wait for objects to come back, and for nothing else.
    pub(crate) all_made: bool,
    pub(crate) now: Tick,
}

/// What becomes of somebody who comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may wait until its deadline.
    Waits,
    /// It may wait for so long.
    WaitsFor(Duration),
    /// So may everybody else, from now on.
    AllWaitFor(Duration),
    /// There is no room for it.
    TurnedAway,
}

impl Overload {
    /// None without any bound, as most lines are.
    pub(crate) fn new(config: &PoolConfig) -> Option<Box<Self>> {
        let is_on = config.max_waiting.is_some() || config.shed_after.is_some();
        is_on.then(|| {
            Box::new(Self {
                most: config.max_waiting.unwrap_or(0),
                shed_after: config.shed_after.unwrap_or(Duration::ZERO),
                short_until: None,
                standing: false,
            })
        })
    }

    pub(crate) fn judge(&mut self, sight: Sight) -> Verdict {
        if self.most > 0 && sight.waiting >= self.most {
            return Verdict::TurnedAway;
        }
        if self.shed_after.is_zero() {
            return Verdict::Waits;
        }
        let is_short = sight.waiting == 0 || !sight.all_made;
        let known = self.short_until.filter(|_| !is_short);
        let until = known.unwrap_or_else(|| sight.now.after(INTERVAL.max(self.shed_after)));
        self.short_until = Some(until);
        if sight.now < until {
            self.standing = false;
            return Verdict::Waits;
        }
        match std::mem::replace(&mut self.standing, true) {
            false => Verdict::AllWaitFor(self.shed_after),
            true => Verdict::WaitsFor(self.shed_after),
        }
    }
}
