//! The guard of the pools made by hand.

use std::ops::{Deref, DerefMut};

use crate::pool::Thing;

/// Where a thing goes when its guard is dropped.
pub(super) trait Home {
    fn put_back(&self, thing: Box<Thing>);
}

/// Holds a thing that goes back to its home on drop, before its permit.
pub(crate) struct Lent<H: Deref<Target: Home>, P = ()> {
    home: H,
    /// Empty in its drop only.
    thing: Option<Box<Thing>>,
    _permit: P,
}

impl<H: Deref<Target: Home>, P> Lent<H, P> {
    #[inline]
    pub(super) const fn new(home: H, thing: Box<Thing>, permit: P) -> Self {
        Self {
            home,
            thing: Some(thing),
            _permit: permit,
        }
    }
}

impl<H: Deref<Target: Home>, P> Deref for Lent<H, P> {
    type Target = Thing;

    #[inline]
    fn deref(&self) -> &Thing {
        match &self.thing {
            Some(thing) => thing,
            None => unreachable!("taken on drop only"),
        }
    }
}

impl<H: Deref<Target: Home>, P> DerefMut for Lent<H, P> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Thing {
        match &mut self.thing {
            Some(thing) => thing,
            None => unreachable!("taken on drop only"),
        }
    }
}

impl<H: Deref<Target: Home>, P> Drop for Lent<H, P> {
    #[inline]
    fn drop(&mut self) {
        if let Some(thing) = self.thing.take() {
            self.home.put_back(thing);
        }
    }
}
