//! The waiting line as a plain data structure: a doubly linked list in a slab.
//!
//! Decides the order in which waiters are served. Single-threaded; knows nothing of locks, wakers'
//! meaning, or idle objects. A waiter's place is an index that stays valid until its owner
//! gives it back with [`Queue::leave`], served or not. Joining and leaving cost O(1) and, once
//! the slab has grown, no allocation.

use std::task::Waker;
use std::time::Duration;

use crate::Tick;
use crate::waiters::Failure;
use crate::waiters::waiter::{Left, NIL, Standing, Waiter, Wish};

/// A waiter's place: owned by one checkout, given back by `leave`.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub(crate) struct Place(u32);

/// The line. See the module.
pub(crate) struct Queue<G> {
    slab: Vec<Waiter<G>>,
    /// The first place that nobody has.
    free: u32,
    /// Places that somebody has.
    taken: u32,
    head: u32,
    tail: u32,
    len: u32,
    /// Objects that those in line still lack.
    lacking: usize,
    woken: u32,
    lost: u32,
    /// Those out of line with something in their hands.
    unfetched: u32,
    /// The head of the line does not race: noted when it becomes the head, so that nobody has to look there.
    head_is_handed_to: bool,
}

/// A slab that is larger than this is given back when the line is empty.
const KEEP: usize = 64;

impl<G> Queue<G> {
    pub(crate) const fn new() -> Self {
        Self {
            slab: Vec::new(),
            free: NIL,
            taken: 0,
            head: NIL,
            tail: NIL,
            len: 0,
            lacking: 0,
            woken: 0,
            lost: 0,
            unfetched: 0,
            head_is_handed_to: false,
        }
    }

    /// How many stand in line.
    pub(crate) const fn len(&self) -> usize {
        self.len as usize
    }

    /// How many were woken and have not looked yet.
    pub(crate) const fn woken(&self) -> usize {
        self.woken as usize
    }

    /// How many no newcomer may pass any more.
    pub(crate) const fn lost(&self) -> usize {
        self.lost as usize
    }

