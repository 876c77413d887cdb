//! That a backend is tried by one resource at a time, however many have come from it.
//!
//! Decides who may make an attempt now, and who is to be tried at once because another's attempt
//! succeeded. Knows nothing of attempts.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use nebula_resource_core::Backend;

use super::Ward;
use crate::primitives::{Mutex, MutexGuard, PoisonError};

/// The backends of quarantined resources.
#[derive(Default)]
pub(crate) struct Lanes(Mutex<HashMap<usize, Lane>>);

#[derive(Default)]
struct Lane {
    is_taken: bool,
    /// Those that are kept from their callers.
    kept: Vec<Weak<Ward>>,
}

/// Which backend it is.
fn number(backend: &Backend) -> usize {
    // Of clones it is the same. Those without a name have one lane together, and wait a little.
    backend.name().as_ptr() as usize
}

impl Lanes {
    fn lanes(&self) -> MutexGuard<'_, HashMap<usize, Lane>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The right to make an attempt; `None` while another has it.
    pub(crate) fn enter(self: &Arc<Self>, ward: &Arc<Ward>) -> Option<Pass> {
        let Some(backend) = ward.backend() else {
            return Some(Pass::free());
        };
        let number = number(backend);
        let mut lanes = self.lanes();
        let lane = lanes.entry(number).or_default();
        let is_known = lane
            .kept
            .iter()
            .any(|kept| kept.as_ptr() == Arc::as_ptr(ward));
        if !is_known {
            lane.kept.push(Arc::downgrade(ward));
        }
        if std::mem::replace(&mut lane.is_taken, true) {
            return None;
        }
        drop(lanes);
        Some(Pass(Some((Arc::clone(self), number))))
    }

    /// Of those kept that come from the same backend; the lane is forgotten.
    pub(crate) fn others_of(&self, ward: &Arc<Ward>) -> Vec<Arc<Ward>> {
        let Some(backend) = ward.backend() else {
            return Vec::new();
        };
        let lane = self
            .lanes()
            .get_mut(&number(backend))
            .map(|lane| std::mem::take(&mut lane.kept));
        let others = lane.unwrap_or_default();
        let mut others: Vec<_> = others.iter().filter_map(Weak::upgrade).collect();
        others.retain(|other| !Arc::ptr_eq(other, ward));
        others
    }
}

/// The right to make an attempt.
pub(crate) struct Pass(Option<(Arc<Lanes>, usize)>);

impl Pass {
    /// For what is no attempt.
    pub(crate) const fn free() -> Self {
        Self(None)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let Some((lanes, number)) = self.0.take() else {
            return;
        };
        let mut open = lanes.lanes();
        let Some(lane) = open.get_mut(&number) else {
            return;
        };
        lane.is_taken = false;
        lane.kept.retain(|kept| kept.strong_count() > 0);
        let waiting: Vec<_> = lane.kept.iter().filter_map(Weak::upgrade).collect();
        if waiting.is_empty() {
            open.remove(&number);
        }
        drop(open);
        // Whoever is due goes on; the others are told again when they are.
        waiting.iter().for_each(|ward| ward.look_soon());
    }
}
