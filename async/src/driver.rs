//! How the async facade runs its factory: in the task that needs it done, or in the background.
//!
//! Knows nothing of waiting.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

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
        let result = within(driver, driver.factory.validate(held.object())).await;
        (held, result.map_err(Into::into))
    }

    #[inline]
    async fn recycle<H: Home<Self>>(held: Held<Self, H>) -> Outcome<Self, H> {
        let mut held = held;
        let shared = held.home_ref();
        let driver = shared.driver();
        let result = within(driver, driver.factory.recycle(held.object())).await;
        (held, result.map_err(Into::into))
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

/// Polls `future` inside the pool's runtime, wherever its caller is.
async fn within<F: Factory, T>(driver: &AsyncDriver<F>, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let mut step = Poll::Pending;
        driver
            .runtime()
            .within(&mut || step = future.as_mut().poll(cx));
        step
    })
    .await
}

impl<F> fmt::Debug for AsyncDriver<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncDriver").finish_non_exhaustive()
    }
}