    /// Joins the line; whoever asks for several objects gets in nobody's way by standing still,
    /// so it counts as lost from the start: objects are handed to it, never raced for.
    pub(crate) fn join(&mut self, wish: Wish) -> Place {
        let index = self.place_for(Waiter::new(wish));
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

    fn place_for(&mut self, waiter: Waiter<G>) -> u32 {
        self.taken += 1;
        let index = self.free;
        if index == NIL {
            self.slab.push(waiter);
            return (self.slab.len() - 1) as u32;
        }
        self.free = self.at(index).next;
        *self.at(index) = waiter;
        index
    }

    /// Gives a place back; the slab too when it was the last one and there are many.
    fn free(&mut self, index: u32) {
        self.taken -= 1;
        if self.taken == 0 && self.slab.capacity() > KEEP {
            self.slab = Vec::new();
            self.free = NIL;
            return;
        }
        self.at(index).next = self.free;
        self.free = index;
    }

    fn link_last(&mut self, index: u32) {
        let tail = std::mem::replace(&mut self.tail, index);
        self.at(index).previous = tail;
        match tail {
            NIL => self.leads(index),
            _ => self.at(tail).next = index,
        }
    }

    /// It is the head from now on.
    fn leads(&mut self, index: u32) {
        self.head = index;
        self.head_is_handed_to = index != NIL && !self.at(index).races;
    }

    fn link_first(&mut self, index: u32) {
        let head = self.head;
        self.leads(index);
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
            NIL => self.leads(next),
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
        self.woken -= u32::from(from == Standing::Woken);
        self.lost -= u32::from(from == Standing::Lost);
        self.woken += u32::from(to == Standing::Woken);
        self.lost += u32::from(to == Standing::Lost);
        if from.in_line() && !to.in_line() {
            self.lacking -= self.waiter(place).lacks();
            self.unlink(place.0);
            self.unfetched += u32::from(self.waiter(place).is_to_fetch());
        }
    }

    /// Leaves for good, giving back the place.
    pub(crate) fn leave(&mut self, place: Place) -> Left<G> {
        if self.waiter(place).standing.in_line() {
            self.stand(place, Standing::Expired);
        }
        self.unfetched -= u32::from(self.waiter(place).is_to_fetch());
        let left = self.waiter(place).take();
        self.free(place.0);
        left
    }

    /// The head of the line.
    pub(crate) fn first(&self) -> Option<Place> {
        (self.head != NIL).then_some(Place(self.head))
    }

    /// Whether there is a head of the line, and it does not race.
    pub(crate) const fn first_is_handed_to(&self) -> bool {
        self.head_is_handed_to
    }

    /// The first that is still asleep.
    pub(crate) fn first_asleep(&mut self) -> Option<Place> {
        self.find(|waiter| waiter.standing == Standing::Waiting)
    }

    /// The first that is still asleep, if it does not race.
    pub(crate) fn first_asleep_task(&mut self) -> Option<Place> {
        let place = self.first_asleep()?;
        (!self.waiter(place).races).then_some(place)
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
            waiter.rare().more.push(object);
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
        let collected: Vec<_> = waiter.take_hand().collect();
        self.lacking += collected.len();
        collected
    }

    /// How many objects those in line still lack.
    pub(crate) const fn lacking(&self) -> usize {
        self.lacking
    }

    /// Takes back what was put into the hands of those whom `who` names, and who are out of line and have
    /// not come for it: whoever is not polled any more must not keep it from the others.
    pub(crate) fn reclaim(&mut self, who: impl Fn(&Waiter<G>) -> bool) -> Vec<G> {
        let mut reclaimed = Vec::new();
        if self.unfetched == 0 {
            return reclaimed;
        }
        let named = |waiter: &&mut Waiter<G>| waiter.is_to_fetch() && who(waiter);
        for waiter in self.slab.iter_mut().filter(named) {
            if waiter.standing == Standing::Served {
                waiter.standing = Standing::Expired;
            }
            reclaimed.extend(waiter.take_hand());
            self.unfetched -= 1;
        }
        reclaimed
    }

    /// Leaves everybody in line no more than `span` from when it began to wait.
    pub(crate) fn hurry(&mut self, span: Duration) {
        let mut index = self.head;
        while index != NIL {
            let waiter = self.at(index);
            waiter.deadline = waiter.deadline.min(waiter.since.after(span));
            index = waiter.next;
        }
    }

    /// Takes everybody out of line whose deadline has come; answers their wakers.
    pub(crate) fn expire(&mut self, now: Tick) -> Vec<Waker> {
        self.part(Standing::Expired, None, |waiter| waiter.deadline <= now)
    }

    /// Takes those out of line whom `who` names, because of `failure` if there is one; answers
    /// their wakers.
    pub(crate) fn refuse(
        &mut self,
        failure: Option<&Failure>,
        who: impl Fn(&Waiter<G>) -> bool,
    ) -> Vec<Waker> {
        self.part(Standing::Refused, failure, who)
    }

    fn part(
        &mut self,
        standing: Standing,
        failure: Option<&Failure>,
        who: impl Fn(&Waiter<G>) -> bool,
    ) -> Vec<Waker> {
        let mut wakers = Vec::new();
        let mut index = self.head;
        while index != NIL {
            let waiter = self.at(index);
            let (next, parts) = (waiter.next, who(waiter));
            if parts {
                if failure.is_some() {
                    waiter.rare().refusal = failure.cloned();
                }
                wakers.extend(waiter.waker.take());
                self.stand(Place(index), standing);
            }
            index = next;
        }
        wakers
    }

    /// The earliest deadline of those who wait, and of those who have not fetched what is theirs.
    pub(crate) fn earliest_deadline(&mut self) -> Tick {
        let mut earliest = Tick::NEVER;
        let mut index = self.head;
        while index != NIL {
            let waiter = self.at(index);
            earliest = earliest.min(waiter.deadline);
            index = waiter.next;
        }
        if self.unfetched > 0 {
            let unfetched = self.slab.iter().filter(|waiter| waiter.is_to_fetch());
            let deadlines = unfetched.map(|waiter| waiter.deadline);
            earliest = deadlines.min().unwrap_or(Tick::NEVER).min(earliest);
        }
        earliest
    }
}
