//! How the async facade runs its factory: in the task that needs it done, or in the background.
//!
//! Knows nothing of waiting.

use std::fmt;
use std::future::{Future, Ready, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use nebula_resource_core::{BoxError, Driver, Factory, Held, Home, Job, Outcome, RetireReason};

use crate::runtime::{Chosen, Runtime};

/// Runs a [`Factory`].
pub struct AsyncDriver<F> {
    factory: F,
    runtime: Chosen,
}

impl<F: Factory> AsyncDriver<F> {
    pub(crate) const fn new(factory: F, runtime: Chosen) -> Self {
        Self { factory, runtime }
    }

    /// The factory.
    pub const fn factory(&self) -> &F {
        &self.factory
    }

    /// The runtime in use.
    pub fn runtime(&self) -> &dyn Runtime {
        self.runtime.get()
    }
}

impl<F: Factory> Driver for AsyncDriver<F> {
    type Object = F::Object;

    async fn create(&self) -> Result<F::Object, BoxError> {
        self.factory.create().await.map_err(Into::into)
    }

    async fn validate<H: Home<Self>>(held: Held<Self, H>) -> Outcome<Self, H> {
        let mut held = held;
        let shared = held.home_ref();
        let driver = shared.driver();
        let result = within(driver.runtime(), driver.factory.validate(held.object())).await;
        (held, result.map_err(Into::into))
    }

    #[inline]
    async fn recycle<H: Home<Self>>(held: Held<Self, H>) -> Outcome<Self, H> {
        let mut held = held;
        let shared = held.home_ref();
        let driver = shared.driver();
        let result = within(driver.runtime(), driver.factory.recycle(held.object())).await;
        (held, result.map_err(Into::into))
    }

    /// A factory that does not recycle, or does so without waiting, is not worth a future that is
    /// moved about: nothing of it is left once this is compiled.
    #[inline]
    fn recycle_at_once(&self, object: &mut F::Object) -> Option<Result<(), BoxError>> {
        let recycle = move || {
            let object = object;
            self.factory.recycle(object)
        };
        at_once(recycle).map(|result| result.map_err(Into::into))
    }

    #[inline]
    fn is_broken(&self, object: &F::Object) -> bool {
        self.factory.is_broken(object)
    }

    fn destroy(&self, object: F::Object, why: RetireReason) -> impl Future<Output = ()> + Send {
        self.factory.destroy(object, why)
    }

    fn can_spawn(&self) -> bool {
        self.runtime.get().can_spawn()
    }

    fn spawn(&self, job: Job) -> Result<(), Job> {
        self.runtime.get().spawn(job)
    }
}

/// What `call` answers, if that takes no waiting; if it may, it is not called.
#[doc(hidden)]
#[inline]
pub fn at_once<R: Future>(call: impl FnOnce() -> R) -> Option<R::Output> {
    if !answers_at_once(&call) {
        return None;
    }
    match pin!(call()).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

/// Whether what `call` returns is a [`Ready`], as the default `recycle` does. Its type has a name
/// only here, and may borrow: what std's `TypeId` cannot tell.
#[inline]
fn answers_at_once<R: Future>(_call: &impl FnOnce() -> R) -> bool {
    typeid::of::<R>() == typeid::of::<Ready<R::Output>>()
}

/// Polls `future` inside the pool's runtime, wherever its caller is.
#[doc(hidden)]
pub async fn within<T>(runtime: &dyn Runtime, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let mut step = Poll::Pending;
        runtime.within(&mut || step = future.as_mut().poll(cx));
        step
    })
    .await
}

impl<F> fmt::Debug for AsyncDriver<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncDriver").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    #[test]
    fn only_a_ready_future_answers_at_once() {
        let object = 1;
        let borrowing = || ready::<Result<&i32, ()>>(Ok(&object));
        assert!(answers_at_once(&borrowing));
        assert!(!answers_at_once(&|| async { 1 }));
        assert!(!answers_at_once(&|| async { ready(1).await }));
    }
}
