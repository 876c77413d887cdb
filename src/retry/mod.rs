//! Trying again, at the caller's edge: never done unless asked for, and never more than it helps.
//!
//! Decides how an operation is repeated: when and how often is the `policy`'s, whether an error is
//! worth it is said by the [error itself](Retryable), and how many retries there may be in all by a
//! [budget](RetryBudget). Needs no runtime: it sleeps by the clock. Knows nothing of resources.

mod again;
mod budget;
mod policy;

use std::error::Error;
use std::fmt;
use std::future::Future;

use nebula_resource_core::clock::Clock;
use nebula_resource_core::{Tick, ValidationError};

pub use again::{Again, Retryable};
pub use budget::{RetryBudget, RetryBudgetConfig};
use policy::SoFar;
pub use policy::{GaveUpBecause, RetryPolicy};

use crate::context::Context;

/// Does something until it works, or trying again makes no sense.
///
/// Between two attempts it pauses, longer each time, for a random part of it. It gives up at once
/// where the caller's deadline would be over before the next attempt, and ends a pause at once when
/// the caller is cancelled.
///
/// What fails half-way may have been done all the same. So it is repeated only if its error
/// [says](Retryable::again) that it was not begun, or if it is marked as
/// [idempotent](Self::idempotent).
///
/// # Examples
///
/// ```
/// use nebula_resource::retry::{Retry, RetryBudget, RetryBudgetConfig, RetryPolicy};
/// use nebula_resource::{BoxError, Context, Manager, Scope};
/// # use nebula_resource::{BlockingResource, CreateContext};
/// # struct Counter;
/// # impl BlockingResource for Counter {
/// #     type Config = ();
/// #     type Instance = u32;
/// #     type Error = std::io::Error;
/// #     fn create(&self, (): &(), _: &CreateContext) -> std::io::Result<u32> { Ok(7) }
/// # }
/// # futures::executor::block_on(async {
/// # let manager = Manager::new();
/// # manager.register("counter", Counter, ()).await?;
///
/// let budget = RetryBudget::new(RetryBudgetConfig::default())?; // one for each backend
/// let retry = Retry::new(RetryPolicy::default())?.budget(&budget);
///
/// let nobody = Context::new(Scope::GLOBAL);
/// let count = retry
///     .idempotent() // reading twice does no harm
///     .run(&nobody, async |attempt| {
///         let counter = manager.acquire::<Counter>("counter", attempt.context()).await?;
///         Ok::<_, BoxError>(*counter)
///     })
///     .await?;
/// assert_eq!(count, 7);
/// # Ok::<(), BoxError>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Retry {
    policy: RetryPolicy,
    budget: Option<RetryBudget>,
    clock: Clock,
    is_idempotent: bool,
}

/// One attempt at an operation.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'c> {
    number: u32,
    context: &'c Context,
}

impl<'c> Attempt<'c> {
    /// 1 at first, one more with each retry.
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// On whose behalf, until when, and what ends it: to be handed on to whatever is asked.
    pub const fn context(&self) -> &'c Context {
        self.context
    }
}

impl Retry {
    /// With these settings, without a budget, for what is not idempotent.
    ///
    /// # Errors
    ///
    /// About the first setting that is out of its limits.
    pub fn new(policy: RetryPolicy) -> Result<Self, ValidationError> {
        policy.validate()?;
        Ok(Self {
            policy,
            budget: None,
            clock: Clock::system(),
            is_idempotent: false,
        })
    }

    /// Takes its retries from `budget`, which others may share.
    #[must_use]
    pub fn budget(mut self, budget: &RetryBudget) -> Self {
        self.budget = Some(budget.clone());
        self
    }

    /// Goes by another clock than the system's.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The same for what is idempotent: done twice, it is as if it had been done once.
    #[must_use]
    pub fn idempotent(&self) -> Self {
        Self {
            is_idempotent: true,
            ..self.clone()
        }
    }

    /// Does `operation`, again if need be.
    ///
    /// # Errors
    ///
    /// [`GaveUp`], with the last error of `operation`.
    ///
    /// # Cancel safety
    ///
    /// Can be dropped at any point, with the attempt that is under way.
    pub async fn run<'c, T, E, F>(
        &self,
        context: &'c Context,
        mut operation: impl FnMut(Attempt<'c>) -> F,
    ) -> Result<T, GaveUp<E>>
    where
        E: Retryable,
        // An `AsyncFnMut` could not be sent to another thread.
        F: Future<Output = Result<T, E>>,
    {
        let mut round = Round::begin(self, context);
        loop {
            match operation(round.attempt()).await {
                Ok(done) => return Ok(done),
                Err(error) => {
                    let next = round.failed(&error);
                    round
                        .pause(next)
                        .await
                        .map_err(|why| round.give_up(why, error))?;
                }
            }
        }
    }

