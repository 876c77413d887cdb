//! Several at once, all or none.

use nebula_resource_core::models::Why;
use nebula_resource_loom_tests::{Case, World, ready};

// Two want both objects. Loses: each holds one and waits for the other one's.
cases!(two_want_both: fifo, lifo, affine, strict, tasks);
fn two_want_both(case: Case) {
    let world = World::new(case, 2);
    world.stock(2);
    let other = world.spawn(|world| world.give_all(ready(world.acquire_many(2))));
    world.give_all(ready(world.acquire_many(2)));
    other.join().unwrap();
    assert_eq!(world.finish().found, 2);
}

// One wants both, another one wants one. Loses: what one gives back goes to a hand that is not
// at the head of the line.
cases!(both_and_one: fifo, lifo, affine, strict, tasks);
fn both_and_one(case: Case) {
    let world = World::new(case, 2);
    world.stock(2);
    let other = world.spawn(|world| world.use_once());
    world.give_all(ready(world.acquire_many(2)));
    other.join().unwrap();
    assert_eq!(world.finish().found, 2);
}

// One wants both, has one in its hand and gives up; another one waits behind it. Loses: the object
// in its hand goes back without a word.
cases!(cancel_with_one_in_hand: fifo, affine, strict, tasks);
fn cancel_with_one_in_hand(case: Case) {
    let world = World::new(case, 2);
    let (one, kept) = (world.make(), world.make());
    let (both, single) = (world.asleep(2, u64::MAX), world.asleep(1, u64::MAX));
    let giver = world.spawn(move |world| world.give(one));
    world.pool.leave(both);
    world.give_all(ready(world.wait(single)));
    giver.join().unwrap();
    world.give(kept);
    assert_eq!(world.finish().found, 2);
}

// One wants both, and its time is up when it has one in its hand. Loses: as above; or it leaves with
// one, which is neither all nor none.
cases!(expiry_with_one_in_hand: fifo, affine, strict);
fn expiry_with_one_in_hand(case: Case) {
    let world = World::new(case, 2);
    let (one, kept) = (world.make(), world.make());
    let (both, single) = (world.asleep(2, 5), world.asleep(1, u64::MAX));
    let giver = world.spawn(move |world| world.give(one));
    world.ring(5);
    assert_eq!(world.wait(both).err(), Some(Why::TimedOut));
    world.give_all(ready(world.wait(single)));
    giver.join().unwrap();
    world.give(kept);
    assert_eq!(world.finish().found, 2);
}

// One wants both: one is idle, the other one is retired by its holder. Loses: nobody tells the
// collector, which has one in its hand, that it may create.
cases!(collect_and_create: fifo, affine, tasks);
fn collect_and_create(case: Case) {
    let world = World::new(case, 2);
    let object = world.make();
    world.stock(1);
    let freer = world.spawn(move |world| world.retire(object));
    world.give_all(ready(world.acquire_many(2)));
    freer.join().unwrap();
    assert_eq!(world.finish().found, 2);
}

// One collects and has one in its hand; another one, whose objects were no good, comes back to the
// head of the line. Loses: each holds what the other one lacks, for ever.
cases!(return_before_a_collector: fifo, strict);
fn return_before_a_collector(case: Case) {
    let world = World::new(case, 2);
    let objects = [world.make(), world.make()];
    let collector = world.asleep(2, u64::MAX);
    let giver = world.spawn(move |world| world.give_all(objects));
    let returning = world.rejoin(2);
    world.use_each(&[returning, collector]);
    giver.join().unwrap();
    assert_eq!(world.finish().found, 2);
}

// Two collectors and a single one.
cases_of_three!(collectors_among_three: fifo, affine, strict, tasks);
fn collectors_among_three(case: Case) {
    let world = World::new(case, 2);
    world.stock(2);
    let others = [2, 1]
        .map(|count| world.spawn(move |world| world.give_all(ready(world.acquire_many(count)))));
    world.give_all(ready(world.acquire_many(2)));
    for other in others {
        other.join().unwrap();
    }
    assert_eq!(world.finish().found, 2);
}
