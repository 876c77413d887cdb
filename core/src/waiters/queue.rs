//! The waiting line as a plain data structure: a doubly linked list in a slab.
//!
//! Decides the order in which waiters are served. Single-threaded; knows nothing of locks, wakers'
//! meaning, or idle objects. A waiter's place is an index that stays valid until its owner
//! gives it back with [`Queue::leave`], served or not. Joining and leaving cost O(1) and, once
//! the slab has grown, no allocation.

use std::task::Waker;

use crate::Tick;
use crate::waiters::Failure;

/// A waiter's place: owned by one checkout, given back by `leave`.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(crate) struct Place(u32);

/// How a waiter stands.
///
/// | state | in line | moves to |
/// |-------|---------|----------|
/// | Waiting | yes | Woken (an object lies there), Served, Expired, Refused |
/// | Woken | yes | Lost (looked, found nothing), Served, Expired, Refused |
/// | Lost | yes | Served, Expired, Refused; no newcomer passes it any more |
/// | Served | no | – (its objects are in its hand) |
/// | Expired | no | – |
/// | Refused | no | – (the pool was closed, creations fail, or it asks for too many) |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Waiting,
    Woken,
    Lost,
    Served,
    Expired,
    Refused,
}

impl Standing {
    const fn in_line(self) -> bool {
        matches!(self, Self::Waiting | Self::Woken | Self::Lost)
    }
}

/// What a waiter asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish {
    /// How many objects, all or none.
    pub(crate) objects: u32,
    pub(crate) since: Tick,
    pub(crate) deadline: Tick,
    /// Goes to the head of the line: it was served before, and what it got was no good.
    pub(crate) returning: bool,
}

impl Wish {
    /// What an empty place in the slab asks for.
    const NOTHING: Self = Self {
        objects: 0,
        since: Tick::ZERO,
        deadline: Tick::NEVER,
        returning: false,
    };
}

const NIL: u32 = u32::MAX;

pub(crate) struct Waiter<G> {
    pub(crate) standing: Standing,
    pub(crate) wish: Wish,
    pub(crate) waker: Option<Waker>,
    /// Was woken to see whether it can start a creation, and has not looked yet.
    pub(crate) nudged: bool,
    /// Runs a creation itself, and cannot start another.
    pub(crate) busy: bool,
    /// Why it was refused, if a creation that failed was the reason.
    pub(crate) refusal: Option<Failure>,
    /// Objects in its hand: the first one, and the rest for those who asked for several.
    pub(crate) hand: Option<G>,
    pub(crate) more: Vec<G>,
    previous: u32,
    next: u32,
}

impl<G> Waiter<G> {
    const fn new(wish: Wish) -> Self {
        Self {
            standing: Standing::Waiting,
            wish,
            waker: None,
            nudged: false,
            busy: false,
            refusal: None,
            hand: None,
            more: Vec::new(),
            previous: NIL,
            next: NIL,
        }
    }

    /// How many objects it still lacks.
    const fn lacks(&self) -> usize {
        self.wish.objects as usize - self.hand.is_some() as usize - self.more.len()
    }
}

/// The line. See the module.
pub(crate) struct Queue<G> {
    slab: Vec<Waiter<G>>,
    free: Vec<u32>,
    head: u32,
    tail: u32,
    len: usize,
    /// Objects that those in line still lack.
    lacking: usize,
    woken: usize,
    lost: usize,
}

/// A slab that is larger than this is given back when the line is empty.
const KEEP: usize = 64;

impl<G> Queue<G> {
    pub(crate) const fn new() -> Self {
        Self {
            slab: Vec::new(),
            free: Vec::new(),
            head: NIL,
            tail: NIL,
            len: 0,
            lacking: 0,
            woken: 0,
            lost: 0,
        }
    }

    /// How many stand in line.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// How many were woken and have not looked yet.
    pub(crate) const fn woken(&self) -> usize {
        self.woken
    }

    /// How many no newcomer may pass any more.
    pub(crate) const fn lost(&self) -> usize {
        self.lost
    }

    /// Joins the line; whoever asks for several objects gets in nobody's way by standing still,
    /// so it counts as lost from the start: objects are handed to it, never raced for.
    pub(crate) fn join(&mut self, wish: Wish) -> Place {
        let waiter = Waiter::new(wish);
        let index = match self.free.pop() {
            Some(index) => {
                self.slab[index as usize] = waiter;
                index
            }
            None => {
                self.slab.push(waiter);
                (self.slab.len() - 1) as u32
            }
        };
        if wish.returning {
            self.link_first(index);
        } else {
            self.link_last(index);
        }
        self.len += 1;
        self.lacking += wish.objects as usize;
        if wish.objects > 1 || wish.returning {
            self.stand(Place(index), Standing::Lost);
        }
        Place(index)
    }

    fn link_last(&mut self, index: u32) {
        let tail = std::mem::replace(&mut self.tail, index);
        self.at(index).previous = tail;
        match tail {
            NIL => self.head = index,
            _ => self.at(tail).next = index,
        }
    }

    fn link_first(&mut self, index: u32) {
        let head = std::mem::replace(&mut self.head, index);
        self.at(index).next = head;
        match head {
            NIL => self.tail = index,
            _ => self.at(head).previous = index,
        }
    }

