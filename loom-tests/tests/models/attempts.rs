//! How many creations there are at once: never more than allowed, and a single one while they fail.

use nebula_resource_core::models::{Seen, Turn};
use nebula_resource_loom_tests::{Case, World};

/// Looks at `now`; answers whether it was told to create.
fn told(world: &World, turn: Turn, now: u64) -> bool {
    let seen = world.pool.look(turn, std::task::Waker::noop(), now);
    matches!(seen, Seen::Create)
}

// Two come at once to an empty pool that may run one creation at a time. Loses: both see none under
// way, and both start one.
cases!(no_more_creations_than_allowed: fifo, strict);
fn no_more_creations_than_allowed(case: Case) {
    let world = World::with(case, |config| {
        config.max_size = 4;
        config.max_concurrent_creates = 1;
    });
    let other = world.spawn(|world| {
        let turn = world.join();
        (turn, told(world, turn, 0))
    });
    let turn = world.join();
    let mine = told(&world, turn, 0);
    let (theirs, both) = other.join().unwrap();
    assert!(mine != both, "one starts, and only one");
    assert_eq!(world.pool.creating(), 1);
    world.pool.deliver(world.thing());
    world.use_each(&[turn, theirs]);
    world.finish();
}

// The same with one permit and no such bound. Loses: both take the last permit.
cases!(no_more_creations_than_permits: fifo, strict);
fn no_more_creations_than_permits(case: Case) {
    let world = World::new(case, 1);
    let other = world.spawn(|world| {
        let turn = world.join();
        (turn, told(world, turn, 0))
    });
    let turn = world.join();
    let mine = told(&world, turn, 0);
    let (theirs, both) = other.join().unwrap();
    assert!(mine != both, "one starts, and only one");
    world.pool.deliver(world.thing());
    world.use_each(&[turn, theirs]);
    assert_eq!(world.finish().permits, 1);
}

// Creations fail; their time comes, the alarm rings and two look. Loses: each is told to probe, or the
// alarm nudges one while the other one has begun.
cases!(one_probe_while_failing: fifo, strict);
fn one_probe_while_failing(case: Case) {
    let world = World::new(case, 4);
    // One is alive, so that there is room for a single creation.
    let held = world.make();
    let (first, second) = (world.creating(), world.asleep(1, u64::MAX));
    let retry_at = world.pool.creation_failed(0);
    let alarm = world.spawn(move |world| {
        world.ring(retry_at);
        told(world, second, retry_at)
    });
    let mine = told(&world, first, retry_at);
    let theirs = alarm.join().unwrap();
    assert!(mine != theirs, "one probes, and only one");
    assert_eq!(world.pool.creating(), 1);
    world.pool.deliver(world.thing());
    world.use_each(&[first, second]);
    world.give(held);
    world.finish();
}

// Two restock at once, as a round and a retirement may, while a creation for the stock ends. Loses: one
// counts neither the creation that has just ended nor its object, and makes one too many.
cases!(stock_is_not_overfilled: fifo, affine);
fn stock_is_not_overfilled(case: Case) {
    let world = World::with(case, |config| {
        config.max_size = 4;
        config.min_idle = 2;
    });
    let restock = |world: &World| {
        while world.pool.start_stocking() {
            world.pool.deliver(world.thing());
        }
    };
    let other = world.spawn(restock);
    restock(&world);
    other.join().unwrap();
    assert_eq!(world.finish().found, 2);
}
