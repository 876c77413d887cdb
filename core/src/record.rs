//! What others may read about an object while it is out: one record of atomics per object.
//!
//! Only the object's owner of the moment writes (plain stores on a line it already owns); anyone
//! reads, at any time, without stopping anybody. Decides nothing: nobody acts on these numbers
//! but reports, leak detection, the audit, and the stock, which looks again.

use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crossbeam_utils::atomic::AtomicCell;

use crate::Tick;
use crate::stats::COUNTING;

/// Where an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ObjectState {
    /// Waiting to be handed out.
    Idle,
    /// In a guard.
    InUse,
    /// Being validated or recycled.
    Checking,
    /// Out of the pool for good; about to vanish from the list.
    Retired,
}

impl ObjectState {
    const fn from_byte(byte: u8) -> Self {
        match byte {
            0 => Self::Idle,
            1 => Self::InUse,
            2 => Self::Checking,
            _ => Self::Retired,
        }
    }
}

/// Who took an object: the place in the source and a key of the thread or task.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taker {
    pub(crate) at: &'static Location<'static>,
    pub(crate) key: u64,
}

/// For the owner alone: it loses what others add meanwhile.
#[inline]
fn count(counter: &AtomicU64) {
    if COUNTING {
        counter.store(counter.load(Relaxed) + 1, Relaxed);
    }
}

/// The public facts about one object.
///
/// A cache line of its own: whoever holds the object writes here at each acquire and release, and the
/// holder of its neighbour would pay for it.
#[repr(align(64))]
pub(crate) struct Record {
    pub(crate) id: u64,
    pub(crate) slot: u32,
    state: AtomicU8,
    leak_reported: AtomicBool,
    dirty: AtomicBool,
    born_at: AtomicU64,
    uses: AtomicU64,
    since: AtomicU64,
    expires_at: AtomicU64,
    taken_at: AtomicCell<Option<&'static Location<'static>>>,
    taken_by: AtomicU64,
}

const _: () = assert!(size_of::<Record>() == 64, "more than a cache line");

impl Record {
    pub(crate) fn new(id: u64, slot: u32, now: Tick) -> Self {
        Self {
            id,
            slot,
            state: AtomicU8::new(ObjectState::Checking as u8),
            leak_reported: AtomicBool::new(false),
            dirty: AtomicBool::new(false),
            born_at: AtomicU64::new(now.as_nanos()),
            uses: AtomicU64::new(0),
            since: AtomicU64::new(now.as_nanos()),
            expires_at: AtomicU64::new(Tick::NEVER.as_nanos()),
            taken_at: AtomicCell::new(None),
            taken_by: AtomicU64::new(0),
        }
    }

    #[inline]
    pub(crate) fn taken(&self, now: Tick, by: Taker) {
        self.since.store(now.as_nanos(), Relaxed);
        self.taken_at.store(Some(by.at));
        self.taken_by.store(by.key, Relaxed);
        self.leak_reported.store(false, Relaxed);
        self.dirty.store(true, Relaxed);
        count(&self.uses);
        self.state.store(ObjectState::InUse as u8, Relaxed);
    }

    #[inline]
    pub(crate) fn moved(&self, to: ObjectState, now: Tick) {
        self.since.store(now.as_nanos(), Relaxed);
        self.state.store(to as u8, Relaxed);
    }

    #[inline]
    pub(crate) fn set_state(&self, to: ObjectState) {
        self.state.store(to as u8, Relaxed);
    }

    #[inline]
    pub(crate) fn state(&self) -> ObjectState {
        ObjectState::from_byte(self.state.load(Relaxed))
    }

    /// When it entered its state.
    #[inline]
    pub(crate) fn since(&self) -> Tick {
        Tick::from_nanos(self.since.load(Relaxed))
    }

    /// When its age is counted from: when it was made, and later by what the pool has missed since.
    pub(crate) fn born_at(&self) -> Tick {
        Tick::from_nanos(self.born_at.load(Relaxed))
    }

    /// This much does not count towards its age. For the owner alone.
    pub(crate) fn relieve(&self, missed: Duration) {
        let born_at = self.born_at().after(missed);
        self.born_at.store(born_at.as_nanos(), Relaxed);
        self.expire_at(self.expires_at().after(missed));
    }

    /// The end of its life.
    #[inline]
    pub(crate) fn expires_at(&self) -> Tick {
        Tick::from_nanos(self.expires_at.load(Relaxed))
    }

    pub(crate) fn expire_at(&self, at: Tick) {
        self.expires_at.store(at.as_nanos(), Relaxed);
    }

    #[inline]
    pub(crate) fn uses(&self) -> u64 {
        self.uses.load(Relaxed)
    }

    /// Whether it was handed out since it was last recycled.
    #[inline]
    pub(crate) fn is_dirty(&self) -> bool {
        self.dirty.load(Relaxed)
    }

    #[inline]
    pub(crate) fn recycled(&self) {
        self.dirty.store(false, Relaxed);
    }

    /// How often it was recycled: once after each use, but for the last one while it is dirty.
    pub(crate) fn recycles(&self) -> u64 {
        self.uses().saturating_sub(u64::from(self.is_dirty()))
    }

    /// Whether this is the first report of a leak since the object was taken.
    pub(crate) fn first_report(&self) -> bool {
        !self.leak_reported.swap(true, Relaxed)
    }

    pub(crate) fn taken_at(&self) -> Option<&'static Location<'static>> {
        self.taken_at.load()
    }

    pub(crate) fn taken_by(&self) -> u64 {
        self.taken_by.load(Relaxed)
    }
}
