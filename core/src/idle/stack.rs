//! The lifo strategy's front: a stack of indices over slots.
//!
//! A Treiber stack (R. K. Treiber, "Systems Programming: Coping with Parallelism", 1986) whose
//! links are indices. Every object owns one index for life, so a slot has one writer at a time
//! and there is no list of free slots. Made when a strategy
//! first asks for it: the others pay one pointer.
//!
//! The head packs `{ tag: 32, index + 1: 32 }`; the tag moves with every pop, so that a head which
//! was popped and pushed again in between (ABA) is told apart.

use crate::entry::Entry;
use crate::primitives::{AtomicU32, AtomicU64, OnceLock, Ordering, Slot};

pub(crate) struct Stack<T> {
    ceiling: usize,
    body: OnceLock<Body<T>>,
}

struct Body<T> {
    head: AtomicU64,
    links: Box<[AtomicU32]>,
    slots: Box<[Slot<Entry<T>>]>,
}

impl<T> Stack<T> {
    pub(crate) fn new(ceiling: usize) -> Self {
        Self {
            ceiling,
            body: OnceLock::new(),
        }
    }

    /// Makes the stack, if it is not there yet.
    pub(crate) fn prepare(&self) {
        self.body.get_or_init(|| Body::new(self.ceiling));
    }

    /// Puts an object on top; gives it back when there is no slot for it here.
    pub(crate) fn push(&self, entry: Box<Entry<T>>) -> Result<(), Box<Entry<T>>> {
        let index = entry.record.slot as usize;
        let Some((body, slot)) = self
            .body
            .get()
            .and_then(|body| Some((body, body.slots.get(index)?)))
        else {
            return Err(entry);
        };
        slot.swap(Some(entry));
        body.link(index);
        Ok(())
    }

    /// Takes the object on top.
    pub(crate) fn pop(&self) -> Option<Box<Entry<T>>> {
        let body = self.body.get()?;
        let index = body.unlink()?;
        body.slots[index].take()
    }
}

impl<T> Body<T> {
    fn new(ceiling: usize) -> Self {
        Self {
            head: AtomicU64::new(0),
            links: (0..ceiling).map(|_| AtomicU32::new(0)).collect(),
            slots: (0..ceiling).map(|_| Slot::new()).collect(),
        }
    }

    fn link(&self, index: usize) {
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            // ord: Relaxed, published by the Release below.
            self.links[index].store(head as u32, Ordering::Relaxed);
            let new = head & !0xffff_ffff | (index as u64 + 1);
            // ord: Release, pairs with the Acquire in `unlink`: who pops the index sees the
            // filled slot and the link.
            match self
                .head
                // proof: stack-push
                .compare_exchange_weak(head, new, Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => return,
                Err(now) => head = now,
            }
        }
    }

    fn unlink(&self) -> Option<usize> {
        // ord: Acquire, pairs with the Release in `link`.
        // proof: stack-pop
        let mut head = self.head.load(Ordering::Acquire);
        loop {
            let top = head as u32;
            if top == 0 {
                return None;
            }
            let index = top as usize - 1;
            // A stale link is read only when the head has moved, and then the swap below fails.
            let below = u64::from(self.links[index].load(Ordering::Relaxed));
            // proof: stack-tag
            let tag = (head >> 32).wrapping_add(1) << 32;
            match self.head.compare_exchange_weak(
                head,
                tag | below,
                // ord: AcqRel; the Release half hands on what earlier pushers released.
                Ordering::AcqRel,
                // proof: stack-pop-again
                Ordering::Acquire,
            ) {
                Ok(_) => return Some(index),
                Err(now) => head = now,
            }
        }
    }
}
