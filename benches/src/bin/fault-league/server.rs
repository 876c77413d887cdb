//! The server behind every pool of the league: does what a row's script says, and keeps books of
//! its own, so that no pool need be believed.
//!
//! Decides what a callback does; knows nothing of pools. One server plays to blocking and to async
//! managers alike.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::thing::Thing;

/// What a pool calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Callback {
    Create,
    Validate,
    Recycle,
    Hook,
}

/// What the callback then does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Good,
    Fail,
    /// Takes so long, then fails.
    FailAfter(Duration),
    Panic,
    /// Panics after having been pending once.
    PanicLate,
    /// For ever: what hangs is never healed, only later calls are.
    Hang,
    /// Takes so long, then succeeds.
    Slow(Duration),
}

impl Act {
    const fn spoils(self) -> bool {
        !matches!(self, Self::Good | Self::Slow(_))
    }
}

/// The error of every callback.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the server refused")
    }
}

impl std::error::Error for Refused {}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Line {
    #[default]
    Up,
    /// Connections are refused.
    Down,
    /// Connections are accepted and never answered.
    Black,
}

#[derive(Default)]
struct Desk {
    line: Line,
    /// Things of an older epoch are dead, or mute.
    epoch: u64,
    dead_below: u64,
    mute_below: u64,
    plans: [VecDeque<Act>; 4],
    otherwise: [Option<Act>; 4],
    calls: [usize; 4],
    inside: [usize; 4],
    peak: usize,
    /// One callback in so many panics, if any does.
    panics: Option<fastrand::Rng>,
    made: u64,
    dropped: Vec<Instant>,
    most_alive: usize,
    /// What was out, and was handed out once more.
    twice: Option<u64>,
    /// What had failed, and was handed out.
    spoiled: Option<u64>,
}

/// A scripted server; clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct Server(Arc<Mutex<Desk>>);

/// How long a server that is down takes to refuse.
const REFUSAL: Duration = Duration::from_millis(1);

/// One callback in so many panics, where they do at random.
const PANICS_ONE_IN: u32 = 6;

impl Server {
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the next calls of `callback` do, in order.
    pub(crate) fn next(&self, callback: Callback, acts: impl IntoIterator<Item = Act>) {
        self.desk().plans[callback as usize].extend(acts);
    }

    /// What every call does for which nothing else was planned.
    pub(crate) fn always(&self, callback: Callback, act: Act) {
        self.desk().otherwise[callback as usize] = Some(act);
    }

    /// From now on any callback may panic, by these dice.
    pub(crate) fn panic_at_random(&self, seed: u64) {
        self.desk().panics = Some(fastrand::Rng::with_seed(seed));
    }

    /// All later calls are good.
    pub(crate) fn heal(&self) {
        let mut desk = self.desk();
        desk.plans = Default::default();
        desk.otherwise = Default::default();
        desk.panics = None;
    }

    /// All things there are have died, new ones can be had at once.
    pub(crate) fn restart(&self) {
        let mut desk = self.desk();
        desk.epoch += 1;
        desk.dead_below = desk.epoch;
    }

    /// All things there are have died, and new ones are refused.
    pub(crate) fn cut(&self) {
        self.restart();
        self.desk().line = Line::Down;
    }

    /// No call about any thing there is will ever be answered, nor any attempt to make a new one.
    pub(crate) fn swallow(&self) {
        let mut desk = self.desk();
        desk.epoch += 1;
        desk.mute_below = desk.epoch;
        desk.line = Line::Black;
    }

    /// New things can be had again.
    pub(crate) fn restore(&self) {
        self.desk().line = Line::Up;
    }

    pub(crate) fn calls(&self, callback: Callback) -> usize {
        self.desk().calls[callback as usize]
    }

    /// How many calls of `callback` are running.
    pub(crate) fn inside(&self, callback: Callback) -> usize {
        self.desk().inside[callback as usize]
    }

    /// The most attempts to create that ever ran at once; counted anew from here.
    pub(crate) fn take_peak(&self) -> usize {
        let mut desk = self.desk();
        let inside = desk.inside[Callback::Create as usize];
        std::mem::replace(&mut desk.peak, inside)
    }

    pub(crate) fn made(&self) -> u64 {
        self.desk().made
    }

    pub(crate) fn alive(&self) -> usize {
        self.desk().alive()
    }

    pub(crate) fn most_alive(&self) -> usize {
        self.desk().most_alive
    }

    /// When each of the things that are no more was dropped.
    pub(crate) fn dropped(&self) -> Vec<Instant> {
        self.desk().dropped.clone()
    }

    pub(crate) fn handed_out_twice(&self, id: u64) {
        self.desk().twice.get_or_insert(id);
    }

    pub(crate) fn handed_out_spoiled(&self, id: u64) {
        self.desk().spoiled.get_or_insert(id);
    }

    /// The first object that was given to two callers at once.
    pub(crate) fn doubled(&self) -> Option<u64> {
        self.desk().twice
    }

    /// The first object that was handed out after it had failed.
    pub(crate) fn spoiled(&self) -> Option<u64> {
        self.desk().spoiled
    }

    pub(crate) fn is_live(&self, thing: &Thing) -> bool {
        let desk = self.desk();
        desk.line == Line::Up && thing.epoch >= desk.dead_below.max(desk.mute_below)
    }

    pub(crate) fn thing_dropped(&self) {
        self.desk().dropped.push(Instant::now());
    }

    pub(crate) async fn create(&self) -> Result<Thing, Refused> {
        self.play(Callback::Create, None).await?;
        Ok(self.make())
    }

    pub(crate) async fn validate(&self, thing: &Thing) -> Result<(), Refused> {
        self.play(Callback::Validate, Some(thing)).await
    }

