//! The factory, in both forms: it fails, hangs, panics and lies as the dice say.
//!
//! Knows what each callback may do wrong, and leaves on the object what the pool may conclude from it.
//! Panics are thrown without the hook, which would print thousands of traces.

use std::future::pending;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use nebula_resource::clock::Clock;
use nebula_resource::{BlockingFactory, Factory, RetireReason};

use super::mischief::{Callback, Trick};
use super::toy::{Ledger, Toy};

/// Longer than every bound that a pool in the soak sets.
pub(crate) const BEYOND_ALL_BOUNDS: Duration = Duration::from_millis(45);

/// Makes toys.
#[derive(Debug)]
pub(crate) struct Workshop {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) recycle_blocks: bool,
}

impl Drop for Workshop {
    fn drop(&mut self) {
        self.ledger.factory_gone.store(true, Ordering::Relaxed);
    }
}

/// What planned panics carry.
pub(crate) struct Planned;

pub(crate) fn panic_as_planned() -> ! {
    resume_unwind(Box::new(Planned))
}

/// What planned failures say.
#[derive(Debug)]
pub(crate) struct Refused(Callback);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} fails as planned", self.0)
    }
}

impl std::error::Error for Refused {}

/// The waiting part of a trick, then whether the call goes on.
async fn go_along(trick: Trick, callback: Callback) -> Result<(), Refused> {
    match trick {
        Trick::Slow(span) => Clock::system().sleep(span).await,
        Trick::Hang => pending().await,
        _ => {}
    }
    outcome(trick, callback)
}

fn go_along_blocking(trick: Trick, callback: Callback) -> Result<(), Refused> {
    match trick {
        Trick::Slow(span) => thread::sleep(span),
        Trick::Hang => thread::sleep(BEYOND_ALL_BOUNDS),
        _ => {}
    }
    outcome(trick, callback)
}

fn outcome(trick: Trick, callback: Callback) -> Result<(), Refused> {
    match trick {
        Trick::Panic => panic_as_planned(),
        // A call that comes back after its bound has no say any more.
        Trick::Fail | Trick::Hang => Err(Refused(callback)),
        Trick::Fine | Trick::Slow(_) | Trick::Lie => Ok(()),
    }
}

fn conclude(toy: &Toy, callback: Callback, trick: Trick) -> Result<(), Refused> {
    match (callback, trick) {
        // Says that it is clean and works, and has broken it.
        (Callback::Recycle, Trick::Lie) => toy.rotten.store(true, Ordering::Relaxed),
        // Honest about what is rotten, unless it lies.
        (Callback::Validate, Trick::Lie) => {}
        (Callback::Validate, _) if toy.rotten.load(Ordering::Relaxed) => {
            return Err(Refused(callback));
        }
        _ => {}
    }
    if callback == Callback::Recycle {
        toy.clean();
    }
    toy.end_callback();
    Ok(())
}

impl Workshop {
    fn finish(&self, trick: Trick) -> Toy {
        // The lie: it says that this one works.
        Toy::new(&self.ledger, trick == Trick::Lie)
    }

    fn looks_broken(toy: &Toy) -> bool {
        let broken = match toy.trick(|workday| workday.draw(Callback::IsBroken)) {
            Trick::Panic => {
                toy.doubt();
                panic_as_planned();
            }
            Trick::Lie | Trick::Fail => !toy.rotten.load(Ordering::Relaxed),
            _ => toy.rotten.load(Ordering::Relaxed),
        };
        if broken {
            toy.doubt();
        }
        broken
    }

    /// The lie of a destruction: the object is kept.
    fn say_goodbye(&self, toy: Toy, trick: Trick) {
        match trick {
            Trick::Lie => self.ledger.keep_in_attic(toy),
            Trick::Panic => panic_as_planned(),
            _ => drop(toy),
        }
    }
}

impl Factory for Workshop {
    type Object = Toy;
    type Error = Refused;

    async fn create(&self) -> Result<Toy, Refused> {
        let workday = &self.ledger.workday;
        let _counted = workday.begin_create();
        let trick = workday.draw(Callback::Create);
        go_along(trick, Callback::Create).await?;
        Ok(self.finish(trick))
    }

    async fn validate(&self, toy: &mut Toy) -> Result<(), Refused> {
        toy.begin_callback();
        let trick = self.ledger.workday.draw(Callback::Validate);
        go_along(trick, Callback::Validate).await?;
        conclude(toy, Callback::Validate, trick)
    }

    async fn recycle(&self, toy: &mut Toy) -> Result<(), Refused> {
        toy.begin_callback();
        let trick = self.ledger.workday.draw(Callback::Recycle);
        go_along(trick, Callback::Recycle).await?;
        toy.play();
        conclude(toy, Callback::Recycle, trick)
    }

    fn is_broken(&self, toy: &Toy) -> bool {
        Self::looks_broken(toy)
    }

    async fn destroy(&self, toy: Toy, _why: RetireReason) {
        toy.begin_destroy();
        let trick = self.ledger.workday.draw(Callback::Destroy);
        // That a goodbye fails changes nothing.
        let _said = go_along(without_panic(trick), Callback::Destroy).await;
        self.say_goodbye(toy, trick);
    }
}

/// The waiting comes first; the panic is thrown when the object is on the stack.
const fn without_panic(trick: Trick) -> Trick {
    match trick {
        Trick::Panic => Trick::Fine,
        other => other,
    }
}

impl BlockingFactory for Workshop {
    type Object = Toy;
    type Error = Refused;

    fn create(&self) -> Result<Toy, Refused> {
        let trick = self.ledger.workday.draw(Callback::Create);
        go_along_blocking(trick, Callback::Create)?;
        Ok(self.finish(trick))
    }

    fn validate(&self, toy: &mut Toy) -> Result<(), Refused> {
        toy.begin_callback();
        let trick = self.ledger.workday.draw(Callback::Validate);
        go_along_blocking(trick, Callback::Validate)?;
        conclude(toy, Callback::Validate, trick)
    }

    fn recycle(&self, toy: &mut Toy) -> Result<(), Refused> {
        toy.begin_callback();
        let trick = self.ledger.workday.draw(Callback::Recycle);
        go_along_blocking(trick, Callback::Recycle)?;
        toy.play();
        conclude(toy, Callback::Recycle, trick)
    }

    fn recycle_blocks(&self) -> bool {
        self.recycle_blocks
    }

    fn is_broken(&self, toy: &Toy) -> bool {
        Self::looks_broken(toy)
    }

    fn destroy(&self, toy: Toy, _why: RetireReason) {
        toy.begin_destroy();
        let trick = self.ledger.workday.draw(Callback::Destroy);
        let _said = go_along_blocking(without_panic(trick), Callback::Destroy);
        self.say_goodbye(toy, trick);
    }
}
