//! What hooks and subscribers are told of a resource, from its registration to its end.
//!
//! Decides when there is anything to tell: while nobody listens, an acquire and its release cost one
//! load and three comparisons. Knows nothing of what listeners make of it.

use std::any::TypeId;
use std::sync::{Arc, OnceLock};

use nebula_resource_core::clock::Clock;
use nebula_resource_core::{Event, Observer, RetireReason, Tick, catch};

use crate::context::Context;
use crate::events::{EventKind, Events};
use crate::filter::Subject;
use crate::hooks::{Around, Attachment, Hooks, Objection, Occasion, Operation};
use crate::key::Key;
use crate::manager::reports::{Audience, Finding, Report};
use crate::resource::Resource;
use crate::scope::Scope;
use crate::switch::{Signals, Switch};

/// Who listens to what happens in a manager.
pub(crate) struct Listeners {
    pub(crate) hooks: Hooks,
    pub(crate) events: Events,
    /// Whether there are any.
    switch: Arc<Switch>,
}

impl Default for Listeners {
    fn default() -> Self {
        let switch = Arc::<Switch>::default();
        Self {
            hooks: Hooks::on(Arc::clone(&switch)),
            events: Events::on(Arc::clone(&switch)),
            switch,
        }
    }
}

/// One resource, as those who listen know it.
pub(crate) struct Watch {
    subject: Subject,
    to: Arc<Listeners>,
    /// Who counts what speaks for it and against it.
    audience: Audience,
    /// The clock that its pool goes by, once it has served. Before, a configuration is tried that may never be
    /// in force, and nothing counts.
    counts_by: OnceLock<Clock>,
}

impl Watch {
    pub(crate) fn new<R: Resource>(
        key: Key,
        scope: Scope,
        to: Arc<Listeners>,
        audience: Audience,
    ) -> Self {
        let resource = TypeId::of::<R>();
        let subject = Subject {
            key,
            scope,
            resource,
        };
        Self {
            subject,
            to,
            audience,
            counts_by: OnceLock::new(),
        }
    }

    /// From now on, what speaks for it and against it counts; its pool goes by this clock.
    pub(crate) fn count(&self, clock: &Clock) {
        let _first = self.counts_by.set(clock.clone());
    }

    /// Hands on what was found out about it.
    pub(crate) fn report(&self, finding: Finding<'_>) {
        if self.audience.is_empty() {
            return;
        }
        if let Some(clock) = self.counts_by.get() {
            self.audience.hear(&Report { clock, finding });
        }
    }

    /// Whether anybody listens to what is given back.
    pub(crate) fn hears_of_the_end(&self) -> bool {
        self.to.switch.is_on(Signals::END_OF_USE)
    }

    /// What says whether anybody listens.
    pub(crate) fn switch(&self) -> Arc<Switch> {
        Arc::clone(&self.to.switch)
    }

    pub(crate) const fn subject(&self) -> &Subject {
        &self.subject
    }

    pub(crate) fn tell(&self, kind: impl FnOnce() -> EventKind) {
        self.to.events.tell(&self.subject, kind);
    }

    /// Tells hooks that something is about to be done to it; they may refuse.
    pub(crate) fn begin<'a>(
        &'a self,
        operation: Operation,
        caller: Option<&'a Context>,
        clock: &'a Clock,
    ) -> Result<Around<'a>, Objection> {
        Around::begin(&self.to.hooks, self.occasion(operation, caller, clock))
    }

    /// Tells hooks that an instance is about to be cleaned up. None of them is asked.
    pub(crate) fn begin_clean_up<'a>(
        &'a self,
        why: RetireReason,
        clock: &'a Clock,
    ) -> Option<Around<'a>> {
        let occasion = self.occasion(Operation::Cleanup, None, clock);
        let reason = Some(why);
        Around::begin(&self.to.hooks, Occasion { reason, ..occasion }).ok()
    }

    fn occasion<'a>(
        &'a self,
        operation: Operation,
        caller: Option<&'a Context>,
        clock: &'a Clock,
    ) -> Occasion<'a> {
        Occasion {
            operation,
            subject: &self.subject,
            caller,
            reason: None,
            clock,
            events: &self.to.events,
        }
    }
}

/// Tells a pool's events to the user's observer and to subscribers.
pub(crate) struct Ear {
    pub(crate) user: Option<Arc<dyn Observer>>,
    pub(crate) watch: Arc<Watch>,
}

impl Observer for Ear {
    fn observe(&self, event: &Event<'_>) {
        if self.watch.to.events.anybody()
            && let Some(kind) = EventKind::of_pool(event)
        {
            self.watch.tell(|| kind);
        }
        if let Some(finding) = Finding::of_pool(event) {
            self.watch.report(finding);
        }
        if let Some(user) = &self.user {
            user.observe(event);
        }
    }
}

/// An instance that is out, while somebody listens.
pub(crate) struct Ticket {
    pub(crate) watch: Arc<Watch>,
    pub(crate) clock: Clock,
    pub(crate) caller: Context,
    pub(crate) instance: u64,
    pub(crate) since: Tick,
    /// The hooks that know that it is being given back.
    told: OnceLock<Vec<Arc<Attachment>>>,
}

impl Ticket {
    pub(crate) fn new(watch: Arc<Watch>, clock: Clock, caller: Context, instance: u64) -> Self {
        Self {
            since: clock.now(),
            watch,
            clock,
            caller,
            instance,
            told: OnceLock::new(),
        }
    }

    fn occasion(&self) -> Occasion<'_> {
        self.watch
            .occasion(Operation::Release, Some(&self.caller), &self.clock)
    }

    /// The instance is about to be given back.
    pub(crate) fn leaving(&self) {
        let begun = Around::begin(&self.watch.to.hooks, self.occasion());
        // Never refused: what is given back is given back.
        if let Ok(begun) = begun {
            let _first = self.told.set(begun.into_told());
        }
    }

    fn left(&self) {
        let held = self.clock.now().since(self.since);
        let told = self.told.get().cloned().unwrap_or_default();
        Around::resume(self.occasion(), told).end_after(held, Some(self.instance), None);
        self.watch.tell(|| EventKind::Released {
            id: self.instance,
            held,
            caller: self.caller.scope().clone(),
        });
    }
}

/// Dropped just after an instance was given back.
#[derive(Default)]
pub(crate) struct Left(pub(crate) Option<Arc<Ticket>>);

impl Drop for Left {
    #[inline]
    fn drop(&mut self) {
        if let Some(ticket) = self.0.take() {
            // It may be the last to hold a hook, or a caller's credentials: foreign code to the end.
            let _contained = catch("the end of a hook", move || {
                ticket.left();
                drop(ticket);
            });
        }
    }
}
