//! The pooled object, which notices what must not happen to it: two holders, a use after it was
//! given up, a use before it was cleaned, a loss.
//!
//! Knows nothing of pools.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::mischief::{Trick, Weather, Workday};
use crate::dice::Seed;

/// What went wrong so far.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    texts: Mutex<Vec<String>>,
    many: AtomicBool,
}

/// More of the same kind say no more.
const ENOUGH: usize = 40;

impl Faults {
    pub(crate) fn report(&self, text: String) {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        self.many.store(true, Ordering::Relaxed);
        if texts.len() < ENOUGH {
            texts.push(text);
        }
    }

    pub(crate) fn any(&self) -> bool {
        self.many.load(Ordering::Relaxed)
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.texts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The factory's own books about one pool's objects.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// For reports: which pool this is.
    pub(crate) name: String,
    pub(crate) faults: Arc<Faults>,
    pub(crate) workday: Workday,
    /// Objects made.
    pub(crate) made: AtomicU64,
    /// Objects dropped.
    pub(crate) gone: AtomicU64,
    /// Whether the pool has let its factory go.
    pub(crate) factory_gone: AtomicBool,
    /// Objects that a lying `destroy` has kept.
    attic: Mutex<Vec<Toy>>,
}

impl Ledger {
    pub(crate) fn new(name: String, seed: Seed, faults: Arc<Faults>) -> Arc<Self> {
        Arc::new(Self {
            name,
            faults,
            workday: Workday::new(seed),
            made: AtomicU64::new(0),
            gone: AtomicU64::new(0),
            factory_gone: AtomicBool::new(false),
            attic: Mutex::new(Vec::new()),
        })
    }

    pub(crate) fn fault(&self, what: impl std::fmt::Display) {
        self.faults.report(format!("{}: {what}", self.name));
    }

    pub(crate) fn set_weather(&self, weather: Weather) {
        self.workday.set_weather(weather);
    }

    /// Objects that exist.
    pub(crate) fn alive(&self) -> u64 {
        // In this order: what goes in between must not make the difference negative.
        let gone = self.gone.load(Ordering::Relaxed);
        self.made.load(Ordering::Relaxed).saturating_sub(gone)
    }

    pub(crate) fn keep_in_attic(&self, toy: Toy) {
        let mut attic = self.attic.lock().unwrap_or_else(PoisonError::into_inner);
        attic.push(toy);
    }

    /// Drops what a lying `destroy` has kept.
    pub(crate) fn clear_attic(&self) {
        let mut attic = self.attic.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = std::mem::take(&mut *attic);
        drop(attic);
        drop(kept);
    }
}

/// Whether an object may still be handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Yes.
    Good,
    /// A callback has begun on it and has not ended well: it failed, panicked, hangs, or was
    /// dropped.
    Doubtful,
    /// `destroy` was called.
    Destroyed,
}

/// The pooled object.
#[derive(Debug)]
pub(crate) struct Toy {
    ledger: Arc<Ledger>,
    /// Up while somebody holds it.
    held: AtomicBool,
    /// Somebody has used it, and it was not recycled since.
    used: AtomicBool,
    standing: AtomicU8,
    /// It works no more, which only `is_broken` and `validate` can tell.
    pub(crate) rotten: AtomicBool,
    /// Not atomic: a sanitizer sees it when one holder does not know what the other did.
    uses: u64,
}

impl Toy {
    pub(crate) fn new(ledger: &Arc<Ledger>, rotten: bool) -> Self {
        ledger.made.fetch_add(1, Ordering::Relaxed);
        Self {
            ledger: Arc::clone(ledger),
            held: AtomicBool::new(false),
            used: AtomicBool::new(false),
            standing: AtomicU8::new(Standing::Good as u8),
            rotten: AtomicBool::new(rotten),
            uses: 0,
        }
    }

