//! The list of objects: who exists, for reports and the audit.
//!
//! A lock, taken when an object is made and when somebody asks; never on acquire, release or
//! retirement. Retired records are swept out when the next object is made.

use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use crate::Tick;
use crate::primitives::around::{Mutex, MutexGuard, PoisonError};
use crate::record::{ObjectState, Record};

/// One object, as others may see it at this moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ObjectInfo {
    /// Counts up from 1 within the pool.
    pub id: u64,
    /// Where it is.
    pub state: ObjectState,
    /// How long ago it was made; without the time that its pool has missed, in a stopped process or before
    /// the clock leapt.
    pub age: Duration,
    /// How long it has been in its state; up to a quarter of a second off.
    pub in_state_for: Duration,
    /// How often it was handed out.
    pub uses: u64,
    /// Where in the source it was last taken.
    pub taken_at: Option<&'static Location<'static>>,
}

impl Record {
    pub(crate) fn info(&self, now: Tick) -> ObjectInfo {
        ObjectInfo {
            id: self.id,
            state: self.state(),
            age: now.since(self.born_at()),
            in_state_for: now.since(self.since()),
            uses: self.uses(),
            taken_at: self.taken_at(),
        }
    }
}

#[derive(Default)]
struct List {
    records: Vec<Arc<Record>>,
    free_slots: Vec<u32>,
    slots: u32,
    next_id: u64,
    /// Totals of the records that were swept out.
    uses: u64,
    recycles: u64,
}

impl List {
    fn sweep(&mut self) {
        let Self {
            records,
            free_slots,
            uses,
            recycles,
            ..
        } = self;
        records.retain(|record| {
            let keep = record.state() != ObjectState::Retired;
            if !keep {
                free_slots.push(record.slot);
                *uses += record.uses();
                *recycles += record.recycles();
            }
            keep
        });
    }
}

pub(crate) struct Registry(Mutex<List>);

impl Registry {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(List::default()))
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn enrol(&self, now: Tick) -> Arc<Record> {
        let mut list = self.list();
        list.sweep();
        let slot = list.free_slots.pop().unwrap_or_else(|| {
            list.slots += 1;
            list.slots - 1
        });
        list.next_id += 1;
        let record = Arc::new(Record::new(list.next_id, slot, now));
        list.records.push(Arc::clone(&record));
        record
    }

    /// Calls `look` for every object that is not retired.
    pub(crate) fn for_each(&self, mut look: impl FnMut(&Arc<Record>)) {
        let mut list = self.list();
        list.sweep();
        list.records.iter().for_each(&mut look);
    }

    /// How many are in each of idle, in use, checking.
    pub(crate) fn census(&self) -> [usize; 3] {
        let mut counts = [0; 3];
        self.for_each(|record| {
            if let Some(count) = counts.get_mut(record.state() as usize) {
                *count += 1;
            }
        });
        counts
    }

    /// Uses and recycles of all objects that ever were.
    pub(crate) fn totals(&self) -> (u64, u64) {
        let mut list = self.list();
        list.sweep();
        let start = (list.uses, list.recycles);
        list.records.iter().fold(start, |(uses, recycles), record| {
            (uses + record.uses(), recycles + record.recycles())
        })
    }

    pub(crate) fn objects(&self, now: Tick) -> Vec<ObjectInfo> {
        let mut objects = Vec::new();
        self.for_each(|record| {
            objects.push(record.info(now));
        });
        objects
    }

    /// The object that has been out longest: where it was taken, and since when.
    pub(crate) fn oldest_holder(&self) -> Option<(&'static Location<'static>, Tick)> {
        let mut oldest: Option<(&'static Location<'static>, Tick)> = None;
        self.for_each(|record| {
            if let (ObjectState::InUse, Some(at)) = (record.state(), record.taken_at()) {
                let since = record.since();
                if oldest.is_none_or(|(_, earlier)| since < earlier) {
                    oldest = Some((at, since));
                }
            }
        });
        oldest
    }

    /// Where `key` took an object that it still holds.
    pub(crate) fn held_by(&self, key: u64) -> Option<&'static Location<'static>> {
        let mut held = None;
        self.for_each(|record| {
            if key != 0 && record.state() == ObjectState::InUse && record.taken_by() == key {
                held = record.taken_at();
            }
        });
        held
    }
}
