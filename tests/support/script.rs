//! A factory that does what it is told: succeeds, fails, panics, hangs, takes its time. Keeps
//! books of its own, so that a pool need not be believed.
//!
//! Knows nothing of pools. One script plays both kinds of factory.

use std::any::Any;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use nebula_resource::clock::Clock;
use nebula_resource::{Backend, BlockingFactory, Event, Factory, Observer, RetireReason};
use nebula_resource_core::{Tick, park};

use super::panics;
use super::told::Told;

/// What a pool calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Callback {
    Create,
    Validate,
    Recycle,
    Destroy,
    IsBroken,
}

/// What the callback then does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Good,
    /// Returns an error. For `is_broken`: says that it is.
    Fail,
    Panic,
    /// Is pending once, then panics.
    PanicLate,
    /// Panics because there is no memory to be had.
    OutOfMemory,
    /// Panics with something that panics again when it is dropped.
    Bomb,
    /// Panics before there is a future; for a blocking factory the same as `Panic`.
    PanicEarly,
    /// Until the script is healed.
    Hang,
    /// Takes so long by the clock, then succeeds.
    Slow(Duration),
    /// Takes so long, then returns an error.
    SlowFail(Duration),
    /// Is pending once, then succeeds.
    Yield,
}

/// The object.
pub(crate) struct Thing {
    /// Counts up from 1 with the script; the pool has numbers of its own.
    pub(crate) id: u64,
    /// What `is_broken` says.
    pub(crate) broken: bool,
    /// Dropped with it.
    pub(crate) burden: Option<Box<dyn Any + Send>>,
    script: Script,
}

impl std::fmt::Debug for Thing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Thing({})", self.id)
    }
}

impl Drop for Thing {
    fn drop(&mut self) {
        // Counted first: the burden may panic.
        self.script.desk().dropped += 1;
        drop(self.burden.take());
    }
}

#[derive(Clone)]
pub(crate) struct Script {
    clock: Clock,
    recycle_blocks: bool,
    backend: Option<Backend>,
    desk: Arc<Mutex<Desk>>,
}

#[derive(Default)]
struct Desk {
    plans: [VecDeque<Act>; 5],
    otherwise: [Option<Act>; 5],
    calls: [usize; 5],
    inside: [usize; 5],
    most_inside: [usize; 5],
    begun: [Vec<Tick>; 5],
    dead: u64,
    made: usize,
    dropped: usize,
    healed: bool,
    hanging: Vec<Waker>,
    told: Vec<Told>,
}

impl Script {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            clock,
            recycle_blocks: false,
            backend: None,
            desk: Arc::default(),
        }
    }

    /// For the blocking factory: `recycle` may take long, and says so.
    pub(crate) fn recycle_blocks(mut self) -> Self {
        self.recycle_blocks = true;
        self
    }

    /// Every pool that plays this script shares one backend.
    pub(crate) fn of(mut self, backend: &Backend) -> Self {
        self.backend = Some(backend.clone());
        self
    }

    pub(super) const fn backend(&self) -> Option<&Backend> {
        self.backend.as_ref()
    }

    /// What the next calls of `callback` do, in order.
    pub(crate) fn next(&self, callback: Callback, acts: impl IntoIterator<Item = Act>) {
        self.desk().plans[callback as usize].extend(acts);
    }

    /// What every call does for which nothing else was planned.
    pub(crate) fn always(&self, callback: Callback, act: Act) {
        self.desk().otherwise[callback as usize] = Some(act);
    }

    /// Everything made so far is dead from now on: `validate` says so.
    pub(crate) fn restart(&self) {
        let mut desk = self.desk();
        desk.dead = desk.made as u64;
    }

    fn vouch(&self, thing: &Thing) -> Result<(), String> {
        let dead = thing.id <= self.desk().dead;
        (!dead).then_some(()).ok_or_else(|| "dead".to_owned())
    }

    /// From now on all is good, and whatever hangs ends well.
    pub(crate) fn heal(&self) {
        let mut desk = self.desk();
        desk.healed = true;
        let hanging = std::mem::take(&mut desk.hanging);
        drop(desk);
        hanging.into_iter().for_each(Waker::wake);
    }

    /// How often `callback` was called.
    pub(crate) fn calls(&self, callback: Callback) -> usize {
        self.desk().calls[callback as usize]
    }

    /// How many calls of `callback` are running.
    pub(crate) fn inside(&self, callback: Callback) -> usize {
        self.desk().inside[callback as usize]
    }

    /// How many calls of `callback` have ever run at once.
    pub(crate) fn most_inside(&self, callback: Callback) -> usize {
        self.desk().most_inside[callback as usize]
    }

    /// From now on `most_inside` and `begun` count anew.
    pub(crate) fn recount(&self) {
        let mut desk = self.desk();
        desk.most_inside = desk.inside;
        desk.begun = Default::default();
    }

    /// When each call of `callback` began.
    pub(crate) fn begun(&self, callback: Callback) -> Vec<Tick> {
        self.desk().begun[callback as usize].clone()
    }

    /// How many objects were made.
    pub(crate) fn made(&self) -> usize {
        self.desk().made
    }

    /// How many objects were dropped.
    pub(crate) fn dropped(&self) -> usize {
        self.desk().dropped
    }

    /// How many objects there are.
    pub(crate) fn alive(&self) -> usize {
        let desk = self.desk();
        desk.made - desk.dropped
    }

    /// Every event so far.
    pub(crate) fn told(&self) -> Vec<Told> {
        self.desk().told.clone()
    }

    /// Why objects were retired, in order.
    pub(crate) fn retired_for(&self) -> Vec<RetireReason> {
        let reason = |told: &Told| match told {
            Told::Retired(_, reason) => Some(*reason),
            _ => None,
        };
        self.desk().told.iter().filter_map(reason).collect()
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, callback: Callback) -> Playing {
        let mut desk = self.desk();
        let which = callback as usize;
        desk.calls[which] += 1;
        desk.begun[which].push(self.clock.now());
        desk.inside[which] += 1;
        desk.most_inside[which] = desk.most_inside[which].max(desk.inside[which]);
        let planned = desk.plans[which].pop_front().or(desk.otherwise[which]);
        let act = match planned {
            Some(act) if !desk.healed => act,
            _ => Act::Good,
        };
        drop(desk);
        let playing = Playing {
            script: self.clone(),
            callback,
            act,
        };
        assert!(act != Act::PanicEarly, "{callback:?} panics on command");
        playing
    }

    fn make(&self) -> Thing {
        let mut desk = self.desk();
        desk.made += 1;
        Thing {
            id: desk.made as u64,
            broken: false,
            burden: None,
            script: self.clone(),
        }
    }
}

