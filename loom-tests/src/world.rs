//! A pool with a ledger: what a model's threads share.
//!
//! Waiters of both kinds, parked threads and polled tasks, look the same to the engine: a waker,
//! and one look after each wake. A waiter that gives up leaves its place, as a dropped future does.
//! Time stands still until a model rings an alarm.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::Waker;

use loom::thread::JoinHandle;
use nebula_resource_core::models::{Asks, Object, Pool, Seen, Turn, Why};
use nebula_resource_core::{Audit, Fairness, PoolConfig, Strategy};

use crate::thing::{Ledger, Thing};

/// How a wait ended.
pub type End = Result<Vec<Object<Thing>>, Why>;

/// Places in the stores: more than any model has objects, so that no stand-in spins on a full ring.
const CEILING: usize = 4;

/// What a model is run on.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Which store is in front.
    pub strategy: Strategy,
    /// Whether newcomers may pass a woken waiter.
    pub fairness: Fairness,
    /// Whether callers are threads, which race, or tasks, which do not.
    pub races: bool,
}

/// Time plays no part in it.
fn plain(case: Case) -> PoolConfig {
    PoolConfig {
        strategy: case.strategy,
        fairness: case.fairness,
        validate_after: None,
        max_lifetime: None,
        ..PoolConfig::default()
    }
}

/// See the module.
#[allow(
    missing_debug_implementations,
    reason = "models print what they check, not the engine"
)]
pub struct World {
    /// The engine.
    pub pool: Pool<Thing>,
    races: bool,
    ledger: Arc<Ledger>,
    pub(crate) now: AtomicU64,
}

impl World {
    /// A pool without objects.
    pub fn new(case: Case, max_size: usize) -> Arc<Self> {
        Self::with(case, |config| config.max_size = max_size)
    }

    /// The same, with more to say.
    pub fn with(case: Case, change: impl Fn(&mut PoolConfig)) -> Arc<Self> {
        let mut config = plain(case);
        change(&mut config);
        Self::around(case, Pool::new(config, CEILING))
    }

    /// A pool whose stores have not been made yet.
    pub fn untouched(case: Case, max_size: usize) -> Arc<Self> {
        let config = PoolConfig {
            max_size,
            ..plain(case)
        };
        Self::around(case, Pool::untouched(config, CEILING))
    }

    fn around(case: Case, pool: Pool<Thing>) -> Arc<Self> {
        Arc::new(Self {
            pool,
            races: case.races,
            ledger: Arc::default(),
            now: AtomicU64::new(0),
        })
    }

    /// Runs `act` on a thread of the model.
    pub fn spawn<R: 'static>(
        self: &Arc<Self>,
        act: impl FnOnce(&Self) -> R + 'static,
    ) -> JoinHandle<R> {
        let world = Arc::clone(self);
        loom::thread::spawn(move || act(&world))
    }

    /// An object for `deliver`.
    pub fn thing(&self) -> Thing {
        self.ledger.thing()
    }

    /// A new object in the caller's hand.
    pub fn make(&self) -> Object<Thing> {
        seized(self.pool.make(self.thing()))
    }

    /// Makes idle objects.
    pub fn stock(&self, count: usize) {
        let made: Vec<_> = (0..count).map(|_| self.make()).collect();
        self.give_all(made);
    }

    /// What a newcomer takes without waiting.
    pub fn take(&self) -> Option<Object<Thing>> {
        self.pool.take().map(seized)
    }

    /// Gives an object back.
    pub fn give(&self, object: Object<Thing>) {
        object.release();
        self.pool.give(object);
    }

    /// Lets an object go for good.
    pub fn retire(&self, object: Object<Thing>) {
        object.release();
        self.pool.retire(object);
    }

    /// Takes an object out for good.
    pub fn detach(&self, object: Object<Thing>) -> Thing {
        object.release();
        self.pool.detach(object)
    }

    /// What the case's callers ask for.
    pub const fn asks(&self, objects: u32, deadline: u64) -> Asks {
        Asks {
            objects,
            deadline,
            returning: false,
            races: self.races,
        }
    }

    /// Joins the line for one object, without a deadline.
    pub fn join(&self) -> Turn {
        self.join_for(1)
    }

    /// Joins the line for `objects`, without a deadline.
    pub fn join_for(&self, objects: u32) -> Turn {
        self.pool.join(self.asks(objects, u64::MAX))
    }

    /// Joins the line at its head: what it was served was no good.
    pub fn rejoin(&self, objects: u32) -> Turn {
        self.pool.join(Asks {
            returning: true,
            ..self.asks(objects, u64::MAX)
        })
    }

    /// Time has passed, and the alarm rings: again, for as long as another one is asked for.
    pub fn ring(&self, at: u64) {
        let mut next = Some(at);
        while let Some(at) = next {
            self.now.fetch_max(at, Relaxed);
            next = self.pool.sweep(at);
        }
    }

    /// Gives all of them back.
    pub fn give_all(&self, objects: impl IntoIterator<Item = Object<Thing>>) {
        objects.into_iter().for_each(|object| self.give(object));
    }

    /// An object's maker for a waiter that lies asleep from now on: the place in line, with the
    /// permit taken, and the creation not ended.
    ///
    /// # Panics
    ///
    /// When no creation may be started.
    pub fn creating(&self) -> Turn {
        let turn = self.join();
        assert!(matches!(self.peek(turn), Seen::Create), "no creation");
        turn
    }

    fn peek(&self, turn: Turn) -> Seen<Thing> {
        let now = self.now.load(Relaxed);
        self.pool.look(turn, Waker::noop(), now)
    }

    /// Takes one object, and waits for it if need be; what turns out to be retired is replaced.
    ///
    /// # Errors
    ///
    /// When the line was left without one.
    pub fn acquire(&self) -> Result<Object<Thing>, Why> {
        if let Some(object) = self.take() {
            return Ok(object);
        }
        let mut asks = self.asks(1, u64::MAX);
        loop {
            if let Some(object) = self.wait_as(asks)?.pop() {
                return Ok(object);
            }
            asks.returning = true;
        }
    }

    /// [`Self::acquire`], and gives it back.
    pub fn use_once(&self) {
        let object = ready(self.acquire());
        object.touch();
        self.give(object);
    }

    /// The books of the objects, which outlast the world.
    pub fn ledger(&self) -> Arc<Ledger> {
        Arc::clone(&self.ledger)
    }

    /// How many objects were destroyed.
    pub fn destroyed(&self) -> usize {
        self.ledger.counts().1
    }

    /// The end of an execution, once every thread has been joined: the books balance, nobody
    /// waits, and every object that was made is destroyed with the pool.
    ///
    /// # Panics
    ///
    /// When any of that is not so.
    pub fn finish(self: Arc<Self>) -> Audit {
        let audit = self.pool.audit();
        assert!(audit.balanced(), "the books do not balance: {audit:?}");
        assert_eq!(
            (audit.waiting, audit.creating, audit.out),
            (0, 0, 0),
            "{audit:?}"
        );
        let ledger = Arc::clone(&self.ledger);
        assert!(Arc::into_inner(self).is_some(), "a thread is still there");
        let (made, destroyed) = ledger.counts();
        assert_eq!(made, destroyed, "an object leaked");
        audit
    }
}

pub(crate) fn seized(object: Object<Thing>) -> Object<Thing> {
    object.seize();
    object
}

/// What must have come.
///
/// # Panics
///
/// When it has not.
pub fn ready<T>(end: Result<T, Why>) -> T {
    match end {
        Ok(value) => value,
        Err(why) => panic!("left the line with nothing: {why:?}"),
    }
}
