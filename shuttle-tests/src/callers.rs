//! Callers: how they ask for objects, for how long, and how they part with them.
//!
//! Decides what a caller may be answered. Tasks and threads do the same things, each by its own
//! doors, in the same line.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use nebula_resource_core::{AcquireError, Driver, Guard, Home, Pool};

use crate::explore::{draw, one_in};
use crate::facade::{Facade, Result};
use crate::factory::throw;
use crate::thing::Payload;
use crate::world::World;

/// How a caller asks.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// Until it is served.
    Wait,
    /// Until it is served, for a guard of its own.
    Owned,
    /// For so long.
    Within(Duration),
    /// For so many at once, until it is served.
    Many(usize),
    /// Without waiting.
    Try,
    /// Leaves after so many polls. A thread, which cannot, waits.
    Leave(usize),
}

/// How a caller parts with what it got.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// Drops the guard.
    Give,
    /// Waits until it is recycled.
    Release,
    /// Has it destroyed.
    Discard,
    /// Takes it out for good.
    Detach,
    /// Drops the guard of an object that is visibly broken.
    Break,
    /// Panics with the guard in hand.
    Panic,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It had what it asked for.
    Served,
    /// Its own time was up, or it left, or there was nothing to be had at once.
    Without,
    /// The pool is closed.
    Closed,
    /// It asked for more than there may be.
    TooMany,
}

type Guards<D, H> = Vec<Guard<D, H>>;

/// What a caller may be told: that its time is up only if it said for how long.
fn told<D: Driver>(way: Way, error: &AcquireError, pool: &Pool<D>) -> Outcome {
    match (way, error) {
        (_, AcquireError::Closed) if pool.is_closed() => Outcome::Closed,
        (Way::Many(_), AcquireError::TooMany { .. }) => Outcome::TooMany,
        (
            Way::Within(_),
            AcquireError::TimedOut(_) | AcquireError::CreateFailed(_) | AcquireError::Paused { .. },
        ) => Outcome::Without,
        _ => panic!("{way:?} was told: {error}"),
    }
}

/// Polls `future` again and again, and drops it after so many times.
pub async fn at_most<F: Future>(polls: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    })
    .await
}

fn one<D: Driver, H: Home<D>>(guard: Result<Guard<D, H>>) -> Result<Guards<D, H>> {
    guard.map(|guard| vec![guard])
}

fn none_or_one<D: Driver, H: Home<D>>(guard: Option<Guard<D, H>>) -> Result<Guards<D, H>> {
    Ok(guard.into_iter().collect())
}

fn seize<D: Driver<Object: Payload>, H: Home<D>>(guards: &Guards<D, H>) -> Outcome {
    guards.iter().for_each(|guard| guard.thing().seize());
    if guards.is_empty() {
        Outcome::Without
    } else {
        Outcome::Served
    }
}

/// Parts with a guard in one of the ways that need no waiting.
fn part<D: Driver<Object: Payload>, H: Home<D>>(guard: Guard<D, H>, end: End) {
    guard.thing().yield_up();
    match end {
        End::Give | End::Release => drop(guard),
        End::Discard => guard.discard(),
        End::Detach => drop(guard.detach()),
        End::Break => {
            guard.thing().damage();
            drop(guard);
        }
        End::Panic => {
            let thrown = catch_unwind(AssertUnwindSafe(|| {
                let _guard = guard;
                throw();
            }));
            drop(thrown);
        }
    }
}

async fn use_up<D: Driver<Object: Payload>, H: Home<D>>(guards: Guards<D, H>, end: End) -> Outcome {
    let outcome = seize(&guards);
    for _ in 0..draw(3) {
        shuttle::future::yield_now().await;
    }
    for guard in guards {
        if matches!(end, End::Release) {
            guard.thing().yield_up();
            guard.release().await;
        } else {
            part(guard, end);
        }
    }
    outcome
}

fn use_up_blocking<D: Driver<Object: Payload>, H: Home<D>>(
    guards: Guards<D, H>,
    end: End,
) -> Outcome {
    let outcome = seize(&guards);
    for _ in 0..draw(3) {
        shuttle::thread::yield_now();
    }
    for guard in guards {
        if matches!(end, End::Release) {
            guard.thing().yield_up();
            guard.release_blocking();
        } else {
            part(guard, end);
        }
    }
    outcome
}

impl<F: Facade> World<F> {
    /// One visit of a task.
    ///
    /// # Panics
    ///
    /// When it is told what it cannot be told.
    pub async fn visit(&self, way: Way, end: End) -> Outcome {
        let Some(pool) = self.pool() else {
            return Outcome::Closed;
        };
        let got = match way {
            Way::Wait => one(pool.acquire(None).await),
            Way::Within(span) => one(pool.acquire(Some(span)).await),
            Way::Many(count) => pool.core().acquire_async_many(count).await,
            Way::Try => none_or_one(pool.core().try_acquire()),
            Way::Leave(polls) => {
                let left = at_most(polls, pool.acquire(None)).await;
                left.map_or_else(|| Ok(Vec::new()), one)
            }
            Way::Owned => {
                let asked = pool.core().acquire_async_owned();
                return match one(asked.await) {
                    Ok(guards) => {
                        drop(pool);
                        use_up(guards, end).await
                    }
                    Err(error) => told(way, &error, pool.core()),
                };
            }
        };
        match got {
            Ok(guards) => use_up(guards, end).await,
            Err(error) => told(way, &error, pool.core()),
        }
    }

    /// One visit of a thread.
    ///
    /// # Panics
    ///
    /// When it is told what it cannot be told.
    pub fn visit_blocking(&self, way: Way, end: End) -> Outcome {
        let Some(pool) = self.pool() else {
            return Outcome::Closed;
        };
        let got = match way {
            Way::Wait | Way::Leave(_) => one(pool.acquire_blocking(None)),
            Way::Within(span) => one(pool.acquire_blocking(Some(span))),
            Way::Many(count) => pool.core().acquire_blocking_many(count),
            Way::Try => none_or_one(pool.core().try_acquire()),
            Way::Owned => {
                return match one(pool.core().acquire_blocking_owned()) {
                    Ok(guards) => {
                        drop(pool);
                        use_up_blocking(guards, end)
                    }
                    Err(error) => told(way, &error, pool.core()),
                };
            }
        };
        match got {
            Ok(guards) => use_up_blocking(guards, end),
            Err(error) => told(way, &error, pool.core()),
        }
    }

    /// Some callers, tasks and threads mixed, each with some visits drawn by `habit`.
    pub fn callers(self: &Arc<Self>, count: usize, visits: usize, habit: fn() -> (Way, End)) {
        for _ in 0..count {
            let visits = 1 + draw(visits);
            if one_in(2) {
                self.task(move |world| async move {
                    for _ in 0..visits {
                        let (way, end) = habit();
                        world.visit(way, end).await;
                    }
                });
            } else {
                self.thread(move |world| {
                    for _ in 0..visits {
                        let (way, end) = habit();
                        world.visit_blocking(way, end);
                    }
                });
            }
        }
    }
}
