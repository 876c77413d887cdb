//! Acquiring: the one loop behind every door of both facades.
//!
//! Decides in which order an acquire looks, waits, creates and checks, under one deadline for all
//! of it. Every value it holds across an await undoes itself when dropped: a place in line is left
//! and its turn passed on, an object between idle and guard is retired if user code was running
//! on it and given back if not.

use std::future::poll_fn;
use std::panic::Location;
use std::task::Poll;

use crate::Tick;
use crate::bounded::{Deadline, Unfinished, bounded};
use crate::care::{Checked, Recycling, check, fail, recycle_at_once};
use crate::create::{self, Purpose};
use crate::driver::{Driver, Home};
use crate::engine::{Look, Parting};
use crate::entry::Entry;
use crate::error::{AcquireError, CreateFailed, Stage, TimedOut};
use crate::guard::Guard;
use crate::held::Held;
use crate::observer::Event;
use crate::record::{ObjectState, Taker};
use crate::retire::RetireReason;
use crate::shared::Shared;
use crate::waiters::{Failure, Place, Wish};

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Caller {
    /// A task: known by the waker it polls with.
    Task,
    /// A thread, by its key.
    Thread(u64),
}

/// One acquire.
pub(crate) struct Request {
    pub(crate) objects: usize,
    pub(crate) deadline: Deadline,
    pub(crate) at: &'static Location<'static>,
    pub(crate) caller: Caller,
}

/// What could be had without waiting.
pub(crate) enum Quick<D: Driver, H: Home<D>> {
    Done(Guard<D, H>),
    /// An idle object that needs a check which may wait.
    Unchecked(Held<D, H>),
    Nothing(H),
}

/// The common case, without a future: an idle object that is fresh, and recycled on the spot.
#[inline]
pub(crate) fn take_quickly<D: Driver, H: Home<D>>(home: H, by: Taker) -> Quick<D, H> {
    let Some(entry) = home.engine.take() else {
        return Quick::Nothing(home);
    };
    let stamp = home.engine.stamp.read();
    let fresh = entry.is_fresh(stamp, home.clock.coarse());
    let mut held = Held::new(home, entry);
    if !fresh {
        return Quick::Unchecked(held);
    }
    match recycle_at_once(&mut held) {
        Recycling::Clean => Quick::Done(hand_out(held, by)),
        Recycling::MayWait => Quick::Unchecked(held),
        Recycling::Failed(error) => {
            let home = held.home_ref();
            fail(held, &error, RetireReason::RecycleFailed);
            Quick::Nothing(home)
        }
    }
}

/// Takes one object.
#[inline]
pub(crate) async fn acquire<D: Driver, H: Home<D>>(
    home: H,
    request: Request,
) -> Result<Guard<D, H>, AcquireError> {
    let by = taker(&request).await;
    match take_quickly(home, by) {
        Quick::Done(guard) => Ok(guard),
        Quick::Unchecked(held) => acquire_checked(held, request, by).await,
        // On the heap, so that the future stays small: most acquires never come here, and all of
        // them are moved about.
        Quick::Nothing(home) => Box::pin(acquire_one_in_line(home, request, by)).await,
    }
}

#[inline]
async fn acquire_checked<D: Driver, H: Home<D>>(
    held: Held<D, H>,
    request: Request,
    by: Taker,
) -> Result<Guard<D, H>, AcquireError> {
    let mut request = request;
    let home = held.home_ref();
    match check(held, &mut request.deadline).await {
        Checked::Good(held) => Ok(hand_out(held, by)),
        Checked::Gone => Box::pin(acquire_one_in_line(home, request, by)).await,
    }
}

/// Goes on from what could be had without waiting.
pub(crate) async fn acquire_from<D: Driver, H: Home<D>>(
    start: Quick<D, H>,
    request: Request,
    by: Taker,
) -> Result<Guard<D, H>, AcquireError> {
    match start {
        Quick::Done(guard) => Ok(guard),
        Quick::Unchecked(held) => acquire_checked(held, request, by).await,
        Quick::Nothing(home) => acquire_one_in_line(home, request, by).await,
    }
}

async fn acquire_one_in_line<D: Driver, H: Home<D>>(
    home: H,
    request: Request,
    by: Taker,
) -> Result<Guard<D, H>, AcquireError> {
    let mut request = request;
    let (first, _) = acquire_in_line(&home, &mut request, by).await?;
    Ok(first)
}

/// Takes all that was asked for, or none.
pub(crate) async fn acquire_many<D: Driver, H: Home<D>>(
    home: H,
    request: Request,
) -> Result<Vec<Guard<D, H>>, AcquireError> {
    let mut request = request;
    let by = taker(&request).await;
    if request.objects == 0 {
        return Ok(Vec::new());
    }
    let (first, mut rest) = acquire_in_line(&home, &mut request, by).await?;
    rest.insert(0, first);
    Ok(rest)
}

