//! The bridge: blocking factories under an async pool.
//!
//! Decides that blocking callbacks run on helper threads, never on the runtime's. The other direction,
//! blocking callers on an async pool, needs no bridge: see `Pool::acquire_blocking`.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use nebula_resource_core::{BlockingFactory, BoxError, Factory, RetireReason, helpers, offload};

/// Makes a [`Factory`] of a [`BlockingFactory`]: its callbacks run on helper threads, and never block
/// the runtime.
///
/// `recycle` runs in place unless the factory says that it blocks. An object that is being
/// validated when its time is up is destroyed when the callback returns.
///
/// # Examples
///
/// ```
/// use nebula_resource_async::{Blocking, BlockingFactory, Pool};
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
///
/// let pool = Pool::new(Blocking::new(Files("Cargo.toml".into())));
/// ```
pub struct Blocking<B> {
    factory: Arc<B>,
}

// Neither a factory nor an object is ever formatted: they know secrets.
impl<B> fmt::Debug for Blocking<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blocking").finish_non_exhaustive()
    }
}

/// An object of a blocking factory, which can be lent to a helper thread and back.
///
/// Derefs to the object; never empty where a caller can see it.
pub struct Lendable<T>(Option<T>);

impl<T> fmt::Debug for Lendable<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lendable").finish_non_exhaustive()
    }
}

impl<T> Deref for Lendable<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Some(object) => object,
            None => unreachable!("lent only while a callback runs on it"),
        }
    }
}

impl<T> DerefMut for Lendable<T> {
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.0 {
            Some(object) => object,
            None => unreachable!("lent only while a callback runs on it"),
        }
    }
}

impl<B: BlockingFactory> Blocking<B> {
    /// Wraps `factory`.
    pub fn new(factory: B) -> Self {
        Self {
            factory: Arc::new(factory),
        }
    }

    /// Lends the object to a helper thread for `work`. Should nobody wait for it any more, the
    /// object stays there and is dropped there.
    async fn lend(
        &self,
        callback: &'static str,
        object: &mut Lendable<B::Object>,
        work: fn(&B, &mut B::Object) -> Result<(), B::Error>,
    ) -> Result<(), BoxError> {
        let Some(mut lent) = object.0.take() else {
            return Ok(());
        };
        let factory = Arc::clone(&self.factory);
        let working = offload(callback, helpers::run, move || {
            let result = work(&factory, &mut lent);
            (lent, result)
        });
        let (lent, result) = working.await?;
        object.0 = Some(lent);
        result.map_err(Into::into)
    }
}

impl<B: BlockingFactory> Factory for Blocking<B> {
    type Object = Lendable<B::Object>;
    type Error = BoxError;

    async fn create(&self) -> Result<Self::Object, BoxError> {
        let factory = Arc::clone(&self.factory);
        let created = offload("create", helpers::run, move || factory.create()).await?;
        created
            .map(|object| Lendable(Some(object)))
            .map_err(Into::into)
    }

    async fn validate(&self, object: &mut Self::Object) -> Result<(), BoxError> {
        self.lend("validate", object, B::validate).await
    }

    async fn recycle(&self, object: &mut Self::Object) -> Result<(), BoxError> {
        if self.factory.recycle_blocks() {
            self.lend("recycle", object, B::recycle).await
        } else {
            self.factory.recycle(object).map_err(Into::into)
        }
    }

    fn is_broken(&self, object: &Self::Object) -> bool {
        object
            .0
            .as_ref()
            .is_none_or(|object| self.factory.is_broken(object))
    }

    async fn destroy(&self, object: Self::Object, why: RetireReason) {
        let Some(object) = object.0 else {
            return;
        };
        let factory = Arc::clone(&self.factory);
        let work = move || factory.destroy(object, why);
        // A panic in it changes nothing: the object is gone.
        let _ended = offload("destroy", helpers::run, work).await;
    }
}
