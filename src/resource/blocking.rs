//! Resources whose libraries block, and how the manager calls them where it only knows their async
//! side.
//!
//! Decides nothing; vocabulary only.

use std::error::Error;
use std::future::{Future, ready};
use std::sync::Arc;

use nebula_resource_core::{BoxError, RetireReason};

use super::{CreateContext, Resource, ResourceConfig};
use crate::key::Key;
use crate::outcome::Severity;

/// A [`Resource`] whose library blocks: the same without `async`.
///
/// `create`, `is_valid` and `cleanup` run on helper threads, so that a call that hangs costs its
/// caller no more than its deadline. `recycle` runs on the thread of the next caller, unless
/// [`recycle_blocks`](Self::recycle_blocks) says that it may take long.
///
/// Tasks and threads acquire it alike.
///
/// # Examples
///
/// ```
/// use nebula_resource::{BlockingResource, CreateContext, ResourceConfig};
/// use std::{fs::File, io, path::PathBuf};
///
/// struct Journal;
///
/// #[derive(serde::Deserialize)]
/// struct JournalConfig {
///     path: PathBuf,
/// }
///
/// impl ResourceConfig for JournalConfig {}
///
/// impl BlockingResource for Journal {
///     type Config = JournalConfig;
///     type Instance = File;
///     type Error = io::Error;
///
///     fn create(&self, config: &JournalConfig, _: &CreateContext) -> io::Result<File> {
///         File::options().append(true).create(true).open(&config.path)
///     }
/// }
/// ```
pub trait BlockingResource: Send + Sync + 'static {
    /// What it is configured with.
    type Config: ResourceConfig;

    /// What callers get.
    type Instance: Send + 'static;

    /// Why an instance could not be made, validated or recycled. Any `std::error::Error` will do,
    /// and so will `String`.
    type Error: Into<BoxError> + Send + 'static;

    /// Makes a new instance. Bounded by `create_timeout`; see [`Resource::create`].
    ///
    /// # Errors
    ///
    /// Why it could not be made.
    fn create(
        &self,
        config: &Self::Config,
        context: &CreateContext,
    ) -> Result<Self::Instance, Self::Error>;

    /// Answers whether an instance that was idle for long still works; see [`Resource::is_valid`].
    ///
    /// # Errors
    ///
    /// Why it does not.
    fn is_valid(&self, instance: &mut Self::Instance) -> Result<(), Self::Error> {
        let _ = instance;
        Ok(())
    }

    /// Makes a returned instance clean for the next caller; see [`Resource::recycle`].
    ///
    /// # Errors
    ///
    /// Why it could not be made clean: it is retired.
    fn recycle(&self, instance: &mut Self::Instance) -> Result<(), Self::Error> {
        let _ = instance;
        Ok(())
    }

    /// Whether [`recycle`](Self::recycle) may block (talks to a server, takes a file lock).
    ///
    /// `false`, the default, runs it on the thread of the caller that gets the instance: nothing
    /// is faster, but a call that hangs there hangs that caller. `true` runs it on a helper
    /// thread, bounded by `recycle_timeout`, for the price of two context switches.
    fn recycle_blocks(&self) -> bool {
        false
    }

    /// Says goodbye to an instance; the default drops it. See [`Resource::cleanup`].
    fn cleanup(&self, instance: Self::Instance, why: RetireReason) {
        let _ = why;
        drop(instance);
    }

    /// Answers, without waiting, whether a returned instance is visibly unusable; see
    /// [`Resource::is_broken`].
    fn is_broken(&self, instance: &Self::Instance) -> bool {
        let _ = instance;
        false
    }

    /// Says how bad an error is that a caller met with; see [`Resource::classify`].
    fn classify(&self, error: &(dyn Error + 'static)) -> Severity {
        Severity::of(error)
    }

    /// The resources that must be there for this one to work; see [`Resource::dependencies`].
    fn dependencies(&self) -> Vec<Key> {
        Vec::new()
    }
}

/// In place: the manager asks [`Resource::blocking_calls`] and takes them to helper threads.
impl<B: BlockingResource> Resource for B {
    type Config = B::Config;
    type Instance = B::Instance;
    type Error = B::Error;

    fn create(
        &self,
        config: &B::Config,
        context: &CreateContext,
    ) -> impl Future<Output = Result<B::Instance, B::Error>> + Send {
        ready(BlockingResource::create(self, config, context))
    }

    fn is_valid(
        &self,
        instance: &mut B::Instance,
    ) -> impl Future<Output = Result<(), B::Error>> + Send {
        ready(BlockingResource::is_valid(self, instance))
    }

    fn recycle(
        &self,
        instance: &mut B::Instance,
    ) -> impl Future<Output = Result<(), B::Error>> + Send {
        ready(BlockingResource::recycle(self, instance))
    }

    fn cleanup(&self, instance: B::Instance, why: RetireReason) -> impl Future<Output = ()> + Send {
        BlockingResource::cleanup(self, instance, why);
        ready(())
    }

    fn is_broken(&self, instance: &B::Instance) -> bool {
        BlockingResource::is_broken(self, instance)
    }

    fn classify(&self, error: &(dyn Error + 'static)) -> Severity {
        BlockingResource::classify(self, error)
    }

    fn dependencies(&self) -> Vec<Key> {
        BlockingResource::dependencies(self)
    }

    fn blocking_calls(this: &Arc<Self>) -> Option<Arc<BlockingCalls<Self>>> {
        let calls: Arc<BlockingCalls<Self>> = Arc::<Self>::clone(this);
        Some(calls)
    }
}

/// A blocking resource's calls, where only its async side is known by type.
pub(crate) type BlockingCalls<R> =
    dyn BlockingDyn<<R as Resource>::Config, <R as Resource>::Instance>;

#[doc(hidden)]
pub trait BlockingDyn<C, I>: Send + Sync {
    fn create_dyn(&self, config: &C, context: &CreateContext) -> Result<I, BoxError>;
    fn is_valid_dyn(&self, instance: &mut I) -> Result<(), BoxError>;
    fn recycle_dyn(&self, instance: &mut I) -> Result<(), BoxError>;
    fn recycle_blocks_dyn(&self) -> bool;
    fn cleanup_dyn(&self, instance: I, why: RetireReason);
}

impl<B: BlockingResource> BlockingDyn<B::Config, B::Instance> for B {
    fn create_dyn(&self, config: &B::Config, cx: &CreateContext) -> Result<B::Instance, BoxError> {
        BlockingResource::create(self, config, cx).map_err(Into::into)
    }

    fn is_valid_dyn(&self, instance: &mut B::Instance) -> Result<(), BoxError> {
        BlockingResource::is_valid(self, instance).map_err(Into::into)
    }

    fn recycle_dyn(&self, instance: &mut B::Instance) -> Result<(), BoxError> {
        BlockingResource::recycle(self, instance).map_err(Into::into)
    }

    fn recycle_blocks_dyn(&self) -> bool {
        self.recycle_blocks()
    }

    fn cleanup_dyn(&self, instance: B::Instance, why: RetireReason) {
        BlockingResource::cleanup(self, instance, why);
    }
}
