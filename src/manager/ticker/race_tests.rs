//! Chores that are added, hastened and dropped from several threads at once, in real time: none is lost, and
//! no two turns of one overlap.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;

use nebula_resource_async::runtime::Threads;

use super::*;

const THREADS: usize = 4;
const EACH: usize = 8;
const TURNS: usize = 20;

/// Counts, and half of the time at work.
struct Busy {
    turns: AtomicUsize,
    is_at_work: AtomicBool,
    overlapped: AtomicBool,
}

impl Busy {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            turns: AtomicUsize::new(0),
            is_at_work: AtomicBool::new(false),
            overlapped: AtomicBool::new(false),
        })
    }
}

impl Chore for Busy {
    fn turn(self: Arc<Self>, now: Tick) -> Turn {
        let overlaps = self.is_at_work.swap(true, Ordering::SeqCst);
        self.overlapped.fetch_or(overlaps, Ordering::SeqCst);
        let before = self.turns.fetch_add(1, Ordering::SeqCst);
        if before.is_multiple_of(2) {
            self.is_at_work.store(false, Ordering::SeqCst);
            return Turn::At(now.after(Duration::from_secs(3600)));
        }
        Turn::Work {
            work: Box::pin(async move {
                std::thread::yield_now();
                self.is_at_work.store(false, Ordering::SeqCst);
                Tick::NEVER
            }),
            within: Duration::from_secs(60),
        }
    }
}

/// Adds its own and hastens them until each has had its turns.
fn drive(ticker: &Ticker) {
    let chores: Vec<_> = (0..EACH).map(|_| Busy::new()).collect();
    let add = |chore: &Arc<Busy>| {
        let weak = Arc::downgrade(chore);
        ticker.add(weak, ticker.clock().now())
    };
    let ids: Vec<_> = chores.iter().map(add).collect();
    let end = Instant::now() + Duration::from_secs(60);
    for (chore, id) in chores.iter().zip(&ids) {
        let mut seen = 0;
        while seen < TURNS {
            // Once for each turn: were one lost, there would be no other.
            ticker.hasten(*id, ticker.clock().now());
            while chore.turns.load(Ordering::SeqCst) <= seen {
                assert!(Instant::now() < end, "after {seen} turns it has no other");
                std::thread::yield_now();
            }
            seen = chore.turns.load(Ordering::SeqCst);
        }
        assert!(!chore.overlapped.load(Ordering::SeqCst));
    }
    ids.into_iter().for_each(|id| ticker.remove(id));
}

#[test]
fn hastened_from_several_threads_none_is_lost() {
    let ticker = Ticker::new(Some(Threads.into()), None);
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| drive(&ticker));
        }
    });
    assert_eq!(ticker.book().len(), 0);
}
