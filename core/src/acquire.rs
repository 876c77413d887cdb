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
use crate::bounded::Deadline;
use crate::care::{Checked, Recycling, check, fail, recycle_at_once, too_late};
use crate::driver::{Driver, Home};
use crate::entry::Entry;
use crate::error::{AcquireError, Stage};
use crate::guard::Guard;
use crate::held::Held;
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
    let (home, mut entry) = held.into_parts();
    entry.newborn = false;
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
        return Err(timed_out(home, Stage::Validating, wish, by));
    }
    let mut joining_at = now;
    loop {
        let turn = Turn::join(home, wish, by, joining_at).serve().await;
        let (served, at) = turn.map_err(|why| report(home, why, wish, by))?;
        match check_all(home, served, at, &mut request.deadline).await {
            Ok((first, more)) => {
                home.engine.stats.waited(at.since(started));
                let more = more.into_iter().map(|held| hand_out(held, by)).collect();
                return Ok((hand_out(first, by), more));
            }
            Err(why) => {
                joining_at = home.clock.now();
                if why == Unfit::TooLate || joining_at >= deadline {
                    return Err(timed_out(home, Stage::Validating, wish, by));
                }
                // What it got was no good: it is the head of the line, not the end of it.
                wish.returning = true;
            }
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
