//! What a pool asks of its user: how to make an object, how to tell that it still works, how to
//! make it fit for the next caller, and how to say goodbye to it.
//!
//! Decides nothing; vocabulary only. Knows nothing of pools, waiting, or runtimes. When each
//! method is called, and how long it may take, is written at the method and enforced elsewhere.

use std::error::Error;
use std::future::{Future, ready};

use crate::retire::RetireReason;

/// A boxed error of any kind, as factories may return it.
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// Makes and cares for the objects of an async pool.
///
/// Only [`create`](Self::create) has no default. Every method may fail, hang or panic: the pool
/// bounds each call, catches panics, and gives the object's place free again.
///
/// # Examples
///
/// ```
/// use nebula_resource_core::Factory;
///
/// struct Counter;
///
/// impl Factory for Counter {
///     type Object = u64;
///     type Error = std::io::Error;
///
///     async fn create(&self) -> Result<u64, std::io::Error> {
///         Ok(0)
///     }
/// }
/// ```
pub trait Factory: Send + Sync + 'static {
    /// What the pool hands out.
    type Object: Send + 'static;

    /// Why an object could not be made, validated or recycled. Any `std::error::Error` will do,
    /// and so will `String`.
    type Error: Into<BoxError> + Send + 'static;

    /// Makes a new object.
    ///
    /// Bounded by `create_timeout`. It belongs to the pool, not to the caller that triggered it:
    /// when that caller gives up, the object goes to the next one.
    fn create(&self) -> impl Future<Output = Result<Self::Object, Self::Error>> + Send;

    /// Answers whether an object that was idle for longer than `validate_after` still works.
    ///
    /// Called before the object is handed out, and as keepalive; bounded by `validate_timeout`.
    /// An error retires the object, and makes every object that was proven before it suspect.
    fn validate(
        &self,
        object: &mut Self::Object,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send {
        let _ = object;
        ready(Ok(()))
    }

    /// Makes a returned object clean for the next caller.
    ///
    /// `Drop` cannot wait, so it runs before the next hand-out, in maintenance, or at once with
    /// `Guard::release`; bounded by `recycle_timeout`. An error retires the object.
    fn recycle(
        &self,
        object: &mut Self::Object,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send {
        let _ = object;
        ready(Ok(()))
    }

    /// Answers, without waiting, whether a returned object is visibly unusable.
    ///
    /// Called in the guard's `Drop`: it must be cheap and may not block.
    fn is_broken(&self, object: &Self::Object) -> bool {
        let _ = object;
        false
    }

    /// Says goodbye to an object; the default drops it.
    ///
    /// Runs in the background, bounded by `destroy_timeout`, never in a guard's `Drop`.
    fn destroy(&self, object: Self::Object, why: RetireReason) -> impl Future<Output = ()> + Send {
        let _ = why;
        drop(object);
        ready(())
    }
}

/// Makes and cares for the objects of a blocking pool: [`Factory`] without `async`.
///
/// `create`, `validate` and `destroy` run on helper threads, so that a hanging call costs its
/// caller no more than its deadline. `recycle` runs on the thread of the next caller, unless
/// [`recycle_blocks`](Self::recycle_blocks) says that it may take long.
///
/// # Examples
///
/// ```
/// use nebula_resource_core::BlockingFactory;
///
/// struct Files(std::path::PathBuf);
///
/// impl BlockingFactory for Files {
///     type Object = std::fs::File;
///     type Error = std::io::Error;
///
///     fn create(&self) -> Result<std::fs::File, std::io::Error> {
///         std::fs::File::open(&self.0)
///     }
/// }
/// ```
pub trait BlockingFactory: Send + Sync + 'static {
    /// What the pool hands out.
    type Object: Send + 'static;

    /// Why an object could not be made, validated or recycled. Any `std::error::Error` will do,
    /// and so will `String`.
    type Error: Into<BoxError> + Send + 'static;

    /// Makes a new object. Bounded by `create_timeout`; see [`Factory::create`].
    fn create(&self) -> Result<Self::Object, Self::Error>;

    /// Answers whether an object that was idle for long still works; see [`Factory::validate`].
    fn validate(&self, object: &mut Self::Object) -> Result<(), Self::Error> {
        let _ = object;
        Ok(())
    }

    /// Makes a returned object clean for the next caller; see [`Factory::recycle`].
    fn recycle(&self, object: &mut Self::Object) -> Result<(), Self::Error> {
        let _ = object;
        Ok(())
    }

    /// Whether [`recycle`](Self::recycle) may block (talks to a server, takes a file lock).
    ///
    /// `false`, the default, runs it on the thread of the caller that gets the object: nothing
    /// is faster, but a call that hangs there hangs that caller. `true` runs it on a helper
    /// thread, bounded by `recycle_timeout`, for the price of two context switches.
    fn recycle_blocks(&self) -> bool {
        false
    }

    /// Answers, without waiting, whether a returned object is visibly unusable; see
    /// [`Factory::is_broken`].
    fn is_broken(&self, object: &Self::Object) -> bool {
        let _ = object;
        false
    }

    /// Says goodbye to an object; the default drops it. See [`Factory::destroy`].
    fn destroy(&self, object: Self::Object, why: RetireReason) {
        let _ = why;
        drop(object);
    }
}
