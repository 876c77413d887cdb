//! Acquiring: the one loop behind every door of both facades.
//!
//! Decides in which order an acquire looks, waits, creates and checks, under one deadline for all
//! of it. Every value it holds across an await undoes itself when dropped: a place in line is left
//! and its turn passed on, an object between idle and guard is retired if user code was running
//! on it and given back if not.

use std::future::poll_fn;
use std::panic::Location;

use crate::Tick;
use crate::bounded::Deadline;
use crate::care::{Checked, Recycling, check, fail, recycle_at_once, too_late};
use crate::driver::{Driver, Home};
use crate::entry::Entry;
use crate::error::{AcquireError, Stage};
use crate::guard::Guard;
use crate::held::Held;
use crate::park::task_key;
use crate::record::{ObjectState, Taker};
use crate::report::{report, timed_out};
use crate::retire::RetireReason;
use crate::turn::{Served, Turn};
use crate::waiters::Wish;

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
///
/// Always in place: as a call it answers through memory, which costs half as much again.
#[inline(always)]
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
    // Not through `acquire_from`: a future more is a fifth more of the common case.
    match take_quickly(home, by) {
        Quick::Done(guard) => Ok(guard),
        Quick::Unchecked(held) => acquire_checked(held, request, by).await,
        Quick::Nothing(home) => Ok(acquire_in_line(home, request, by).await?.0),
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
        Checked::Gone => Ok(Box::pin(acquire_in_line(home, request, by)).await?.0),
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
        Quick::Nothing(home) => Ok(acquire_in_line(home, request, by).await?.0),
    }
}

/// Takes all that was asked for, or none.
pub(crate) async fn acquire_many<D: Driver, H: Home<D>>(
    home: H,
    request: Request,
) -> Result<Vec<Guard<D, H>>, AcquireError> {
    let by = taker(&request).await;
    if request.objects == 0 {
        return Ok(Vec::new());
    }
    let (first, mut rest) = acquire_in_line(home, request, by).await?;
    rest.insert(0, first);
    Ok(rest)
}

#[inline]
async fn taker(request: &Request) -> Taker {
    let key = match request.caller {
        Caller::Thread(key) => key,
        Caller::Task => task_key().await,
    };
    Taker {
        at: request.at,
        key,
    }
}

/// Always in place, as [`take_quickly`].
#[inline(always)]
pub(crate) fn hand_out<D: Driver, H: Home<D>>(held: Held<D, H>, by: Taker) -> Guard<D, H> {
    let (home, mut entry) = held.into_parts();
    entry.newborn = false;
    entry.record.taken(home.taking_time(), by);
    Guard::new(home, entry)
}

type Catch<D, H> = (Guard<D, H>, Vec<Guard<D, H>>);

/// The slow way: stands in line until served, refused, or out of time.
async fn acquire_in_line<D: Driver, H: Home<D>>(
    home: H,
    request: Request,
    by: Taker,
) -> Result<Catch<D, H>, AcquireError> {
    let (now, mut deadline) = (home.clock.now(), request.deadline);
    // An object that was idle, and no good, may have taken all the time.
    let has_waited = deadline.since().is_some();
    let wish = wish(&home, &request, &mut deadline, now)?;
    let mut turn = Turn::new(home, wish, by, now);
    if has_waited && now >= wish.deadline {
        return Err(timed_out(&turn.home, Stage::Validating, wish, by));
    }
    loop {
        let end = poll_fn(|cx| turn.poll(cx)).await;
        let (served, at) = end.map_err(|why| report(&turn.home, why, turn.wish, by))?;
        let checked = match check_at_once(&turn.home, served, at, &deadline) {
            AtOnce::Checked(first) => first.map(|first| (first, Vec::new())),
            // On the heap, so that the future stays small: few come here, and all of it is moved about.
            AtOnce::Unchecked(served) => {
                Box::pin(check_all(&turn.home, served, at, &mut deadline)).await
            }
        };
        match checked {
            Ok((first, more)) => {
                turn.home.engine.stats.waited(at.since(turn.wish.since));
                let more = more.into_iter().map(|held| hand_out(held, by)).collect();
                return Ok((hand_out(first, by), more));
            }
            Err(why) => {
                let now = turn.home.clock.now();
                if why == Unfit::TooLate || now >= turn.wish.deadline {
                    return Err(timed_out(&turn.home, Stage::Validating, turn.wish, by));
                }
                turn.rejoin(now);
            }
        }
    }
}

