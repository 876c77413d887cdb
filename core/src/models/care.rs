//! The door to what looks after idle objects, and to what is told about the pool.
//!
//! Decides nothing; see the parent.

use super::{Object, Pool};
use crate::Tick;
use crate::engine::Status;
use crate::entry::Verdict;
use crate::record::ObjectState;
use crate::retire::RetireReason;
use crate::stats::Totals;

impl<T> Pool<T> {
    /// As [`Pool::take`], with a factory that is asked where one must be.
    pub fn take_checked(&self, works: impl FnOnce(&T) -> bool) -> Option<Object<T>> {
        let mut entry = self.0.take()?;
        let stamp = self.0.stamp.read();
        if !entry.is_fresh(stamp, Tick::ZERO) {
            match self.0.inspect(&mut entry, Tick::ZERO) {
                Verdict::Fresh => {}
                Verdict::Validate if works(&entry.object) => entry.proven(stamp, Tick::ZERO),
                Verdict::Validate => {
                    self.0.retire(entry, RetireReason::Invalid);
                    return None;
                }
                Verdict::Retire(reason) => {
                    self.0.retire(entry, reason);
                    return None;
                }
            }
        }
        entry.record.set_state(ObjectState::InUse);
        Some(Object(entry))
    }

    /// As `Shared::suspect_all`: something turned out broken.
    pub fn suspect_all(&self) {
        self.0.stamp.suspect();
    }

    /// As maintenance does with one that is due: takes it out, if it is still idle, and puts it back.
    pub fn look_after(&self, id: u64) {
        if let Some(entry) = self.0.take_this(id) {
            entry.record.set_state(ObjectState::Checking);
            entry.record.set_state(ObjectState::Idle);
            self.0.give(entry);
        }
    }

    /// As `maintenance::restock` does before each creation.
    pub fn start_stocking(&self) -> bool {
        self.0.start_stocking(Tick::ZERO, &self.0.settings().config)
    }

    /// As `closing::settle` without a background: destroys what was retired, until all are gone.
    pub async fn settle(&self) {
        loop {
            let settled = self.0.settled.listen();
            self.bury_all();
            if self.is_settled() {
                return;
            }
            settled.await;
        }
    }

    /// How many creations are under way.
    pub fn creating(&self) -> usize {
        self.0.line.lock().gate.creating()
    }

    /// How the pool stands.
    pub fn status(&self) -> Status {
        self.0.status()
    }

    /// What has happened.
    pub fn totals(&self) -> Totals {
        self.0.totals()
    }
}
