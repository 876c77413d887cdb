//! How a thread waits for a future, and how a thread is told from another.
//!
//! Decides when to poll again and when to park. Knows nothing of pools, clocks or runtimes: a
//! deadline is a future like any other.

use std::future::{Future, poll_fn};
use std::task::Poll;

/// Runs `future` to its end on the calling thread, which sleeps while there is nothing to do.
///
/// Needs no runtime, and allocates only on a thread's first call. May be called within itself:
/// each of the calls has its own wake-ups, and neither loses one to the other.
///
/// # Examples
///
/// ```
/// use nebula_resource_core::park::block_on;
///
/// assert_eq!(block_on(async { 6 * 7 }), 42);
/// ```
///
/// # Panics
///
/// Only if `future` does.
///
/// # Blocking
///
/// Until `future` is ready. On a thread of an async runtime that holds up all else that runs
/// there, and waits for ever if `future` needs something else on that thread to go on.
pub fn block_on<F: Future>(future: F) -> F::Output {
    #[cfg(not(loom))]
    let output = parked::block_on(future);
    #[cfg(loom)]
    let output = loom::future::block_on(future);
    output
}

/// A number, never zero, that no other thread has or ever had: to remember who holds what.
///
/// Costs a thread-local read. Numbers count up from one, in the order in which threads ask.
///
/// # Examples
///
/// ```
/// use nebula_resource_core::park::thread_key;
///
/// let mine = thread_key();
/// let theirs = std::thread::spawn(thread_key).join().unwrap();
/// assert_eq!(mine, thread_key());
/// assert_ne!(mine, theirs);
/// ```
#[inline]
pub fn thread_key() -> u64 {
    key::of_this_thread()
}

/// A number that tells the task that polls from others that wait at the same time. For the framework.
///
/// It is where the waker's data lies: free of charge, and as good as a name while the task waits.
#[doc(hidden)]
#[inline]
pub async fn task_key() -> u64 {
    poll_fn(|cx| Poll::Ready(cx.waker().data() as usize as u64)).await
}

#[cfg(not(loom))]
mod key {
    use std::cell::Cell;
    use std::sync::atomic::{AtomicU64, Ordering};

    use crate::primitives::around::thread_local;

    thread_local! {
        // Has no destructor, so it can be read as long as the thread runs at all.
        static KEY: Cell<u64> = const { Cell::new(0) };
    }

    static NEXT: AtomicU64 = AtomicU64::new(1);

    #[inline]
    pub(super) fn of_this_thread() -> u64 {
        match KEY.with(Cell::get) {
            0 => assign(),
            key => key,
        }
    }

    #[cold]
    fn assign() -> u64 {
        // ord: Relaxed: only uniqueness is asked for.
        let key = NEXT.fetch_add(1, Ordering::Relaxed);
        KEY.with(|mine| mine.set(key));
        key
    }
}

#[cfg(loom)]
mod key {
    /// Loom's threads share one thread of the system, and the numbers must be the same in every
    /// run of a model; loom tells them only in the `Debug` form of its ids.
    pub(super) fn of_this_thread() -> u64 {
        let id = format!("{:?}", loom::thread::current().id());
        let digits = id.bytes().filter(u8::is_ascii_digit);
        1 + digits.fold(0, |number, digit| number * 10 + u64::from(digit - b'0'))
    }
}

#[cfg(not(loom))]
mod parked {
    use std::cell::Cell;
    use std::future::Future;
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::{Context, Poll, Wake, Waker};

    use crate::primitives::around::thread::{self, Thread};
    use crate::primitives::around::thread_local;

    /// Tells one thread that its future wants to be polled.
    ///
    /// The flag, not the token of `park`, is the message: anything on the thread may use up the
    /// token (a call within this one, the future's own code), and anybody may leave one.
    struct Signal {
        thread: Thread,
        /// Std's under shuttle too: it is raised under other crates' locks, where no other task may
        /// run.
        raised: AtomicBool,
    }

    impl Signal {
        fn lower(&self) -> bool {
            // ord: Acquire, pairs with the Release in `wake_by_ref`: the poll that follows sees
            // what was done before the wake-up.
            self.raised.swap(false, Ordering::Acquire)
        }
    }

    impl Wake for Signal {
        fn wake(self: Arc<Self>) {
            self.wake_by_ref();
        }

        fn wake_by_ref(self: &Arc<Self>) {
            // A flag that is up already belongs to a waker that unparks, or has.
            // ord: Release, pairs with the Acquire in `lower`; being a swap, it also carries on
            // what an earlier waker released.
            if !self.raised.swap(true, Ordering::Release) {
                self.thread.unpark();
            }
        }
    }

    type Kit = (Arc<Signal>, Waker);

    thread_local! {
        /// Left behind by the last call for the next; empty while one runs.
        static SPARE: Cell<Option<Kit>> = const { Cell::new(None) };
    }

    /// The kit of one call, handed on to the thread's next one, also when the future panics.
    struct Borrowed(Option<Kit>);

    impl Borrowed {
        /// A call within another finds none to borrow and makes its own: with a shared flag the
        /// inner one would lower what was raised for the outer.
        fn new() -> Self {
            Self(SPARE.try_with(Cell::take).ok().flatten())
        }

        fn kit(&mut self) -> &Kit {
            self.0.get_or_insert_with(|| {
                let raised = AtomicBool::new(false);
                let signal = Arc::new(Signal {
                    thread: thread::current(),
                    raised,
                });
                (Arc::clone(&signal), Waker::from(signal))
            })
        }
    }

