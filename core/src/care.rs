//! Care: what is done to an object between its uses.
//!
//! Decides what an object must pass before it is handed out. Runs the factory's callbacks within
//! bounds. Knows nothing of rounds (`maintenance`), nor of who waits.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::Tick;
use crate::bounded::{Deadline, Unfinished, bounded};
use crate::driver::{Driver, Home};
use crate::entry::{Entry, Verdict};
use crate::factory::BoxError;
use crate::guarded::{Panicked, catch};
use crate::held::Held;
use crate::observer::Event;
use crate::pace::Usual;
use crate::record::ObjectState;
use crate::retire::RetireReason;
use crate::shared::Shared;
use crate::waiters::Cause;

/// What came of a check.
pub(crate) enum Checked<D: Driver, H: Home<D>> {
    Good(Held<D, H>),
    /// It was retired.
    Gone,
}

/// Makes an object fit to be handed out: recycled if it was used, validated if that is due.
#[inline]
pub(crate) async fn check<D: Driver, H: Home<D>>(
    held: Held<D, H>,
    deadline: &mut Deadline,
) -> Checked<D, H> {
    let mut held = held;
    match recycle_at_once(&mut held) {
        Recycling::Clean => {}
        Recycling::MayWait => match recycle(held, deadline).await {
            Checked::Good(back) => held = back,
            Checked::Gone => return Checked::Gone,
        },
        Recycling::Failed(error) => {
            fail(held, &error, RetireReason::RecycleFailed);
            return Checked::Gone;
        }
    }
    let (shared, entry) = held.parts_mut();
    if entry.is_fresh(shared.engine.stamp.read(), shared.clock.coarse()) {
        return Checked::Good(held);
    }
    // On the heap, so that the common future stays small.
    Box::pin(look_closely(held, deadline)).await
}

async fn look_closely<D: Driver, H: Home<D>>(
    held: Held<D, H>,
    deadline: &mut Deadline,
) -> Checked<D, H> {
    let mut held = held;
    let home = held.home_ref();
    deadline.configure(home.engine.settings().config.acquire_timeout);
    match home.engine.inspect(held.entry_mut(), home.clock.now()) {
        Verdict::Fresh => Checked::Good(held),
        Verdict::Validate => validate(held, deadline).await,
        Verdict::Retire(reason) => {
            held.retire(reason);
            Checked::Gone
        }
    }
}

/// Whether a caller has waited its time away: what is left of it is less than making `entry` fit
/// usually takes. Begun all the same, that would be cut off, and the object lost with it; then callers
/// who are late, each with an object in hand, are all that an overloaded pool has (fault row 15).
///
/// Not so when even a caller that came just now would not have the time, or when nobody else waits who
/// may have it: then it is tried, and what is usual is learned anew.
pub(crate) fn too_late<D: Driver>(
    shared: &Shared<D>,
    entry: &Entry<D::Object>,
    deadline: &Deadline,
    now: Tick,
) -> bool {
    let Deadline::Known { at, since } = *deadline else {
        return false;
    };
    let mut needs = Duration::ZERO;
    if entry.record.is_dirty() {
        needs += shared.pace.recycle.span();
    }
    if !entry.is_fresh(shared.engine.stamp.read(), now) {
        needs += shared.pace.validate.span();
    }
    let in_vain = needs > at.since(now) && needs <= at.since(since);
    in_vain && (now >= at || !shared.engine.line.is_empty())
}

/// How far recycling came without waiting.
pub(crate) enum Recycling {
    Clean,
    MayWait,
    Failed(BoxError),
}

/// Recycles a used object, if that takes no waiting.
#[inline]
pub(crate) fn recycle_at_once<D: Driver, H: Home<D>>(held: &mut Held<D, H>) -> Recycling {
    let (shared, entry) = held.parts_mut();
    if !entry.record.is_dirty() {
        return Recycling::Clean;
    }
    let driver = &shared.driver;
    match catch("recycle", || driver.recycle_at_once(&mut entry.object)) {
        Ok(Some(Ok(()))) => {
            entry.record.recycled();
            Recycling::Clean
        }
        Ok(None) => Recycling::MayWait,
        Ok(Some(Err(error))) | Err(error) => Recycling::Failed(error),
    }
}

#[inline]
pub(crate) async fn recycle<D: Driver, H: Home<D>>(
    held: Held<D, H>,
    deadline: &mut Deadline,
) -> Checked<D, H> {
    let mut held = held;
    let home = held.home_ref();
    let id = held.entry_mut().record.id;
    // Not the entry's own settings, which are those it last met.
    let settings = home.engine.settings();
    let bound = settings.config.recycle_timeout;
    deadline.configure(settings.config.acquire_timeout);
    let usual = &home.pace.recycle;
    match timed("recycle", &home, usual, deadline, bound, D::recycle(held)).await {
        Ok((mut held, Ok(()))) => {
            held.entry_mut().record.recycled();
            Checked::Good(held)
        }
        failed => retire_failed(&home, id, failed, RetireReason::RecycleFailed),
    }
}