/// A call that is running.
struct Playing {
    script: Script,
    callback: Callback,
    act: Act,
}

impl Playing {
    async fn play(self) -> Result<(), String> {
        let callback = self.callback;
        match self.act {
            Act::Good | Act::PanicEarly => {}
            Act::Fail => return Err(format!("{callback:?} fails on command")),
            Act::Panic => panic!("{callback:?} panics on command"),
            Act::PanicLate => {
                Once(false).await;
                panic!("{callback:?} panics on command")
            }
            Act::OutOfMemory => panics::out_of_memory(),
            Act::Bomb => panics::bomb(),
            Act::Hang => Healed(&self.script).await,
            Act::Slow(span) => self.script.clock.sleep(span).await,
            Act::SlowFail(span) => {
                self.script.clock.sleep(span).await;
                return Err(format!("{callback:?} fails on command"));
            }
            Act::Yield => Once(false).await,
        }
        Ok(())
    }
}

impl Drop for Playing {
    fn drop(&mut self) {
        self.script.desk().inside[self.callback as usize] -= 1;
    }
}

struct Healed<'s>(&'s Script);

impl Future for Healed<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut desk = self.0.desk();
        if desk.healed {
            return Poll::Ready(());
        }
        desk.hanging.push(cx.waker().clone());
        Poll::Pending
    }
}

/// Pending once.
pub(super) struct Once(pub(super) bool);

impl Future for Once {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Factory for Script {
    type Object = Thing;
    type Error = String;

    fn create(&self) -> impl Future<Output = Result<Thing, String>> + Send {
        let playing = self.begin(Callback::Create);
        async move { playing.play().await.map(|()| self.make()) }
    }

    fn validate(&self, thing: &mut Thing) -> impl Future<Output = Result<(), String>> + Send {
        let playing = self.begin(Callback::Validate);
        async move { playing.play().await.and_then(|()| self.vouch(thing)) }
    }

    fn recycle(&self, _: &mut Thing) -> impl Future<Output = Result<(), String>> + Send {
        self.begin(Callback::Recycle).play()
    }

    fn is_broken(&self, thing: &Thing) -> bool {
        BlockingFactory::is_broken(self, thing)
    }

    fn destroy(&self, thing: Thing, _: RetireReason) -> impl Future<Output = ()> + Send {
        let playing = self.begin(Callback::Destroy);
        async move {
            let _ended = playing.play().await;
            drop(thing);
        }
    }
}

impl BlockingFactory for Script {
    type Object = Thing;
    type Error = String;

    fn create(&self) -> Result<Thing, String> {
        park::block_on(self.begin(Callback::Create).play()).map(|()| self.make())
    }

    fn validate(&self, thing: &mut Thing) -> Result<(), String> {
        park::block_on(self.begin(Callback::Validate).play()).and_then(|()| self.vouch(thing))
    }

    fn recycle(&self, _: &mut Thing) -> Result<(), String> {
        park::block_on(self.begin(Callback::Recycle).play())
    }

    fn recycle_blocks(&self) -> bool {
        self.recycle_blocks
    }

    fn is_broken(&self, thing: &Thing) -> bool {
        let playing = self.begin(Callback::IsBroken);
        match playing.act {
            Act::Panic | Act::PanicLate => panic!("is_broken panics on command"),
            Act::OutOfMemory => panics::out_of_memory(),
            Act::Bomb => panics::bomb(),
            act => thing.broken || act == Act::Fail,
        }
    }

    fn destroy(&self, thing: Thing, _: RetireReason) {
        let _ended = park::block_on(self.begin(Callback::Destroy).play());
        drop(thing);
    }
}

impl Observer for Script {
    fn observe(&self, event: &Event<'_>) {
        let told = Told::from(event);
        self.desk().told.push(told);
    }
}
