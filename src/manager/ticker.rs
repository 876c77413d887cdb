//! What is to be done again and again for what is registered, each at its time: one alarm for all of
//! it.
//!
//! Decides when a chore has its turn, and how much of what that sets off may go on at once. Knows
//! nothing of what chores do.
//!
//! # How it goes
//!
//! There is one alarm on the manager's clock, for the chore that is due next; with no chore there is
//! none. When it goes off, a round is run in the background: every chore that is due has its turn, in
//! order of time. A turn is quick and calls nothing that is not ours. What may wait, hang or call the
//! user's code is [work](Turn::Work): a job of its own, on the runtime of whoever it is for, and at
//! most [`MOST_AT_ONCE`](book::MOST_AT_ONCE) of those go on at once.
//!
//! # What harms whom
//!
//! Work that panics or takes longer than it may is dropped, and its chore comes again later. Work that
//! blocks its thread cannot be dropped: it is written off, so that others can go on in its place; its
//! chore does not come again before it has ended. A round or a job that a runtime drops because it
//! shuts down puts itself back.
//!
//! # Where nothing runs in the background
//!
//! Rounds are run by hand, with [`Manager::run_maintenance`](crate::Manager::run_maintenance), and
//! work within them, one after the other.

mod book;
#[cfg(test)]
mod race_tests;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Poll, Wake, Waker};
use std::time::Duration;

use nebula_resource_async::runtime::{AnyRuntime, Chosen};
use nebula_resource_core::clock::Clock;
use nebula_resource_core::{Job, Tick, catch};

use crate::manager::Inner;
use crate::manager::erased::{Boxed, Registered};
use crate::scope::Scope;
use book::Book;
pub(crate) use book::ChoreId;

/// After this a turn that panicked, and a round that did not come about, is tried again.
const LATER: Duration = Duration::from_secs(1);

/// Something that is to be done again and again.
pub(crate) trait Chore: Send + Sync + 'static {
    /// It is due. Quick, and calls nothing that is not ours: all others wait for it.
    fn turn(self: Arc<Self>, now: Tick) -> Turn;

    /// Runs its work where that belongs. By default it does not matter.
    ///
    /// # Errors
    ///
    /// Gives the job back; it is run elsewhere then.
    fn spawn(&self, job: Job) -> Result<(), Job> {
        Err(job)
    }
}

/// What comes of a turn.
pub(crate) enum Turn {
    /// It is due again then; with [`Tick::NEVER`], when it is [hastened](Ticker::hasten). Such a one is
    /// not forgotten by itself: [remove](Ticker::remove) it when it is dropped.
    At(Tick),
    /// Something to do that may take its time. It answers when the chore is due again. When it panics,
    /// or has not ended within so long, that is so long from then, or a second if that is more.
    Work { work: Boxed<Tick>, within: Duration },
    /// It is never due again.
    Done,
}

/// Gives chores their turn. Does nothing, and costs nothing, while it has none.
pub(crate) struct Ticker {
    clock: Clock,
    runtime: Chosen,
    book: Mutex<Book>,
    me: Weak<Self>,
}

impl Ticker {
    /// On the given runtime and clock, where they were given.
    pub(crate) fn new(runtime: Option<AnyRuntime>, clock: Option<Clock>) -> Arc<Self> {
        let runtime = Chosen::new(runtime);
        let clock = clock.unwrap_or_else(|| runtime.get().clock());
        Arc::new_cyclic(|me| Self {
            clock,
            runtime,
            book: Mutex::default(),
            me: me.clone(),
        })
    }

    /// The clock that all its moments are of.
    pub(crate) const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Whether rounds are run in the background.
    pub(crate) fn runs_by_itself(&self) -> bool {
        self.runtime.get().can_spawn()
    }

    /// Gives `chore` a turn at `at`, for the first time. It is forgotten once it is dropped.
    pub(crate) fn add(&self, chore: Weak<dyn Chore>, at: Tick) -> ChoreId {
        // Where the manager was made outside of any runtime, this may be inside of one.
        let _chosen = self.runtime.get();
        let id = self.book().add(chore, at);
        self.arm();
        id
    }

    /// Has it come at `at` if it would come later; if it is at work, once that has ended.
    pub(crate) fn hasten(&self, chore: ChoreId, at: Tick) {
        self.book().hasten(chore, at);
        self.arm();
    }

    /// Forgets it. Work of it that goes on is not ended by that.
    pub(crate) fn remove(&self, chore: ChoreId) {
        // Dropped here: not under the lock.
        let _weak = self.book().remove(chore);
    }

    /// Gives all that are due their turn.
    ///
    /// # Cancel safety
    ///
    /// Dropped before its end, it drops the work that it was at; its chore comes again later.
    pub(crate) async fn round(&self) {
        loop {
            let now = self.clock.now();
            let due = self.book().take_due(now);
            let Some((id, chore)) = due else { break };
            let Some(chore) = chore.upgrade() else {
                self.remove(id);
                continue;
            };
            if let Some(job) = self.have_turn(id, &chore, now) {
                // Nobody runs it in the background.
                job.await;
            }
        }
        self.arm();
    }

