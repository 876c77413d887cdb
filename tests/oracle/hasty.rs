//! Histories in which nobody waits for anything to come to rest: wake-ups are acted on late, and
//! waiters go away between being woken and looking.
//!
//! Who gets what is not foreseen here. Decides at the end whether everybody who still waits is
//! served, once every obstacle is gone, and whether the books balance.

use std::sync::atomic::Ordering::SeqCst;

use nebula_resource::AcquireError;
use nebula_resource_core::Driver;

use crate::ops::{Op, PROBE};
use crate::world::{Patience, World};

pub(crate) fn follow<D: Driver<Object = u64>>(world: World<D>, history: &[Op]) {
    let mut world = world;
    let mut keys = 0;
    for op in history {
        keys += 1;
        apply(&mut world, op, keys);
        for (_, ended) in std::mem::take(&mut world.ended) {
            world.guards.extend(ended.unwrap_or_default());
        }
    }
    bring_to_rest(&mut world);
}

fn apply<D: Driver<Object = u64>>(world: &mut World<D>, op: &Op, key: usize) {
    let pool = world.pool;
    let waiting = world.waiting();
    let held = world.guards.len();
    match op {
        Op::Acquire => world.acquire(key, 1, Patience::Usual),
        Op::AcquireWithin(patience) => world.acquire(key, 1, *patience),
        Op::AcquireMany(wants) => world.acquire(key, *wants, Patience::Usual),
        Op::TryAcquire => world.guards.extend(pool.try_acquire()),
        Op::Cancel(index) if !waiting.is_empty() => world.cancel(*index.get(&waiting)),
        Op::Release(index) if held > 0 => drop(world.guards.remove(index.index(held))),
        Op::ReleaseWait(index) if held > 0 => {
            let guard = world.guards.remove(index.index(held));
            world.work(guard.release());
        }
        Op::Discard(index) if held > 0 => world.guards.remove(index.index(held)).discard(),
        Op::Detach(index) if held > 0 => {
            world.guards.remove(index.index(held)).detach();
        }
        Op::Resize(limit) => pool.resize(*limit).unwrap(),
        Op::Pause => {
            pool.pause();
        }
        Op::Resume => {
            pool.resume();
        }
        Op::Clear => pool.clear(),
        Op::ThinOut(every) => {
            pool.retain(|id, _| id % *every as u64 != 0);
        }
        Op::Close => drop(pool.close()),
        Op::Refuse => world.backend.refusing.store(true, SeqCst),
        Op::Recover => {
            world.backend.refusing.store(false, SeqCst);
            world.advance(PROBE);
        }
        Op::Fair(fairness) => pool.reconfigure(|c| c.fairness = *fairness).unwrap(),
        Op::Arrange(strategy) => pool.reconfigure(|c| c.strategy = *strategy).unwrap(),
        Op::Maintain => world.work(pool.run_maintenance()),
        // In a hurry, time stands for letting somebody run.
        Op::Advance(100) => world.run_jobs(),
        Op::Advance(at) if !waiting.is_empty() => {
            world.poll(*at as usize % waiting.len());
        }
        Op::Cancel(_) | Op::Advance(_) => {}
        Op::Release(_) | Op::ReleaseWait(_) | Op::Discard(_) | Op::Detach(_) => {}
    }
}

/// Removes every obstacle and lets everybody have a turn.
fn bring_to_rest<D: Driver<Object = u64>>(world: &mut World<D>) {
    let pool = world.pool;
    world.backend.refusing.store(false, SeqCst);
    pool.resume();
    world.settle();
    world.advance(PROBE);
    // As many rounds as there may be waiters, each of whom holds its objects for one.
    for _ in 0..200 {
        world.settle();
        for (key, ended) in std::mem::take(&mut world.ended) {
            match ended {
                Ok(guards) => world.guards.extend(guards),
                Err(AcquireError::Closed) => assert!(pool.is_closed()),
                Err(AcquireError::TooMany { .. } | AcquireError::TimedOut(_)) => {}
                Err(error) => panic!("{key} got {error}"),
            }
        }
        world.guards.clear();
    }
    let (audit, status) = (pool.audit(), pool.status());
    assert_eq!(status.waiting, 0, "asleep beside a free object: {status:?}");
    assert!(audit.balanced() && audit.out == 0, "{audit:?}");
    world.acquire(usize::MAX, 1, Patience::Usual);
    world.settle();
    let last = world.ended.remove(&usize::MAX).expect("it is its turn");
    assert_eq!(last.is_err(), pool.is_closed(), "{last:?}");
}
