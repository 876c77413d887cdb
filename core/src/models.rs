//! The door for the loom models: the engine as it ships, driven step by step.
//!
//! Exists only under `cfg(loom)`. Decides nothing: each method is what a facade does at that
//! point (`acquire`, `care::check`, `Shared::release`, `create`), without clock, driver and
//! observer. Whatever a model finds here, it finds in the shipped code.

#![allow(
    missing_debug_implementations,
    reason = "models print what they check, not the engine"
)]

pub mod backend;
mod care;

use std::ops::Deref;
use std::sync::Arc;
use std::task::Waker;

use crate::Tick;
use crate::config::{PoolConfig, ValidationError};
use crate::engine::{Audit, Engine, Look, Looking, Parting};
use crate::entry::{Entry, Verdict};
use crate::primitives::choose_stripe;
use crate::record::ObjectState;
use crate::retire::RetireReason;
use crate::waiters::{Cause, Place, Wakes, Wish};

/// Which stripe of the affine store this model thread uses.
pub fn use_stripe(stripe: usize) {
    choose_stripe(stripe);
}

/// An object that is out of the pool. Dropped, it would take its permit along: give it back.
pub struct Object<T>(Box<Entry<T>>);

impl<T> Deref for Object<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.object
    }
}

/// A place in line. Ends with `Seen::Ready`, `Seen::Left`, or `Pool::leave`.
#[derive(Clone, Copy, Debug)]
pub struct Turn(Place);

/// What a waiter asks for.
#[derive(Clone, Copy, Debug)]
pub struct Asks {
    /// How many objects, all or none.
    pub objects: u32,
    /// In ticks.
    pub deadline: u64,
    /// Goes to the head of the line: what it was served was no good.
    pub returning: bool,
    /// As threads do; tasks do not.
    pub races: bool,
}

impl From<Asks> for Wish {
    fn from(asks: Asks) -> Self {
        Self {
            objects: asks.objects,
            since: Tick::ZERO,
            deadline: Tick::from_nanos(asks.deadline),
            returning: asks.returning,
            races: asks.races,
        }
    }
}

/// What a waiter sees.
pub enum Seen<T> {
    /// All that it asked for.
    Ready(Vec<Object<T>>),
    /// It is to make an object, on a permit that was taken for it.
    Create,
    /// Nothing yet; `sweep` is to be called at `alarm`.
    Wait {
        /// In ticks.
        alarm: Option<u64>,
    },
    /// It has left the line with nothing.
    Left(Why),
}

/// Why a waiter left with nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Its time was up.
    TimedOut,
    /// There was no room in the line.
    TurnedAway,
    /// The pool is closed.
    Closed,
    /// Its time was up while the pool was paused.
    Paused,
    /// Creations fail, and nobody shall wait for the next one.
    Failing,
    /// The pool was shrunk below what it asked for.
    TooMany,
}

/// A pool without factory, clock and runtime.
pub struct Pool<T>(Engine<T>);

impl<T> Pool<T> {
    /// An empty pool.
    pub fn new(config: PoolConfig, ceiling: usize) -> Self {
        let pool = Self::untouched(config, ceiling);
        // As the first creation does: what is modelled comes after.
        pool.prepare();
        pool
    }

    /// An empty pool whose stores have not been made yet.
    pub fn untouched(config: PoolConfig, ceiling: usize) -> Self {
        Self(Engine::new(config, ceiling, Waker::noop().clone()))
    }

    /// Makes the stores, as `deliver` does.
    pub fn prepare(&self) {
        self.0.idle.prepare();
    }

    /// Makes an object and keeps it; there must be a permit.
    pub fn make(&self, object: T) -> Object<T> {
        assert!(self.0.permits.try_reserve(), "no permit for a new object");
        let entry = self.0.enrol(object, self.0.stamp.read(), Tick::ZERO, 0);
        entry.record.set_state(ObjectState::InUse);
        Object(entry)
    }