/// What it asks for in line; refused where there can never be so much.
fn wish<D: Driver, H: Home<D>>(
    home: &H,
    request: &Request,
    deadline: &mut Deadline,
    now: Tick,
) -> Result<Wish, AcquireError> {
    let max_size = home.engine.permits.state().limit();
    if request.objects > max_size {
        return Err(AcquireError::TooMany {
            asked: request.objects,
            max_size,
        });
    }
    deadline.configure(home.engine.acquire_timeout());
    Ok(Wish {
        objects: u32::try_from(request.objects).unwrap_or(u32::MAX),
        since: deadline.since().unwrap_or(now),
        deadline: deadline.at(now),
        returning: false,
        races: matches!(request.caller, Caller::Thread(_)),
    })
}

/// What came of a check that may not wait.
enum AtOnce<D: Driver, H: Home<D>> {
    Checked(Result<Held<D, H>, Unfit>),
    /// It needs more than a moment, or a closer look.
    Unchecked(Served<D::Object>),
}

/// The common case, without a future: one object, fresh, and recycled on the spot.
fn check_at_once<D: Driver, H: Home<D>>(
    home: &H,
    (first, more): Served<D::Object>,
    now: Tick,
    deadline: &Deadline,
) -> AtOnce<D, H> {
    let plain = more.is_empty()
        && first.is_fresh(home.engine.stamp.read(), now)
        && !too_late(home, &first, deadline, now);
    if !plain {
        return AtOnce::Unchecked((first, more));
    }
    let newborn = first.newborn;
    let mut held = Held::new(home.clone(), first);
    match recycle_at_once(&mut held) {
        Recycling::Clean => {
            if newborn {
                home.engine.thrives();
            }
            AtOnce::Checked(Ok(held))
        }
        Recycling::MayWait => AtOnce::Unchecked((held.into_parts().1, more)),
        Recycling::Failed(error) => {
            fail(held, &error, RetireReason::RecycleFailed);
            AtOnce::Checked(Err(Unfit::Gone))
        }
    }
}

/// Why what a caller was served is not handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unfit {
    /// An object was no good.
    Gone,
    /// The caller's time was too short to find out; the next one may have it.
    TooLate,
}

type Batch<D, H> = (Held<D, H>, Vec<Held<D, H>>);

/// Checks one after the other; if one is no good, the others go back: holding them while waiting
/// for one more is how two such callers would starve each other.
async fn check_all<D: Driver, H: Home<D>>(
    home: &H,
    (first, more): Served<D::Object>,
    served_at: Tick,
    deadline: &mut Deadline,
) -> Result<Batch<D, H>, Unfit> {
    let mut waiting = GiveBack {
        home,
        entries: more,
    };
    let first = check_one(home, first, served_at, deadline).await?;
    if waiting.entries.is_empty() {
        return Ok((first, Vec::new()));
    }
    let mut good = GoodOnes {
        first: Some(first),
        rest: Vec::with_capacity(waiting.entries.len()),
    };
    while let Some(entry) = waiting.entries.pop() {
        let checked = check_one(home, entry, home.clock.now(), deadline).await?;
        good.rest.push(checked);
    }
    let first = good.first.take().ok_or(Unfit::Gone)?;
    Ok((first, std::mem::take(&mut good.rest)))
}

async fn check_one<D: Driver, H: Home<D>>(
    home: &H,
    entry: Box<Entry<D::Object>>,
    now: Tick,
    deadline: &mut Deadline,
) -> Result<Held<D, H>, Unfit> {
    if too_late(home, &entry, deadline, now) {
        home.engine.give(entry);
        return Err(Unfit::TooLate);
    }
    let newborn = entry.newborn;
    match check(Held::new(home.clone(), entry), deadline).await {
        Checked::Good(held) => {
            if newborn {
                home.engine.thrives();
            }
            Ok(held)
        }
        Checked::Gone => Err(Unfit::Gone),
    }
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
