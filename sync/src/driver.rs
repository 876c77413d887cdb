//! How the blocking facade runs its factory: on helper threads whatever may take long.
//!
//! Decides where each callback runs. Knows nothing of waiting.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use nebula_resource_core::{
    BlockingFactory, BoxError, Driver, Held, Home, Job, Outcome, RetireReason, helpers, lend,
    offload, spawn_on_helper,
};

/// What runs a blocking pool's background work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Background {
    /// The process's helper threads, started when needed and gone when idle.
    #[default]
    Helpers,
    /// Nothing: objects are made by the caller that needs one, and maintenance is driven by hand
    /// with [`Pool::maintain`](crate::Pool::maintain). Callbacks that may block still run on
    /// helper threads, so that they stay bounded.
    Nothing,
}

/// Runs a [`BlockingFactory`].
pub struct BlockingDriver<B> {
    factory: Arc<B>,
    background: Background,
}

// A factory is never formatted: it knows secrets.
impl<B> fmt::Debug for BlockingDriver<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingDriver").finish_non_exhaustive()
    }
}

impl<B: BlockingFactory> BlockingDriver<B> {
    pub(crate) fn new(factory: B, background: Background) -> Self {
        Self {
            factory: Arc::new(factory),
            background,
        }
    }

    /// The factory.
    pub fn factory(&self) -> &B {
        &self.factory
    }
}

impl<B: BlockingFactory> Driver for BlockingDriver<B> {
    type Object = B::Object;

    fn create(&self) -> impl Future<Output = Result<B::Object, BoxError>> + Send {
        let factory = Arc::clone(&self.factory);
        let work = move || factory.create().map_err(Into::into);
        async { offload("create", helpers::run, work).await? }
    }

    fn validate<H: Home<Self>>(
        held: Held<Self, H>,
    ) -> impl Future<Output = Outcome<Self, H>> + Send {
        let factory = Arc::clone(&held.home().driver().factory);
        lend("validate", held, helpers::run, move |object| {
            factory.validate(object).map_err(Into::into)
        })
    }

    fn recycle<H: Home<Self>>(
        held: Held<Self, H>,
    ) -> impl Future<Output = Outcome<Self, H>> + Send {
        let factory = Arc::clone(&held.home().driver().factory);
        lend("recycle", held, helpers::run, move |object| {
            factory.recycle(object).map_err(Into::into)
        })
    }

    #[inline]
    fn recycle_at_once(&self, object: &mut B::Object) -> Option<Result<(), BoxError>> {
        let in_place = !self.factory.recycle_blocks();
        in_place.then(|| self.factory.recycle(object).map_err(Into::into))
    }

    #[inline]
    fn is_broken(&self, object: &B::Object) -> bool {
        self.factory.is_broken(object)
    }

    async fn destroy(&self, object: B::Object, why: RetireReason) {
        let factory = Arc::clone(&self.factory);
        let work = move || factory.destroy(object, why);
        // A panic in it changes nothing: the object is gone.
        let _ended = offload("destroy", helpers::run, work).await;
    }

    fn can_spawn(&self) -> bool {
        self.background == Background::Helpers
    }

    fn spawn(&self, job: Job) -> Result<(), Job> {
        spawn_on_helper(job)
    }
}