#[inline]
async fn taker(request: &Request) -> Taker {
    let key = match request.caller {
        Caller::Thread(key) => key,
        Caller::Task => poll_fn(|cx| Poll::Ready(cx.waker().data() as usize as u64)).await,
    };
    Taker {
        at: request.at,
        key,
    }
}

#[inline]
pub(crate) fn hand_out<D: Driver, H: Home<D>>(held: Held<D, H>, by: Taker) -> Guard<D, H> {
    let (home, entry) = held.into_parts();
    entry.record.taken(home.taking_time(), by);
    Guard::new(home, entry)
}

type Catch<D, H> = (Guard<D, H>, Vec<Guard<D, H>>);

/// The slow way: stands in line until served, refused, or out of time.
async fn acquire_in_line<D: Driver, H: Home<D>>(
    home: &H,
    request: &mut Request,
    by: Taker,
) -> Result<Catch<D, H>, AcquireError> {
    let now = home.clock.now();
    let timeout = home.engine.settings().config.acquire_timeout;
    request.deadline.configure(timeout);
    // An object that was idle, and no good, may have cost time already.
    let checked_since = request.deadline.since();
    let started = checked_since.unwrap_or(now);
    let deadline = request.deadline.at(now);
    let max_size = home.engine.permits.state().limit();
    if request.objects > max_size {
        return Err(AcquireError::TooMany {
            asked: request.objects,
            max_size,
        });
    }
    let mut wish = Wish {
        objects: u32::try_from(request.objects).unwrap_or(u32::MAX),
        since: started,
        deadline,
        returning: false,
    };
    if checked_since.is_some() && now >= deadline {
        return Err(timed_out(home, Stage::Validating, wish, by, None));
    }
    loop {
        let mut turn = Turn::join(home, wish);
        let (first, more) = turn
            .serve(by)
            .await
            .map_err(|why| report(home, why, wish, by))?;
        drop(turn);
        match check_all(home, first, more, &mut request.deadline).await {
            Some((first, more)) => {
                home.note_wait(started);
                let more = more.into_iter().map(|held| hand_out(held, by)).collect();
                return Ok((hand_out(first, by), more));
            }
            None if home.clock.now() >= deadline => {
                return Err(timed_out(home, Stage::Validating, wish, by, None));
            }
            // What it got was no good: it is the head of the line, not the end of it.
            None => wish.returning = true,
        }
    }
}

type Batch<D, H> = (Held<D, H>, Vec<Held<D, H>>);

/// Checks one after the other; if one is no good, the others go back: holding them while waiting
/// for one more is how two such callers would starve each other.
async fn check_all<D: Driver, H: Home<D>>(
    home: &H,
    first: Box<Entry<D::Object>>,
    more: Vec<Box<Entry<D::Object>>>,
    deadline: &mut Deadline,
) -> Option<Batch<D, H>> {
    let mut waiting = GiveBack {
        home,
        entries: more,
    };
    let first = match check(Held::new(home.clone(), first), deadline).await {
        Checked::Good(held) => held,
        Checked::Gone => return None,
    };
    let mut good = GoodOnes {
        first: Some(first),
        rest: Vec::new(),
    };
    while let Some(entry) = waiting.entries.pop() {
        match check(Held::new(home.clone(), entry), deadline).await {
            Checked::Good(held) => good.rest.push(held),
            Checked::Gone => return None,
        }
    }
    let first = good.first.take()?;
    Some((first, std::mem::take(&mut good.rest)))
}

/// Entries that nobody has touched yet: dropped, they go back.
struct GiveBack<'h, D: Driver, H: Home<D>> {
    home: &'h H,
    entries: Vec<Box<Entry<D::Object>>>,
}

impl<D: Driver, H: Home<D>> Drop for GiveBack<'_, D, H> {
    fn drop(&mut self) {
        for entry in self.entries.drain(..) {
            self.home.engine.give(entry);
        }
    }
}

/// Entries that passed their checks: dropped, they go back.
struct GoodOnes<D: Driver, H: Home<D>> {
    first: Option<Held<D, H>>,
    rest: Vec<Held<D, H>>,
}

impl<D: Driver, H: Home<D>> Drop for GoodOnes<D, H> {
    fn drop(&mut self) {
        for held in self.first.take().into_iter().chain(self.rest.drain(..)) {
            let (home, entry) = held.into_parts();
            entry.record.set_state(ObjectState::Idle);
            home.engine.give(entry);
        }
    }
}

/// A place in line: dropped, it is left and its turn passed on.
struct Turn<'h, D: Driver, H: Home<D>> {
    home: &'h H,
    place: Option<Place>,
    wish: Wish,
    waited: bool,
    driver: std::marker::PhantomData<fn() -> D>,
}

type Served<T> = (Box<Entry<T>>, Vec<Box<Entry<T>>>);

impl<'h, D: Driver, H: Home<D>> Turn<'h, D, H> {
    fn join(home: &'h H, wish: Wish) -> Self {
        Self {
            home,
            place: Some(home.engine.join(wish)),
            wish,
            waited: false,
            driver: std::marker::PhantomData,
        }
    }

