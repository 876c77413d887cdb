//! A pool with a ledger: what a model's threads share, and how they wait.
//!
//! Waiters of both kinds, parked threads and polled tasks, look like this to the engine: a waker,
//! and one look after each wake. A waiter that gives up leaves its place, as a dropped future does.
//! Time stands still until a model rings an alarm.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::task::{Wake, Waker};

use loom::sync::Notify;
use loom::thread::JoinHandle;
use nebula_resource_core::models::{Object, Pool, Seen, Turn, Why};
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
    ledger: Arc<Ledger>,
    now: AtomicU64,
}

/// Rings for one waiter of a thread that may wait for several: only who was woken looks again, so
/// that a wake-up which goes to the wrong one stays lost.
struct Bell {
    rung: AtomicBool,
    thread: Arc<Notify>,
}

impl Bell {
    fn new(thread: &Arc<Notify>) -> Arc<Self> {
        Arc::new(Self {
            rung: AtomicBool::new(true),
            thread: Arc::clone(thread),
        })
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.rung.store(true, Relaxed);
        self.thread.notify();
    }
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
        Self::around(Pool::new(config, CEILING))
    }

    /// A pool whose stores have not been made yet.
    pub fn untouched(case: Case, max_size: usize) -> Arc<Self> {
        let config = PoolConfig {
            max_size,
            ..plain(case)
        };
        Self::around(Pool::untouched(config, CEILING))
    }

    fn around(pool: Pool<Thing>) -> Arc<Self> {
        Arc::new(Self {
            pool,
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

    /// Joins the line for one object, without a deadline.
    pub fn join(&self) -> Turn {
        self.pool.join(1, u64::MAX)
    }

    /// Joins the line and falls asleep there: looked once, found nothing. For the set-up, before
    /// there is anything to be found.
    ///
    /// # Panics
    ///
    /// When there was something to be found.
    pub fn asleep(&self, objects: u32, deadline: u64) -> Turn {
        let turn = self.pool.join(objects, deadline);
        assert!(matches!(self.peek(turn), Seen::Wait { .. }), "not asleep");
        turn
    }

    /// Waits until every turn has come; what each got, in the given order. Makes objects itself
    /// when it is told to.
    pub fn wait_all(&self, turns: &[Turn]) -> Vec<End> {
        let mut ends: Vec<_> = turns.iter().map(|_| None).collect();
        self.wait_each(turns, |index, end| ends[index] = Some(end));
        ends.into_iter().flatten().collect()
    }

    /// Waits until every turn has come; whoever is served gives back at once.
    pub fn use_each(&self, turns: &[Turn]) {
        self.wait_each(turns, |_, end| self.give_all(ready(end)));
    }

    /// Waits until each of those in line was told to make an object. As without a runtime, each makes
    /// it itself, and is not free for another one meanwhile.
    pub fn start_each(&self, turns: &[Turn]) {
        let thread = Arc::new(Notify::new());
        let bells: Vec<_> = turns.iter().map(|_| Bell::new(&thread)).collect();
        let mut idle: Vec<_> = turns.iter().zip(&bells).collect();
        loop {
            idle.retain(|(turn, bell)| {
                let waker = Waker::from(Arc::clone(bell));
                let now = self.now.load(Relaxed);
                let rung = bell.rung.swap(false, Relaxed);
                let told = rung && matches!(self.pool.look(**turn, &waker, now), Seen::Create);
                if told {
                    self.pool.look_while_creating(**turn, &waker, now);
                }
                !told
            });
            if idle.is_empty() {
                return;
            }
            thread.wait();
        }
    }

    fn wait_each(&self, turns: &[Turn], mut served: impl FnMut(usize, End)) {
        let thread = Arc::new(Notify::new());
        let bells: Vec<_> = turns.iter().map(|_| Bell::new(&thread)).collect();
        let mut waiting: Vec<_> = (0..turns.len()).collect();
        loop {
            waiting.retain(|&index| {
                let bell = &bells[index];
                let rung = bell.rung.swap(false, Relaxed);
                let looked = rung.then(|| self.look(turns[index], &Waker::from(Arc::clone(bell))));
                let end = looked.flatten();
                let stays = end.is_none();
                end.into_iter().for_each(|end| served(index, end));
                stays
            });
            if waiting.is_empty() {
                return;
            }
            thread.wait();
        }
    }

    /// Looks until the answer is final or there is nothing to do but to sleep. An alarm that is
    /// asked for rings at once: time passes.
    pub fn look(&self, turn: Turn, waker: &Waker) -> Option<End> {
        loop {
            match self.pool.look(turn, waker, self.now.load(Relaxed)) {
                Seen::Ready(objects) => {
                    return Some(Ok(objects.into_iter().map(seized).collect()));
                }
                Seen::Create => self.pool.deliver(self.thing()),
                Seen::Wait { alarm: None } => return None,
                Seen::Wait { alarm: Some(at) } => {
                    self.ring(at);
                    return None;
                }
                Seen::Left(why) => return Some(Err(why)),
            }
        }
    }

    /// Time has passed, and the alarm rings: again, for as long as another one is asked for.
    pub fn ring(&self, at: u64) {
        let mut next = Some(at);
        while let Some(at) = next {
            self.now.fetch_max(at, Relaxed);
            next = self.pool.sweep(at);
        }
    }

    /// Waits for one turn.
    ///
    /// # Errors
    ///
    /// When the line was left with nothing.
    pub fn wait(&self, turn: Turn) -> End {
        self.wait_all(&[turn]).remove(0)
    }

    /// Takes `count` objects, all or none.
    ///
    /// # Errors
    ///
    /// When the line was left with nothing.
    pub fn acquire_many(&self, count: u32) -> End {
        self.wait(self.pool.join(count, u64::MAX))
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
        let mut turn = self.join();
        loop {
            if let Some(object) = self.wait(turn)?.pop() {
                return Ok(object);
            }
            turn = self.pool.rejoin(1, u64::MAX);
        }
    }

    /// [`Self::acquire`], and gives it back.
    pub fn use_once(&self) {
        let object = ready(self.acquire());
        object.touch();
        self.give(object);
    }

    /// [`Self::wait`], and how often it looked.
    pub fn wait_counting(&self, turn: Turn) -> (End, usize) {
        let thread = Arc::new(Notify::new());
        let bell = Bell::new(&thread);
        let mut looks = 0;
        loop {
            if bell.rung.swap(false, Relaxed) {
                looks += 1;
                if let Some(end) = self.look(turn, &Waker::from(Arc::clone(&bell))) {
                    return (end, looks);
                }
            }
            thread.wait();
        }
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

fn seized(object: Object<Thing>) -> Object<Thing> {
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
