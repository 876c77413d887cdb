//! Care: what is done to objects between their uses, and what maintenance does in its rounds.
//!
//! Decides what an object must pass before it is handed out, and which idle objects have had
//! their time. Runs the factory's callbacks within bounds.

use std::sync::Arc;
use std::time::Duration;

use crate::Tick;
use crate::bounded::{Deadline, Unfinished, bounded};
use crate::config::PoolConfig;
use crate::create::{self, Purpose};
use crate::driver::{Driver, Home};
use crate::entry::{Entry, Verdict};
use crate::factory::BoxError;
use crate::guarded::{Panicked, catch};
use crate::held::Held;
use crate::observer::Event;
use crate::record::ObjectState;
use crate::retire::RetireReason;
use crate::shared::Shared;

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
    if !entry.dirty {
        return Recycling::Clean;
    }
    let driver = &shared.driver;
    match catch("recycle", || driver.recycle_at_once(&mut entry.object)) {
        Ok(Some(Ok(()))) => {
            recycled(entry);
            Recycling::Clean
        }
        Ok(None) => Recycling::MayWait,
        Ok(Some(Err(error))) | Err(error) => Recycling::Failed(error),
    }
}

#[inline]
fn recycled<T>(entry: &mut Entry<T>) {
    entry.dirty = false;
    entry.record.recycled();
}

#[inline]
async fn recycle<D: Driver, H: Home<D>>(
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
    match bounded("recycle", &home.clock, deadline, bound, D::recycle(held)).await {
        Ok((mut held, Ok(()))) => {
            recycled(held.entry_mut());
            Checked::Good(held)
        }
        failed => retire_failed(&home, id, failed, RetireReason::RecycleFailed),
    }
}

async fn validate<D: Driver, H: Home<D>>(
    held: Held<D, H>,
    deadline: &mut Deadline,
) -> Checked<D, H> {
    let mut held = held;
    let home = held.home_ref();
    let bound = home.validate_bound();
    let stamp = home.engine.stamp.read();
    let id = held.entry_mut().record.id;
    held.checking();
    match bounded("validate", &home.clock, deadline, bound, D::validate(held)).await {
        Ok((mut held, Ok(()))) => {
            held.entry_mut().proven(stamp, home.clock.now());
            Checked::Good(held)
        }
        failed => {
            // What killed this one may have killed its older siblings; a caller in a hurry has not.
            if !matches!(failed, Err(Unfinished::OutOfTime)) {
                home.suspect_all();
            }
            retire_failed(&home, id, failed, RetireReason::Invalid)
        }
    }
}

type Ended<D, H> = Result<(Held<D, H>, Result<(), BoxError>), Unfinished>;

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

/// One round of maintenance. See spec 2.3.
pub(crate) async fn round<D: Driver>(shared: &Arc<Shared<D>>) {
    let now = shared.clock.now();
    let settings = shared.engine.settings();
    report_leaks(shared, now, &settings.config);
    for id in pick_due(shared, now, &settings.config) {
        // Taken one by one: while one hangs, the others can be had.
        if let Some(entry) = shared.engine.take_this(id) {
            look_after(shared, entry).await;
        }
    }
    restock(shared, &settings.config).await;
    if !shared.driver.can_spawn() {
        shared.bury_all().await;
    }
}

/// Goes through the idle objects: lets go whose time is over, puts back the others, answers who
/// needs a callback. They are out of the store meanwhile, which runs no user code and takes no longer
/// than looking at each; who comes in between stands in line and is served by the putting back.
fn pick_due<D: Driver>(shared: &Shared<D>, now: Tick, config: &PoolConfig) -> Vec<u64> {
    let mut idle = shared.engine.all_idle();
    // Oldest first: they go first when some must go, and in this order they were in line.
    idle.sort_by_key(|entry| entry.record.since());
    let mut spare = idle.len().saturating_sub(config.min_idle);
    let mut due = Vec::new();
    for mut entry in idle {
        match triage(shared, &mut entry, now, spare) {
            Triage::Retire(reason) => {
                spare = spare.saturating_sub(1);
                shared.retire(entry, reason);
                continue;
            }
            Triage::LookAfter => due.push(entry.record.id),
            Triage::Keep => {}
        }
        shared.engine.give(entry);
    }
    due
}

enum Triage {
    Keep,
    LookAfter,
    Retire(RetireReason),
}

fn triage<D: Driver>(
    shared: &Shared<D>,
    entry: &mut Entry<D::Object>,
    now: Tick,
    spare: usize,
) -> Triage {
    if let Verdict::Retire(reason) = shared.engine.inspect(entry, now) {
        return Triage::Retire(reason);
    }
    let idle_for = now.since(entry.record.since());
    let idle_timeout = entry.settings.config.idle_timeout;
    if spare > 0 && idle_timeout.is_some_and(|timeout| idle_for >= timeout) {
        return Triage::Retire(RetireReason::IdleTimeout);
    }
    if entry.dirty || now >= entry.keepalive_at() {
        Triage::LookAfter
    } else {
        Triage::Keep
    }
}

/// Recycles what was left dirty, and validates what is due for a keepalive.
async fn look_after<D: Driver>(shared: &Arc<Shared<D>>, entry: Box<Entry<D::Object>>) {
    let config = entry.settings.clone();
    let idle_since = entry.record.since();
    let keepalive = shared.clock.now() >= entry.keepalive_at();
    let mut held = Held::new(Arc::clone(shared), entry);
    held.checking();
    let mut deadline = Deadline::After(config.config.recycle_timeout);
    if held.entry_mut().dirty {
        match recycle(held, &mut deadline).await {
            Checked::Good(back) => held = back,
            Checked::Gone => return,
        }
    }
    if keepalive {
        let mut deadline = Deadline::After(config.config.validate_timeout);
        match validate(held, &mut deadline).await {
            Checked::Good(back) => held = back,
            Checked::Gone => return,
        }
    }
    // A keepalive is no use: the object has been idle for as long as before.
    held.entry_mut().record.moved(ObjectState::Idle, idle_since);
    put_back(held);
}

/// Brings the stock of idle objects up to `min_idle`.
pub(crate) async fn restock<D: Driver>(shared: &Arc<Shared<D>>, config: &PoolConfig) {
    while shared.engine.start_stocking(shared.clock.now(), config) {
        let job = if shared.driver.can_spawn() {
            match shared
                .driver
                .spawn(create::in_background(shared, Purpose::Stock))
            {
                Ok(()) => continue,
                Err(job) => job,
            }
        } else {
            create::inline(shared, Purpose::Stock)
        };
        job.await;
    }
}

fn report_leaks<D: Driver>(shared: &Shared<D>, now: Tick, config: &PoolConfig) {
    let Some(leak_after) = config.leak_after else {
        return;
    };
    let mut leaks = Vec::new();
    shared.engine.registry.for_each(|record| {
        let held_for = now.since(record.since());
        if record.state() == ObjectState::InUse && held_for >= leak_after {
            leaks.extend(leak(record, held_for));
        }
    });
    for (id, taken_at, held_for) in leaks {
        shared.tell(|| Event::Leaked {
            id,
            taken_at,
            held_for,
        });
    }
}

type Leak = (u64, &'static std::panic::Location<'static>, Duration);

fn leak(record: &crate::record::Record, held_for: Duration) -> Option<Leak> {
    let taken_at = record.taken_at()?;
    record
        .first_report()
        .then_some((record.id, taken_at, held_for))
}
