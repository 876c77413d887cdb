//! From hand to hand: an object that is given back reaches whoever lacks one.

use nebula_resource_core::models::use_stripe;
use nebula_resource_loom_tests::{Case, World, ready};

// One object, given back while somebody comes to wait for it. Loses: the giver looks at the line
// before its put is visible, the waiter looks into idle before its count is; both see nothing.
cases!(hand_off: fifo, lifo, affine, strict, tasks);
fn hand_off(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let giver = world.spawn(move |world| {
        use_stripe(1);
        world.give(object);
    });
    world.use_once();
    giver.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// Two objects come back before the first of two waiters has left the line. Loses: the second
// release believes the waiter woken by the first to be its own (`notify(1)` means "at least one").
cases!(two_releases_two_waiters: fifo, lifo, affine, strict, tasks);
fn two_releases_two_waiters(case: Case) {
    let world = World::new(case, 2);
    let objects = [world.make(), world.make()];
    let giver = world.spawn(move |world| {
        use_stripe(1);
        world.give_all(objects);
    });
    let turns = [world.join(), world.join()];
    // Held until both are served: nobody is served by what the other one gives back.
    let ends: Vec<_> = world.wait_all(&turns).into_iter().map(ready).collect();
    ends.into_iter().for_each(|end| world.give_all(end));
    giver.join().unwrap();
    assert_eq!(world.finish().found, 2);
}

// The same, with givers on two threads. Loses: each release believes that the other one's wake-up
// covers both objects.
cases_of_three!(two_givers_two_waiters: fifo, strict, tasks);
fn two_givers_two_waiters(case: Case) {
    let world = World::new(case, 2);
    let objects = [world.make(), world.make()];
    let turns = [world.asleep(1, u64::MAX), world.asleep(1, u64::MAX)];
    let givers = objects.map(|object| world.spawn(move |world| world.give(object)));
    let ends: Vec<_> = world.wait_all(&turns).into_iter().map(ready).collect();
    ends.into_iter().for_each(|end| world.give_all(end));
    for giver in givers {
        giver.join().unwrap();
    }
    assert_eq!(world.finish().found, 2);
}

// Three want the only object, one after the other. Loses: a waiter that was woken finds the object
// taken by a newcomer, and the newcomer's release wakes nobody because somebody is woken already.
cases_of_three!(three_takers_one_object: fifo, lifo, affine, strict, tasks);
fn three_takers_one_object(case: Case) {
    let world = World::new(case, 1);
    world.stock(1);
    let others = [1, 0].map(|stripe| {
        world.spawn(move |world| {
            use_stripe(stripe);
            world.use_once();
        })
    });
    world.use_once();
    for other in others {
        other.join().unwrap();
    }
    assert_eq!(world.finish().found, 1);
}

// A woken waiter may be polled although nothing has happened. Loses: a look that was not asked for
// uses up the wake-up of a later one.
cases!(looks_that_nobody_asked_for: fifo, strict, tasks);
fn looks_that_nobody_asked_for(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let turn = world.asleep(1, u64::MAX);
    let giver = world.spawn(move |world| world.give(object));
    match world.look(turn, std::task::Waker::noop()) {
        Some(end) => world.give_all(ready(end)),
        None => world.give_all(ready(world.wait(turn))),
    }
    giver.join().unwrap();
    assert_eq!(world.finish().found, 1);
}
