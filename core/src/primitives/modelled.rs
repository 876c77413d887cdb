//! Stand-ins that loom sees into.
//!
//! Two tiers: by default the ring is `concurrent-queue`'s (the same algorithm as `ArrayQueue`,
//! loom-aware), which holds memory order to account; with the private feature `__loom_lock` it
//! is a mutex around a deque, which lets three threads finish. The slot keeps its values in an
//! uninstrumented vault under a key, and swaps the key through a loom atomic with `AcqRel`:
//! exactly the edges of the real cell and no more.

use std::collections::HashMap;
use std::sync::{Mutex as Vault, MutexGuard as VaultGuard};

use loom::sync::atomic::AtomicUsize;

pub(crate) use crossbeam_utils::CachePadded;
pub(crate) use event_listener::Event;
pub(crate) use loom::hint::spin_loop;
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};
pub(crate) use loom::sync::{Mutex, MutexGuard};
pub(crate) use std::sync::{Arc, PoisonError};

/// See the native ring.
#[cfg(not(feature = "__loom_lock"))]
pub(crate) struct Ring<T>(concurrent_queue::ConcurrentQueue<T>);

#[cfg(not(feature = "__loom_lock"))]
impl<T> Ring<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        // At capacity 1 concurrent-queue picks another algorithm.
        Self(concurrent_queue::ConcurrentQueue::bounded(capacity.max(2)))
    }

    pub(crate) fn push(&self, value: T) -> Result<(), T> {
        self.0
            .push(value)
            .map_err(concurrent_queue::PushError::into_inner)
    }

    pub(crate) fn pop(&self) -> Option<T> {
        self.0.pop().ok()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// See the native ring.
#[cfg(feature = "__loom_lock")]
pub(crate) struct Ring<T>(Mutex<std::collections::VecDeque<T>>, usize);

#[cfg(feature = "__loom_lock")]
impl<T> Ring<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(Mutex::new(std::collections::VecDeque::new()), capacity)
    }

    fn queue(&self) -> MutexGuard<'_, std::collections::VecDeque<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, value: T) -> Result<(), T> {
        let mut queue = self.queue();
        if queue.len() == self.1 {
            return Err(value);
        }
        queue.push_back(value);
        Ok(())
    }

    pub(crate) fn pop(&self) -> Option<T> {
        self.queue().pop_front()
    }

    pub(crate) fn len(&self) -> usize {
        self.queue().len()
    }
}

/// See the native slot.
pub(crate) struct Slot<T> {
    key: AtomicUsize,
    vault: Vault<(usize, HashMap<usize, Box<T>>)>,
}

impl<T> Slot<T> {
    pub(crate) fn new() -> Self {
        Self {
            key: AtomicUsize::new(0),
            vault: Vault::new((0, HashMap::new())),
        }
    }

    pub(crate) fn take(&self) -> Option<Box<T>> {
        self.swap(None)
    }

    pub(crate) fn swap(&self, value: Option<Box<T>>) -> Option<Box<T>> {
        let new = value.map_or(0, |value| {
            let mut vault = self.vault.lock().unwrap_or_else(PoisonError::into_inner);
            vault.0 += 1;
            let key = vault.0;
            vault.1.insert(key, value);
            key
        });
        // proof: slot-order
        let old = self.key.swap(new, Ordering::AcqRel);
        let mut vault = self.vault.lock().unwrap_or_else(PoisonError::into_inner);
        vault.1.remove(&old)
    }
}

/// See the native snapshot.
///
/// Like the slot: the values lie in an uninstrumented vault, and their number goes through a loom
/// atomic with the edges of `ArcSwap` and no more, so that a reader may still see the old value.
/// A mutex would not show that.
pub(crate) struct Snapshot<T> {
    newest: AtomicUsize,
    vault: Vault<Vec<Arc<T>>>,
}

impl<T> Snapshot<T> {
    pub(crate) fn new(value: Arc<T>) -> Self {
        Self {
            newest: AtomicUsize::new(0),
            vault: Vault::new(vec![value]),
        }
    }

    fn vault(&self) -> VaultGuard<'_, Vec<Arc<T>>> {
        self.vault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn load(&self) -> Arc<T> {
        let number = self.newest.load(Ordering::Acquire);
        Arc::clone(&self.vault()[number])
    }

    pub(crate) fn store(&self, value: Arc<T>) {
        let number = {
            let mut vault = self.vault();
            vault.push(value);
            vault.len() - 1
        };
        self.newest.swap(number, Ordering::AcqRel);
    }
}

/// See `std::sync::OnceLock`: the value lies in a real one, which orders nothing for loom; the flag
/// has the edges of the real one and no more. Who comes while it is made waits for it.
pub(crate) struct OnceLock<T> {
    filled: AtomicBool,
    making: Mutex<()>,
    vault: std::sync::OnceLock<T>,
}

impl<T> OnceLock<T> {
    pub(crate) fn new() -> Self {
        Self {
            filled: AtomicBool::new(false),
            making: Mutex::new(()),
            vault: std::sync::OnceLock::new(),
        }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        let filled = self.filled.load(Ordering::Acquire);
        filled.then(|| self.vault.get()).flatten()
    }

    pub(crate) fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        let value = self.vault.get_or_init(make);
        self.filled.store(true, Ordering::Release);
        value
    }
}

loom::thread_local! {
    static STRIPE: std::cell::Cell<usize> = std::cell::Cell::new(0);
}

/// The stripe of this model thread; 0 unless the model chose another.
pub(crate) fn stripe() -> usize {
    STRIPE.with(std::cell::Cell::get)
}

/// Lets a model say which stripe its thread uses.
pub(crate) fn choose_stripe(stripe: usize) {
    STRIPE.with(|cell| cell.set(stripe));
}