    impl Drop for Borrowed {
        fn drop(&mut self) {
            let kit = self.0.take();
            // A thread that is ending has no place to keep it.
            let _ = SPARE.try_with(|spare| spare.set(kit));
        }
    }

    pub(super) fn block_on<F: Future>(future: F) -> F::Output {
        let mut future = pin!(future);
        let mut borrowed = Borrowed::new();
        let (signal, waker) = borrowed.kit();
        let mut cx = Context::from_waker(waker);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                return output;
            }
            while !signal.lower() {
                thread::park();
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::future::{poll_fn, ready};
    use std::panic::catch_unwind;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc;
    use std::task::{Context, Poll, Waker};
    use std::thread;
    use std::time::Duration;

    use super::{block_on, thread_key};

    /// Runs `test` on a thread of its own; a lost wake-up fails it instead of hanging it.
    fn within_a_minute<T: Send + 'static>(test: impl FnOnce() -> T + Send + 'static) -> T {
        let (tell, told) = mpsc::channel();
        thread::spawn(move || tell.send(test()));
        told.recv_timeout(Duration::from_secs(60))
            .expect("a wake-up was lost, or it panicked")
    }

    /// Pending once; before that `first` gets to see the waker.
    async fn pending_once(first: impl FnOnce(&Waker)) {
        let mut first = Some(first);
        poll_fn(|cx| match first.take() {
            Some(first) => {
                first(cx.waker());
                Poll::Pending
            }
            None => Poll::Ready(()),
        })
        .await;
    }

    fn waker_of_a_call() -> Waker {
        block_on(poll_fn(|cx: &mut Context<'_>| {
            Poll::Ready(cx.waker().clone())
        }))
    }

    fn wake_from_another_thread(waker: &Waker) {
        let waker = waker.clone();
        thread::spawn(move || waker.wake());
    }

    #[test]
    fn a_ready_future_is_polled_once() {
        assert_eq!(block_on(ready(1)), 1);
    }

    #[test]
    fn a_wake_up_that_comes_before_parking_counts() {
        within_a_minute(|| block_on(pending_once(Waker::wake_by_ref)));
    }

    #[test]
    fn a_wake_up_counts_even_if_the_future_parks_the_thread_itself() {
        within_a_minute(|| {
            block_on(pending_once(|waker| {
                waker.wake_by_ref();
                thread::park();
            }));
        });
    }

    #[test]
    fn wake_ups_from_other_threads_arrive() {
        within_a_minute(|| {
            for _ in 0..1_000 {
                block_on(pending_once(wake_from_another_thread));
            }
        });
    }

    #[test]
    fn a_stray_unpark_does_not_poll() {
        let polls = within_a_minute(|| {
            let mut polls = 0;
            let done = AtomicBool::new(false);
            thread::scope(|scope| {
                block_on(poll_fn(|cx| {
                    polls += 1;
                    if done.load(Ordering::Relaxed) {
                        return Poll::Ready(());
                    }
                    let (sleeper, waker, done) = (thread::current(), cx.waker().clone(), &done);
                    scope.spawn(move || {
                        (0..100).for_each(|_| sleeper.unpark());
                        done.store(true, Ordering::Relaxed);
                        waker.wake();
                    });
                    Poll::Pending
                }));
            });
            polls
        });
        assert_eq!(polls, 2);
    }

    #[test]
    fn a_nested_call_steals_no_wake_up() {
        within_a_minute(|| {
            for _ in 0..1_000 {
                block_on(pending_once(|outer| {
                    // The outer call is woken while the inner one waits on the same thread.
                    block_on(pending_once(|inner| {
                        let (outer, inner) = (outer.clone(), inner.clone());
                        thread::spawn(move || {
                            outer.wake();
                            inner.wake();
                        });
                    }));
                }));
            }
        });
    }

    #[test]
    fn nested_calls_have_their_own_wakers_and_calls_in_turn_share_one() {
        assert!(waker_of_a_call().will_wake(&waker_of_a_call()));
        let (outer, inner) = block_on(poll_fn(|cx: &mut Context<'_>| {
            Poll::Ready((cx.waker().clone(), waker_of_a_call()))
        }));
        assert!(!outer.will_wake(&inner));
        assert!(outer.will_wake(&waker_of_a_call()));
    }

    #[test]
    fn a_panic_in_the_future_leaves_the_thread_fit_for_another() {
        let before = waker_of_a_call();
        let panicked = catch_unwind(|| block_on(async { panic!("a future") }));
        assert!(panicked.is_err());
        assert!(before.will_wake(&waker_of_a_call()));
    }

    #[test]
    fn it_works_while_the_thread_is_ending() {
        struct Last(mpsc::Sender<u64>);
        impl Drop for Last {
            fn drop(&mut self) {
                block_on(pending_once(Waker::wake_by_ref));
                let _ = self.0.send(thread_key());
            }
        }
        thread_local!(static LAST: std::cell::OnceCell<Last> = const { std::cell::OnceCell::new() });
        let (tell, told) = mpsc::channel();
        let key = within_a_minute(move || {
            LAST.with(|last| assert!(last.set(Last(tell)).is_ok()));
            block_on(ready(thread_key()))
        });
        assert_eq!(told.recv_timeout(Duration::from_secs(60)), Ok(key));
    }

    #[test]
    fn threads_have_keys_of_their_own() {
        let mut keys: Vec<u64> = (0..8)
            .map(|_| thread::spawn(thread_key).join().unwrap())
            .collect();
        keys.push(thread_key());
        assert_eq!(thread_key(), thread_key());
        keys.sort_unstable();
        keys.dedup();
        assert!(keys.len() == 9 && keys[0] > 0);
    }
}