    /// Answers the work that it is for the caller to do.
    fn have_turn(&self, id: ChoreId, chore: &Arc<dyn Chore>, now: Tick) -> Option<Job> {
        let its = Arc::clone(chore);
        let turn = catch("a chore", move || its.turn(now));
        match turn.unwrap_or_else(|_| Turn::At(now.after(LATER))) {
            Turn::At(next) => {
                self.book().put_back(id, next, now);
                None
            }
            Turn::Done => {
                self.remove(id);
                None
            }
            Turn::Work { work, within } => {
                let until = now.after(within);
                self.book().works_until(id, until);
                let job = self.job(id, work, until, within.max(LATER))?;
                let refused = chore.spawn(job).err()?;
                self.runtime.get().spawn(refused).err()
            }
        }
    }

    fn job(&self, id: ChoreId, work: Boxed<Tick>, until: Tick, rest: Duration) -> Option<Job> {
        let working = Working {
            ticker: self.me.upgrade()?,
            id,
            rest,
            next: None,
        };
        Some(Box::pin(async move {
            let next = ended(&working.ticker.clock, until, work).await;
            working.end(next);
        }))
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that there is an alarm for what is due next.
    fn arm(&self) {
        if !self.runtime.get().can_spawn() {
            return;
        }
        let now = self.clock.now();
        let mut book = self.book();
        let at = book.next_look(now);
        if at >= book.armed {
            return;
        }
        book.armed = at;
        let former = book.alarm.take();
        drop(book);
        if let Some(former) = former {
            self.clock.cancel(former);
        }
        // Not under the lock: it may go off within the call.
        let ticker = self.me.clone();
        let alarm = self
            .clock
            .wake_at(at, Waker::from(Arc::new(Alarm { ticker, at })));
        let mut book = self.book();
        if book.armed == at {
            book.alarm = Some(alarm);
            return;
        }
        drop(book);
        // Gone off already, or somebody set an earlier one.
        self.clock.cancel(alarm);
    }

    /// The alarm for `at` went off; where the clock has no thread, perhaps early.
    fn ring(self: Arc<Self>, at: Tick) {
        let mut book = self.book();
        if book.armed != at {
            return;
        }
        book.alarm = None;
        drop(book);
        let coming = Coming {
            is_early: self.clock.now() < at,
            has_come: false,
            ticker: Arc::clone(&self),
        };
        // Whether it is refused or dropped, it puts itself back.
        let _refused = self.runtime.get().spawn(Box::pin(async move {
            coming.ticker.clock.sleep_until(at).await;
            coming.run().await;
        }));
    }
}

impl Inner {
    pub(crate) fn ticker(&self) -> &Ticker {
        &self.ticker
    }

    /// What is registered for exactly this scope, as it is now: what a chore is about is reloaded. Nothing
    /// once the manager shuts down.
    pub(crate) fn at(&self, key: &str, scope: &Scope) -> Option<Registered> {
        let snapshot = self.registry.snapshot();
        let there = snapshot.at(key, scope).filter(|_| !snapshot.shut);
        there.cloned()
    }

    /// Whether each tenant has one of its own.
    pub(crate) fn is_template(&self, key: &str) -> bool {
        self.registry.snapshot().template(key).is_some()
    }

    /// Everything that is otherwise done in the background, now.
    pub(crate) async fn maintain(&self) {
        let all = self.registry.snapshot().all();
        for registered in all {
            registered.entry.maintain().await;
        }
        self.put_away_tenants().await;
        self.ticker.round().await;
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        if let Some(alarm) = self.book().alarm.take() {
            self.clock.cancel(alarm);
        }
    }
}

/// Goes off on the clock's thread, which has no time for a round.
struct Alarm {
    ticker: Weak<Ticker>,
    at: Tick,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        if let Some(ticker) = self.ticker.upgrade() {
            ticker.ring(self.at);
        }
    }
}

/// A round that is about to be run: dropped before that, it is tried again.
struct Coming {
    ticker: Arc<Ticker>,
    /// Begun before its time: where the clock has no thread, it would be begun again at once.
    is_early: bool,
    has_come: bool,
}

impl Coming {
    async fn run(mut self) {
        self.has_come = true;
        self.ticker.book().round_begins();
        self.ticker.round().await;
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        if !self.has_come {
            let now = self.ticker.clock.now();
            self.ticker.book().round_missed(now);
        }
        if self.has_come || !self.is_early {
            self.ticker.arm();
        }
    }
}

/// Work that is going on: however it ends, its chore comes again.
struct Working {
    ticker: Arc<Ticker>,
    id: ChoreId,
    /// For how long it stays away if there is no answer.
    rest: Duration,
    next: Option<Tick>,
}

impl Working {
    fn end(mut self, next: Option<Tick>) {
        self.next = next;
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        let now = self.ticker.clock.now();
        let next = self.next.unwrap_or_else(|| now.after(self.rest));
        self.ticker.book().put_back(self.id, next, now);
        self.ticker.arm();
    }
}

/// What `work` answers; nothing if it panics, or takes longer than it may.
async fn ended(clock: &Clock, until: Tick, work: Boxed<Tick>) -> Option<Tick> {
    let mut work = work;
    let mut enough = pin!(clock.sleep_until(until));
    let ended = poll_fn(|cx| match catch("a chore", || work.as_mut().poll(cx)) {
        Ok(Poll::Ready(next)) => Poll::Ready(Some(next)),
        Ok(Poll::Pending) => enough.as_mut().poll(cx).map(|()| None),
        Err(_) => Poll::Ready(None),
    });
    let ended = ended.await;
    // Its drop is foreign code too.
    let _contained = catch("a chore", move || drop(work));
    ended
}

impl fmt::Debug for Ticker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticker").finish_non_exhaustive()
    }
}
