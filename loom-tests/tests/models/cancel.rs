//! Who gives up passes its turn on, whatever it was given meanwhile.

use std::task::Waker;

use nebula_resource_core::models::Why;
use nebula_resource_loom_tests::{Case, World, ready};

// Two wait, an object comes back, the first gives up: before it is woken, while, or after. Loses:
// the wake-up (or the object in its hand) goes down with it, and the second sleeps on.
cases!(cancel_passes_the_turn_on: fifo, lifo, affine, strict, tasks);
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
cases!(cancel_after_a_look: fifo, lifo, affine, strict, tasks);
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
cases!(cancel_while_joining: fifo, lifo, affine, strict, tasks);
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
cases_of_three!(cancel_among_three: fifo, affine, strict, tasks);
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
cases!(expiry_against_give: fifo, affine, strict, tasks);
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

// One was woken for an object, or has it in its hand, and gives up, while a newcomer that runs takes the
// object past it and gives it back. Loses: the newcomer's release counts on the one that was woken, and
// that one is gone.
cases!(cancel_when_woken: fifo, lifo, affine, strict, tasks);
fn cancel_when_woken(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let (first, second) = (world.asleep(1, u64::MAX), world.asleep(1, u64::MAX));
    world.give(object);
    let newcomer = world.spawn(|world| world.give_all(world.take()));
    world.pool.leave(first);
    world.give_all(ready(world.wait(second)));
    newcomer.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// The same for one whose time is up just when it was woken.
cases!(expiry_when_woken: fifo, lifo, affine, strict, tasks);
fn expiry_when_woken(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let (first, second) = (world.asleep(1, 5), world.asleep(1, u64::MAX));
    world.give(object);
    let newcomer = world.spawn(|world| world.give_all(world.take()));
    world.ring(5);
    if let Ok(objects) = world.wait(first) {
        world.give_all(objects);
    }
    world.give_all(ready(world.wait(second)));
    newcomer.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// One was woken for an object, or has one in its hand, and does not come to look; its time is up. Loses:
// the object lies there until it does come, beside the next one in line.
cases!(expiry_serves_the_next_at_once: fifo, lifo, affine, strict, tasks);
fn expiry_serves_the_next_at_once(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let (first, second) = (world.asleep(1, 5), world.asleep(1, u64::MAX));
    world.give(object);
    let clock = world.spawn(|world| world.ring(5));
    world.give_all(ready(world.wait(second)));
    clock.join().unwrap();
    assert_eq!(world.wait(first).err(), Some(Why::TimedOut));
    assert_eq!(world.finish().found, 1);
}

// A thread whose time is up, a task that is dropped, and one that goes on waiting, in the same line.
// Loses: the first passes its turn on to the second, which is leaving, and the third sleeps on.
cases!(one_of_each: fifo, lifo, affine, strict, tasks);
fn one_of_each(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let (thread, task) = (world.asleep(1, 5), world.asleep(1, u64::MAX));
    let patient = world.asleep(1, u64::MAX);
    let giver = world.spawn(move |world| world.give(object));
    world.ring(5);
    world.pool.leave(task);
    if let Ok(objects) = world.wait(thread) {
        world.give_all(objects);
    }
    world.give_all(ready(world.wait(patient)));
    giver.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// The same with the alarm on a thread of its own, as the clock's is.
cases_of_three!(one_of_each_among_three: fifo, affine, strict, tasks);
fn one_of_each_among_three(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let (thread, task) = (world.asleep(1, 5), world.asleep(1, u64::MAX));
    let patient = world.asleep(1, u64::MAX);
    let giver = world.spawn(move |world| world.give(object));
    let clock = world.spawn(|world| world.ring(5));
    world.pool.leave(task);
    if let Ok(objects) = world.wait(thread) {
        world.give_all(objects);
    }
    world.give_all(ready(world.wait(patient)));
    giver.join().unwrap();
    clock.join().unwrap();
    assert_eq!(world.finish().found, 1);
}
