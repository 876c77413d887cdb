//! Acquiring while somebody listens: the same, with hooks around it and an event at its end.
//!
//! Decides what listeners are told. Never run while there are none, so that they pay for it who want
//! it.

use std::error::Error;
use std::sync::Arc;

use nebula_resource_core::clock::Clock;
use nebula_resource_core::{AcquireError, Tick};

use crate::events::EventKind;
use crate::hooks::{Around, Operation};
use crate::manager::Inner;
use crate::manager::acquire::{Nothing, Question};
use crate::manager::error::ResourceError;
use crate::manager::guard::ManagedGuard;
use crate::manager::place::Place;
use crate::manager::watch::{Ticket, Watch};
use crate::resource::Resource;
use crate::spans::Span;

/// Who listens, and when they began to.
struct Scene {
    watch: Arc<Watch>,
    clock: Clock,
    since: Tick,
    span: Span,
}

impl Scene {
    fn new<R: Resource>(place: &Place<'_, R>, ask: Question<'_>) -> Self {
        let (entry, clock) = (place.entry(), place.clock().clone());
        let watch = Arc::clone(entry.watch());
        let span = Span::acquire(watch.subject(), ask.context, || entry.pool.status());
        Self {
            watch,
            since: clock.now(),
            clock,
            span,
        }
    }

    fn begin<'a>(&'a self, ask: Question<'a>) -> Result<Around<'a>, Nothing> {
        let begun = self
            .watch
            .begin(Operation::Acquire, Some(ask.context), &self.clock);
        begun.map_err(|objection| {
            self.span.failed(&objection);
            Nothing::Error(ResourceError::Refused(objection))
        })
    }

    /// Tells how it ended, and hands on what is to be told of the release.
    fn end<'g, R: Resource>(
        &self,
        begun: Around<'_>,
        ask: Question<'_>,
        outcome: Result<ManagedGuard<'g, R>, Nothing>,
    ) -> Result<ManagedGuard<'g, R>, Nothing> {
        let guard = match outcome {
            Ok(guard) => guard,
            Err(nothing) => {
                self.span.failed(nothing.error());
                begun.end(None, Some(nothing.error()));
                return Err(nothing);
            }
        };
        let (id, clock) = (guard.info().id, self.clock.clone());
        self.span.got(id);
        begun.end(Some(id), None);
        self.watch.tell(|| EventKind::Acquired {
            id,
            waited: self.clock.now().since(self.since),
            caller: ask.context.scope().clone(),
        });
        if !self.watch.hears_of_the_end() {
            return Ok(guard);
        }
        let watch = Arc::clone(&self.watch);
        let ticket = Ticket::new(watch, clock, ask.context.clone(), id);
        Ok(guard.seen(ticket))
    }
}

impl Nothing {
    fn error(&self) -> &(dyn Error + 'static) {
        match self {
            Self::Closed(_) => &AcquireError::Closed,
            Self::Error(error) => error,
        }
    }
}

impl Inner {
    pub(crate) async fn enter_watched<'a, R: Resource>(
        &self,
        ask: Question<'_>,
        place: Place<'a, R>,
    ) -> Result<ManagedGuard<'a, R>, Nothing> {
        let scene = Scene::new(&place, ask);
        let begun = scene.begin(ask)?;
        let outcome = scene.span.around(self.enter_unseen(ask, place)).await;
        scene.end(begun, ask, outcome)
    }

    #[cold]
    pub(crate) fn enter_blocking_watched<'a, R: Resource>(
        &self,
        ask: Question<'_>,
        place: Place<'a, R>,
    ) -> Result<ManagedGuard<'a, R>, Nothing> {
        let scene = Scene::new(&place, ask);
        let begun = scene.begin(ask)?;
        let span = &scene.span;
        let outcome = span.within(|| self.enter_blocking_unseen(ask, place));
        scene.end(begun, ask, outcome)
    }
}
