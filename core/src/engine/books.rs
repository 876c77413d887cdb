//! The books: how many objects there are and where, for reports and for the audit.

use std::fmt;

use crate::engine::Engine;
use crate::stats::Totals;

/// A pool's numbers at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Objects alive.
    pub size: usize,
    /// Objects that wait to be handed out.
    pub idle: usize,
    /// Objects in guards.
    pub in_use: usize,
    /// Objects being validated or recycled.
    pub checking: usize,
    /// Creations under way.
    pub creating: usize,
    /// Callers in line.
    pub waiting: usize,
    /// The most objects there may be, as configured now.
    pub max_size: usize,
    /// Nothing is handed out until `resume`.
    pub paused: bool,
    /// Nothing is handed out any more.
    pub closed: bool,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            in_use,
            max_size,
            idle,
            creating,
            waiting,
            ..
        } = self;
        write!(
            f,
            "{in_use} of {max_size} in use, {idle} idle, {creating} being created, {waiting} waiting"
        )
    }
}

/// Whether the books balance; see [`Audit::balanced`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Audit {
    /// Objects made so far.
    pub created: u64,
    /// Objects retired so far.
    pub retired: u64,
    /// Objects taken out for good so far.
    pub detached: u64,
    /// Permits taken.
    pub permits: usize,
    /// Creations under way.
    pub creating: usize,
    /// Objects in guards, by their records.
    pub out: usize,
    /// Objects being validated or recycled, by their records.
    pub checking: usize,
    /// Objects idle, by their records.
    pub idle: usize,
    /// Objects that were found in the idle stores, by looking.
    pub found: usize,
    /// Callers in line.
    pub waiting: usize,
}

impl Audit {
    /// Whether created = alive + retired + detached, permits = out + idle + checking + creating, every
    /// idle object was found, and nobody waits beside an idle object.
    ///
    /// Exact when nothing moves; while calls are in flight a single answer may be off by those.
    pub const fn balanced(&self) -> bool {
        let alive = self.out + self.checking + self.idle;
        self.created == alive as u64 + self.retired + self.detached
            && self.permits == alive + self.creating
            && self.idle == self.found
            && (self.waiting == 0 || self.found == 0)
    }
}

impl<T> Engine<T> {
    pub(crate) fn status(&self) -> Status {
        let state = self.permits.state();
        let [idle, in_use, checking] = self.registry.census();
        let creating = self.line.lock().gate.creating();
        Status {
            size: idle + in_use + checking,
            idle,
            in_use,
            checking,
            creating,
            waiting: self.line.waiting(),
            max_size: state.limit(),
            paused: state.paused(),
            closed: state.closed(),
        }
    }

    pub(crate) fn totals(&self) -> Totals {
        self.stats.totals(self.registry.totals())
    }

    pub(crate) fn audit(&self) -> Audit {
        let line = self.line.lock();
        let found = self.idle.take_all();
        let [idle, out, checking] = self.registry.census();
        let totals = self.totals();
        let audit = Audit {
            created: totals.created,
            retired: totals.retired,
            detached: totals.detached,
            permits: self.permits.state().total(),
            creating: line.gate.creating(),
            out,
            checking,
            idle,
            found: found.len(),
            waiting: line.queue.len(),
        };
        drop(line);
        for entry in found {
            // proof: audit-gives
            self.give(entry);
        }
        audit
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Ten were made: two are gone, two out, two being checked, four idle.
    const AT_REST: Audit = Audit {
        created: 10,
        retired: 1,
        detached: 1,
        permits: 11,
        creating: 3,
        out: 2,
        checking: 2,
        idle: 4,
        found: 4,
        waiting: 0,
    };

    #[test]
    fn books_balance_when_nothing_is_missing() {
        assert!(AT_REST.balanced());
        let waited_for = Audit {
            created: 6,
            permits: 7,
            idle: 0,
            found: 0,
            waiting: 5,
            ..AT_REST
        };
        assert!(waited_for.balanced(), "nobody waits beside an idle object");
    }

    #[test]
    fn books_do_not_balance_when_anything_is_off_by_one() {
        let off: [fn(&mut Audit); 10] = [
            |audit| audit.created += 1,
            |audit| audit.retired += 1,
            |audit| audit.detached += 1,
            |audit| audit.permits += 1,
            |audit| audit.creating += 1,
            |audit| audit.out += 1,
            |audit| audit.checking += 1,
            |audit| audit.idle += 1,
            |audit| audit.found += 1,
            |audit| audit.waiting += 1,
        ];
        for (number, off) in off.iter().enumerate() {
            let mut audit = AT_REST;
            off(&mut audit);
            assert!(!audit.balanced(), "{number}: {audit:?}");
        }
    }

    #[test]
    fn a_status_reads_as_a_sentence() {
        let status = Status {
            size: 6,
            idle: 1,
            in_use: 5,
            checking: 0,
            creating: 2,
            waiting: 3,
            max_size: 9,
            paused: false,
            closed: false,
        };
        let text = "5 of 9 in use, 1 idle, 2 being created, 3 waiting";
        assert_eq!(status.to_string(), text);
    }
}
