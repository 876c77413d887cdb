//! What speaks for a resource or against it, told to whoever counts: errors that callers report
//! through their guards, and what its pool finds out by itself.
//!
//! Decides nothing; hands on. Nobody is told of what was acquired and given back without a word, so
//! that an acquire costs nothing here. While nobody listens, a report costs a load and a comparison.

use std::error::Error;
use std::sync::Arc;

use nebula_resource_core::clock::Clock;
use nebula_resource_core::{Event, catch};

use crate::outcome::Severity;

/// Listens to reports of one registration, or of several.
///
/// Called on the thread that reports, under no lock. It must not block; a panic in it is contained.
pub(crate) trait Reports: Send + Sync + 'static {
    /// Something speaks for a resource, or against it.
    fn hear(&self, report: &Report<'_>);
}

/// What was found out about a resource.
#[derive(Clone, Copy)]
pub(crate) struct Report<'r> {
    /// The clock that its pool goes by.
    pub(crate) clock: &'r Clock,
    pub(crate) finding: Finding<'r>,
}

/// What was found out.
#[derive(Clone, Copy)]
pub(crate) enum Finding<'r> {
    /// A caller says that what it did with an instance worked.
    Worked,
    /// A caller met with an error.
    Failed {
        severity: Severity,
        error: &'r (dyn Error + 'static),
    },
    /// A caller threw an instance away.
    Discarded,
    /// An instance could not be made.
    CreateFailed { error: &'r (dyn Error + 'static) },
}

impl<'r> Finding<'r> {
    /// Of what a pool tells, that which speaks against the resource. Not that an instance failed its
    /// validation: after a restart of its server, all that were connected before do.
    pub(crate) const fn of_pool(event: &Event<'r>) -> Option<Self> {
        match *event {
            Event::CreateFailed { error, .. } => Some(Self::CreateFailed { error }),
            _ => None,
        }
    }
}

/// All who listen to the reports of one registration; fixed when it is registered. Shared among the tenants of a
/// template, who are many.
#[derive(Clone, Default)]
pub(crate) struct Audience(Option<Arc<Vec<Arc<dyn Reports>>>>);

impl Audience {
    /// And this one.
    pub(crate) fn add(&mut self, listener: Arc<dyn Reports>) {
        Arc::make_mut(self.0.get_or_insert_default()).push(listener);
    }

    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn hear(&self, report: &Report<'_>) {
        for listener in self.0.iter().flat_map(|all| all.iter()) {
            let _contained = catch("a listener to reports", || listener.hear(report));
        }
    }
}
