//! Maintenance: what is done in rounds, with nobody waiting for it.
//!
//! Decides which idle objects have had their time, which need looking after, and when the stock is
//! brought up. How an object is looked after is `care`'s; how much stock there must be, the engine's.

use std::sync::Arc;
use std::time::Duration;

use crate::Tick;
use crate::bounded::Deadline;
use crate::care::{Checked, put_back, recycle, validate};
use crate::config::PoolConfig;
use crate::create::{self, Purpose};
use crate::driver::Driver;
use crate::engine::lead;
use crate::entry::{Entry, Verdict};
use crate::held::Held;
use crate::observer::Event;
use crate::record::ObjectState;
use crate::retire::RetireReason;
use crate::shared::Shared;

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
    let looked: Vec<_> = idle
        .into_iter()
        .map(|mut entry| (shared.engine.inspect(&mut entry, now), entry))
        .collect();
    let ages = |entry: &Entry<D::Object>| entry.expires_at() <= now.after(lead(config));
    let lasting = looked.iter().filter(|(_, entry)| !ages(entry)).count();
    let mut spare = lasting.saturating_sub(config.min_idle);
    let mut due = Vec::new();
    for (verdict, entry) in looked {
        let spared = if ages(&entry) {
            // It counts for nothing, once there are enough without it.
            lasting >= config.min_idle
        } else {
            spare > 0
        };
        match triage(verdict, &entry, now, spared) {
            Triage::Retire(reason) => {
                spare -= usize::from(!ages(&entry) && spared);
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

fn triage<T>(verdict: Verdict, entry: &Entry<T>, now: Tick, spared: bool) -> Triage {
    if let Verdict::Retire(reason) = verdict {
        return Triage::Retire(reason);
    }
    let idle_for = now.since(entry.record.since());
    let idle_timeout = entry.settings.config.idle_timeout;
    if spared && idle_timeout.is_some_and(|timeout| idle_for >= timeout) {
        return Triage::Retire(RetireReason::IdleTimeout);
    }
    if entry.record.is_dirty() || now >= entry.keepalive_at() {
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
    if held.entry_mut().record.is_dirty() {
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

/// Brings the stock of idle objects up to `min_idle`, and replaces those that will soon be too old.
///
/// The new one first and then the old one, where there is room for both; otherwise one by one, the
/// old one first. Whether or not it was replaced in time, none is kept beyond its lifetime: who sets
/// one counts on it (an address that moved, a credential that was changed).
pub(crate) async fn restock<D: Driver>(shared: &Arc<Shared<D>>, config: &PoolConfig) {
    loop {
        let now = shared.clock.now();
        if shared.engine.start_stocking(now, config) {
            make_one(shared).await;
        } else if let Some(entry) = shared.engine.trade_in(now, config) {
            shared.retire(entry, RetireReason::MaxLifetime);
        } else {
            return;
        }
    }
}

/// Makes an object for the stock: in the background where there is one.
async fn make_one<D: Driver>(shared: &Arc<Shared<D>>) {
    if let Some(job) = create::start(shared, Purpose::Stock) {
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
