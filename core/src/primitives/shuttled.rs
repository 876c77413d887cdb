//! Stand-ins that shuttle sees into: before every operation another task may run.
//!
//! Shuttle runs one task at a time and knows one order of all operations, so nothing here can tell a
//! weak ordering from a strong one (that is loom's part), and the real containers may stay: each
//! gets a schedule point in front. What needs no stand-in: `record` and `stats`, which are read and
//! written between two schedule points, and the lock in `settled`'s event, under which there is none
//! ([`around::thread::Thread::unpark`]). The system's clock is not for shuttle: its keeper is a thread
//! that shuttle does not know. A scenario moves a clock by hand.

use std::time::Duration;

use event_listener::IntoNotification;

use super::cells;

pub(crate) use crossbeam_utils::CachePadded;
pub(crate) use shuttle::hint::spin_loop;
pub(crate) use shuttle::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};
pub(crate) use shuttle::sync::{Mutex, MutexGuard};
pub(crate) use std::sync::{Arc, PoisonError};

/// Here another task may run. (To shuttle, which knows no time, a sleep is that and no more.)
fn point() {
    shuttle::thread::sleep(Duration::ZERO);
}

/// See [`cells::Ring`].
pub(crate) struct Ring<T>(cells::Ring<T>);

impl<T> Ring<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self(cells::Ring::new(capacity))
    }

    pub(crate) fn push(&self, value: T) -> Result<(), T> {
        point();
        self.0.push(value)
    }

    pub(crate) fn pop(&self) -> Option<T> {
        point();
        self.0.pop()
    }

    pub(crate) fn len(&self) -> usize {
        point();
        self.0.len()
    }
}

/// See [`cells::Slot`].
pub(crate) struct Slot<T>(cells::Slot<T>);

impl<T> Slot<T> {
    pub(crate) fn new() -> Self {
        Self(cells::Slot::new())
    }

    pub(crate) fn take(&self) -> Option<Box<T>> {
        point();
        self.0.take()
    }

    pub(crate) fn swap(&self, value: Option<Box<T>>) -> Option<Box<T>> {
        point();
        self.0.swap(value)
    }
}

/// See [`cells::Snapshot`].
pub(crate) struct Snapshot<T>(cells::Snapshot<T>);

impl<T> Snapshot<T> {
    pub(crate) fn new(value: Arc<T>) -> Self {
        Self(cells::Snapshot::new(value))
    }

    pub(crate) fn load(&self) -> Arc<T> {
        point();
        self.0.load()
    }

    pub(crate) fn store(&self, value: Arc<T>) {
        point();
        self.0.store(value);
    }
}

/// The real one: what it makes has no schedule point in it, so nobody finds it half done.
pub(crate) struct OnceLock<T>(std::sync::OnceLock<T>);

impl<T> OnceLock<T> {
    pub(crate) fn new() -> Self {
        Self(std::sync::OnceLock::new())
    }

    pub(crate) fn get(&self) -> Option<&T> {
        point();
        self.0.get()
    }

    pub(crate) fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        point();
        self.0.get_or_init(make)
    }
}

/// The real one, which wakes under a lock of its own: no waker that comes there may have a schedule
/// point in it.
pub(crate) struct Event(event_listener::Event);

impl Event {
    pub(crate) const fn new() -> Self {
        Self(event_listener::Event::new())
    }

    pub(crate) fn listen(&self) -> event_listener::EventListener {
        point();
        self.0.listen()
    }

    pub(crate) fn notify(&self, count: impl IntoNotification<Tag = ()>) -> usize {
        point();
        self.0.notify(count)
    }
}

/// The task's number: the same in every run of a schedule.
pub(crate) fn stripe() -> usize {
    shuttle::current::me().into()
}

/// See `around.rs`.
pub(crate) mod around {
    use std::time::Duration;

    pub(crate) use shuttle::sync::atomic::{AtomicU64, Ordering};
    pub(crate) use shuttle::sync::{Condvar, Mutex, MutexGuard, PoisonError};
    pub(crate) use shuttle::thread_local;

    /// How often a thread without work looks for some before it leaves.
    const LOOKS: usize = 2;

    /// A `static` of the execution: what one leaves behind must not reach the next.
    macro_rules! global {
        ($(#[$about:meta])* static $name:ident: $type:ty = $make:expr;) => {
            shuttle::lazy_static! {
                $(#[$about])*
                static ref $name: $type = $make;
            }
        };
    }
    pub(crate) use global;

    /// Shuttle knows no time, and its condition variable no timeout: so this lets the others run, looks
    /// again, and after some looks its time is up.
    pub(crate) fn wait_while<'a, T>(
        mutex: &'a Mutex<T>,
        _signal: &Condvar,
        guard: MutexGuard<'a, T>,
        _span: Duration,
        mut idle: impl FnMut(&mut T) -> bool,
    ) -> MutexGuard<'a, T> {
        let mut guard = guard;
        for _ in 0..LOOKS {
            if !idle(&mut guard) {
                break;
            }
            drop(guard);
            shuttle::thread::yield_now();
            guard = mutex.lock().unwrap_or_else(PoisonError::into_inner);
        }
        guard
    }

    /// See [`std::thread`].
    pub(crate) mod thread {
        use std::future::poll_fn;
        use std::task::{Poll, Waker};

        use shuttle::future::block_on;
        pub(crate) use shuttle::thread::Builder;

        /// A handle to a thread, or to a task that parks.
        pub(crate) struct Thread(Waker);

        impl Thread {
            /// Not shuttle's own `unpark`, which is a schedule point: this is called under locks that
            /// shuttle does not see, and a waker that it made runs nobody.
            pub(crate) fn unpark(&self) {
                self.0.wake_by_ref();
            }
        }

        pub(crate) fn current() -> Thread {
            Thread(block_on(poll_fn(|cx| Poll::Ready(cx.waker().clone()))))
        }

        /// Sleeps until it is unparked, or has been since it last slept.
        pub(crate) fn park() {
            let mut slept = false;
            block_on(poll_fn(|_| match std::mem::replace(&mut slept, true) {
                false => Poll::Pending,
                true => Poll::Ready(()),
            }));
        }
    }
}
