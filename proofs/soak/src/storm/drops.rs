//! What the pools of the storm hold: objects that cost nothing, and take a moment to make.
//!
//! Decides that nothing ever fails here: what is missing after a storm was lost to the storm.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use nebula_resource::{BlockingFactory, Factory};

/// How many objects a factory has made, and how many of them are gone.
#[derive(Debug, Default)]
pub(crate) struct Count {
    made: AtomicU64,
    gone: AtomicU64,
    /// Objects that two had at once.
    pub(crate) shared: AtomicU64,
}

impl Count {
    pub(crate) fn alive(&self) -> u64 {
        let gone = self.gone.load(Ordering::Relaxed);
        self.made.load(Ordering::Relaxed).saturating_sub(gone)
    }
}

/// The factory.
#[derive(Debug)]
pub(crate) struct Drops(pub(crate) Arc<Count>);

/// An object.
#[derive(Debug)]
pub(crate) struct OneDrop {
    count: Arc<Count>,
    held: AtomicBool,
}

impl OneDrop {
    fn new(count: &Arc<Count>) -> Self {
        count.made.fetch_add(1, Ordering::Relaxed);
        Self {
            count: Arc::clone(count),
            held: AtomicBool::new(false),
        }
    }

    pub(crate) fn pick_up(&self) {
        if self.held.swap(true, Ordering::AcqRel) {
            self.count.shared.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn put_down(&self) {
        self.held.store(false, Ordering::Release);
    }
}

impl Drop for OneDrop {
    fn drop(&mut self) {
        self.count.gone.fetch_add(1, Ordering::Relaxed);
    }
}

impl Factory for Drops {
    type Object = OneDrop;
    type Error = String;

    /// Comes back a second time, so that it can be cancelled in the middle.
    async fn create(&self) -> Result<OneDrop, String> {
        smol::future::yield_now().await;
        Ok(OneDrop::new(&self.0))
    }
}

impl BlockingFactory for Drops {
    type Object = OneDrop;
    type Error = String;

    fn create(&self) -> Result<OneDrop, String> {
        std::thread::yield_now();
        Ok(OneDrop::new(&self.0))
    }
}
