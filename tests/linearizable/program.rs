//! What the callers of one round do: drawn from a seed, carried out by threads and tasks, recorded.
//!
//! Decides who does what next. Knows nothing of what should come out.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use fastrand::Rng;
use nebula_resource_core::Driver;
use nebula_resource_histories::{Call, Log, Reply};

use crate::subject::{Subject, Taken};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Waits for as long as it takes.
    Acquire,
    /// Gives up soon.
    Hasty,
    /// Goes away after so many polls.
    Cancel(u8),
    Try,
    Release,
    /// And waits until it is recycled.
    ReleaseWait,
    Discard,
    Detach,
    Resize(usize),
    /// And resumes.
    Pause,
    Close,
}

/// What may come up in a round.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mix {
    pub(crate) discards: bool,
    pub(crate) resizes: bool,
    pub(crate) owners: bool,
}

/// So many calls, more or less, for each caller.
const CALLS: usize = 8;

/// What one caller does: it holds at most one object while it waits for none.
pub(crate) fn program(mix: Mix, rng: &mut Rng) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut holds = false;
    while steps.len() < CALLS {
        let step = match rng.u8(..32) {
            0 if mix.owners && rng.bool() => Step::Close,
            1 if mix.owners => Step::Pause,
            2..4 if mix.resizes => Step::Resize(rng.usize(1..4)),
            4..8 => Step::Try,
            _ if holds => match rng.u8(..16) {
                0 if mix.discards => Step::Discard,
                1 if mix.discards => Step::Detach,
                2..5 => Step::ReleaseWait,
                _ => Step::Release,
            },
            8..11 => Step::Cancel(rng.u8(..4)),
            11..14 => Step::Hasty,
            _ => Step::Acquire,
        };
        holds = match step {
            Step::Acquire | Step::Hasty => true,
            Step::Release | Step::ReleaseWait | Step::Discard | Step::Detach => false,
            _ => holds,
        };
        steps.push(step);
    }
    steps
}

/// One caller.
pub(crate) struct Actor<D: Driver<Object = u64>> {
    pub(crate) subject: Arc<Subject<D>>,
    pub(crate) log: Log,
    pub(crate) steps: Vec<Step>,
    /// A thread, which may block; a task must not.
    pub(crate) blocks: bool,
    pub(crate) rng: Rng,
    pub(crate) holding: Vec<Taken<D>>,
}

impl<D: Driver<Object = u64>> Actor<D> {
    pub(crate) async fn play(mut self) {
        for step in std::mem::take(&mut self.steps) {
            for _ in 0..self.rng.usize(..3) {
                nap().await;
            }
            self.take(step).await;
        }
        while !self.holding.is_empty() {
            self.give_up(Step::Release).await;
        }
    }

    async fn take(&mut self, step: Step) {
        let pool = self.subject.pool;
        match step {
            Step::Acquire | Step::Hasty | Step::Cancel(_) => self.acquire(step).await,
            Step::Try => {
                let call = self.log.call(Call::TryAcquire);
                let (reply, taken) = self.subject.try_acquire();
                self.log.reply(call, reply);
                self.holding.extend(taken);
            }
            Step::Resize(limit) => {
                let call = self.log.call(Call::Resize(limit));
                pool.resize(limit).unwrap();
                self.log.reply(call, Reply::Done);
            }
            Step::Pause => {
                let call = self.log.call(Call::Pause);
                let changed = pool.pause();
                self.log.reply(call, Reply::Changed(changed));
                let call = self.log.call(Call::Resume);
                let changed = pool.resume();
                self.log.reply(call, Reply::Changed(changed));
            }
            Step::Close => {
                let call = self.log.call(Call::Close);
                drop(pool.close());
                self.log.reply(call, Reply::Done);
            }
            _ => self.give_up(step).await,
        }
    }

    /// Through every door in turn; nobody waits with something in its hands.
    async fn acquire(&mut self, step: Step) {
        while !self.holding.is_empty() {
            self.give_up(Step::Release).await;
        }
        let (subject, pool) = (Arc::clone(&self.subject), self.subject.pool);
        let owned = self.rng.bool();
        let short = Duration::from_micros(self.rng.u64(..100));
        let call = self.log.call(Call::Acquire);
        let (reply, taken) = match step {
            Step::Cancel(polls) => match polled(pool.acquire_async_owned(), polls).await {
                Some(acquired) => subject.owned(acquired),
                None => (Reply::Cancelled, None),
            },
            Step::Hasty if self.blocks => subject.borrowed(pool.acquire_blocking_timeout(short)),
            Step::Hasty => subject.borrowed(pool.acquire_async_timeout(short).await),
            _ if self.blocks && owned => subject.owned(pool.acquire_blocking_owned()),
            _ if self.blocks => subject.borrowed(pool.acquire_blocking()),
            _ if owned => subject.owned(pool.acquire_async_owned().await),
            _ => subject.borrowed(pool.acquire_async().await),
        };
        self.log.reply(call, reply);
        self.holding.extend(taken);
    }

    async fn give_up(&mut self, step: Step) {
        let Some(taken) = self.holding.pop() else {
            return;
        };
        let call = match step {
            Step::Discard => Call::Discard(taken.id),
            Step::Detach => Call::Detach(taken.id),
            _ => Call::Release(taken.id),
        };
        self.subject.gives_up(call);
        let ticket = self.log.call(call);
        match step {
            Step::Discard => taken.discard(),
            Step::Detach => taken.detach(),
            Step::ReleaseWait => taken.release().await,
            _ => drop(taken),
        }
        self.log.reply(ticket, Reply::Done);
    }
}

/// Lets others go on, on any runtime or none.
pub(crate) async fn nap() {
    let mut napped = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut napped, true) {
            return Poll::Ready(());
        }
        std::thread::yield_now();
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Polls it so often at most; it is dropped when this returns.
async fn polled<F: Future>(future: F, polls: u8) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        let polled = poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await;
        if let Poll::Ready(output) = polled {
            return Some(output);
        }
        nap().await;
    }
    None
}
