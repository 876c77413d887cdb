//! Who is registered, and who may see it: a snapshot that readers never wait for.
//!
//! Decides which registration a caller gets: the narrowest one on its way up to the global scope,
//! never one beside that way. Writers come one after the other and put a changed copy in the
//! snapshot's place. Knows nothing of pools, or of what a registration stands for.

use std::collections::HashMap;
use std::sync::Arc;

use crate::key::Key;
use crate::manager::dependency::Graph;
use crate::manager::erased::Registered;
use crate::manager::tenants::Nursery;
use crate::primitives::{ArcSwap, Guard, Mutex, MutexGuard, PoisonError, RandomState};
use crate::scope::{Level, Scope};

/// Everything that is registered.
pub(crate) struct Registry {
    current: ArcSwap<Snapshot>,
    /// Held by whoever is about to put another snapshot in place.
    books: Mutex<Books>,
}

/// What only writers need to know.
#[derive(Default)]
pub(crate) struct Books {
    pub(crate) graph: Graph<Key>,
    /// Being tried by a reload, and not in the snapshot yet.
    pub(crate) coming: Vec<Registered>,
    /// Gone from the snapshot, but perhaps with guards still out.
    pub(crate) leaving: Vec<Registered>,
}

/// The registry at one moment.
#[derive(Clone, Default)]
pub(crate) struct Snapshot {
    /// Nobody is admitted any more.
    pub(crate) shut: bool,
    slots: HashMap<Key, Slot, RandomState>,
}

/// What is registered under one key.
#[derive(Clone, Default)]
struct Slot {
    global: Option<Registered>,
    scoped: HashMap<Scope, Registered, RandomState>,
    /// From which each tenant has one of its own.
    template: Option<Arc<dyn Nursery>>,
}

/// What a caller gets.
pub(crate) enum Found<'s> {
    There(&'s Registered),
    /// What this tenant has from that template, made when it first asks.
    Tenant(&'s Arc<dyn Nursery>, &'s Scope),
}

impl Registry {
    pub(crate) fn new() -> Self {
        Self {
            current: ArcSwap::default(),
            books: Mutex::default(),
        }
    }

    /// The registry as it is now. Not to be kept across an await.
    #[inline]
    pub(crate) fn snapshot(&self) -> Guard<Arc<Snapshot>> {
        self.current.load()
    }

    /// Begins a change: nobody else changes anything until the answer is dropped.
    pub(crate) fn change(&self) -> Change<'_> {
        Change {
            registry: self,
            books: self.books.lock().unwrap_or_else(PoisonError::into_inner),
            gone: Vec::new(),
            replaced: Vec::new(),
        }
    }
}

/// The right to change the registry.
pub(crate) struct Change<'r> {
    registry: &'r Registry,
    pub(crate) books: MutexGuard<'r, Books>,
    /// What was taken out: dropped after the lock, for a resource's own drop is user code.
    pub(crate) gone: Vec<Registered>,
    replaced: Vec<Arc<Snapshot>>,
}

impl Change<'_> {
    /// What is in force.
    pub(crate) fn before(&self) -> Arc<Snapshot> {
        self.registry.current.load_full()
    }

    /// Puts `registered` into its place, whatever was there.
    pub(crate) fn put(&mut self, registered: Registered) {
        self.replace(|snapshot| snapshot.put(registered));
    }

    /// Changes anything else.
    pub(crate) fn with(&mut self, change: impl FnOnce(&mut Snapshot)) {
        self.replace(change);
    }

    /// Admits nobody from now on; answers whether anybody was admitted before.
    pub(crate) fn shut(&mut self) -> bool {
        let mut first = false;
        self.replace(|snapshot| first = !std::mem::replace(&mut snapshot.shut, true));
        first
    }

    fn replace(&mut self, change: impl FnOnce(&mut Snapshot)) {
        let mut next = Snapshot::clone(&self.before());
        change(&mut next);
        let before = self.registry.current.swap(Arc::new(next));
        self.replaced.push(before);
    }
}

