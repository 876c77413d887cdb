//! A factory that counts how many creations are under way at once.
//!
//! Decides nothing; hands everything on.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use nebula_resource_async::{Factory, RetireReason};

/// How many there are at once, and were at most.
#[derive(Clone, Debug, Default)]
pub struct Peak(Arc<[AtomicUsize; 2]>);

/// One of them; ends with its drop.
#[derive(Debug)]
pub struct Counted(Peak);

impl Peak {
    /// One more, from now on.
    pub fn count(&self) -> Counted {
        let now = self.0[0].fetch_add(1, SeqCst) + 1;
        self.0[1].fetch_max(now, SeqCst);
        Counted(self.clone())
    }

    /// The most there were.
    pub fn most(&self) -> usize {
        self.0[1].load(SeqCst)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let Peak(counts) = &self.0;
        counts[0].fetch_sub(1, SeqCst);
    }
}

/// A factory, watched.
#[derive(Debug)]
pub struct Watched<F> {
    factory: F,
    peak: Peak,
}

impl<F> Watched<F> {
    /// Watches `factory`.
    pub fn new(factory: F, peak: Peak) -> Self {
        Self { factory, peak }
    }
}

impl<F: Factory> Factory for Watched<F> {
    type Object = F::Object;
    type Error = F::Error;

    async fn create(&self) -> Result<F::Object, F::Error> {
        let _counted = self.peak.count();
        self.factory.create().await
    }

    fn validate(
        &self,
        object: &mut F::Object,
    ) -> impl Future<Output = Result<(), F::Error>> + Send {
        self.factory.validate(object)
    }

    fn recycle(&self, object: &mut F::Object) -> impl Future<Output = Result<(), F::Error>> + Send {
        self.factory.recycle(object)
    }

    fn is_broken(&self, object: &F::Object) -> bool {
        self.factory.is_broken(object)
    }

    fn destroy(&self, object: F::Object, why: RetireReason) -> impl Future<Output = ()> + Send {
        self.factory.destroy(object, why)
    }
}
