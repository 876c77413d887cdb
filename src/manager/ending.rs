//! What ends with what: a scope with all that is in it, the manager with everything, and a manager
//! that nobody has any more.
//!
//! Decides what is to be stopped; how, is decided in `shutdown`.

use nebula_resource_async::runtime::Chosen;

use crate::lifecycle::State;
use crate::manager::Inner;
use crate::manager::erased::{About, Registered};
use crate::manager::registry::{Change, Snapshot};
use crate::manager::shutdown::{Plan, ShutdownBudget, ShuttingDown};
use crate::scope::Scope;

impl Inner {
    pub(crate) fn shut_down(&self, budget: ShutdownBudget) -> ShuttingDown {
        self.shutdown.begin(|| {
            let mut change = self.registry.change();
            change.shut();
            change.forget_settled();
            let snapshot = change.before();
            let ended = snapshot.templates().flat_map(|one| one.tenants().end());
            // proof: stop-takes-coming
            let coming = change.books.coming.clone();
            let left = change.books.leaving.clone();
            let registered = snapshot.registered().cloned();
            let everything = registered.chain(ended).chain(coming).chain(left);
            self.plan(everything, &change, budget)
        })
    }

    pub(crate) fn end_scope(&self, scope: &Scope) -> ShuttingDown {
        let mut change = self.registry.change();
        let snapshot = change.before();
        let registered = snapshot.registered().map(|there| there.entry.about());
        let templates = snapshot.templates().map(|template| template.about());
        let is_inside = |about: &&About| scope.contains(&about.scope);
        let going: Vec<_> = registered.chain(templates).filter(is_inside).collect();
        let inside = |there: &&Registered| scope.contains(&there.entry.about().scope);
        let books = &change.books;
        // proof: scope-takes-beside
        let beside = books.coming.iter().chain(&books.leaving);
        let resources = snapshot.registered().chain(beside).filter(inside).cloned();
        let resources = resources.chain(take_tenants(&snapshot, scope));
        let resources: Vec<_> = resources.collect();
        // A shutdown that begins before they are gone waits for them too.
        change.leave(&resources);
        let plan = self.plan(resources, &change, ShutdownBudget::default());
        // What others need that stay is theirs as well: it cannot lie inside.
        let _none = change.remove_all(&going);
        drop(change);
        let templates = snapshot.templates();
        templates.for_each(|template| template.tenants().spread_news());
        plan.stop()
    }

    fn plan(
        &self,
        resources: impl IntoIterator<Item = Registered>,
        change: &Change<'_>,
        budget: ShutdownBudget,
    ) -> Plan {
        let runtime = Chosen::new(self.setup.runtime.clone());
        let plan = Plan::new(resources, &change.books.graph, runtime, budget);
        match &self.setup.clock {
            Some(clock) => plan.clock(clock.clone()),
            None => plan,
        }
    }

    /// Nobody can ask any more, and nobody waits for it to end: pools close, and clean up by
    /// themselves.
    pub(crate) fn abandon(&self) {
        let mut change = self.registry.change();
        if !change.shut() {
            return;
        }
        let snapshot = change.before();
        drop(change);
        let tenants = snapshot.templates().flat_map(|one| one.tenants().end());
        let registered = snapshot.registered().cloned();
        registered.chain(tenants).for_each(|there| there.dismiss());
    }

    pub(crate) fn drawing(&self) -> String {
        let change = self.registry.change();
        let snapshot = change.before();
        let graph = change.books.graph.clone();
        drop(change);
        graph.dot(|key| {
            let template = snapshot.template(key).map(|_| State::Ready);
            let states = snapshot.all_of(key).map(Registered::state);
            // Of several registrations, the one that somebody should look at.
            let worst = states.chain(template).max();
            worst.unwrap_or(State::Terminated)
        })
    }
}

/// Takes out what tenants in `scope` have from templates. The others may have more from now on, and are
/// still to be told.
fn take_tenants(snapshot: &Snapshot, scope: &Scope) -> Vec<Registered> {
    let everything = *scope == Scope::GLOBAL;
    let tenants = snapshot.templates().flat_map(|template| match everything {
        true => template.tenants().end(),
        false => template.tenants().take_inside(scope),
    });
    tenants.collect()
}
