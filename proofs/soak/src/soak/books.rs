//! The books of a pool: what must hold at any moment, at rest, and when it is closed.
//!
//! Knows nothing of how the numbers came about.

use std::pin::pin;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use futures::executor::block_on;
use futures::future::{Either, select};
use nebula_resource::clock::Clock;
use nebula_resource::{AcquireError, Status, Totals};

use super::arena::{Arena, Play};
use super::plan::{CEILING, MOST_CREATES};

/// Looked at from outside, whatever the pool is made of.
pub(crate) trait Books: Send + Sync {
    /// What can be said while everybody is busy.
    fn glance(&self);
    /// How it stands, in words.
    fn standing(&self) -> String;
}

impl<D: Play> Books for Arena<D> {
    fn glance(&self) {
        self.tally.glances.fetch_add(1, Ordering::Relaxed);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.pool.stats();
        let status = self.pool.status();
        let after = self.pool.stats();
        let most = self.ledger.workday.most_creating.load(Ordering::Relaxed);
        let claims = [
            (within_limits(&status), "more objects than there may be"),
            (only_grow(&last, &before), "a counter fell"),
            (only_grow(&before, &after), "a counter fell"),
            (
                before.retired + before.detached <= after.created,
                "more objects left than were made",
            ),
            (
                before.destroyed <= after.retired,
                "more objects were destroyed than retired",
            ),
            (
                after.created <= self.ledger.made.load(Ordering::Relaxed),
                "the pool counts objects that nobody made",
            ),
            (
                !D::CREATIONS_CAN_BE_CUT || most <= MOST_CREATES as u64,
                "more creations at once than there may be",
            ),
        ];
        for (_, what) in claims.iter().filter(|(holds, _)| !holds) {
            let most = format_args!("{most} creations at once");
            self.ledger.fault(format_args!(
                "{what}: {status:?} {before:?} {after:?} {most}"
            ));
        }
        *last = after;
    }

    fn standing(&self) -> String {
        let Self { ledger, pool, .. } = self;
        let status = pool.status();
        let alone = status.waiting > 0 && !status.paused;
        let verdict = if alone && status.idle > 0 {
            "LOST WAKE-UP: somebody waits beside an idle object"
        } else if alone && status.size + status.creating < status.max_size {
            "LOST WAKE-UP: somebody waits although an object could be made"
        } else {
            "nobody waits for what is there"
        };
        // The audit takes the idle objects out and gives them back, which may wake somebody: last.
        format!(
            "{}: {verdict}\n  {status:?}\n  {:?}\n  {:?}\n  {:?}\n  {:?}\n",
            ledger.name,
            pool.config(),
            pool.stats(),
            pool.objects(),
            pool.audit(),
        )
    }
}

fn within_limits(status: &Status) -> bool {
    status.size <= CEILING && status.creating <= CEILING && status.max_size <= CEILING
}

fn only_grow(before: &Totals, after: &Totals) -> bool {
    let row = |totals: &Totals| {
        [
            totals.acquired,
            totals.waited,
            totals.timed_out,
            totals.cancelled,
            totals.created,
            totals.create_failures,
            totals.create_elided,
            totals.recycled,
            totals.retired,
            totals.detached,
            totals.destroyed,
            totals.wait.count,
        ]
    };
    row(before)
        .iter()
        .zip(row(after))
        .all(|(old, new)| *old <= new)
}

impl<D: Play> Arena<D> {
    /// All callers are at rest: soon, everything must add up to the last object.
    pub(crate) fn balance(&self, patience: Duration) {
        let settled = eventually(patience, || {
            if !self.can_spawn() {
                // Nobody else buries what was retired.
                block_on(self.pool.run_maintenance());
            }
            self.ledger.clear_attic();
            self.imbalance().is_none()
        });
        if !settled {
            let what = self.imbalance().unwrap_or("it balances now, too late");
            self.ledger
                .fault(format_args!("at rest, {what}\n{}", self.standing()));
        }
        self.tally.lulls.fetch_add(1, Ordering::Relaxed);
    }

    fn can_spawn(&self) -> bool {
        self.pool.shared().driver().can_spawn()
    }

    fn imbalance(&self) -> Option<&'static str> {
        let audit = self.pool.audit();
        let status = self.pool.status();
        let totals = self.pool.stats();
        let idle = audit.idle as u64;
        let claims = [
            (audit.balanced(), "the audit does not balance"),
            (audit.out == 0, "a guard is out"),
            (audit.checking == 0, "an object is being looked at"),
            (audit.creating == 0, "a creation is under way"),
            (audit.permits == audit.idle, "a permit is missing"),
            (audit.waiting == 0, "somebody waits"),
            (status.size <= status.max_size, "too many objects"),
            (!status.paused, "it is paused"),
            (
                totals.created == idle + totals.destroyed + totals.detached,
                "created is not alive + destroyed + detached",
            ),
            (
                self.ledger.alive() == idle,
                "the factory misses objects, or has more",
            ),
        ];
        let broken = claims.into_iter().find(|(holds, _)| !holds);
        broken.map(|(_, what)| what)
    }

    /// With fine weather everybody is served: one by one, and all at once.
    pub(crate) fn serves_again(&self, patience: Duration) {
        self.pool.resume();
        // The last failure may still be in force.
        if let Err(error) = self.pool.reconfigure(|config| config.fail_fast = false) {
            self.ledger.fault(error);
        }
        let one = self.pool.acquire_blocking_timeout(patience);
        if let Err(error) = one.as_ref() {
            self.ledger.fault(format_args!(
                "no fresh acquire: {error}\n{}",
                self.standing()
            ));
        }
        drop(one);
        let all = self.pool.config().max_size;
        let waiting = pin!(self.pool.acquire_async_many(all));
        let both = select(waiting, Clock::system().sleep(patience));
        let served = match block_on(both) {
            Either::Left((guards, _)) => guards.is_ok_and(|guards| guards.len() == all),
            Either::Right(_) => false,
        };
        if !served {
            self.ledger
                .fault(format_args!("never all {all} at once\n{}", self.standing()));
        }
    }

    /// The pool was closed and all callers have gone: nothing may be left of its objects.
    pub(crate) fn ends(&self, patience: Duration) {
        let closing = self.pool.close();
        if !closing.wait_timeout(patience) {
            self.ledger
                .fault(format_args!("closing does not end\n{}", self.standing()));
        }
        if !matches!(self.pool.acquire_blocking(), Err(AcquireError::Closed)) {
            self.ledger.fault("an acquire from a closed pool");
        }
        let gone = eventually(patience, || {
            self.ledger.clear_attic();
            let (totals, audit) = (self.pool.stats(), self.pool.audit());
            audit.balanced()
                && (audit.permits, audit.out, audit.idle, audit.waiting) == (0, 0, 0, 0)
                && totals.created == totals.destroyed + totals.detached
                && totals.retired == totals.destroyed
                && self.ledger.alive() == 0
        });
        if !gone {
            let alive = self.ledger.alive();
            self.ledger.fault(format_args!(
                "{alive} objects outlive the pool\n{}",
                self.standing()
            ));
        }
        self.tally.closed(&self.pool.stats());
    }
}

/// Whether `holds` becomes true in time.
pub(crate) fn eventually(patience: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    let mut nap = Duration::from_micros(20);
    while !holds() {
        if began.elapsed() > patience {
            return false;
        }
        thread::sleep(nap);
        nap = (nap * 2).min(Duration::from_millis(20));
    }
    true
}
