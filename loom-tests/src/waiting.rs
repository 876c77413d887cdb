//! How a model's callers wait: asleep until they are woken, and one look after each wake.
//!
//! Decides when a caller looks again; knows nothing of what it then does with the object.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Wake, Waker};

use loom::sync::Notify;
use nebula_resource_core::models::{Asks, Seen, Turn};

use crate::thing::Thing;
use crate::world::{End, World, ready, seized};

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
    /// Joins the line and falls asleep there: looked once, found nothing. For the set-up, before
    /// there is anything to be found.
    ///
    /// # Panics
    ///
    /// When there was something to be found.
    pub fn asleep(&self, objects: u32, deadline: u64) -> Turn {
        self.asleep_as(self.asks(objects, deadline))
    }

    /// The same for a task that wants one object, whatever the case's callers are.
    ///
    /// # Panics
    ///
    /// When there was something to be found.
    pub fn asleep_as_task(&self) -> Turn {
        self.asleep_as(self.task())
    }

    /// What a task asks for that wants one object, whatever the case's callers are.
    pub const fn task(&self) -> Asks {
        Asks {
            races: false,
            ..self.asks(1, u64::MAX)
        }
    }

    /// The same for one that asks for this.
    ///
    /// # Panics
    ///
    /// When there was something to be found.
    pub fn asleep_as(&self, asks: Asks) -> Turn {
        let now = self.now.load(Relaxed);
        let (turn, seen) = self.pool.enter(asks, Waker::noop(), now);
        assert!(matches!(seen, Seen::Wait { .. }), "not asleep");
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
        let seen = self.pool.look(turn, waker, self.now.load(Relaxed));
        self.follow(turn, waker, seen)
    }

    /// Does what it is told until the answer is final or there is nothing to do but to sleep.
    fn follow(&self, turn: Turn, waker: &Waker, seen: Seen<Thing>) -> Option<End> {
        let mut seen = seen;
        loop {
            match seen {
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
            seen = self.pool.look(turn, waker, self.now.load(Relaxed));
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
        self.wait_as(self.asks(count, u64::MAX))
    }

    /// Joins the line and waits there, as a future does that is polled.
    ///
    /// # Errors
    ///
    /// When the line was left with nothing.
    pub fn wait_as(&self, asks: Asks) -> End {
        let thread = Arc::new(Notify::new());
        let bell = Bell::new(&thread);
        bell.rung.store(false, Relaxed);
        let waker = Waker::from(Arc::clone(&bell));
        let (turn, seen) = self.pool.enter(asks, &waker, self.now.load(Relaxed));
        let mut end = self.follow(turn, &waker, seen);
        loop {
            if let Some(end) = end {
                return end;
            }
            thread.wait();
            let rung = bell.rung.swap(false, Relaxed);
            end = rung.then(|| self.look(turn, &waker)).flatten();
        }
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
}
