//! A factory that keeps books of its own: what was made, looked at and buried, in which order, and
//! that fails or panics when it was told to.
//!
//! Knows nothing of pools. What time it is matters to nobody here: every callback is over at once.

use std::collections::VecDeque;
use std::panic::{self, PanicHookInfo};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};

use nebula_resource::{BlockingFactory, Factory, RetireReason};

/// What one call of a callback comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Good,
    Fail,
    Panic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Callback {
    Create,
    Validate,
    Recycle,
    Destroy,
    IsBroken,
}

/// What was done to the object with that number; `false` if it went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Did {
    Made(u64),
    CouldNotMake,
    Validated(u64, bool),
    Recycled(u64, bool),
    Buried(u64, RetireReason),
}

#[derive(Default)]
struct Desk {
    plans: [VecDeque<Fate>; 5],
    did: Vec<Did>,
    made: u64,
    dropped: u64,
}

/// Clones are the same books.
#[derive(Clone, Default)]
pub(crate) struct Books(Arc<Mutex<Desk>>);

/// What the pools are made of.
pub(crate) struct Thing {
    pub(crate) id: u64,
    pub(crate) broken: bool,
    books: Books,
}

impl Drop for Thing {
    fn drop(&mut self) {
        self.books.desk().dropped += 1;
    }
}

impl Books {
    pub(crate) fn new() -> Self {
        quiet();
        Self::default()
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next call of `callback` for which nothing was planned ends like that.
    pub(crate) fn plan(&self, callback: Callback, fate: Fate) {
        self.desk().plans[callback as usize].push_back(fate);
    }

    /// From now on all is well.
    pub(crate) fn forget_plans(&self) {
        self.desk().plans = Default::default();
    }

    pub(crate) fn expects(&self, callback: Callback) -> bool {
        !self.desk().plans[callback as usize].is_empty()
    }

    /// What the next call of `is_broken` comes to.
    pub(crate) fn next_look(&self) -> Fate {
        let desk = self.desk();
        let next = desk.plans[Callback::IsBroken as usize].front();
        next.copied().unwrap_or(Fate::Good)
    }

    /// What was done since somebody last asked.
    pub(crate) fn did(&self) -> Vec<Did> {
        std::mem::take(&mut self.desk().did)
    }

    pub(crate) fn made(&self) -> u64 {
        self.desk().made
    }

    pub(crate) fn alive(&self) -> u64 {
        let desk = self.desk();
        desk.made - desk.dropped
    }

    fn fate(&self, callback: Callback) -> Fate {
        let planned = self.desk().plans[callback as usize].pop_front();
        planned.unwrap_or(Fate::Good)
    }

    /// Writes it down and ends as planned.
    fn carry_out(&self, callback: Callback, did: impl Fn(bool) -> Did) -> Result<(), String> {
        let fate = self.fate(callback);
        self.desk().did.push(did(fate == Fate::Good));
        match fate {
            Fate::Good => Ok(()),
            Fate::Fail => Err(format!("{callback:?} fails on command")),
            Fate::Panic => panic!("{callback:?} panics on command"),
        }
    }

    fn make(&self) -> Result<Thing, String> {
        let id = self.desk().made + 1;
        self.carry_out(Callback::Create, |good| {
            if good {
                Did::Made(id)
            } else {
                Did::CouldNotMake
            }
        })?;
        self.desk().made = id;
        Ok(Thing {
            id,
            broken: false,
            books: self.clone(),
        })
    }

    fn validate(&self, id: u64) -> Result<(), String> {
        self.carry_out(Callback::Validate, |good| Did::Validated(id, good))
    }

    fn recycle(&self, id: u64) -> Result<(), String> {
        self.carry_out(Callback::Recycle, |good| Did::Recycled(id, good))
    }

    fn bury(&self, thing: &Thing, why: RetireReason) {
        self.desk().did.push(Did::Buried(thing.id, why));
        assert!(
            self.fate(Callback::Destroy) != Fate::Panic,
            "destroy panics on command"
        );
    }

    fn looks_broken(&self, thing: &Thing) -> bool {
        let fate = self.fate(Callback::IsBroken);
        assert!(fate != Fate::Panic, "is_broken panics on command");
        thing.broken || fate == Fate::Fail
    }
}

impl Factory for Books {
    type Object = Thing;
    type Error = String;

    async fn create(&self) -> Result<Thing, String> {
        self.make()
    }

    async fn validate(&self, thing: &mut Thing) -> Result<(), String> {
        Self::validate(self, thing.id)
    }

    async fn recycle(&self, thing: &mut Thing) -> Result<(), String> {
        Self::recycle(self, thing.id)
    }

    fn is_broken(&self, thing: &Thing) -> bool {
        self.looks_broken(thing)
    }

    async fn destroy(&self, thing: Thing, why: RetireReason) {
        self.bury(&thing, why);
    }
}

impl BlockingFactory for Books {
    type Object = Thing;
    type Error = String;

    fn create(&self) -> Result<Thing, String> {
        self.make()
    }

    fn validate(&self, thing: &mut Thing) -> Result<(), String> {
        Self::validate(self, thing.id)
    }

    fn recycle(&self, thing: &mut Thing) -> Result<(), String> {
        Self::recycle(self, thing.id)
    }

    fn is_broken(&self, thing: &Thing) -> bool {
        self.looks_broken(thing)
    }

    fn destroy(&self, thing: Thing, why: RetireReason) {
        self.bury(&thing, why);
    }
}

/// Panics on command are many, and no news.
fn quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |info: &PanicHookInfo<'_>| {
            let payload = info.payload();
            let text = payload.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
            if !text.is_some_and(|text| text.ends_with("on command")) {
                loud(info);
            }
        }));
    });
}