    fn unlink(&mut self, index: u32) {
        let (previous, next) = {
            let waiter = self.at(index);
            (waiter.previous, waiter.next)
        };
        match previous {
            NIL => self.head = next,
            _ => self.at(previous).next = next,
        }
        match next {
            NIL => self.tail = previous,
            _ => self.at(next).previous = previous,
        }
        self.len -= 1;
    }

    /// A place is valid from `join` to `leave`, by ownership: whoever has it may index with it.
    fn at(&mut self, index: u32) -> &mut Waiter<G> {
        &mut self.slab[index as usize]
    }

    pub(crate) fn waiter(&mut self, place: Place) -> &mut Waiter<G> {
        self.at(place.0)
    }

    /// Moves a waiter to another standing, in or out of line, and keeps the counts.
    pub(crate) fn stand(&mut self, place: Place, to: Standing) {
        let from = std::mem::replace(&mut self.waiter(place).standing, to);
        self.woken -= usize::from(from == Standing::Woken);
        self.lost -= usize::from(from == Standing::Lost);
        self.woken += usize::from(to == Standing::Woken);
        self.lost += usize::from(to == Standing::Lost);
        if from.in_line() && !to.in_line() {
            self.lacking -= self.waiter(place).lacks();
            self.unlink(place.0);
        }
    }

    /// Leaves for good, giving back the place and what the waiter holds.
    pub(crate) fn leave(&mut self, place: Place) -> Waiter<G> {
        if self.waiter(place).standing.in_line() {
            self.stand(place, Standing::Expired);
        }
        let waiter = std::mem::replace(self.waiter(place), Waiter::new(Wish::NOTHING));
        self.free.push(place.0);
        if self.free.len() == self.slab.len() && self.slab.capacity() > KEEP {
            self.slab = Vec::new();
            self.free = Vec::new();
        }
        waiter
    }

    /// The head of the line.
    pub(crate) fn first(&self) -> Option<Place> {
        (self.head != NIL).then_some(Place(self.head))
    }

    /// The first that is still asleep.
    pub(crate) fn first_asleep(&mut self) -> Option<Place> {
        self.find(|waiter| waiter.standing == Standing::Waiting)
    }

    /// The first in line for which `wanted` holds.
    pub(crate) fn find(&mut self, wanted: impl Fn(&Waiter<G>) -> bool) -> Option<Place> {
        let mut index = self.head;
        while index != NIL {
            let waiter = self.at(index);
            if wanted(waiter) {
                return Some(Place(index));
            }
            index = waiter.next;
        }
        None
    }

    /// Puts one object into a hand; answers the waker of its owner once that has all it asked for.
    pub(crate) fn grant(&mut self, place: Place, object: G) -> Option<Waker> {
        self.lacking -= 1;
        let waiter = self.waiter(place);
        if waiter.hand.is_none() {
            waiter.hand = Some(object);
        } else {
            waiter.more.push(object);
        }
        if waiter.lacks() > 0 {
            return None;
        }
        let waker = waiter.waker.take();
        self.stand(place, Standing::Served);
        waker
    }

    /// Takes back what the waiter behind `place` has collected so far.
    pub(crate) fn collected_behind(&mut self, place: Place) -> Vec<G> {
        let behind = self.at(place.0).next;
        if behind == NIL {
            return Vec::new();
        }
        let waiter = self.at(behind);
        let first = waiter.hand.take();
        let mut collected = std::mem::take(&mut waiter.more);
        collected.extend(first);
        self.lacking += collected.len();
        collected
    }

    /// How many objects those in line still lack.
    pub(crate) const fn lacking(&self) -> usize {
        self.lacking
    }

    /// Takes everybody out of line whose deadline has come; answers their wakers.
    pub(crate) fn expire(&mut self, now: Tick) -> Vec<Waker> {
        self.part(Standing::Expired, None, |wish| wish.deadline <= now)
    }

    /// Takes those out of line whom `who` names, because of `failure` if there is one; answers
    /// their wakers.
    pub(crate) fn refuse(
        &mut self,
        failure: Option<&Failure>,
        who: impl Fn(&Wish) -> bool,
    ) -> Vec<Waker> {
        self.part(Standing::Refused, failure, who)
    }

    fn part(
        &mut self,
        standing: Standing,
        failure: Option<&Failure>,
        who: impl Fn(&Wish) -> bool,
    ) -> Vec<Waker> {
        let mut wakers = Vec::new();
        let mut index = self.head;
        while index != NIL {
            let waiter = self.at(index);
            let (next, parts) = (waiter.next, who(&waiter.wish));
            if parts {
                waiter.refusal = failure.cloned();
                wakers.extend(waiter.waker.take());
                self.stand(Place(index), standing);
            }
            index = next;
        }
        wakers
    }

    /// The earliest deadline in line.
    pub(crate) fn earliest_deadline(&mut self) -> Tick {
        let mut earliest = Tick::NEVER;
        let mut index = self.head;
        while index != NIL {
            let waiter = self.at(index);
            earliest = earliest.min(waiter.wish.deadline);
            index = waiter.next;
        }
        earliest
    }
}
