//! The factory of the scenarios: makes [`Thing`]s, and behaves as badly as it is told to.
//!
//! Decides how each callback ends, by drawing from the schedule. Knows nothing of pools, except what
//! it is given to peek at: user code may look at its pool, so no callback may run under its locks.

use std::fmt;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use nebula_resource_core::clock::{Clock, ManualClock};
use nebula_resource_core::{
    BlockingFactory, Event, Factory, Observer, RetireReason, park::block_on,
};

use crate::explore::{draw, one_in, pick};
use crate::thing::{Ledger, Thing};

/// Longer than any bound of a callback ([`crate::Setup`]).
const TOO_LONG: Duration = Duration::from_secs(3);

/// How a callback ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Well, and at once.
    Fine,
    /// Well, after others have run for some steps.
    Slow,
    /// With an error.
    Fails,
    /// With a panic.
    Panics,
    /// Too late.
    Hangs,
}

/// What each callback may do: one of these, drawn at each call.
#[derive(Clone, Copy, Debug)]
pub struct Manners {
    /// When an object is made.
    pub create: &'static [Act],
    /// When it is validated.
    pub validate: &'static [Act],
    /// When it is recycled.
    pub recycle: &'static [Act],
    /// When it is destroyed.
    pub destroy: &'static [Act],
}

impl Manners {
    /// Everything ends well.
    pub const GOOD: Self = Self {
        create: &[Act::Fine, Act::Slow],
        validate: &[Act::Fine],
        recycle: &[Act::Fine],
        destroy: &[Act::Fine],
    };
}

/// What the factory, and whoever listens to the pool, go by.
pub struct Script {
    manners: Manners,
    hand: Arc<ManualClock>,
    ledger: Arc<Ledger>,
    /// From now on everything ends well.
    calm: AtomicBool,
    /// Looks at the pool, as user code may.
    peek: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl Script {
    /// A script for objects that are written down in `ledger`.
    pub fn new(manners: Manners, hand: &Arc<ManualClock>, ledger: &Arc<Ledger>) -> Arc<Self> {
        Arc::new(Self {
            manners,
            hand: Arc::clone(hand),
            ledger: Arc::clone(ledger),
            calm: AtomicBool::new(false),
            peek: OnceLock::new(),
        })
    }

    /// From now on everything ends well.
    pub fn calm_down(&self) {
        self.calm.store(true, Relaxed);
    }

    /// Says how user code looks at its pool.
    pub fn peek_by(&self, peek: impl Fn() + Send + Sync + 'static) {
        let _known = self.peek.set(Box::new(peek));
    }

    fn peek(&self) {
        if one_in(4)
            && let Some(peek) = self.peek.get()
        {
            peek();
        }
    }

    fn act(&self, choices: &[Act]) -> Act {
        self.peek();
        if self.calm.load(Relaxed) {
            Act::Fine
        } else {
            pick(choices)
        }
    }

    async fn play(&self, choices: &[Act]) -> Result<(), String> {
        match self.act(choices) {
            Act::Fine => Ok(()),
            Act::Slow => {
                for _ in 0..=draw(3) {
                    shuttle::future::yield_now().await;
                }
                Ok(())
            }
            Act::Fails => Err("drawn to fail".to_owned()),
            Act::Panics => throw(),
            Act::Hangs => {
                Clock::manual(&self.hand).sleep(TOO_LONG).await;
                Err("drawn to hang".to_owned())
            }
        }
    }

    fn play_blocking(&self, choices: &[Act]) -> Result<(), String> {
        match self.act(choices) {
            Act::Slow => {
                for _ in 0..=draw(3) {
                    shuttle::thread::yield_now();
                }
                Ok(())
            }
            Act::Fine => Ok(()),
            Act::Fails => Err("drawn to fail".to_owned()),
            Act::Panics => throw(),
            Act::Hangs => {
                block_on(Clock::manual(&self.hand).sleep(TOO_LONG));
                Err("drawn to hang".to_owned())
            }
        }
    }
}

/// A panic without the hook, which would take it for a failure of the scenario.
pub(crate) fn throw() -> ! {
    resume_unwind(Box::new("drawn to panic"))
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("manners", &self.manners)
            .finish_non_exhaustive()
    }
}

/// Plays a [`Script`], for either facade.
#[derive(Debug)]
pub struct Maker(pub Arc<Script>);

impl Factory for Maker {
    type Object = Thing;
    type Error = String;

    async fn create(&self) -> Result<Thing, String> {
        self.0.play(self.0.manners.create).await?;
        Ok(self.0.ledger.thing())
    }

    async fn validate(&self, thing: &mut Thing) -> Result<(), String> {
        thing.handled("validate");
        let played = self.0.play(self.0.manners.validate).await;
        thing.handled("validate");
        played
    }

    async fn recycle(&self, thing: &mut Thing) -> Result<(), String> {
        thing.handled("recycle");
        let played = self.0.play(self.0.manners.recycle).await;
        thing.handled("recycle");
        played
    }

    fn is_broken(&self, thing: &Thing) -> bool {
        self.0.peek();
        thing.is_broken()
    }

    async fn destroy(&self, thing: Thing, _why: RetireReason) {
        thing.farewell();
        let _ends = self.0.play(self.0.manners.destroy).await;
    }
}

impl BlockingFactory for Maker {
    type Object = Thing;
    type Error = String;

    fn create(&self) -> Result<Thing, String> {
        self.0.play_blocking(self.0.manners.create)?;
        Ok(self.0.ledger.thing())
    }

    fn validate(&self, thing: &mut Thing) -> Result<(), String> {
        thing.handled("validate");
        let played = self.0.play_blocking(self.0.manners.validate);
        thing.handled("validate");
        played
    }

    fn recycle(&self, thing: &mut Thing) -> Result<(), String> {
        thing.handled("recycle");
        let played = self.0.play_blocking(self.0.manners.recycle);
        thing.handled("recycle");
        played
    }

    fn recycle_blocks(&self) -> bool {
        // What takes long says so: in place, nothing bounds it.
        self.0.manners.recycle.contains(&Act::Hangs) || one_in(2)
    }

    fn is_broken(&self, thing: &Thing) -> bool {
        self.0.peek();
        thing.is_broken()
    }

    fn destroy(&self, thing: Thing, _why: RetireReason) {
        thing.farewell();
        let _ends = self.0.play_blocking(self.0.manners.destroy);
    }
}

/// Somebody who listens, and looks at the pool while being told.
#[derive(Debug)]
pub(crate) struct Listener(pub(crate) Arc<Script>);

impl Observer for Listener {
    fn observe(&self, _event: &Event<'_>) {
        self.0.peek();
    }
}
