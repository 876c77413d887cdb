//! Which hooks are attached, and how they are called.
//!
//! Decides order, what a panic counts as, and that whoever was told of the beginning is told of the
//! end. Knows nothing of what the operation is. While no hook is attached for an operation, it costs
//! one load.

use std::error::Error;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use nebula_resource_core::catch;
use nebula_resource_core::clock::Clock;
use nebula_resource_core::{RetireReason, Tick};

use super::{Abandoned, Call, Hook, Operation, Outcome};
use crate::context::Context;
use crate::events::{EventKind, Events};
use crate::filter::{Filter, Subject};
use crate::key::Key;
use crate::switch::{Signals, Switch};

/// The priority of a hook that was given none.
const DEFAULT_PRIORITY: i32 = 100;

/// A hook, with when and for what it is called.
///
/// A hook alone is called around every operation on every resource, with priority 100.
#[must_use = "it is called once it is attached"]
pub struct Attachment {
    hook: Arc<dyn Hook>,
    priority: i32,
    operations: Signals,
    filter: Filter,
}

impl Attachment {
    /// `hook`, called around every operation on every resource, with priority 100.
    pub fn new(hook: impl Hook) -> Self {
        Self {
            hook: Arc::new(hook),
            priority: DEFAULT_PRIORITY,
            operations: Signals::OPERATIONS,
            filter: Filter::all(),
        }
    }

    /// Called before those with higher numbers, and after them once the operation is done. Among
    /// equals, who was attached first is called first.
    pub fn priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }

    /// Called around these operations only.
    pub fn on(mut self, operations: impl IntoIterator<Item = Operation>) -> Self {
        let operations = operations.into_iter().map(Signals::of);
        self.operations = operations.fold(Signals::NONE, Signals::and);
        self
    }

    /// Called for these resources only.
    pub fn to(mut self, filter: Filter) -> Self {
        self.filter = filter;
        self
    }

    fn concerns(&self, operation: Operation, subject: &Subject) -> bool {
        self.operations.include(Signals::of(operation)) && self.filter.selects(subject)
    }
}

impl<H: Hook> From<H> for Attachment {
    fn from(hook: H) -> Self {
        Self::new(hook)
    }
}

impl fmt::Debug for Attachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attachment")
            .field("priority", &self.priority)
            .field("filter", &self.filter)
            .finish_non_exhaustive()
    }
}

/// An attached hook, to detach it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct HookId(u64);

/// The hooks that are attached to a manager. Clones are the same.
#[derive(Clone, Default)]
pub struct Hooks(Arc<Board>);

#[derive(Default)]
struct Board {
    /// In the order in which they are called before an operation.
    attached: ArcSwap<Vec<(HookId, Arc<Attachment>)>>,
    /// The operations for which any is attached: what is looked at first.
    switch: Arc<Switch>,
    next_id: AtomicU64,
    /// Held by whoever attaches or detaches.
    change: Mutex<()>,
}

impl Hooks {
    /// No hooks yet. The manager has its own already.
    pub fn new() -> Self {
        Self::default()
    }

    /// No hooks yet; attached ones show on `switch`.
    pub(crate) fn on(switch: Arc<Switch>) -> Self {
        Self(Arc::new(Board {
            switch,
            ..Board::default()
        }))
    }

    /// Has `hook` called from now on. An operation that has begun goes on with the hooks that it
    /// began with.
    pub fn attach(&self, hook: impl Into<Attachment>) -> HookId {
        let attachment = Arc::new(hook.into());
        // ord: Relaxed: only uniqueness counts.
        let id = HookId(self.0.next_id.fetch_add(1, Ordering::Relaxed));
        self.0.change(|attached| {
            let after = |other: &(_, Arc<Attachment>)| other.1.priority <= attachment.priority;
            let place = attached.partition_point(after);
            attached.insert(place, (id, attachment));
        });
        id
    }

    /// Has a hook not called any more; answers whether it was.
    pub fn detach(&self, id: HookId) -> bool {
        let mut was_attached = false;
        self.0.change(|attached| {
            let count = attached.len();
            attached.retain(|(other, _)| *other != id);
            was_attached = attached.len() < count;
        });
        was_attached
    }

    /// Whether any hook is attached for `operation`.
    pub(crate) fn any(&self, operation: Operation) -> bool {
        self.0.switch.is_on(Signals::of(operation))
    }
}

impl Board {
    fn change(&self, change: impl FnOnce(&mut Vec<(HookId, Arc<Attachment>)>)) {
        let _changing = self.change.lock().unwrap_or_else(PoisonError::into_inner);
        let mut attached = Vec::clone(&self.attached.load());
        change(&mut attached);
        let operations = attached.iter().map(|(_, one)| one.operations);
        let heard = operations.fold(Signals::NONE, Signals::and);
        self.attached.store(Arc::new(attached));
        self.switch.set(Signals::OPERATIONS, heard);
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attached = self.0.attached.load();
        let names = attached.iter().map(|(_, one)| one.hook.name().to_owned());
        f.debug_list().entries(names).finish()
    }
}