    /// As `acquire::acquire` does before it joins the line.
    pub fn take(&self) -> Option<Object<T>> {
        self.checked(self.0.take()?)
    }

    /// As `care::check` does with a factory whose `validate` always succeeds.
    fn checked(&self, mut entry: Box<Entry<T>>) -> Option<Object<T>> {
        let stamp = self.0.stamp.read();
        if !entry.is_fresh(stamp, Tick::ZERO) {
            match self.0.inspect(&mut entry, Tick::ZERO) {
                Verdict::Fresh => {}
                Verdict::Validate => entry.proven(stamp, Tick::ZERO),
                Verdict::Retire(reason) => {
                    self.0.retire(entry, reason);
                    return None;
                }
            }
        }
        entry.record.set_state(ObjectState::InUse);
        Some(Object(entry))
    }

    /// As `Shared::release`, which a guard's `Drop` calls.
    pub fn give(&self, object: Object<T>) {
        let mut entry = object.0;
        if !entry.stamp.same_clear(self.0.stamp.read()) {
            return self.0.retire(entry, RetireReason::Cleared);
        }
        self.0.put_aside(&mut entry, Tick::ZERO);
        self.0.give(entry);
    }

    /// As `Guard::discard`.
    pub fn retire(&self, object: Object<T>) {
        self.0.retire(object.0, RetireReason::Broken);
    }

    /// As `Guard::detach`.
    pub fn detach(&self, object: Object<T>) -> T {
        self.0.detach(*object.0)
    }

    /// Joins the line and looks, as a caller's first poll does.
    pub fn enter(&self, asks: Asks, waker: &Waker, now: u64) -> (Turn, Seen<T>) {
        let entered = self.0.enter(asks.into(), waker, Tick::from_nanos(now));
        let Ok((place, look)) = entered else {
            unreachable!("no model has a bound on its line");
        };
        (Turn(place), self.seen(look))
    }

    /// Joins the line, and does not look yet: a model may have something happen in between.
    pub fn join(&self, asks: Asks) -> Turn {
        let mut wakes = Wakes::default();
        let mut line = self.0.line.lock();
        let place = self.0.join(&mut line, asks.into(), &mut wakes);
        drop(line);
        wakes.wake();
        Turn(place)
    }

    /// One look of a waiter, at `now`. Objects that turn out to be retired are left out.
    pub fn look(&self, turn: Turn, waker: &Waker, now: u64) -> Seen<T> {
        self.look_as(turn, waker, now, Looking::MayCreate)
    }

    /// One look of a waiter that is running a creation itself.
    pub fn look_while_creating(&self, turn: Turn, waker: &Waker, now: u64) -> Seen<T> {
        self.look_as(turn, waker, now, Looking::IsCreating)
    }

    fn look_as(&self, turn: Turn, waker: &Waker, now: u64, looking: Looking) -> Seen<T> {
        self.seen(self.0.look(turn.0, waker, Tick::from_nanos(now), looking))
    }

    fn seen(&self, look: Look<T>) -> Seen<T> {
        match look {
            Look::Ready(first, more) => {
                let entries = std::iter::once(first).chain(more);
                Seen::Ready(entries.filter_map(|entry| self.checked(entry)).collect())
            }
            Look::Create => Seen::Create,
            Look::Wait { alarm } => Seen::Wait {
                alarm: alarm.map(Tick::as_nanos),
            },
            Look::Parted(parting) => Seen::Left(why(&parting)),
        }
    }

    /// Leaves the line, as a dropped acquire does.
    pub fn leave(&self, turn: Turn) {
        self.0.leave(turn.0);
    }

    /// Whether newcomers are barred, as they would see it.
    pub fn bars_newcomers(&self) -> bool {
        self.0.line.bars_newcomers()
    }

    /// How many in line have looked in vain after they were woken.
    pub fn lost(&self) -> usize {
        self.0.line.lock().queue.lost()
    }