    /// [`run`](Self::run), on this thread.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run).
    ///
    /// # Blocking
    ///
    /// For the pauses, besides what `operation` does.
    pub fn run_blocking<'c, T, E: Retryable>(
        &self,
        context: &'c Context,
        mut operation: impl FnMut(Attempt<'c>) -> Result<T, E>,
    ) -> Result<T, GaveUp<E>> {
        let mut round = Round::begin(self, context);
        loop {
            match operation(round.attempt()) {
                Ok(done) => return Ok(done),
                Err(error) => {
                    let next = round.failed(&error);
                    let paused = nebula_resource_core::park::block_on(round.pause(next));
                    paused.map_err(|why| round.give_up(why, error))?;
                }
            }
        }
    }
}

/// Something was given up.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GaveUp<E> {
    /// How the last attempt failed.
    pub error: E,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it was not tried again.
    pub because: GaveUpBecause,
}

impl<E: fmt::Display> fmt::Display for GaveUp<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            error, attempts, ..
        } = self;
        let times = if *attempts == 1 { "time" } else { "times" };
        let because = match self.because {
            GaveUpBecause::Pointless => "another would not help",
            GaveUpBecause::NotIdempotent => {
                "it may have been done all the same, and is not marked as idempotent"
            }
            GaveUpBecause::Attempts => "more are not allowed",
            GaveUpBecause::Deadline => "there is no time for another",
            GaveUpBecause::Budget => "the budget for retries is used up",
            GaveUpBecause::Cancelled => "the caller was cancelled",
        };
        write!(f, "tried {attempts} {times}, {because}: {error}")
    }
}

impl<E: Retryable + fmt::Debug + fmt::Display> Error for GaveUp<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.as_error()
    }
}

/// Attempts at one operation.
struct Round<'r, 'c> {
    retry: &'r Retry,
    context: &'c Context,
    deadline: Tick,
    made: u32,
}

impl<'r, 'c> Round<'r, 'c> {
    fn begin(retry: &'r Retry, context: &'c Context) -> Self {
        if let Some(budget) = &retry.budget {
            budget.call(retry.clock.now());
        }
        let deadline = context.deadline();
        Self {
            retry,
            context,
            deadline: deadline.map_or(Tick::NEVER, |at| retry.clock.deadline(at)),
            made: 0,
        }
    }

    fn attempt(&mut self) -> Attempt<'c> {
        self.made += 1;
        Attempt {
            number: self.made,
            context: self.context,
        }
    }

    /// When the next one is due.
    fn failed<E: Retryable>(&self, error: &E) -> Result<Tick, GaveUpBecause> {
        let Retry {
            policy,
            budget,
            clock,
            is_idempotent,
        } = self.retry;
        if self.context.cancellation().is_cancelled() {
            return Err(GaveUpBecause::Cancelled);
        }
        let now = clock.now();
        let so_far = SoFar {
            failed: self.made,
            is_idempotent: *is_idempotent,
            now,
            deadline: self.deadline,
            random: clock.jitter(),
        };
        let next = policy.next(error.again(), so_far)?;
        // Last: what is not tried again for another reason costs nobody a retry.
        match budget {
            Some(budget) if !budget.retry(now) => Err(GaveUpBecause::Budget),
            _ => Ok(next),
        }
    }

    fn pause(
        &self,
        next: Result<Tick, GaveUpBecause>,
    ) -> impl Future<Output = Result<(), GaveUpBecause>> + Send + use<'r, 'c> {
        let (clock, context) = (self.retry.clock.clone(), self.context);
        async move {
            let sleeping = clock.sleep_until(next?);
            context
                .run(sleeping)
                .await
                .map_err(|_| GaveUpBecause::Cancelled)
        }
    }

    const fn give_up<E>(&self, because: GaveUpBecause, error: E) -> GaveUp<E> {
        GaveUp {
            error,
            attempts: self.made,
            because,
        }
    }
}
