//! Creation: a permit that is free finds whoever lacks an object, and a new object too.

use std::sync::Arc;

use loom::sync::atomic::{AtomicUsize, Ordering};
use nebula_resource_core::models::Seen;
use nebula_resource_loom_tests::{Case, World, ready};

// An object is retired while somebody comes to wait. Loses: the retirer looks at the line before
// the permit is visibly free, the waiter at the permits before its count is; both see nothing.
cases!(retire_against_join: fifo, strict, tasks);
fn retire_against_join(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let freer = world.spawn(move |world| world.retire(object));
    world.use_once();
    freer.join().unwrap();
    assert_eq!(world.finish().permits, 1);
}

// The same for an object that is taken out for good.
cases!(detach_against_join: fifo);
fn detach_against_join(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let freer = world.spawn(move |world| drop(world.detach(object)));
    world.use_once();
    freer.join().unwrap();
    assert_eq!(world.finish().permits, 1);
}

// The same for a creation that is given up, its waiter gone. Loses: as above, or the gate still
// counts the creation when the newcomer asks.
cases!(withdrawal_against_join: fifo, strict, tasks);
fn withdrawal_against_join(case: Case) {
    let world = World::new(case, 1);
    let turn = world.creating();
    world.pool.leave(turn);
    let freer = world.spawn(|world| world.pool.creation_withdrawn());
    world.use_once();
    freer.join().unwrap();
    assert_eq!(world.finish().permits, 1);
}

// What an object's last owner did has happened when its permit is used for the next one. Loses: two
// objects at once where there may be one, for whoever counts them on its own.
cases!(permit_hands_its_past_over: fifo);
fn permit_hands_its_past_over(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let past = Arc::new(AtomicUsize::new(0));
    let done = Arc::clone(&past);
    let freer = world.spawn(move |world| {
        done.store(1, Ordering::Relaxed);
        world.retire(object);
    });
    let turn = world.join();
    let bell = std::task::Waker::noop();
    match world.pool.look(turn, bell, 0) {
        Seen::Create => {
            assert_eq!(past.load(Ordering::Relaxed), 1);
            world.pool.creation_withdrawn();
            world.pool.leave(turn);
        }
        _ => world.pool.leave(turn),
    }
    freer.join().unwrap();
    world.finish();
}

// Two permits are freed, two wait. Loses: the second one finds somebody nudged already, and that
// one starts a single creation.
cases!(two_permits_two_waiters: fifo, strict, tasks);
fn two_permits_two_waiters(case: Case) {
    let world = World::new(case, 2);
    let objects = [world.make(), world.make()];
    let turns = [world.asleep(1, u64::MAX), world.asleep(1, u64::MAX)];
    let freer = world.spawn(move |world| {
        objects.into_iter().for_each(|object| world.retire(object));
    });
    let ends: Vec<_> = world.wait_all(&turns).into_iter().map(ready).collect();
    ends.into_iter().for_each(|end| world.give_all(end));
    freer.join().unwrap();
    assert_eq!(world.finish().permits, 2);
}

// The same, and no creation ends before both have begun. Loses: whoever was told starts one, and
// tells nobody that there is a second permit; or it is told of the second one just when it goes to
// run the first creation itself. The other one sleeps until that ends.
cases!(two_creations_side_by_side: fifo);
fn two_creations_side_by_side(case: Case) {
    let world = World::new(case, 2);
    let objects = [world.make(), world.make()];
    let turns = [world.asleep(1, u64::MAX), world.asleep(1, u64::MAX)];
    let freer = world.spawn(move |world| {
        objects.into_iter().for_each(|object| world.retire(object));
    });
    let [first, second] = turns;
    world.start_each(&[second, first]);
    for _ in turns {
        world.pool.deliver(world.thing());
    }
    world.use_each(&turns);
    freer.join().unwrap();
    assert_eq!(world.finish().permits, 2);
}

// A permit is freed, the first of two is told and gives up. Loses: nobody tells the second.
cases!(cancel_passes_the_permit_on: fifo, strict, tasks);
fn cancel_passes_the_permit_on(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let (first, second) = (world.asleep(1, u64::MAX), world.asleep(1, u64::MAX));
    let freer = world.spawn(move |world| world.retire(object));
    world.pool.leave(first);
    world.give_all(ready(world.wait(second)));
    freer.join().unwrap();
    assert_eq!(world.finish().permits, 1);
}

// A permit is freed and an object given back, two wait. Loses: the first is told of the permit,
// is served with the object before it looks, and the permit is forgotten.
cases!(permit_and_object: fifo, affine, strict, tasks);
fn permit_and_object(case: Case) {
    let world = World::new(case, 2);
    let (one, other) = (world.make(), world.make());
    let turns = [world.asleep(1, u64::MAX), world.asleep(1, u64::MAX)];
    let freer = world.spawn(move |world| {
        world.retire(one);
        world.give(other);
    });
    let ends: Vec<_> = world.wait_all(&turns).into_iter().map(ready).collect();
    ends.into_iter().for_each(|end| world.give_all(end));
    freer.join().unwrap();
    assert_eq!(world.finish().permits, 2);
}

