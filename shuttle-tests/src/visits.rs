//! Callers of a manager: by key, by name alone, through a handle, as tasks and as threads.
//!
//! Decides how they ask and how long they keep what they get. What they may be told is decided in
//! [`Site`].

use std::future::Future;
use std::sync::Arc;

use nebula_resource::provider::Resources;
use nebula_resource::{Context, ResourceError};

use crate::callers::at_most;
use crate::explore::{draw, one_in};
use crate::hall::Item;
use crate::kinds::Kind;
use crate::site::{KEY, Site};

/// How a caller asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// By key.
    Key,
    /// Through the manager as a provider.
    Name,
    /// Through a handle that was made at the start.
    Handle,
    /// Through a clone of it.
    Clone,
}

impl Door {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Key, Self::Name, Self::Handle, Self::Clone];
}

/// What `asking` answers; nothing, if the caller leaves after some polls.
async fn patiently<T, E>(
    may_leave: bool,
    asking: impl Future<Output = Result<T, E>>,
) -> Result<Option<T>, E> {
    if may_leave && one_in(3) {
        at_most(1 + draw(8), asking).await.transpose()
    } else {
        asking.await.map(Some)
    }
}

impl<K: Kind> Site<K> {
    /// One visit of a task, which may leave after some polls. (Where calls block, an instance that is
    /// just being checked is written off by that, and lives on until the call returns.)
    ///
    /// # Panics
    ///
    /// When it is told what it cannot be told.
    pub async fn visit(&self, door: Door, context: &Context, may_leave: bool) {
        if let Err(error) = self.ask(door, context, may_leave).await {
            self.told(&error);
        }
    }

    async fn ask(&self, door: Door, context: &Context, leave: bool) -> Result<(), ResourceError> {
        let (manager, handle, floor) = (self.manager(), self.handle(), self.floor());
        match (door, handle) {
            (Door::Handle, Some(handle)) => {
                let guard = patiently(leave, handle.acquire()).await?;
                self.hold(floor, guard.as_deref()).await;
            }
            (Door::Clone, Some(handle)) => {
                let clone = handle.as_ref().clone();
                drop(handle);
                let guard = patiently(leave, clone.acquire_in(context)).await?;
                self.hold(floor, guard.as_deref()).await;
            }
            (Door::Name, _) => {
                let provider = Resources::new(Arc::new(manager), context.clone());
                let guard = patiently(leave, provider.resource::<K>(KEY)).await?;
                self.hold(floor, guard.as_deref()).await;
            }
            _ => {
                let guard = patiently(leave, manager.acquire::<K>(KEY, context)).await?;
                drop(manager);
                self.hold(floor, guard.as_deref()).await;
                match guard {
                    Some(guard) if one_in(3) => guard.release().await,
                    Some(guard) if one_in(8) => guard.discard(),
                    _ => {}
                }
            }
        }
        Ok(())
    }

    async fn hold(&self, floor: usize, item: Option<&Item>) {
        let Some(item) = item else { return };
        self.check(floor, item.origin);
        item.seize();
        for _ in 0..draw(3) {
            shuttle::future::yield_now().await;
        }
        item.yield_up();
    }

    /// One visit of a thread.
    ///
    /// # Panics
    ///
    /// When it is told what it cannot be told.
    pub fn visit_blocking(&self, door: Door, context: &Context) {
        if let Err(error) = self.ask_blocking(door, context) {
            self.told(&error);
        }
    }

    fn ask_blocking(&self, door: Door, context: &Context) -> Result<(), ResourceError> {
        let (manager, handle, floor) = (self.manager(), self.handle(), self.floor());
        match (door, handle) {
            (Door::Handle, Some(handle)) => {
                let guard = handle.acquire_blocking()?;
                self.hold_blocking(floor, &guard);
            }
            (Door::Clone, Some(handle)) => {
                let clone = handle.as_ref().clone();
                drop(handle);
                let guard = clone.acquire_blocking_in(context)?;
                self.hold_blocking(floor, &guard);
            }
            _ => {
                let guard = manager.acquire_blocking::<K>(KEY, context)?;
                drop(manager);
                self.hold_blocking(floor, &guard);
                if one_in(8) {
                    guard.discard();
                }
            }
        }
        Ok(())
    }

    fn hold_blocking(&self, floor: usize, item: &Item) {
        self.check(floor, item.origin);
        item.seize();
        for _ in 0..draw(3) {
            shuttle::thread::yield_now();
        }
        item.yield_up();
    }

    /// Some callers for whom `context` is drawn, tasks and threads mixed, each with some visits.
    pub fn visitors(
        self: &Arc<Self>,
        count: usize,
        visits: usize,
        doors: &'static [Door],
        context: fn() -> Context,
    ) {
        for _ in 0..count {
            let visits = 1 + draw(visits);
            let door = || doors[draw(doors.len())];
            if one_in(2) {
                self.task(move |site| async move {
                    for _ in 0..visits {
                        site.visit(door(), &context(), !K::GOES_ON).await;
                    }
                });
            } else {
                self.thread(move |site| {
                    for _ in 0..visits {
                        site.visit_blocking(door(), &context());
                    }
                });
            }
        }
    }
}
