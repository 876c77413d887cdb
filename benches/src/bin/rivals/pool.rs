//! What is measured: acquiring from a pool and giving back, by a thread or by a task.
//!
//! Decides the vocabulary that loads and contenders share. The loops are compiled for each pool apart,
//! so that nothing of this costs anything inside them.

use std::error::Error;
use std::fmt::Debug;
use std::future::Future;
use std::ops::DerefMut;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use tokio::time::timeout;

/// Whatever went wrong while something was set up.
pub(crate) type BoxError = Box<dyn Error + Send + Sync>;

/// What the pools hold.
#[derive(Debug)]
pub(crate) struct Thing {
    id: u32,
    /// How often it was used; also who used it last, where that is asked.
    pub(crate) uses: u32,
    census: Census,
}

impl Thing {
    pub(crate) const fn id(&self) -> u32 {
        self.id
    }
}

impl Drop for Thing {
    fn drop(&mut self) {
        self.census.0.alive.fetch_sub(1, Relaxed);
    }
}

/// Makes the things of one pool, and knows how many there are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Census(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    made: AtomicU32,
    alive: AtomicU32,
}

impl Census {
    pub(crate) fn make(&self) -> Thing {
        self.0.alive.fetch_add(1, Relaxed);
        Thing {
            id: self.0.made.fetch_add(1, Relaxed),
            uses: 0,
            census: self.clone(),
        }
    }

    pub(crate) fn alive(&self) -> usize {
        self.0.alive.load(Relaxed) as usize
    }
}

/// Makes a pool of so many objects, with everything switched off that the others do not do either.
/// Called in a tokio runtime where the callers are tasks.
pub(crate) type Make<P> = fn(usize, &Census) -> Result<P, BoxError>;

/// A pool whose callers are threads.
pub(crate) trait SyncPool: Send + Sync + Sized + 'static {
    type Guard<'a>: DerefMut<Target = Thing>;
    type Error: Debug;

    fn acquire(&self) -> Result<Self::Guard<'_>, Self::Error>;
}

/// A pool whose callers are tasks.
pub(crate) trait AsyncPool: Send + Sync + Sized + 'static {
    type Guard<'a>: DerefMut<Target = Thing> + Send;
    type Error: Debug + Send;

    fn acquire(&self) -> impl Future<Output = Result<Self::Guard<'_>, Self::Error>> + Send;

    /// Whether an object can be had in this time; with tokio's timer where the pool has none.
    fn acquire_within(&self, time: Duration) -> impl Future<Output = bool> + Send {
        async move {
            timeout(time, self.acquire())
                .await
                .is_ok_and(|got| got.is_ok())
        }
    }
}