    /// The end of a creation that succeeded.
    pub fn deliver(&self, object: T) {
        self.0
            .deliver(self.0.enrol(object, self.0.stamp.read(), Tick::ZERO, 0));
    }

    /// The end of a creation that failed; answers when the next one may be tried.
    pub fn creation_failed(&self, now: u64) -> u64 {
        let cause: Cause = Arc::from(crate::BoxError::from("refused"));
        self.0
            .creation_failed(Tick::from_nanos(now), cause, 0)
            .as_nanos()
    }

    /// The end of a creation that was given up.
    pub fn creation_withdrawn(&self) {
        self.0.creation_withdrawn();
    }

    /// A creation takes long.
    pub fn creation_slowed(&self) {
        self.0.creation_slowed();
    }

    /// One that takes long is about to end.
    pub fn slow_creation_ends(&self) {
        self.0.slow_creation_ends();
    }

    /// Whether a creation that has not begun yet still has somebody to serve.
    pub fn creation_wanted(&self) -> bool {
        self.0.creation_wanted()
    }

    /// The alarm of `now`; answers when to ring again.
    pub fn sweep(&self, now: u64) -> Option<u64> {
        self.0.sweep(Tick::from_nanos(now)).map(Tick::as_nanos)
    }

    /// Closes; answers whether this call did it.
    pub fn close(&self) -> bool {
        self.0.close()
    }

    /// Whether the pool is closed and every object gone.
    pub fn is_settled(&self) -> bool {
        self.0.is_settled()
    }

    /// Pauses.
    pub fn pause(&self) {
        self.0.pause();
    }

    /// Resumes.
    pub fn resume(&self) {
        self.0.resume();
    }

    /// Changes the configuration.
    ///
    /// # Errors
    ///
    /// When the change is refused.
    pub fn reconfigure(&self, change: impl Fn(&mut PoolConfig)) -> Result<(), ValidationError> {
        self.0.reconfigure(change)
    }

    /// The most objects there may be, by the permits.
    pub fn limit(&self) -> usize {
        self.0.permits.state().limit()
    }

    /// The configuration in force.
    pub fn config(&self) -> PoolConfig {
        self.0.settings().config.clone()
    }

    /// Whether an object that looks up to date has the settings that are in force.
    pub fn is_true_to_its_stamp(&self, object: &Object<T>) -> bool {
        !object.0.is_fresh(self.0.stamp.read(), Tick::ZERO)
            || Arc::ptr_eq(&object.0.settings, &self.0.settings())
    }

    /// Retires every object made before.
    pub fn clear(&self) {
        self.0.clear();
    }

    /// Retires the idle objects for which `keep` says no.
    pub fn retain(&self, mut keep: impl FnMut(&T) -> bool) -> usize {
        self.0.retain(Tick::ZERO, |object, _| keep(object))
    }

    /// As a round of maintenance: takes out what is idle, keeps or retires each.
    pub fn maintain(&self, mut keep: impl FnMut(&T) -> bool) {
        for entry in self.0.all_idle() {
            if keep(&entry.object) {
                self.0.give(entry);
            } else {
                self.0.retire(entry, RetireReason::IdleTimeout);
            }
        }
    }

    /// As `Shared::bury_all`: destroys what was retired; answers how many.
    pub fn bury_all(&self) -> usize {
        let mut buried = 0;
        for entry in self.0.retired.drain() {
            drop(entry);
            self.0.stats.destroyed();
            self.0.tell_settled();
            buried += 1;
        }
        buried
    }

    /// Counts everything. Exact when nothing moves.
    pub fn audit(&self) -> Audit {
        self.0.audit()
    }
}

const fn why(parting: &Parting) -> Why {
    match parting {
        Parting::TimedOut { .. } => Why::TimedOut,
        Parting::TurnedAway => Why::TurnedAway,
        Parting::Closed => Why::Closed,
        Parting::Paused => Why::Paused,
        Parting::Failing(_) => Why::Failing,
        Parting::TooMany => Why::TooMany,
    }
}
