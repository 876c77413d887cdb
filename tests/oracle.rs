//! Whatever is done to a pool, in whatever order: does it do what the simplest pool would?
//!
//! Random histories of public operations against a sequential oracle, on both facades, with time
//! moved by hand. `settled` histories let everything come to rest after each operation and compare
//! all that can be seen; `hasty` ones act on wake-ups late or never, where the oracle has no
//! opinion, and ask that at the end nothing is lost and nobody sleeps beside a free object.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "oracle/hasty.rs"]
mod hasty;
#[path = "oracle/model.rs"]
mod model;
#[path = "oracle/ops.rs"]
mod ops;
#[path = "oracle/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use model::{Model, Outcome};
use nebula_resource::{AcquireError, Strategy};
use nebula_resource_core::Driver;
use ops::Op::{self, *};
use ops::{PROBE, history, strategy};
use proptest::prelude::{ProptestConfig, proptest};
use proptest::sample::Index;
use world::{Patience, World};

/// One history on one pool, beside the oracle.
struct Run<D: Driver<Object = u64>> {
    world: World<D>,
    model: Model,
    keys: usize,
    /// The order of objects is compared too: first in, first out, and time stands still.
    exact: bool,
    /// On the blocking facade a suspected object is not handed out before a helper has looked at it.
    suspicious: bool,
    /// Who was ever destroyed, or taken out for good, is never seen again.
    gone: BTreeSet<u64>,
}

impl<D: Driver<Object = u64>> Run<D> {
    fn new(world: World<D>, exact: bool) -> Self {
        let limit = world.pool.config().max_size;
        Self {
            world,
            model: Model::new(limit),
            keys: 0,
            exact,
            suspicious: false,
            gone: BTreeSet::new(),
        }
    }

    fn step(&mut self, op: &Op) {
        self.apply(op);
        self.world.settle();
        self.compare_outcomes();
        self.compare_books();
    }

    fn apply(&mut self, op: &Op) {
        let pool = self.world.pool;
        match op {
            Acquire => self.acquire(1, Patience::Usual),
            AcquireWithin(patience) => self.acquire(1, *patience),
            AcquireMany(wants) => self.acquire(*wants, Patience::Usual),
            TryAcquire => self.try_acquire(),
            Cancel(index) => self.cancel(index),
            Release(index) | ReleaseWait(index) | Discard(index) | Detach(index) => {
                self.end_use(op, index);
            }
            Resize(limit) => {
                pool.resize(*limit).unwrap();
                self.model.resize(*limit);
            }
            Pause => {
                assert_eq!(pool.pause(), !self.model.paused);
                self.model.pause();
            }
            Resume => {
                assert_eq!(pool.resume(), self.model.paused);
                self.model.resume();
            }
            // What a waiter for several holds is looked at when it is handed out, not before.
            Clear if self.model.in_hands() == 0 => {
                pool.clear();
                self.model.clear();
            }
            Clear => {}
            ThinOut(every) => self.thin_out(*every),
            Close => {
                drop(pool.close());
                self.model.close();
            }
            Fair(fairness) => pool.reconfigure(|c| c.fairness = *fairness).unwrap(),
            Arrange(strategy) => pool.reconfigure(|c| c.strategy = *strategy).unwrap(),
            // Nothing is too old, and what it recycles is as idle as before.
            Maintain => self.world.work(pool.run_maintenance()),
            Refuse | Recover | Advance(_) => self.change_the_world(op),
        }
    }

    fn change_the_world(&mut self, op: &Op) {
        let refusing = &self.world.backend.refusing;
        match op {
            Advance(seconds) => {
                let span = Duration::from_secs(*seconds);
                self.world.advance(span);
                self.model.advance(span);
            }
            Refuse => {
                refusing.store(true, SeqCst);
                self.model.refusing = true;
            }
            _ => {
                refusing.store(false, SeqCst);
                self.world.advance(PROBE);
                self.model.recover(PROBE);
            }
        }
    }

    fn acquire(&mut self, wants: usize, patience: Patience) {
        self.keys += 1;
        self.world.acquire(self.keys, wants, patience);
        self.model.acquire(self.keys, wants, patience.span());
    }

    fn try_acquire(&mut self) {
        let Some(guard) = self.world.pool.try_acquire() else {
            if !self.suspicious {
                assert_eq!(self.model.try_acquire(), None, "there was one to be had");
            }
            return;
        };
        let expected = self.model.try_acquire().expect("nobody has a right to it");
        assert!(!self.exact || *guard == expected, "{} {expected}", *guard);
        self.world.guards.push(guard);
    }

    fn cancel(&mut self, index: &Index) {
        let waiting = self.world.waiting();
        if !waiting.is_empty() {
            let key = *index.get(&waiting);
            self.world.cancel(key);
            self.model.cancel(key);
        }
    }

    fn end_use(&mut self, op: &Op, index: &Index) {
        if self.world.guards.is_empty() {
            return;
        }
        let index = index.index(self.world.guards.len());
        let guard = self.world.guards.remove(index);
        match op {
            Release(_) => {
                drop(guard);
                self.model.release(index);
            }
            ReleaseWait(_) => {
                self.world.work(guard.release());
                self.model.release(index);
            }
            Discard(_) => {
                self.gone.insert(*guard);
                self.suspicious = true;
                guard.discard();
                self.model.discard(index);
            }
            _ => {
                self.gone.insert(guard.detach());
                self.model.detach(index);
            }
        }
    }

