//! Where idle objects rest, and in which order they are handed out again.
//!
//! Decides the order; knows nothing of waiters, permits or time. Three stores, one of which the
//! strategy puts in front; an object that found its way into another one (the strategy was
//! changed on the live pool, or waiters stood in line) is found there by [`Idle::search`].
//!
//! | strategy | put | take | order |
//! |----------|-----|------|-------|
//! | fifo, lru | ring | ring | idle longest goes first, which is the least recently used one |
//! | lifo | stack, else ring | stack, then ring | idle shortest goes first |
//! | affine | own stripe, what it held to the ring | own stripe, ring, other stripes | what this thread used last |
//!
//! I2: an object is in at most one store, and never while somebody holds it.
//!
//! No store is made before somebody looks for an object or makes one: a pool that nobody uses is small.

mod stack;
mod stripes;

use crate::config::Strategy;
use crate::entry::Entry;
use crate::primitives::{AtomicU32, OnceLock, Ordering, Ring, spin_loop};
use stack::Stack;
use stripes::Stripes;

/// The idle objects of a pool.
pub(crate) struct Idle<T> {
    ceiling: usize,
    /// The strategy in force; changed on a live pool, read without any order: both sides work
    /// with either value.
    strategy: AtomicU32,
    stripes: Stripes<Entry<T>>,
    stack: Stack<T>,
    /// In a box: its ends are kept on cache lines of their own, most of which is nothing.
    ring: OnceLock<Box<Ring<Box<Entry<T>>>>>,
}

/// How a giver who goes on to look whether somebody missed the object stands to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    /// In a slot, by a swap. Whoever looked for objects before has swapped that slot too, and what they
    /// wrote before they looked is visible now.
    Swapped,
    /// Anywhere: the giver may see the world as it was before, and must fence first.
    Loosely,
}

const FIFO: u32 = 0;
const LIFO: u32 = 1;
const AFFINE: u32 = 2;

const fn code(strategy: Strategy) -> u32 {
    match strategy {
        Strategy::Fifo | Strategy::Lru => FIFO,
        Strategy::Lifo => LIFO,
        Strategy::Affine => AFFINE,
    }
}

impl<T> Idle<T> {
    pub(crate) fn new(ceiling: usize, strategy: Strategy) -> Self {
        let idle = Self {
            ceiling,
            strategy: AtomicU32::new(FIFO),
            stripes: Stripes::new(ceiling),
            stack: Stack::new(ceiling),
            ring: OnceLock::new(),
        };
        idle.set_strategy(strategy);
        idle
    }

    /// Makes what objects are put into, so that putting one there allocates nothing.
    pub(crate) fn prepare(&self) {
        self.ring();
        self.stripes.slots();
    }

    #[inline]
    fn ring(&self) -> &Ring<Box<Entry<T>>> {
        match self.ring.get() {
            Some(ring) => ring,
            None => self.ring.get_or_init(|| Box::new(Ring::new(self.ceiling))),
        }
    }

    /// Takes the ring's first. Where its making is not seen yet, nothing that was put there is to be seen.
    #[inline]
    fn pop(&self) -> Option<Box<Entry<T>>> {
        self.ring.get()?.pop()
    }

    pub(crate) fn set_strategy(&self, strategy: Strategy) {
        if strategy == Strategy::Lifo {
            self.stack.prepare();
        }
        self.strategy.store(code(strategy), Ordering::Relaxed);
    }

    /// Puts an object where the strategy wants it.
    #[inline]
    #[must_use = "who goes on to look for waiters must fence first, unless told not to"]
    pub(crate) fn put(&self, entry: Box<Entry<T>>) -> Put {
        match self.strategy.load(Ordering::Relaxed) {
            AFFINE => match self.stripes.swap_own(entry) {
                None => return Put::Swapped,
                // proof: affine-displaces
                Some(displaced) => self.put_last(displaced),
            },
            LIFO => {
                if let Err(entry) = self.stack.push(entry) {
                    self.put_last(entry);
                }
            }
            _ => self.put_last(entry),
        }
        Put::Loosely
    }

    /// Puts an object at the end of the ring, where [`Self::in_ring`] counts it.
    pub(crate) fn put_last(&self, entry: Box<Entry<T>>) {
        let (ring, mut entry) = (self.ring(), entry);
        // The ring has a place for every object that may exist, so a refusal can only mean that
        // a taker has claimed its place and not yet left it.
        while let Err(refused) = ring.push(entry) {
            entry = refused;
            spin_loop();
        }
    }

    /// Takes the object that the strategy hands out next, looking only where it puts them.
    #[inline]
    pub(crate) fn take(&self) -> Option<Box<Entry<T>>> {
        match self.strategy.load(Ordering::Relaxed) {
            AFFINE => self.stripes.take_own().or_else(|| self.take_shared()),
            LIFO => self.stack.pop().or_else(|| self.pop()),
            _ => self.pop(),
        }
    }

    /// Apart, so that what a thread finds in its own slot costs no call.
    #[inline(never)]
    fn take_shared(&self) -> Option<Box<Entry<T>>> {
        self.pop().or_else(|| self.stripes.steal())
    }

    /// Takes any idle object there is, wherever it is.
    pub(crate) fn search(&self) -> Option<Box<Entry<T>>> {
        if self.strategy.load(Ordering::Relaxed) == LIFO
            && let Some(entry) = self.stack.pop()
        {
            return Some(entry);
        }
        self.search_ring_first()
    }

    /// Takes any idle object, the ring's first: what waiters were woken for lies there.
    pub(crate) fn search_ring_first(&self) -> Option<Box<Entry<T>>> {
        self.pop()
            .or_else(|| self.stripes.steal())
            // proof: search-everywhere
            .or_else(|| self.stack.pop())
    }

    /// Takes all there are, in the order in which putting them back leaves things as they were.
    pub(crate) fn take_all(&self) -> Vec<Box<Entry<T>>> {
        self.in_order(std::iter::from_fn(|| self.search()).collect())
    }

    /// Puts what was taken one by one into the order in which it is to be put back.
    pub(crate) fn in_order(&self, taken: Vec<Box<Entry<T>>>) -> Vec<Box<Entry<T>>> {
        let mut taken = taken;
        if self.strategy.load(Ordering::Relaxed) == LIFO {
            taken.reverse();
        }
        taken
    }

    /// How many objects the ring holds (a momentary count).
    pub(crate) fn in_ring(&self) -> usize {
        self.ring.get().map_or(0, |ring| ring.len())
    }
}