    /// Takes it into one's hands; until the answer is dropped nobody else may.
    pub(crate) fn hold(&self) -> Holding<'_> {
        if self.held.swap(true, Ordering::AcqRel) {
            self.ledger.fault("an object is held twice");
        }
        let standing = self.standing.load(Ordering::Relaxed);
        if standing != Standing::Good as u8 {
            let why = ["good", "doubtful", "destroyed"][usize::from(standing)];
            self.ledger
                .fault(format_args!("an object was handed out that is {why}"));
        }
        if self.used.swap(true, Ordering::Relaxed) {
            self.ledger
                .fault("an object was not recycled between two uses");
        }
        Holding(self)
    }

    /// What a user does who may change it.
    pub(crate) const fn play(&mut self) {
        self.uses += 1;
    }

    pub(crate) fn begin_callback(&self) {
        if self.held.load(Ordering::Relaxed) {
            self.ledger
                .fault("a callback runs on an object that is held");
        }
        self.doubt();
    }

    pub(crate) fn doubt(&self) {
        self.standing
            .store(Standing::Doubtful as u8, Ordering::Relaxed);
    }

    pub(crate) fn end_callback(&self) {
        self.standing.store(Standing::Good as u8, Ordering::Relaxed);
    }

    pub(crate) fn begin_destroy(&self) {
        let before = self
            .standing
            .swap(Standing::Destroyed as u8, Ordering::Relaxed);
        if before == Standing::Destroyed as u8 {
            self.ledger.fault("an object was destroyed twice");
        }
    }

    pub(crate) fn clean(&self) {
        self.used.store(false, Ordering::Relaxed);
    }

    pub(crate) fn trick(&self, draw: impl FnOnce(&Workday) -> Trick) -> Trick {
        draw(&self.ledger.workday)
    }
}

impl Drop for Toy {
    fn drop(&mut self) {
        if *self.held.get_mut() {
            self.ledger.fault("an object is dropped while it is held");
        }
        self.ledger.gone.fetch_add(1, Ordering::Relaxed);
    }
}

/// The time during which one caller has an object to itself.
#[derive(Debug)]
pub(crate) struct Holding<'t>(&'t Toy);

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        if !self.0.held.swap(false, Ordering::AcqRel) {
            self.0
                .ledger
                .fault("an object that is held was let go by another");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is reported while `misuse` has a toy.
    fn reported(misuse: impl FnOnce(&mut Toy)) -> Vec<String> {
        let faults = Arc::<Faults>::default();
        let seed = Seed::or_any(Some(1));
        let ledger = Ledger::new("a pool".to_owned(), seed, Arc::clone(&faults));
        misuse(&mut Toy::new(&ledger, false));
        faults.take()
    }

    #[track_caller]
    fn reports(what: &str, misuse: impl FnOnce(&mut Toy)) {
        let reports = reported(misuse);
        assert!(
            reports.iter().any(|report| report.contains(what)),
            "{reports:?}"
        );
    }

    #[test]
    fn a_life_as_it_should_be_is_no_fault() {
        let faults = reported(|toy| {
            drop(toy.hold());
            toy.begin_callback();
            toy.clean();
            toy.end_callback();
            drop(toy.hold());
            toy.begin_destroy();
        });
        assert!(faults.is_empty(), "{faults:?}");
    }

    #[test]
    fn two_holders_are_found() {
        reports("held twice", |toy| {
            let one = toy.hold();
            drop((toy.hold(), one));
        });
    }

    #[test]
    fn a_holder_while_a_callback_runs_is_found() {
        reports("on an object that is held", |toy| {
            let holder = toy.hold();
            toy.begin_callback();
            drop(holder);
        });
    }

    #[test]
    fn a_use_without_recycling_is_found() {
        reports("not recycled", |toy| {
            drop(toy.hold());
            drop(toy.hold());
        });
    }

    #[test]
    fn a_use_after_a_callback_that_did_not_end_well_is_found() {
        reports("that is doubtful", |toy| {
            toy.begin_callback();
            drop(toy.hold());
        });
    }

    #[test]
    fn a_use_after_the_goodbye_is_found_and_so_is_a_second_one() {
        reports("that is destroyed", |toy| {
            toy.begin_destroy();
            drop(toy.hold());
        });
        reports("destroyed twice", |toy| {
            toy.begin_destroy();
            toy.begin_destroy();
        });
    }
}