/// What a hook had against an operation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("hook {hook} refuses to {operation} {key:?}: {reason}")]
#[non_exhaustive]
pub struct Objection {
    /// What the hook is called.
    pub hook: Arc<str>,
    /// Against what.
    pub operation: Operation,
    /// On what.
    pub key: Key,
    /// What it said.
    pub reason: Arc<str>,
}

/// Something that hooks are to be called around.
#[derive(Clone, Copy)]
pub(crate) struct Occasion<'a> {
    pub(crate) operation: Operation,
    pub(crate) subject: &'a Subject,
    pub(crate) caller: Option<&'a Context>,
    pub(crate) reason: Option<RetireReason>,
    pub(crate) clock: &'a Clock,
    /// Is told what hooks object.
    pub(crate) events: &'a Events,
}

impl Occasion<'_> {
    fn call(&self) -> Call<'_> {
        Call {
            operation: self.operation,
            key: &self.subject.key,
            scope: &self.subject.scope,
            caller: self.caller,
            reason: self.reason,
        }
    }

    /// Tells what `hook` has against it.
    fn objection(&self, hook: &dyn Hook, reason: &str) -> Objection {
        // Foreign code, like the rest of the hook.
        let name = catch("name", || Arc::<str>::from(hook.name()));
        let objection = Objection {
            hook: name.unwrap_or_else(|_| "?".into()),
            operation: self.operation,
            key: self.subject.key.clone(),
            reason: reason.into(),
        };
        self.events.tell(self.subject, || EventKind::HookObjected {
            hook: Arc::clone(&objection.hook),
            operation: objection.operation,
            reason: Arc::clone(&objection.reason),
        });
        objection
    }
}

/// An operation that has begun, and the hooks that know it. Dropped, it counts as abandoned.
#[must_use = "its end is to be told"]
pub(crate) struct Around<'a> {
    occasion: Occasion<'a>,
    /// Those that let it pass, in order.
    told: Vec<Arc<Attachment>>,
    since: Tick,
}

impl<'a> Around<'a> {
    /// Tells the hooks that it is about to happen; the first that refuses decides, where that can
    /// be refused at all.
    pub(crate) fn begin(hooks: &Hooks, occasion: Occasion<'a>) -> Result<Self, Objection> {
        let mut around = Self {
            occasion,
            told: Vec::new(),
            since: occasion.clock.now(),
        };
        if !hooks.any(occasion.operation) {
            return Ok(around);
        }
        let attached = hooks.0.attached.load_full();
        let those = attached.iter().map(|(_, one)| one);
        for one in those.filter(|one| one.concerns(occasion.operation, occasion.subject)) {
            let reason = match catch("the hook", || one.hook.before(&occasion.call())) {
                Ok(Ok(())) => {
                    around.told.push(Arc::clone(one));
                    continue;
                }
                Ok(Err(refusal)) => refusal.to_string(),
                Err(panic) => panic.to_string(),
            };
            let objection = occasion.objection(&*one.hook, &reason);
            if occasion.operation.can_be_refused() {
                around.fail(&objection);
                return Err(objection);
            }
        }
        Ok(around)
    }

    /// The end of an operation that these hooks know the beginning of.
    pub(crate) const fn resume(occasion: Occasion<'a>, told: Vec<Arc<Attachment>>) -> Self {
        Self {
            occasion,
            told,
            since: Tick::ZERO,
        }
    }

    /// Those who are to be told of the end.
    pub(crate) fn into_told(mut self) -> Vec<Arc<Attachment>> {
        std::mem::take(&mut self.told)
    }

    /// It has happened, or failed.
    pub(crate) fn end(self, instance: Option<u64>, error: Option<&(dyn Error + 'static)>) {
        let took = self.occasion.clock.now().since(self.since);
        self.end_after(took, instance, error);
    }

    /// It has happened, or failed, after this long.
    pub(crate) fn end_after(
        mut self,
        took: Duration,
        instance: Option<u64>,
        error: Option<&(dyn Error + 'static)>,
    ) {
        self.tell(&Outcome {
            took,
            instance,
            error,
        });
    }

    fn fail(&mut self, error: &(dyn Error + 'static)) {
        self.tell(&Outcome {
            took: self.occasion.clock.now().since(self.since),
            instance: None,
            error: Some(error),
        });
    }

    fn tell(&mut self, outcome: &Outcome<'_>) {
        let call = self.occasion.call();
        for one in std::mem::take(&mut self.told).into_iter().rev() {
            if let Err(panic) = catch("the hook", || one.hook.after(&call, outcome)) {
                self.occasion.objection(&*one.hook, &panic.to_string());
            }
        }
    }
}

impl Drop for Around<'_> {
    fn drop(&mut self) {
        if !self.told.is_empty() {
            self.fail(&Abandoned);
        }
    }
}
