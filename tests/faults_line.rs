//! Rows 16 and 17: the line under pressure: everybody's time up at once, and newcomers against those
//! who wait. (Who may overtake whom, step by step, is in `faults_overtaking.rs`; what
//! it comes to over a second in `faults_shares.rs`; row 18 in `faults_nested.rs`.)

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;

use nebula_resource::runtime::Threads;
use nebula_resource::{Factory, Fairness, Pool};
use nebula_resource_core::park::block_on;
use support::*;

/// As many as the runtime can carry: a thread each is dear.
async fn all_time_out<H: Harness>(h: H, callers: usize) {
    let script = h.script();
    let pool = h.pool(&script, one_object(&h, Fairness::Bounded));
    let held = h.get(&pool).await.expect("the only object");
    let waiting: Vec<_> = (0..callers).map(|_| h.spawn(h.acquire(&pool))).collect();
    h.until("everybody", || pool.status().waiting == callers)
        .await;
    h.advance(Duration::from_secs(30));
    h.until("everybody's end", || waiting.iter().all(Task::is_done))
        .await;
    for caller in waiting {
        let error = caller.await.expect_err("there was only one object");
        let AcquireError::TimedOut(report) = error else {
            panic!("{error:?}");
        };
        assert_eq!(report.stage, Stage::Waiting);
        assert!(report.elapsed >= Duration::from_secs(30), "{report}");
    }
    assert_eq!(pool.stats().timed_out, callers as u64);
    assert_eq!((pool.status().waiting, pool.oldest_waiter()), (0, None));
    drop(held);
    h.nothing_lost(&pool, &script).await;
    assert_eq!(script.made(), 1);
}

mod fault_16_all_time_out_together {
    use super::*;

    #[cfg(feature = "tokio")]
    #[test]
    fn tokio() {
        run(|h: OnTokio| all_time_out(h, 10_000));
    }

    #[cfg(feature = "smol")]
    #[test]
    fn smol() {
        run(|h: OnSmol| all_time_out(h, 10_000));
    }

    #[test]
    fn manual() {
        run(|h: OnManual| all_time_out(h, 10_000));
    }

    #[test]
    fn threads() {
        run(|h: InThreads| all_time_out(h, 200));
    }

    #[test]
    fn blocking() {
        run(|h: OnBlocking| all_time_out(h, 200));
    }
}

