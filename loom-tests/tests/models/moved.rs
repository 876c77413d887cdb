//! A future that changes hands: polled by one task, moved, polled by another, dropped.
//!
//! To the engine that is one place in line whose waker is exchanged. That a facade's future hands each
//! poll's waker on is held above loom, by `fault_29_moved_between_tasks` (`tests/faults_waiting.rs`).

use std::task::Waker;

use nebula_resource_loom_tests::{Case, World, ready};

// Polled by one task, moved, and polled by another while the object comes back. Loses: the giver wakes
// the first task's waker, which is nobody's any more, and the second sleeps on.
cases!(moved_to_another_task: fifo, lifo, affine, strict, tasks);
fn moved_to_another_task(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let turn = world.asleep(1, u64::MAX);
    let task = world.spawn(move |world| world.give_all(ready(world.wait(turn))));
    world.give(object);
    task.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// The same, and the second task drops it; another one stands behind. Loses: the first task's waker has
// used up the wake-up, the place is gone, and nobody wakes the one behind.
cases!(moved_and_dropped: fifo, lifo, affine, strict, tasks);
fn moved_and_dropped(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let (first, second) = (world.asleep(1, u64::MAX), world.asleep(1, u64::MAX));
    let task = world.spawn(move |world| match world.look(first, Waker::noop()) {
        Some(end) => world.give_all(ready(end)),
        None => world.pool.leave(first),
    });
    world.give(object);
    world.give_all(ready(world.wait(second)));
    task.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// The same for a permit: the first task was nudged to create, the second one looks. Loses: the nudge
// stays with a waker that nobody polls by.
cases!(moved_with_a_nudge: fifo, strict, tasks);
fn moved_with_a_nudge(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let (first, second) = (world.asleep(1, u64::MAX), world.asleep(1, u64::MAX));
    let task = world.spawn(move |world| match world.look(first, Waker::noop()) {
        Some(end) => world.give_all(ready(end)),
        None => world.pool.leave(first),
    });
    world.retire(object);
    world.give_all(ready(world.wait(second)));
    task.join().unwrap();
    assert_eq!(world.finish().permits, 1);
}

// Giver, first task and second task: the first poll races with the return as well.
cases_of_three!(moved_among_three: fifo, affine, strict, tasks);
fn moved_among_three(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let giver = world.spawn(move |world| world.give(object));
    let turn = world.join();
    match world.look(turn, Waker::noop()) {
        Some(end) => world.give_all(ready(end)),
        None => {
            let task = world.spawn(move |world| world.give_all(ready(world.wait(turn))));
            task.join().unwrap();
        }
    }
    giver.join().unwrap();
    assert_eq!(world.finish().found, 1);
}