pub(crate) async fn validate<D: Driver, H: Home<D>>(
    held: Held<D, H>,
    deadline: &mut Deadline,
) -> Checked<D, H> {
    let mut held = held;
    let home = held.home_ref();
    let bound = home.validate_bound();
    let stamp = home.engine.stamp.read();
    let (id, newborn) = (held.entry_mut().record.id, held.entry_mut().newborn);
    held.checking();
    let usual = &home.pace.validate;
    match timed("validate", &home, usual, deadline, bound, D::validate(held)).await {
        Ok((mut held, Ok(()))) => {
            held.entry_mut().proven(stamp, home.clock.now());
            Checked::Good(held)
        }
        failed => {
            // What killed this one may have killed its older siblings; a caller in a hurry has not.
            if !matches!(failed, Err(Unfinished::OutOfTime)) {
                home.suspect_all();
                if newborn {
                    // Before its permit is free, and the next one begun on it.
                    home.stillborn(why_unfit(&failed));
                }
            }
            retire_failed(&home, id, failed, RetireReason::Invalid)
        }
    }
}

/// Runs a callback within bounds, and learns from it how long that takes.
#[inline]
async fn timed<D: Driver, F: Future>(
    callback: &'static str,
    shared: &Shared<D>,
    usual: &Usual,
    deadline: &mut Deadline,
    bound: Duration,
    future: F,
) -> Result<F::Output, Unfinished> {
    // Who has not waited so far has not looked at the clock; if it must wait here, it does so then.
    let begun = deadline.since().map(|_| shared.clock.now());
    let ended = bounded(callback, &shared.clock, deadline, bound, future).await;
    if let Some(begun) = begun.or_else(|| deadline.since()) {
        let took = shared.clock.now().since(begun);
        match &ended {
            Ok(_) => usual.took(took),
            Err(Unfinished::OutOfTime) => usual.was_cut_off(took),
            Err(Unfinished::TimedOut | Unfinished::Panicked(_)) => {}
        }
    }
    ended
}

type Ended<D, H> = Result<(Held<D, H>, Result<(), BoxError>), Unfinished>;

/// An object was made, and was no good.
#[derive(Debug, thiserror::Error)]
#[error("a new object failed its validation: {0}")]
struct Stillborn(String);

/// What went wrong with an object that has just been made, in words: the error itself goes to the
/// observer.
fn why_unfit<D: Driver, H: Home<D>>(ended: &Ended<D, H>) -> Cause {
    let text = match ended {
        Ok((_, Err(error))) | Err(Unfinished::Panicked(error)) => error.to_string(),
        _ => "it took longer than validate_timeout".to_owned(),
    };
    Arc::new(Stillborn(text))
}

/// An object failed its check. Where the callback did not even end, it has been retired with the
/// future that held it. Where it panicked at once or on another thread, the object is still here,
/// and the error says that it was a panic.
#[cold]
fn retire_failed<D: Driver, H: Home<D>>(
    shared: &Shared<D>,
    id: u64,
    ended: Ended<D, H>,
    reason: RetireReason,
) -> Checked<D, H> {
    match ended {
        Ok((held, Err(error))) => fail(held, &error, reason),
        Err(Unfinished::Panicked(error)) => {
            shared.tell(|| Event::CheckFailed { id, error: &*error });
        }
        Ok((_, Ok(()))) | Err(Unfinished::TimedOut | Unfinished::OutOfTime) => {}
    }
    Checked::Gone
}

/// Retires an object that failed its check, and says why.
#[cold]
pub(crate) fn fail<D: Driver, H: Home<D>>(
    held: Held<D, H>,
    error: &BoxError,
    reason: RetireReason,
) {
    let mut held = held;
    let id = held.entry_mut().record.id;
    held.home().tell(|| Event::CheckFailed {
        id,
        error: &**error,
    });
    let panicked = error.is::<Panicked>();
    held.retire(if panicked {
        RetireReason::Panicked
    } else {
        reason
    });
}

/// Gives an object back and recycles it at once.
pub(crate) async fn release<D: Driver, H: Home<D>>(held: Held<D, H>) {
    let (home, mut entry) = held.into_parts();
    if let Some(reason) = home.reason_to_retire(&entry) {
        return home.retire(entry, reason);
    }
    let now = home.clock.now();
    home.engine.put_aside(&mut entry, now);
    entry.record.set_state(ObjectState::Checking);
    let mut deadline = Deadline::After(home.engine.settings().config.recycle_timeout);
    if let Checked::Good(held) = recycle(Held::new(home, entry), &mut deadline).await {
        put_back(held);
    }
}

pub(crate) fn put_back<D: Driver, H: Home<D>>(held: Held<D, H>) {
    let (home, entry) = held.into_parts();
    entry.record.set_state(ObjectState::Idle);
    home.engine.give(entry);
}