    fn thin_out(&mut self, every: usize) {
        let mut position = 0;
        let mut gone = Vec::new();
        let retired = self.world.pool.retain(|id, _| {
            position += 1;
            let keep = (position - 1) % every != 0;
            gone.extend((!keep).then_some(*id));
            keep
        });
        assert_eq!(retired, self.model.thin_out(every));
        self.gone.extend(gone);
    }

    fn compare_outcomes(&mut self) {
        for (key, expected) in std::mem::take(&mut self.model.done) {
            let actual = self.world.ended.remove(&key);
            let actual = actual.unwrap_or_else(|| panic!("{key} should have got {expected:?}"));
            match (expected, actual) {
                (Outcome::Served(ids), Ok(guards)) => {
                    let actual: Vec<u64> = guards.iter().map(|guard| **guard).collect();
                    assert!(actual.len() == ids.len(), "{actual:?} {ids:?}");
                    assert!(!self.exact || actual == ids, "{actual:?} {ids:?}");
                    self.world.guards.extend(guards);
                }
                (Outcome::Closed, Err(AcquireError::Closed))
                | (Outcome::Paused, Err(AcquireError::Paused { .. }))
                | (Outcome::TooMany, Err(AcquireError::TooMany { .. }))
                | (Outcome::TimedOut, Err(AcquireError::TimedOut(_))) => {}
                (Outcome::TimedOut, Err(AcquireError::CreateFailed(failed))) => {
                    assert!(failed.attempts > 0, "{failed}");
                }
                (expected, actual) => panic!("{key}: expected {expected:?}, got {actual:?}"),
            }
        }
        assert!(self.world.ended.is_empty(), "{:?}", self.world.ended);
    }

    /// Taken again while a helper thread is just putting an object back.
    fn audit(&self) -> nebula_resource_core::Audit {
        let expected = self.model.idle() - self.model.in_hands();
        let audits = std::iter::repeat_with(|| self.world.pool.audit());
        let found = audits.take(1_000_000).find(|audit| audit.found == expected);
        found.unwrap_or_else(|| panic!("{expected} idle? {:?}", self.world.pool.audit()))
    }

    fn compare_books(&self) {
        let (model, pool) = (&self.model, self.world.pool);
        let (status, totals, audit) = (pool.status(), pool.stats(), self.audit());
        let seen = (status.idle, status.in_use, status.waiting, status.max_size);
        let expected = (model.idle(), model.out.len(), model.waiting(), model.limit);
        assert_eq!(seen, expected, "idle, in use, waiting, max: {status:?}");
        let flags = (status.paused, status.closed, status.size);
        assert_eq!(flags, (model.paused, model.closed, seen.0 + seen.1));
        let moved = (totals.created, totals.retired, totals.detached);
        assert_eq!(moved, (model.created, model.retired, model.detached));
        assert_eq!(pool.oldest_waiter(), model.oldest());
        let calls = (totals.acquired, totals.timed_out);
        assert_eq!(calls, (model.acquired, model.timed_out));
        // Two ways to be out of balance are as they should be: what a waiter for several has
        // collected is in no store, and a paused pool has waiters beside idle objects.
        let quiet = model.in_hands() == 0 && !(model.paused && model.waiting() > 0);
        assert!(!quiet || audit.balanced(), "{audit:?}");
        let held: BTreeSet<u64> = self.world.guards.iter().map(|guard| **guard).collect();
        assert_eq!(held.len(), self.world.guards.len(), "held twice");
        assert!(held.is_disjoint(&self.gone), "{held:?} {:?}", self.gone);
    }
}

fn follow<D: Driver<Object = u64>>(world: World<D>, exact: bool, history: &[Op]) {
    let mut run = Run::new(world, exact);
    history.iter().for_each(|op| run.step(op));
}

/// So many, which takes a few seconds in all, unless `PROPTEST_CASES` asks for another number.
fn cases(usual: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok();
    ProptestConfig {
        cases: asked.and_then(|cases| cases.parse().ok()).unwrap_or(usual),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn settled_async(max in 1_usize..5, strategy in strategy(), history in history()) {
        follow(world::on_manual(world::config(max, strategy)), false, &history);
    }

    #[test]
    fn settled_without_a_runtime(max in 1_usize..5, strategy in strategy(), history in history()) {
        follow(world::on_nothing(world::config(max, strategy)), false, &history);
    }

    #[test]
    fn settled_in_the_order_of_fifo(max in 1_usize..5, history in history()) {
        let timeless = |op: &Op| {
            !matches!(op, Advance(_) | AcquireMany(_) | Arrange(_) | Maintain | ReleaseWait(_))
        };
        let history: Vec<Op> = history.into_iter().filter(timeless).collect();
        let mut config = world::config(max, Strategy::Fifo);
        config.maintenance_every = Duration::from_secs(3600);
        follow(world::on_manual(config), true, &history);
    }

    #[test]
    fn hasty_async(max in 1_usize..5, strategy in strategy(), history in history()) {
        hasty::follow(world::on_manual(world::config(max, strategy)), &history);
    }

    #[test]
    fn hasty_without_a_runtime(max in 1_usize..5, strategy in strategy(), history in history()) {
        hasty::follow(world::on_nothing(world::config(max, strategy)), &history);
    }
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn settled_blocking(max in 1_usize..5, strategy in strategy(), history in history()) {
        follow(world::blocking(world::config(max, strategy)), false, &history);
    }
}
