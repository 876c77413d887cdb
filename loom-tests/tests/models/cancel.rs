//! Who gives up passes its turn on, whatever it was given meanwhile.

use std::task::Waker;

use nebula_resource_loom_tests::{Case, World, ready};

// Two wait, an object comes back, the first gives up: before it is woken, while, or after. Loses:
// the wake-up (or the object in its hand) goes down with it, and the second sleeps on.
cases!(cancel_passes_the_turn_on: fifo, lifo, affine, strict);
fn cancel_passes_the_turn_on(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let (first, second) = (world.asleep(1, u64::MAX), world.asleep(1, u64::MAX));
    let giver = world.spawn(move |world| world.give(object));
    world.pool.leave(first);
    world.give_all(ready(world.wait(second)));
    giver.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// The same, but the first looks once more before it gives up. Loses: it has lost its race, bars
// the newcomers, and leaves without lifting the bar.
cases!(cancel_after_a_look: fifo, lifo, affine, strict);
fn cancel_after_a_look(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let (first, second) = (world.asleep(1, u64::MAX), world.asleep(1, u64::MAX));
    let giver = world.spawn(move |world| {
        world.give(object);
        if let Some(object) = world.take() {
            world.give(object);
        }
    });
    match world.look(first, Waker::noop()) {
        Some(end) => world.give_all(ready(end)),
        None => world.pool.leave(first),
    }
    world.give_all(ready(world.wait(second)));
    giver.join().unwrap();
    assert!(!world.pool.bars_newcomers());
    assert_eq!(world.finish().found, 1);
}

// Somebody comes and goes while an object is given back. Loses: the object is left in the hand of
// the one that went.
cases!(cancel_while_joining: fifo, lifo, affine, strict);
fn cancel_while_joining(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let giver = world.spawn(move |world| world.give(object));
    let turn = world.join();
    world.pool.leave(turn);
    giver.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// Giver, the one that gives up, and the one that wait: three threads.
cases_of_three!(cancel_among_three: fifo, affine, strict);
fn cancel_among_three(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let giver = world.spawn(move |world| world.give(object));
    let quitter = world.spawn(|world| {
        let turn = world.join();
        world.pool.leave(turn);
    });
    world.use_once();
    giver.join().unwrap();
    quitter.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// The first one's time is up when an object comes back. Loses: it is passed over and given the
// object too, or woken for it and not passed over.
cases!(expiry_against_give: fifo, affine, strict);
fn expiry_against_give(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let (first, second) = (world.asleep(1, 5), world.asleep(1, u64::MAX));
    let giver = world.spawn(move |world| world.give(object));
    world.ring(5);
    if let Ok(objects) = world.wait(first) {
        world.give_all(objects);
    }
    world.give_all(ready(world.wait(second)));
    giver.join().unwrap();
    assert_eq!(world.finish().found, 1);
}
