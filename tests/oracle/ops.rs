//! What can be done to a pool, and random histories of it. Decides nothing about what follows.

use std::time::Duration;

use nebula_resource::{Fairness, Strategy};
use proptest::prelude::{Just, any, prop_oneof};
use proptest::sample::{Index, select};
use proptest::strategy::Strategy as Generator;

use crate::world::Patience;

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Acquire,
    AcquireWithin(Patience),
    AcquireMany(usize),
    TryAcquire,
    Cancel(Index),
    Release(Index),
    /// And waits until it is recycled.
    ReleaseWait(Index),
    Discard(Index),
    Detach(Index),
    Resize(usize),
    Pause,
    Resume,
    Clear,
    ThinOut(usize),
    Close,
    Refuse,
    Recover,
    Fair(Fairness),
    Arrange(Strategy),
    Maintain,
    Advance(u64),
}

use Op::*;

/// More than any backoff lets a recovered backend wait.
pub(crate) const PROBE: Duration = Duration::from_secs(1);

/// Multiples of the steps in which time moves.
fn patience() -> impl Generator<Value = Patience> {
    prop_oneof![
        select(vec![100_u64, 300, 2000]).prop_map(Patience::Within),
        select(vec![100_u64, 300, 2000]).prop_map(Patience::Until),
    ]
}

fn op() -> impl Generator<Value = Op> {
    prop_oneof![
        10 => Just(Acquire),
        4 => patience().prop_map(AcquireWithin),
        3 => (2_usize..4).prop_map(AcquireMany),
        3 => Just(TryAcquire),
        3 => any::<Index>().prop_map(Cancel),
        10 => any::<Index>().prop_map(Release),
        3 => any::<Index>().prop_map(ReleaseWait),
        2 => any::<Index>().prop_map(Discard),
        2 => any::<Index>().prop_map(Detach),
        4 => (1_usize..7).prop_map(Resize),
        2 => Just(Pause),
        3 => Just(Resume),
        1 => Just(Clear),
        1 => (1_usize..4).prop_map(ThinOut),
        2 => Just(Refuse),
        3 => Just(Recover),
        1 => prop_oneof![Just(Fairness::Strict), Just(Fairness::Bounded)].prop_map(Fair),
        1 => strategy().prop_map(Arrange),
        1 => Just(Maintain),
        2 => select(vec![100_u64, 400, 1000]).prop_map(Advance),
    ]
}

/// A history; one in four closes the pool on the way.
pub(crate) fn history() -> impl Generator<Value = Vec<Op>> {
    let open = proptest::collection::vec(op(), 1..60);
    (open, proptest::option::weighted(0.25, any::<Index>())).prop_map(|(mut ops, close)| {
        if let Some(at) = close {
            ops.insert(at.index(ops.len()), Close);
        }
        ops
    })
}

pub(crate) fn strategy() -> impl Generator<Value = Strategy> {
    select(vec![Strategy::Fifo, Strategy::Lifo, Strategy::Affine])
}