/// Nobody is woken before there is something to do for it, and nobody twice.
async fn no_thundering<H: Harness>(h: H) {
    let script = h.script();
    let pool = h.pool(&script, one_object(&h, Fairness::Bounded));
    let held = h.get(&pool).await.expect("the only object");
    let begin = |_| {
        let mut caller = Hand::new(pool.acquire_async_owned());
        assert!(caller.poll().is_pending());
        caller
    };
    let mut callers: Vec<_> = (0..10_000).map(begin).collect();
    let woken = |callers: &[Hand<_>]| callers.iter().map(Hand::woken).sum::<usize>();
    drop(held);
    assert_eq!(woken(&callers), 1, "one object came back");
    let Poll::Ready(Ok(held)) = callers[0].poll() else {
        panic!("first come, first served");
    };
    callers.remove(0);
    h.advance(Duration::from_secs(30) - Duration::from_nanos(1));
    assert_eq!(woken(&callers), 0, "not before its time");
    h.advance(Duration::from_nanos(1));
    for caller in &mut callers {
        assert_eq!(caller.woken(), 1);
        let Poll::Ready(Err(AcquireError::TimedOut(report))) = caller.poll() else {
            panic!("its time was up");
        };
        assert_eq!(report.elapsed, Duration::from_secs(30), "on time");
        assert_eq!(caller.woken(), 1, "and once only");
    }
    drop(held);
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn fault_16_nobody_is_woken_for_nothing() {
    run(no_thundering::<OnManual>);
}

struct Plain;

impl Factory for Plain {
    type Object = ();
    type Error = String;

    async fn create(&self) -> Result<(), String> {
        Ok(())
    }
}

fn plain(max_size: usize, fairness: Fairness) -> Pool<Plain> {
    let builder = Pool::builder(Plain).runtime(Threads);
    builder
        .max_size(max_size)
        .fairness(fairness)
        .build()
        .unwrap()
}

/// What one acquire saw, in the order of one counter: when it began, when it stood in line (if it had
/// to), when it held the only object.
#[derive(Clone, Copy, Debug)]
struct Passage {
    began: u64,
    in_line: Option<u64>,
    held: u64,
    /// How often it looked in vain.
    pending: usize,
}

#[derive(Default)]
struct Record {
    counter: AtomicU64,
    passages: Mutex<Vec<Passage>>,
}

impl Record {
    fn stamp(&self) -> u64 {
        self.counter.fetch_add(1, SeqCst)
    }

    async fn pass(&self, pool: &Pool<Plain>) {
        let began = self.stamp();
        let (mut in_line, mut pending) = (None, 0);
        let mut acquire = pin!(pool.acquire());
        let guard = std::future::poll_fn(|cx| {
            let polled = acquire.as_mut().poll(cx);
            if polled.is_pending() {
                pending += 1;
                in_line.get_or_insert_with(|| self.stamp());
            }
            polled
        })
        .await
        .expect("everybody is served");
        let passage = Passage {
            began,
            in_line,
            held: self.stamp(),
            pending,
        };
        drop(guard);
        self.passages.lock().unwrap().push(passage);
    }
}

/// Tasks and threads in one line for one object, each again and again.
fn crowd(fairness: Fairness) -> Vec<Passage> {
    const TASKS: usize = 8;
    const THREADS: usize = 4;
    const ROUNDS: usize = 150;
    let (pool, record) = (plain(1, fairness), Arc::new(Record::default()));
    let smol: Vec<_> = (0..TASKS)
        .map(|_| {
            let (pool, record) = (pool.clone(), Arc::clone(&record));
            smol::spawn(async move {
                for _ in 0..ROUNDS {
                    record.pass(&pool).await;
                }
            })
        })
        .collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let tokio: Vec<_> = (0..TASKS)
        .map(|_| {
            let (pool, record) = (pool.clone(), Arc::clone(&record));
            runtime.spawn(async move {
                for _ in 0..ROUNDS {
                    record.pass(&pool).await;
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| (0..ROUNDS).for_each(|_| block_on(record.pass(&pool))));
        }
    });
    smol.into_iter().for_each(block_on);
    tokio.into_iter().for_each(|task| block_on(task).unwrap());
    assert!(pool.audit().balanced(), "{:?}", pool.audit());
    assert!(pool.try_acquire().is_some());
    let passages = std::mem::take(&mut *record.passages.lock().unwrap());
    assert_eq!(passages.len(), (2 * TASKS + THREADS) * ROUNDS);
    passages
}

/// Whoever stood in line before another began held the object before that one did.
#[test]
fn fault_17_strict_nobody_overtakes() {
    let mut passages = crowd(Fairness::Strict);
    passages.sort_by_key(|passage| passage.held);
    // From the last to the first: the earliest beginning among those served later tells whether
    // anybody served later stood in line before this one began.
    let mut earliest_in_line = u64::MAX;
    for passage in passages.iter().rev() {
        assert!(
            earliest_in_line > passage.began,
            "{passage:?} overtook somebody who stood in line since {earliest_in_line}"
        );
        earliest_in_line = earliest_in_line.min(passage.in_line.unwrap_or(u64::MAX));
        assert!(passage.pending <= 1, "woken for nothing: {passage:?}");
    }
}

/// Woken, it may find its object gone; woken again, it may not. (It is also woken to make an object,
/// but only by the first few is there one to be made.)
#[test]
fn fault_17_bounded_nobody_loses_twice() {
    let passages = crowd(Fairness::Bounded);
    let twice = |passage: &&Passage| passage.pending > 2 && passage.began > 100;
    let losers: Vec<_> = passages.iter().filter(twice).collect();
    assert!(losers.is_empty(), "{losers:?}");
}

/// A collector has an object in hand when one that was before it comes back to the head: that one is
/// handed what was collected, but not while the pool is paused.
#[test]
fn fault_10_nothing_is_handed_on_while_paused() {
    run(|h: OnManual| async move {
        let script = h.script();
        let config = PoolConfig {
            validate_after: Some(Duration::ZERO),
            validate_timeout: Duration::from_secs(1),
            ..h.config()
        };
        let pool = h.pool(&script, config);
        let mut held = pool.acquire_many(2).await.unwrap();
        let mut first = Hand::new(pool.acquire());
        assert!(first.poll().is_pending());
        let mut collector = Hand::new(pool.acquire_many(2));
        assert!(collector.poll().is_pending());

        script.next(Callback::Validate, [Act::SlowFail(millis(50))]);
        drop(held.pop());
        assert!(first.poll().is_pending(), "what it got is looked at");
        drop(held.pop());
        assert!(collector.poll().is_pending(), "it has one of two");
        pool.pause();
        h.advance(millis(50));
        assert!(
            first.poll().is_pending(),
            "it was no good, and the pool is paused"
        );
        assert!(first.poll().is_pending() && collector.poll().is_pending());
        assert_eq!(pool.status().idle, 1, "{:?}", pool.status());

        pool.resume();
        let Poll::Ready(Ok(guard)) = first.poll() else {
            panic!("it is its turn");
        };
        drop((guard, first));
        drop(collector);
        h.nothing_lost(&pool, &script).await;
    });
}
