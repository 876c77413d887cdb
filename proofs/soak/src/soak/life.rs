//! The life of one pool: bursts of everything at once, rest, and an end.
//!
//! Decides who plays when, and when somebody is stuck. Knows nothing of what a step does.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, Weak, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use futures::FutureExt;

use super::World;
use super::arena::{Arena, Play, Visit};
use super::books::{Books, eventually};
use super::caller::{pause, play};
use super::mischief::Weather;
use super::owner;
use super::plan::{Deed, Step};
use super::tally::Door;
use super::toy::Ledger;
use super::workshop::Planned;
use crate::dice::{Dice, Seed};

const BURSTS: u64 = 8;
/// After each burst, so many with a few who take a step or two, and then rest: a wake-up that they
/// lose is not made up for by the next caller, for there is none.
const SKIRMISHES: u64 = 12;
/// A burst that takes longer goes on in fine weather: an outage has no end by itself.
const CALM_AFTER: Duration = Duration::from_millis(250);
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// The actor with this number is the owner.
const OWNER: usize = 0;

pub(crate) struct Life<'w> {
    pub(crate) world: &'w World,
    pub(crate) seed: Seed,
    pub(crate) ledger: &'w Arc<Ledger>,
}

impl Visit for Life<'_> {
    fn visit<D: Play>(self, arena: Arc<Arena<D>>) {
        let books: Weak<dyn Books> = Arc::downgrade(&arena) as Weak<dyn Books>;
        let mut board = self
            .world
            .board
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        board.retain(|pool| pool.strong_count() > 0);
        board.push(books);
        drop(board);
        self.live(&arena);
        self.bury(arena);
    }
}

impl Life<'_> {
    fn live<D: Play>(&self, arena: &Arc<Arena<D>>) {
        let patience = self.world.patience;
        for number in 0..BURSTS {
            let seed = self.seed.part(number);
            self.burst(arena, seed, None);
            self.rest(arena);
            for skirmish in 0..SKIRMISHES {
                self.skirmish(arena, seed.part(u64::MAX - 1).part(skirmish));
                self.rest(arena);
                if self.ledger.faults.any() {
                    return;
                }
            }
        }
        arena.serves_again(patience);
        arena.balance(patience);
    }

    fn rest<D: Play>(&self, arena: &Arena<D>) {
        self.ledger.set_weather(Weather::Calm);
        arena.clear_drawer();
        arena.balance(self.world.patience);
    }

    /// The end: closed in the middle of a burst, or left by everybody but a guard.
    fn bury<D: Play>(&self, arena: Arc<Arena<D>>) {
        let mut dice = self.seed.part(u64::MAX).dice();
        if dice.one_in(3) {
            let guard = arena.pool.try_acquire_owned();
            arena.tally.closed(&arena.pool.stats());
            drop(arena);
            drop(guard);
        } else {
            let close_after = dice.micros(3_000);
            self.burst(&arena, self.seed.part(BURSTS), Some(close_after));
            self.ledger.set_weather(Weather::Calm);
            arena.clear_drawer();
            arena.ends(self.world.patience);
            drop(arena);
        }
        let gone = eventually(self.world.patience, || {
            self.ledger.clear_attic();
            self.ledger.factory_gone.load(Ordering::Relaxed) && self.ledger.alive() == 0
        });
        if !gone {
            let alive = self.ledger.alive();
            self.ledger.fault(format_args!(
                "something holds on to the pool; {alive} objects alive"
            ));
        }
    }

    /// Few play, for little, in fine weather.
    fn skirmish<D: Play>(&self, arena: &Arc<Arena<D>>, seed: Seed) {
        let mut dice = seed.part(u64::MAX).dice();
        owner::resize(arena, 1 + dice.below(2));
        let actors = (1..dice.below(2) + 4).map(|number| Actor {
            steps: 1 + dice.below(2),
            ..Actor::draw(&mut dice, number, seed.part(number as u64))
        });
        self.perform(arena, actors.collect(), None);
    }

    /// Everybody plays their steps to the end.
    fn burst<D: Play>(&self, arena: &Arc<Arena<D>>, seed: Seed, close_after: Option<Duration>) {
        let mut dice = seed.part(u64::MAX).dice();
        self.ledger.set_weather(dice.choice(&[
            Weather::Fair,
            Weather::Fair,
            Weather::Storm,
            Weather::Calm,
        ]));
        let actors = (0..dice.below(6) + 7)
            .map(|number| Actor::draw(&mut dice, number, seed.part(number as u64)));
        self.perform(arena, actors.collect(), close_after);
    }

    fn perform<D: Play>(
        &self,
        arena: &Arc<Arena<D>>,
        actors: Vec<Actor>,
        close_after: Option<Duration>,
    ) {
        let (done, all_done) = mpsc::channel::<()>();
        let mut cast = Vec::new();
        for actor in actors {
            let thread = self.start(Arc::clone(arena), actor.clone(), done.clone());
            cast.push((actor, thread));
        }
        drop(done);
        self.watch(arena, &cast, &all_done, close_after);
        for (_, thread) in cast {
            let ended = thread.map(JoinHandle::join);
            if let Some(Err(panic)) = ended {
                self.ledger
                    .fault(format_args!("a thread: {}", text_of(&*panic)));
            }
        }
    }

    fn start<D: Play>(
        &self,
        arena: Arc<Arena<D>>,
        actor: Actor,
        done: mpsc::Sender<()>,
    ) -> Option<JoinHandle<()>> {
        let door = actor.door;
        let ledger = Arc::clone(self.ledger);
        let performance = async move {
            let performed = AssertUnwindSafe(actor.perform(&arena)).catch_unwind().await;
            if let Err(panic) = performed {
                ledger.fault(format_args!("an actor: {}", text_of(&*panic)));
            }
            // What is left of the pool goes before anybody is told.
            drop(arena);
            drop(done);
        };
        match door {
            Door::Tokio => drop(self.world.tokio.spawn(performance)),
            Door::Smol => self.world.smol.spawn(performance).detach(),
            Door::Polling | Door::Blocking => {
                return Some(std::thread::spawn(|| {
                    futures::executor::block_on(performance);
                }));
            }
        }
        None
    }

    fn watch<D: Play>(
        &self,
        arena: &Arc<Arena<D>>,
        cast: &[(Actor, Option<JoinHandle<()>>)],
        all_done: &mpsc::Receiver<()>,
        close_after: Option<Duration>,
    ) {
        let began = Instant::now();
        let mut seen: Vec<_> = cast.iter().map(|_| (0, began)).collect();
        let mut close_after = close_after;
        while all_done.recv_timeout(close_after.unwrap_or(LOOK_EVERY)) == TIMED_OUT {
            if close_after.take().is_some() {
                drop(arena.pool.close());
            }
            arena.clear_drawer();
            if began.elapsed() > CALM_AFTER {
                self.ledger.set_weather(Weather::Calm);
            }
            for ((actor, _), (step, since)) in cast.iter().zip(&mut seen) {
                let now = actor.at.load(Ordering::Relaxed);
                if std::mem::replace(step, now) != now {
                    *since = Instant::now();
                } else if now < actor.steps && since.elapsed() > self.world.patience {
                    self.give_up(&**arena, cast);
                }
            }
        }
    }

    /// Somebody is stuck, and what is stuck cannot be taken down: the process ends here.
    fn give_up(&self, books: &dyn Books, cast: &[(Actor, Option<JoinHandle<()>>)]) -> ! {
        let actors = cast.iter().map(|(actor, _)| actor.describe());
        let text = format!(
            "STUCK for {:?}: {}\n{}{}",
            self.world.patience,
            self.ledger.name,
            actors.collect::<String>(),
            books.standing(),
        );
        self.world.abort(&text)
    }
}

