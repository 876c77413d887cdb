//! The two doors of every pool: asynchronous and blocking, onto the same objects and the same line.
//!
//! Decides nothing: each method says which deadline and which guard, and `acquire` does the rest.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::Tick;
use crate::acquire::{
    Caller, Quick, Request, acquire, acquire_from, acquire_many, hand_out, take_quickly,
};
use crate::bounded::Deadline;
use crate::clock::Clock;
use crate::driver::{Driver, Home};
use crate::error::AcquireError;
use crate::guard::Guard;
use crate::held::Held;
use crate::park;
use crate::pool::{BorrowedGuard, CountedGuard, Pool};
use crate::record::Taker;
use crate::shared::Shared;

type Result<T, E = AcquireError> = std::result::Result<T, E>;
type At = &'static Location<'static>;

fn task(objects: usize, deadline: Deadline, at: At) -> Request {
    Request {
        objects,
        deadline,
        at,
        caller: Caller::Task,
    }
}

fn thread(objects: usize, deadline: Deadline, at: At) -> Request {
    Request {
        caller: Caller::Thread(park::thread_key()),
        ..task(objects, deadline, at)
    }
}

/// Always in place: as a call, it answers through memory, which costs as much as another swap.
#[inline(always)]
fn acquire_parking<D: Driver, H: Home<D>>(
    home: H,
    deadline: Deadline,
    at: At,
) -> Result<Guard<D, H>> {
    let by = Taker {
        at,
        key: park::thread_key(),
    };
    match take_quickly(home, by) {
        Quick::Done(guard) => Ok(guard),
        start => park_for(start, thread(1, deadline, at), by),
    }
}

#[cold]
fn park_for<D: Driver, H: Home<D>>(
    start: Quick<D, H>,
    request: Request,
    by: Taker,
) -> Result<Guard<D, H>> {
    park::block_on(acquire_from(start, request, by))
}

impl<D: Driver> Shared<D> {
    pub(crate) fn try_acquire<H: Home<D>>(&self, home: H, at: At) -> Option<Guard<D, H>> {
        let by = Taker {
            at,
            key: park::thread_key(),
        };
        match take_quickly(home, by) {
            Quick::Done(guard) => Some(guard),
            Quick::Unchecked(held) => self.check_now(held).map(|held| hand_out(held, by)),
            Quick::Nothing(_) => None,
        }
    }

    /// Checks an object. One that does not pass at once goes on being checked in the background:
    /// the next caller finds it done.
    fn check_now<H: Home<D>>(&self, held: Held<D, H>) -> Option<Held<D, H>> {
        let home = held.home_ref();
        let held = held.counted()?;
        let mut check = Box::pin(check_apart(held));
        match check.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(held) => held.map(|held| held.back_to(home)),
            Poll::Pending => {
                let job = Box::pin(async {
                    if let Some(held) = check.await {
                        crate::care::put_back(held);
                    }
                });
                drop(self.driver.spawn(job));
                None
            }
        }
    }
}

async fn check_apart<D: Driver, H: Home<D>>(held: Held<D, H>) -> Option<Held<D, H>> {
    let mut deadline = Deadline::Configured;
    match crate::care::check(held, &mut deadline).await {
        crate::care::Checked::Good(held) => Some(held),
        crate::care::Checked::Gone => None,
    }
}

/// The rest of an acquire that could not be served at once.
#[doc(hidden)]
pub type Rest<'h, D, H> = Pin<Box<dyn Future<Output = Result<Guard<D, H>>> + Send + 'h>>;