    async fn serve(&mut self, by: Taker) -> Result<Served<D::Object>, Parting> {
        loop {
            match self.look(by).await {
                Look::Ready(first, more) => return Ok((first, more)),
                Look::Parted(why) => return Err(why),
                Look::Create | Look::Wait { .. } => self.start_creation().await,
            }
        }
    }

    /// Looks until there is something other than waiting to do.
    async fn look(&mut self, by: Taker) -> Look<D::Object> {
        poll_fn(|cx| {
            let Some(place) = self.place else {
                return Poll::Ready(Look::Parted(Parting::Closed));
            };
            let now = self.home.clock.now();
            match self.home.engine.look(place, cx.waker(), now) {
                Look::Wait { alarm } => {
                    if let Some(at) = alarm {
                        self.home.ring_at(at);
                    }
                    if !std::mem::replace(&mut self.waited, true) {
                        self.home.warn_if_nested(by);
                    }
                    Poll::Pending
                }
                look => {
                    if !matches!(look, Look::Create) {
                        self.place = None;
                    }
                    Poll::Ready(look)
                }
            }
        })
        .await
    }

    /// Starts a creation, for which the permit has been taken: in the background where there is one,
    /// else here, within the caller's own deadline.
    async fn start_creation(&self) {
        let Some(shared) = self.home.arc() else {
            return self.home.engine.creation_withdrawn();
        };
        let driver = &shared.driver;
        let job = if driver.can_spawn() {
            match driver.spawn(create::in_background(&shared, Purpose::Waiter)) {
                Ok(()) => return,
                Err(job) => job,
            }
        } else {
            shared.bury_all().await;
            create::inline(&shared, Purpose::Waiter)
        };
        let mut deadline = Deadline::At(self.wish.deadline);
        let bound = std::time::Duration::MAX;
        let _ended: Result<(), Unfinished> =
            bounded("create", &shared.clock, &mut deadline, bound, job).await;
    }
}

impl<D: Driver, H: Home<D>> Drop for Turn<'_, D, H> {
    fn drop(&mut self) {
        if let Some(place) = self.place.take() {
            self.home.engine.stats.cancelled();
            self.home.engine.leave(place);
        }
    }
}

impl<D: Driver> Shared<D> {
    fn note_wait(&self, started: Tick) {
        self.engine.stats.waited(self.clock.now().since(started));
    }

    /// Looked up only where somebody listens: it goes through all objects.
    fn warn_if_nested(&self, by: Taker) {
        if self.observer.is_some()
            && let Some(holding_since) = self.engine.registry.held_by(by.key)
        {
            self.tell(|| Event::NestedAcquire {
                at: by.at,
                holding_since,
            });
        }
    }
}

#[cold]
fn report<D: Driver, H: Home<D>>(home: &H, why: Parting, wish: Wish, by: Taker) -> AcquireError {
    let waited = home.clock.now().since(wish.since);
    match why {
        Parting::Closed => AcquireError::Closed,
        Parting::TooMany => AcquireError::TooMany {
            asked: wish.objects as usize,
            max_size: home.engine.permits.state().limit(),
        },
        Parting::Paused => AcquireError::Paused { waited },
        Parting::Failing(failure) => create_failed(home, failure, wish),
        Parting::TimedOut {
            failure: Some(failure),
        } => {
            note_timeout(home, wish, by);
            create_failed(home, failure, wish)
        }
        Parting::TimedOut { failure: None } => {
            let status = home.engine.status();
            let stage = if status.creating > 0 {
                Stage::Creating
            } else {
                Stage::Waiting
            };
            timed_out(home, stage, wish, by, None)
        }
    }
}

fn create_failed<D: Driver, H: Home<D>>(home: &H, failure: Failure, wish: Wish) -> AcquireError {
    let now = home.clock.now();
    AcquireError::CreateFailed(Box::new(CreateFailed {
        attempts: failure.rounds,
        failing_for: now.since(failure.since),
        next_in: failure.retry_at.since(now),
        waited: now.since(wish.since),
        status: home.engine.status(),
        cause: failure.cause,
    }))
}

fn timed_out<D: Driver, H: Home<D>>(
    home: &H,
    stage: Stage,
    wish: Wish,
    by: Taker,
    cause: Option<crate::waiters::Cause>,
) -> AcquireError {
    note_timeout(home, wish, by);
    let now = home.clock.now();
    let registry = &home.engine.registry;
    AcquireError::TimedOut(Box::new(TimedOut {
        stage,
        elapsed: now.since(wish.since),
        status: home.engine.status(),
        oldest_holder: registry
            .oldest_holder()
            .map(|(at, since)| (at, now.since(since))),
        nested: registry.held_by(by.key),
        cause,
    }))
}

fn note_timeout<D: Driver, H: Home<D>>(home: &H, wish: Wish, by: Taker) {
    home.engine.stats.timed_out();
    let waited = home.clock.now().since(wish.since);
    home.tell(|| Event::TimedOut { at: by.at, waited });
}
