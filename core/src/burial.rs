//! Burial: a retired object on its way out.
//!
//! Decides that every object counts as gone exactly once, however its destruction ends: in time, too
//! late, with a panic, or dropped by whoever was to run it.

use std::sync::Arc;

use crate::bounded::{Deadline, bounded};
use crate::driver::Driver;
use crate::entry::Entry;
use crate::guarded::contained;
use crate::helpers;
use crate::observer::Event;
use crate::retire::RetireReason;
use crate::shared::Shared;

/// A retired object. Dropped, it is gone as far as the pool is concerned.
pub(crate) struct Burial<D: Driver> {
    shared: Arc<Shared<D>>,
    entry: Option<Box<Entry<D::Object>>>,
}

impl<D: Driver> Burial<D> {
    pub(crate) const fn new(shared: Arc<Shared<D>>, entry: Box<Entry<D::Object>>) -> Self {
        Self {
            shared,
            entry: Some(entry),
        }
    }

    /// Has the object destroyed, within bounds.
    pub(crate) async fn perform(mut self) {
        let Some(entry) = self.entry.take() else {
            return;
        };
        let shared = &self.shared;
        let why = announce(shared, &entry);
        let bound = shared.engine.settings().config.destroy_timeout;
        let mut deadline = Deadline::After(bound);
        let destroy = async { shared.driver.destroy(entry.object, why).await };
        // However it ends, the object is gone.
        let _ended = bounded("destroy", &shared.clock, &mut deadline, bound, destroy).await;
    }
}

impl<D: Driver> Drop for Burial<D> {
    fn drop(&mut self) {
        let shared = Arc::clone(&self.shared);
        let Some(entry) = self.entry.take() else {
            return gone(&shared);
        };
        announce(&shared, &entry);
        let has_background = shared.driver.can_spawn();
        let drop_it: helpers::Job = Box::new(move || {
            // A destructor that panics changes nothing.
            contained(|| drop(entry));
            gone(&shared);
        });
        // A runtime that has shut down drops its jobs where they were spawned: on the thread that
        // keeps time for everybody.
        if !has_background {
            drop_it();
        } else if let Err(drop_it) = helpers::run(drop_it) {
            drop_it();
        }
    }
}

fn gone<D: Driver>(shared: &Shared<D>) {
    shared.engine.stats.destroyed();
    shared.engine.tell_settled();
}

fn announce<D: Driver>(shared: &Shared<D>, entry: &Entry<D::Object>) -> RetireReason {
    let reason = entry.retired.unwrap_or(RetireReason::Abandoned);
    shared.tell(|| Event::Retired {
        id: entry.record.id,
        reason,
    });
    reason
}
