//! Closing refuses everybody and keeps nothing.

use std::sync::Arc;

use nebula_resource_core::models::Why;
use nebula_resource_loom_tests::{Case, World};

/// Closed, and everything is gone once the retired are destroyed.
fn finish_closed(world: Arc<World>) {
    world.pool.bury_all();
    assert!(world.pool.is_settled(), "closed, but not settled");
    let audit = world.finish();
    assert_eq!((audit.found, audit.permits), (0, 0), "{audit:?}");
}

// Somebody joins while the pool is closed. Loses: it joins after those in line were refused, has
// not seen the close, and sleeps for ever.
cases!(close_against_wait: fifo, strict, tasks);
fn close_against_wait(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let closer = world.spawn(|world| world.pool.close());
    assert_eq!(world.acquire().err(), Some(Why::Closed));
    assert!(closer.join().unwrap());
    world.give(object);
    finish_closed(world);
}

// An object is given back while the pool is closed. Loses: the closer empties idle before the put,
// the giver looks at the permits before the close; the object stays for ever.
cases!(close_against_give: fifo, lifo, affine);
fn close_against_give(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let giver = world.spawn(move |world| world.give(object));
    world.pool.close();
    giver.join().unwrap();
    finish_closed(world);
}

// The same with somebody in line. Loses: the giver decides under the lock, by a reading of the
// permits from before the close, and the closer has emptied idle already.
cases!(close_against_give_in_line: fifo, affine, strict, tasks);
fn close_against_give_in_line(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let turn = world.asleep(1, u64::MAX);
    let giver = world.spawn(move |world| world.give(object));
    world.pool.close();
    match world.wait(turn) {
        Ok(objects) => world.give_all(objects),
        Err(why) => assert_eq!(why, Why::Closed),
    }
    giver.join().unwrap();
    finish_closed(world);
}

// A creation ends while the pool is closed. Loses: the new object is put aside after the closer
// has emptied idle.
cases!(close_against_deliver: fifo, lifo, affine, strict);
fn close_against_deliver(case: Case) {
    let world = World::new(case, 1);
    let turn = world.creating();
    let maker = world.spawn(|world| world.pool.deliver(world.thing()));
    world.pool.close();
    match world.wait(turn) {
        Ok(objects) => world.give_all(objects),
        Err(why) => assert_eq!(why, Why::Closed),
    }
    maker.join().unwrap();
    finish_closed(world);
}

// Somebody takes, uses and gives back while the pool is closed, with an object idle. Loses: the one
// that is on its way from hand to hand is neither retired by the closer nor by its giver.
cases!(close_against_use: fifo, lifo, affine);
fn close_against_use(case: Case) {
    let world = World::new(case, 1);
    world.stock(1);
    let user = world.spawn(|world| match world.acquire() {
        Ok(object) => world.give(object),
        Err(why) => assert_eq!(why, Why::Closed),
    });
    world.pool.close();
    user.join().unwrap();
    finish_closed(world);
}

// Two close, with two objects idle. Loses: both believe to be the first, or both retire the same
// object's permit.
cases!(two_close: fifo, lifo, affine);
fn two_close(case: Case) {
    let world = World::new(case, 2);
    world.stock(2);
    let other = world.spawn(|world| world.pool.close());
    let mine = world.pool.close();
    assert!(mine != other.join().unwrap(), "exactly one closes");
    finish_closed(world);
}

// Close, give and wait on three threads.
cases_of_three!(close_among_three: fifo, affine, strict, tasks);
fn close_among_three(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let giver = world.spawn(move |world| world.give(object));
    let closer = world.spawn(|world| {
        world.pool.close();
    });
    match world.acquire() {
        Ok(object) => world.give(object),
        Err(why) => assert_eq!(why, Why::Closed),
    }
    giver.join().unwrap();
    closer.join().unwrap();
    finish_closed(world);
}

// With `fail_fast`, a creation fails while somebody joins. Loses: it joins after those in line were
// refused, has not seen the failure, and sleeps although nobody shall wait.
cases!(fail_fast_against_join: fifo);
fn fail_fast_against_join(case: Case) {
    let world = World::new(case, 1);
    world
        .pool
        .reconfigure(|config| config.fail_fast = true)
        .unwrap();
    let first = world.creating();
    world.pool.leave(first);
    let maker = world.spawn(|world| {
        world.pool.creation_failed(0);
    });
    assert_eq!(world.acquire().err(), Some(Why::Failing));
    maker.join().unwrap();
    world.finish();
}

// A creation is withdrawn because the pool closed, while its waiter leaves.
cases!(close_against_withdrawal: fifo);
fn close_against_withdrawal(case: Case) {
    let world = World::new(case, 1);
    let turn = world.creating();
    let maker = world.spawn(|world| world.pool.creation_withdrawn());
    world.pool.close();
    match world.wait(turn) {
        Ok(objects) => world.give_all(objects),
        Err(why) => assert_eq!(why, Why::Closed),
    }
    maker.join().unwrap();
    finish_closed(world);
}

// A creation fails while the pool is closed. Loses: its permit stays taken, or its waiter is left for an
// alarm that a closed pool does not set.
cases!(close_against_failure: fifo, strict);
fn close_against_failure(case: Case) {
    let world = World::new(case, 1);
    let turn = world.creating();
    let maker = world.spawn(|world| {
        world.pool.creation_failed(0);
    });
    world.pool.close();
    assert_eq!(world.wait(turn).err(), Some(Why::Closed));
    maker.join().unwrap();
    finish_closed(world);
}