/// For the framework, whose guards know more of where they belong than the pool.
impl<D: Driver> Pool<D> {
    /// Takes an object, at once or by polling the rest: with any way to hold on to the pool, a deadline
    /// besides the configured one, and the place of the call as its caller saw it. For a task, which is
    /// known by the data of its waker; without one, for a thread.
    ///
    /// # Errors
    ///
    /// The rest, where that takes waiting.
    #[doc(hidden)]
    #[inline]
    pub fn begin<'h, H: Home<D> + 'h>(
        home: H,
        at: At,
        task: Option<u64>,
        until: impl FnOnce(&Clock, Duration) -> Option<Tick>,
    ) -> Result<Guard<D, H>, Rest<'h, D, H>> {
        Self::begin_at_once(home, at, task).map_err(|begun| begun.rest(until))
    }

    /// The part of [`begin`](Self::begin) that takes no waiting.
    ///
    /// # Errors
    ///
    /// What is to be gone on from, where the whole takes waiting.
    #[doc(hidden)]
    #[inline(always)]
    pub fn begin_at_once<H: Home<D>>(
        home: H,
        at: At,
        task: Option<u64>,
    ) -> Result<Guard<D, H>, Begun<D, H>> {
        let key = task.unwrap_or_else(park::thread_key);
        let by = Taker { at, key };
        match take_quickly(home, by) {
            Quick::Done(guard) => Ok(guard),
            start => Err(Begun {
                start,
                by,
                is_task: task.is_some(),
            }),
        }
    }
}

/// An acquire that could not be served at once.
#[doc(hidden)]
pub struct Begun<D: Driver, H: Home<D>> {
    start: Quick<D, H>,
    by: Taker,
    is_task: bool,
}

impl<D: Driver, H: Home<D>> fmt::Debug for Begun<D, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Begun").finish_non_exhaustive()
    }
}

impl<D: Driver, H: Home<D>> Begun<D, H> {
    /// Where it was begun.
    pub fn home(&self) -> Option<H> {
        match &self.start {
            Quick::Done(_) => None,
            Quick::Unchecked(held) => Some(held.home_ref()),
            Quick::Nothing(home) => Some(H::clone(home)),
        }
    }

    /// The rest of it; see [`Pool::begin`].
    #[cold]
    pub fn rest<'h>(self, until: impl FnOnce(&Clock, Duration) -> Option<Tick>) -> Rest<'h, D, H>
    where
        D: 'h,
        H: 'h,
    {
        let Self { start, by, is_task } = self;
        rest(start, by, is_task, until)
    }
}

fn rest<'h, D: Driver, H: Home<D> + 'h>(
    start: Quick<D, H>,
    by: Taker,
    is_task: bool,
    until: impl FnOnce(&Clock, Duration) -> Option<Tick>,
) -> Rest<'h, D, H> {
    let home = match &start {
        Quick::Done(_) => None,
        Quick::Unchecked(held) => Some(held.home()),
        Quick::Nothing(home) => Some(&**home),
    };
    let deadline = home.and_then(|home| {
        let timeout = home.engine.acquire_timeout();
        let until = until(&home.clock, timeout)?;
        Some(Deadline::At(until.min(home.clock.now().after(timeout))))
    });
    let request = Request {
        caller: if is_task {
            Caller::Task
        } else {
            Caller::Thread(by.key)
        },
        ..task(1, deadline.unwrap_or(Deadline::Configured), by.at)
    };
    Box::pin(acquire_from(start, request, by))
}