// A creation ends while an object is given back; one waits for whichever comes first. Loses: the
// waiter gets one, and the other one is neither idle nor anybody's.
cases!(deliver_against_give: fifo, lifo, affine, strict, tasks);
fn deliver_against_give(case: Case) {
    let world = World::new(case, 2);
    let object = world.make();
    let turn = world.creating();
    let giver = world.spawn(move |world| world.give(object));
    world.pool.deliver(world.thing());
    world.give_all(ready(world.wait(turn)));
    giver.join().unwrap();
    assert_eq!(world.finish().found, 2);
}

// The same, but a creation that nobody needs any more is not begun.
cases!(elision_against_give: fifo, affine, strict, tasks);
fn elision_against_give(case: Case) {
    let world = World::new(case, 2);
    let object = world.make();
    let turn = world.creating();
    let giver = world.spawn(move |world| world.give(object));
    if world.pool.creation_wanted() {
        world.pool.deliver(world.thing());
    } else {
        world.pool.creation_withdrawn();
    }
    world.give_all(ready(world.wait(turn)));
    giver.join().unwrap();
    let audit = world.finish();
    assert_eq!(audit.found, audit.permits);
}

// A creation ends while another waiter comes. Loses: the new object is put aside for nobody while
// the newcomer goes to sleep.
cases!(deliver_against_join: fifo, lifo, affine, strict, tasks);
fn deliver_against_join(case: Case) {
    let world = World::new(case, 1);
    let turn = world.creating();
    world.pool.leave(turn);
    let maker = world.spawn(|world| world.pool.deliver(world.thing()));
    world.use_once();
    maker.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// A creation fails while somebody joins; later the alarm rings. Loses: the one that joined is not
// told to try again.
cases!(failure_against_join: fifo, strict, tasks);
fn failure_against_join(case: Case) {
    let world = World::new(case, 1);
    let turn = world.creating();
    world.pool.leave(turn);
    let maker = world.spawn(|world| {
        let retry_at = world.pool.creation_failed(0);
        world.ring(retry_at);
    });
    world.use_once();
    maker.join().unwrap();
    assert_eq!(world.finish().permits, 1);
}

// A creation ends just when the caller that triggered it gives up. Loses: the new object goes into the
// hand of the one that leaves, or is put aside while the next one sleeps.
cases!(abandoned_creation_reaches_the_next: fifo, lifo, affine, strict, tasks);
fn abandoned_creation_reaches_the_next(case: Case) {
    let world = World::new(case, 1);
    let (first, second) = (world.creating(), world.asleep(1, u64::MAX));
    let maker = world.spawn(|world| world.pool.deliver(world.thing()));
    world.pool.leave(first);
    world.give_all(ready(world.wait(second)));
    maker.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// Without a background the creation goes with the caller that ran it. Loses: its permit is free again,
// and the next one in line is not told that it may create.
cases!(abandoned_inline_creation: fifo, strict, tasks);
fn abandoned_inline_creation(case: Case) {
    let world = World::new(case, 1);
    let (first, second) = (world.creating(), world.asleep(1, u64::MAX));
    let quitter = world.spawn(move |world| {
        world.pool.creation_withdrawn();
        world.pool.leave(first);
    });
    world.give_all(ready(world.wait(second)));
    quitter.join().unwrap();
    assert_eq!(world.finish().permits, 1);
}

// The same for those that sleep already, one of which gives up when it is told to try.
cases!(failure_against_cancel: fifo);
fn failure_against_cancel(case: Case) {
    let world = World::new(case, 1);
    let (first, second) = (world.creating(), world.asleep(1, u64::MAX));
    let maker = world.spawn(|world| {
        let retry_at = world.pool.creation_failed(0);
        world.ring(retry_at);
    });
    world.pool.leave(first);
    world.give_all(ready(world.wait(second)));
    maker.join().unwrap();
    assert_eq!(world.finish().permits, 1);
}

// A creation turns out to take long, with objects out, so that there is room for one at a time; somebody
// else comes to wait. Loses: the newcomer finds no room, and nobody tells it that there is some now.
cases!(slow_against_join: fifo, strict);
fn slow_against_join(case: Case) {
    let world = World::new(case, 3);
    let object = world.make();
    let first = world.creating();
    let clock = world.spawn(|world| world.pool.creation_slowed());
    let second = world.join();
    world.start_each(&[second]);
    clock.join().unwrap();
    world.pool.slow_creation_ends();
    for _ in 0..2 {
        world.pool.deliver(world.thing());
    }
    world.use_each(&[first, second]);
    world.give(object);
    assert_eq!(world.finish().permits, 3);
}

// A creation ends, another one is retired, somebody waits: three threads.
cases_of_three!(creation_among_three: fifo, affine, strict, tasks);
fn creation_among_three(case: Case) {
    let world = World::new(case, 2);
    let object = world.make();
    let turn = world.creating();
    let maker = world.spawn(|world| world.pool.deliver(world.thing()));
    let freer = world.spawn(move |world| world.retire(object));
    let ends = world.wait_all(&[turn, world.join()]);
    let ends: Vec<_> = ends.into_iter().map(ready).collect();
    ends.into_iter().for_each(|end| world.give_all(end));
    maker.join().unwrap();
    freer.join().unwrap();
    assert_eq!(world.finish().found, 2);
}