    pub(crate) async fn recycle(&self, thing: &Thing) -> Result<(), Refused> {
        self.play(Callback::Recycle, Some(thing)).await
    }

    /// What deadpool and asyncband ask before a thing is handed out: cleaned, and still good?
    pub(crate) async fn recycle_and_validate(&self, thing: &Thing) -> Result<(), Refused> {
        self.recycle(thing).await?;
        self.validate(thing).await
    }

    pub(crate) fn create_blocking(&self) -> Result<Thing, Refused> {
        self.play_blocking(Callback::Create, None)?;
        Ok(self.make())
    }

    pub(crate) fn validate_blocking(&self, thing: &Thing) -> Result<(), Refused> {
        self.play_blocking(Callback::Validate, Some(thing))
    }

    pub(crate) fn recycle_blocking(&self, thing: &Thing) -> Result<(), Refused> {
        self.play_blocking(Callback::Recycle, Some(thing))
    }

    /// A hook that a pool runs on a new thing, besides its callbacks.
    pub(crate) fn hook(&self) -> Result<(), Refused> {
        self.play_blocking(Callback::Hook, None)
    }

    async fn play(&self, callback: Callback, thing: Option<&Thing>) -> Result<(), Refused> {
        let (act, _inside) = self.enter(callback, thing);
        match act {
            Act::Slow(span) | Act::FailAfter(span) => tokio::time::sleep(span).await,
            Act::Hang => std::future::pending().await,
            Act::PanicLate => tokio::task::yield_now().await,
            Act::Good | Act::Fail | Act::Panic => {}
        }
        ended(act, callback)
    }

    fn play_blocking(&self, callback: Callback, thing: Option<&Thing>) -> Result<(), Refused> {
        let (act, _inside) = self.enter(callback, thing);
        match act {
            Act::Slow(span) | Act::FailAfter(span) => thread::sleep(span),
            Act::Hang => loop {
                thread::park();
            },
            Act::PanicLate => thread::yield_now(),
            Act::Good | Act::Fail | Act::Panic => {}
        }
        ended(act, callback)
    }

    fn enter(&self, callback: Callback, thing: Option<&Thing>) -> (Act, Inside<'_>) {
        let mut desk = self.desk();
        let act = desk.plan(callback, thing);
        desk.calls[callback as usize] += 1;
        desk.inside[callback as usize] += 1;
        desk.peak = desk.peak.max(desk.inside[Callback::Create as usize]);
        if let Some(thing) = thing
            && act.spoils()
        {
            thing.spoil();
        }
        let server = self;
        (act, Inside { server, callback })
    }

    fn make(&self) -> Thing {
        let mut desk = self.desk();
        desk.made += 1;
        desk.most_alive = desk.most_alive.max(desk.alive());
        Thing::new(desk.made, desk.epoch, self.clone())
    }
}

fn ended(act: Act, callback: Callback) -> Result<(), Refused> {
    match act {
        Act::Good | Act::Slow(_) => Ok(()),
        Act::Fail | Act::FailAfter(_) | Act::Hang => Err(Refused),
        Act::Panic | Act::PanicLate => panic!("{callback:?} panics as it was told to"),
    }
}

impl Desk {
    fn alive(&self) -> usize {
        usize::try_from(self.made).unwrap_or(usize::MAX) - self.dropped.len()
    }

    fn plan(&mut self, callback: Callback, thing: Option<&Thing>) -> Act {
        let first = self.plans[callback as usize].pop_front();
        if let Some(act) = first.or(self.otherwise[callback as usize]) {
            return act;
        }
        if let Some(dice) = &mut self.panics
            && dice.u32(0..PANICS_ONE_IN) == 0
        {
            return *dice
                .choice(&[Act::Panic, Act::PanicLate])
                .unwrap_or(&Act::Panic);
        }
        match (callback, thing) {
            (Callback::Create, _) => match self.line {
                Line::Up => Act::Good,
                Line::Down => Act::FailAfter(REFUSAL),
                Line::Black => Act::Hang,
            },
            (_, Some(thing)) if thing.epoch < self.mute_below => Act::Hang,
            (_, Some(thing)) if thing.epoch < self.dead_below || thing.is_broken() => Act::Fail,
            _ => Act::Good,
        }
    }
}

struct Inside<'a> {
    server: &'a Server,
    callback: Callback,
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.server.desk().inside[self.callback as usize] -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_thing_is_refused_and_spoiled() {
        let server = Server::default();
        let thing = server.create_blocking().expect("the server is up");
        assert!(server.validate_blocking(&thing).is_ok() && server.is_live(&thing));
        server.cut();
        assert!(server.validate_blocking(&thing).is_err());
        assert!(thing.is_spoiled() && !server.is_live(&thing));
        assert!(server.create_blocking().is_err());
        server.restore();
        assert!(!server.is_live(&thing), "what died stays dead");
        let other = server.create_blocking().expect("the server is up");
        assert!(server.is_live(&other));
        drop((thing, other));
        assert_eq!(
            (server.made(), server.alive(), server.most_alive()),
            (2, 0, 2)
        );
        assert_eq!((server.calls(Callback::Create), server.take_peak()), (3, 1));
    }

    #[test]
    fn plans_come_first_and_healing_ends_them() {
        let server = Server::default();
        server.next(Callback::Create, [Act::Good, Act::Fail]);
        server.always(Callback::Create, Act::Panic);
        assert!(server.create_blocking().is_ok());
        assert!(server.create_blocking().is_err());
        assert!(std::panic::catch_unwind(|| server.create_blocking()).is_err());
        assert_eq!(server.inside(Callback::Create), 0);
        server.heal();
        assert!(server.create_blocking().is_ok());
    }
}