/// Waiting without blocking whoever polls; needs no runtime.
///
/// # Cancel safety
///
/// Every future here can be dropped at any point: a place in line is left and its turn passed on, a
/// creation goes on for the next caller, an object that was just being validated or recycled is
/// retired. Nothing is lost but that object.
impl<D: Driver> Pool<D> {
    /// Takes an object, waiting for up to `acquire_timeout`.
    ///
    /// # Errors
    ///
    /// See [`AcquireError`].
    #[track_caller]
    pub fn acquire_async(&self) -> impl Future<Output = Result<BorrowedGuard<'_, D>>> + Send {
        let request = task(1, Deadline::Configured, Location::caller());
        acquire(&*self.shared, request)
    }

    /// Takes an object, waiting for up to `timeout`.
    ///
    /// # Errors
    ///
    /// See [`AcquireError`].
    #[track_caller]
    pub fn acquire_async_timeout(
        &self,
        timeout: Duration,
    ) -> impl Future<Output = Result<BorrowedGuard<'_, D>>> + Send {
        let request = task(1, Deadline::After(timeout), Location::caller());
        acquire(&*self.shared, request)
    }

    /// Takes an object, waiting until `deadline`.
    ///
    /// # Errors
    ///
    /// See [`AcquireError`].
    #[track_caller]
    pub fn acquire_async_deadline(
        &self,
        deadline: Instant,
    ) -> impl Future<Output = Result<BorrowedGuard<'_, D>>> + Send {
        let deadline = Deadline::At(self.shared.clock.deadline(deadline));
        acquire(&*self.shared, task(1, deadline, Location::caller()))
    }

    /// Takes `count` objects or none, waiting for up to `acquire_timeout`. Two callers that each want
    /// several never wait for each other's share: only the head of the line collects.
    ///
    /// # Errors
    ///
    /// See [`AcquireError`]; [`TooMany`](AcquireError::TooMany) when `count` exceeds `max_size`.
    #[track_caller]
    pub fn acquire_async_many(
        &self,
        count: usize,
    ) -> impl Future<Output = Result<Vec<BorrowedGuard<'_, D>>>> + Send {
        let request = task(count, Deadline::Configured, Location::caller());
        acquire_many(&*self.shared, request)
    }

    /// Takes an object with a `'static` guard, waiting for up to `acquire_timeout`. The future is
    /// `'static` too, and does not keep the pool open.
    ///
    /// # Errors
    ///
    /// See [`AcquireError`].
    #[track_caller]
    pub fn acquire_async_owned(
        &self,
    ) -> impl Future<Output = Result<CountedGuard<D>>> + Send + use<D> {
        let request = task(1, Deadline::Configured, Location::caller());
        acquire(Arc::clone(&self.shared), request)
    }
}

/// Waiting by parking the thread.
///
/// # Blocking
///
/// Every method here may block its thread until the deadline. Called on a runtime's worker thread,
/// it keeps that worker from everything else.
impl<D: Driver> Pool<D> {
    /// Takes an object, waiting for up to `acquire_timeout`.
    ///
    /// # Errors
    ///
    /// See [`AcquireError`].
    #[track_caller]
    #[inline]
    pub fn acquire_blocking(&self) -> Result<BorrowedGuard<'_, D>> {
        acquire_parking(&*self.shared, Deadline::Configured, Location::caller())
    }

    /// Takes an object, waiting for up to `timeout`.
    ///
    /// # Errors
    ///
    /// See [`AcquireError`].
    #[track_caller]
    pub fn acquire_blocking_timeout(&self, timeout: Duration) -> Result<BorrowedGuard<'_, D>> {
        let deadline = Deadline::After(timeout);
        acquire_parking(&*self.shared, deadline, Location::caller())
    }

    /// Takes an object, waiting until `deadline`.
    ///
    /// # Errors
    ///
    /// See [`AcquireError`].
    #[track_caller]
    pub fn acquire_blocking_deadline(&self, deadline: Instant) -> Result<BorrowedGuard<'_, D>> {
        let deadline = Deadline::At(self.shared.clock.deadline(deadline));
        acquire_parking(&*self.shared, deadline, Location::caller())
    }

    /// Takes `count` objects or none; see [`acquire_async_many`](Self::acquire_async_many).
    ///
    /// # Errors
    ///
    /// See [`AcquireError`].
    #[track_caller]
    pub fn acquire_blocking_many(&self, count: usize) -> Result<Vec<BorrowedGuard<'_, D>>> {
        let request = thread(count, Deadline::Configured, Location::caller());
        park::block_on(acquire_many(&*self.shared, request))
    }

    /// Takes an object with a `'static` guard, waiting for up to `acquire_timeout`.
    ///
    /// # Errors
    ///
    /// See [`AcquireError`].
    #[track_caller]
    pub fn acquire_blocking_owned(&self) -> Result<CountedGuard<D>> {
        let borrowed = acquire_parking(&*self.shared, Deadline::Configured, Location::caller())?;
        // Counted only now: one that takes no object takes no count either.
        Ok(borrowed.tied_to(Arc::clone(&self.shared)))
    }
}
