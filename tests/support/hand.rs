//! A future polled by hand, and a waker that tells whether it was called.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use nebula_resource::AcquireError;
use nebula_resource_core::{CountedGuard, Driver, Pool};

/// An acquire as a thread does it, which is woken to race where a task is handed its object: to be polled
/// by hand.
pub(crate) fn parked<D: Driver>(
    pool: &Pool<D>,
) -> impl Future<Output = Result<CountedGuard<D>, AcquireError>> + Send + use<D> {
    let (shared, at) = (Arc::clone(pool.shared()), Location::caller());
    async move {
        match Pool::begin(shared, at, None, |_, _| None) {
            Ok(guard) => Ok(guard),
            Err(rest) => rest.await,
        }
    }
}

/// Counts how often it was woken.
#[derive(Default)]
pub(crate) struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Woken {
    pub(crate) fn times(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// A future that goes on only when it is polled by hand. Dropping it drops the future.
pub(crate) struct Hand<F> {
    future: Pin<Box<F>>,
    woken: Arc<Woken>,
}

impl<F: Future> Hand<F> {
    pub(crate) fn new(future: F) -> Self {
        Self {
            future: Box::pin(future),
            woken: Arc::default(),
        }
    }

    pub(crate) fn poll(&mut self) -> Poll<F::Output> {
        let waker = Waker::from(Arc::clone(&self.woken));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }

    /// How often it was woken so far.
    pub(crate) fn woken(&self) -> usize {
        self.woken.times()
    }

    /// The same future in other hands, with a waker of their own.
    pub(crate) fn moved(self) -> (Self, Arc<Woken>) {
        let there = Self {
            future: self.future,
            woken: Arc::default(),
        };
        (there, self.woken)
    }

    pub(crate) fn into_future(self) -> Pin<Box<F>> {
        self.future
    }
}
