//! The two doors of every pool: asynchronous and blocking, onto the same objects and the same line.
//!
//! Decides nothing: each method says which deadline and which guard, and `acquire` does the rest.

use std::future::Future;
use std::panic::Location;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::acquire::{Caller, Request, acquire, acquire_many, hand_out};
use crate::bounded::Deadline;
use crate::driver::{Driver, Home};
use crate::error::AcquireError;
use crate::guard::Guard;
use crate::held::Held;
use crate::park;
use crate::pool::{BorrowedGuard, CountedGuard, Pool};
use crate::record::Taker;
use crate::shared::Shared;

type Result<T> = std::result::Result<T, AcquireError>;
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

/// Polls once before it makes ready to park: most acquires are over by then.
#[inline]
fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(output) => output,
        Poll::Pending => park::block_on(future),
    }
}

impl<D: Driver> Shared<D> {
    pub(crate) fn try_acquire<H: Home<D>>(&self, home: H, at: At) -> Option<Guard<D, H>> {
        let by = Taker {
            at,
            key: park::thread_key(),
        };
        let mut held = Held::new(home, self.engine.take()?);
        let stamp = self.engine.stamp.read();
        let entry = held.entry_mut();
        if entry.is_fresh(stamp, self.clock.coarse()) && !entry.dirty {
            return Some(hand_out(held, by));
        }
        self.check_now(held).map(|held| hand_out(held, by))
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
        let request = thread(1, Deadline::Configured, Location::caller());
        block_on(acquire(&*self.shared, request))
    }

    /// Takes an object, waiting for up to `timeout`.
    ///
    /// # Errors
    ///
    /// See [`AcquireError`].
    #[track_caller]
    pub fn acquire_blocking_timeout(&self, timeout: Duration) -> Result<BorrowedGuard<'_, D>> {
        let request = thread(1, Deadline::After(timeout), Location::caller());
        block_on(acquire(&*self.shared, request))
    }

    /// Takes an object, waiting until `deadline`.
    ///
    /// # Errors
    ///
    /// See [`AcquireError`].
    #[track_caller]
    pub fn acquire_blocking_deadline(&self, deadline: Instant) -> Result<BorrowedGuard<'_, D>> {
        let deadline = Deadline::At(self.shared.clock.deadline(deadline));
        block_on(acquire(
            &*self.shared,
            thread(1, deadline, Location::caller()),
        ))
    }

    /// Takes `count` objects or none; see [`acquire_async_many`](Self::acquire_async_many).
    ///
    /// # Errors
    ///
    /// See [`AcquireError`].
    #[track_caller]
    pub fn acquire_blocking_many(&self, count: usize) -> Result<Vec<BorrowedGuard<'_, D>>> {
        let request = thread(count, Deadline::Configured, Location::caller());
        block_on(acquire_many(&*self.shared, request))
    }

    /// Takes an object with a `'static` guard, waiting for up to `acquire_timeout`.
    ///
    /// # Errors
    ///
    /// See [`AcquireError`].
    #[track_caller]
    pub fn acquire_blocking_owned(&self) -> Result<CountedGuard<D>> {
        let request = thread(1, Deadline::Configured, Location::caller());
        block_on(acquire(Arc::clone(&self.shared), request))
    }
}