const TIMED_OUT: Result<(), mpsc::RecvTimeoutError> = Err(mpsc::RecvTimeoutError::Timeout);

/// Somebody who plays in a burst.
#[derive(Clone, Debug)]
struct Actor {
    number: usize,
    door: Door,
    seed: Seed,
    steps: usize,
    /// The step it is at; `steps` when it is done.
    at: Arc<AtomicUsize>,
}

impl Actor {
    fn draw(dice: &mut Dice, number: usize, seed: Seed) -> Self {
        let door = match dice.below(10) {
            0..3 => Door::Tokio,
            3 | 4 => Door::Smol,
            5 | 6 => Door::Polling,
            _ => Door::Blocking,
        };
        Self {
            number,
            door: if number == OWNER { Door::Polling } else { door },
            seed,
            steps: 4 + dice.below(20),
            at: Arc::default(),
        }
    }

    async fn perform<D: Play>(&self, arena: &Arena<D>) {
        for step in 0..self.steps {
            self.at.store(step, Ordering::Relaxed);
            if self.number == OWNER {
                let (deed, rest) = self.deed(step);
                owner::perform(arena, deed, false).await;
                pause(rest, self.door).await;
            } else {
                play(arena, &Step::draw(self.seed.part(step as u64)), self.door).await;
            }
        }
        self.at.store(self.steps, Ordering::Relaxed);
    }

    fn deed(&self, step: usize) -> (Deed, Duration) {
        Deed::draw_for_owner(self.seed.part(step as u64))
    }

    fn describe(&self) -> String {
        let step = self.at.load(Ordering::Relaxed);
        let what = match self.number {
            _ if step == self.steps => "done".to_owned(),
            OWNER => format!("{:?}", self.deed(step)),
            _ => format!("{:?}", Step::draw(self.seed.part(step as u64))),
        };
        format!("  {} {:?}, step {step}: {what}\n", self.number, self.door)
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    if panic.is::<Planned>() {
        return "a planned panic got out of the pool".to_owned();
    }
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panicked: {}", text.unwrap_or("without a text"))
}