impl Snapshot {
    /// The narrowest registration of `key` that `scope` is in.
    #[inline]
    pub(crate) fn find<'s>(&'s self, key: &str, scope: &'s Scope) -> Option<Found<'s>> {
        self.slots.get(key)?.find(scope)
    }

    /// The registration of `key` for exactly this scope.
    pub(crate) fn at(&self, key: &str, scope: &Scope) -> Option<&Registered> {
        self.slots.get(key)?.at(scope)
    }

    /// The template that is registered under `key`.
    pub(crate) fn template(&self, key: &str) -> Option<&Arc<dyn Nursery>> {
        self.slots.get(key)?.template.as_ref()
    }

    /// Every template.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Arc<dyn Nursery>> {
        self.slots
            .values()
            .filter_map(|slot| slot.template.as_ref())
    }

    /// Every registration of `key`, whoever may see it.
    pub(crate) fn all_of(&self, key: &str) -> impl Iterator<Item = &Registered> {
        self.slots.get(key).into_iter().flat_map(Slot::all)
    }

    /// Every registration, without what tenants have from templates.
    pub(crate) fn registered(&self) -> impl Iterator<Item = &Registered> {
        self.slots.values().flat_map(Slot::all)
    }

    /// Everything that has a pool.
    pub(crate) fn all(&self) -> Vec<Registered> {
        let tenants = self
            .templates()
            .flat_map(|template| template.tenants().all());
        self.registered().cloned().chain(tenants).collect()
    }

    /// Every key, in order.
    pub(crate) fn keys(&self) -> Vec<Key> {
        let mut keys: Vec<_> = self.slots.keys().cloned().collect();
        keys.sort();
        keys
    }

    /// The keys that a caller in `scope` can ask for, in order.
    pub(crate) fn visible_from(&self, scope: &Scope) -> Vec<Key> {
        let visible = |(key, slot): (&Key, &Slot)| slot.find(scope).map(|_| key.clone());
        let mut keys: Vec<_> = self.slots.iter().filter_map(visible).collect();
        keys.sort();
        keys
    }

    pub(crate) fn put(&mut self, registered: Registered) {
        let about = registered.entry.about();
        let (key, scope) = (about.key.clone(), about.scope.clone());
        let slot = self.slots.entry(key).or_default();
        if scope == Scope::GLOBAL {
            slot.global = Some(registered);
        } else {
            slot.scoped.insert(scope, registered);
        }
    }

    pub(crate) fn put_template(&mut self, template: Arc<dyn Nursery>) {
        let key = template.about().key.clone();
        self.slots.entry(key).or_default().template = Some(template);
    }

    /// Takes out what is registered for exactly this scope. A template is everybody's.
    pub(crate) fn take(&mut self, key: &str, scope: &Scope) {
        let Some(slot) = self.slots.get_mut(key) else {
            return;
        };
        if *scope == Scope::GLOBAL {
            slot.global = None;
            slot.template = None;
        } else {
            slot.scoped.remove(scope);
        }
        if slot.global.is_none() && slot.scoped.is_empty() && slot.template.is_none() {
            self.slots.remove(key);
        }
    }
}

impl Slot {
    #[inline]
    fn find<'s>(&'s self, scope: &'s Scope) -> Option<Found<'s>> {
        if self.scoped.is_empty() && self.template.is_none() {
            return self.global.as_ref().map(Found::There);
        }
        scope.ancestors().find_map(|above| self.offers(above))
    }

    /// What there is for exactly this scope.
    fn offers<'s>(&'s self, scope: &'s Scope) -> Option<Found<'s>> {
        if let Some(there) = self.at(scope) {
            return Some(Found::There(there));
        }
        let template = self.template.as_ref()?;
        (scope.level() == Level::Tenant).then_some(Found::Tenant(template, scope))
    }

    fn at(&self, scope: &Scope) -> Option<&Registered> {
        if *scope == Scope::GLOBAL {
            self.global.as_ref()
        } else {
            self.scoped.get(scope)
        }
    }

    fn all(&self) -> impl Iterator<Item = &Registered> {
        self.global.iter().chain(self.scoped.values())
    }
}
