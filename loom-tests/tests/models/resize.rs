//! Shrinking and growing: the limit holds in the end, and whoever waits learns of it.

use std::sync::Arc;

use nebula_resource_loom_tests::{Case, World, ready};

fn resize(world: &World, max_size: usize) {
    world
        .pool
        .reconfigure(|config| config.max_size = max_size)
        .unwrap();
}

fn finish_with(world: Arc<World>, objects: usize) {
    let audit = world.finish();
    assert_eq!(
        (audit.permits, audit.found),
        (objects, objects),
        "{audit:?}"
    );
}

// The limit falls below what is out. Loses: the shrinker looks into idle before the put, the giver
// at the limit before the change; one object too many stays.
cases!(shrink_against_give: fifo, lifo, affine);
fn shrink_against_give(case: Case) {
    let world = World::new(case, 2);
    let (mine, object) = (world.make(), world.make());
    let giver = world.spawn(move |world| world.give(object));
    resize(&world, 1);
    giver.join().unwrap();
    world.give(mine);
    finish_with(world, 1);
}

// The limit falls while the pool is full and one object is idle: both may see one too many. Loses:
// both let one go.
cases_on_the_ring!(shrink_against_give_beside_idle: fifo, lifo, affine);
fn shrink_against_give_beside_idle(case: Case) {
    let world = World::new(case, 2);
    let object = world.make();
    world.stock(1);
    let giver = world.spawn(move |world| world.give(object));
    resize(&world, 1);
    giver.join().unwrap();
    finish_with(world, 1);
}

// The limit falls, and the pool is closed. Loses: one that trims takes an object out, finds that the
// other one was faster, and puts it back just when the other one has looked for it in vain.
cases_on_the_ring!(shrink_and_close_against_give: fifo, lifo, affine);
fn shrink_and_close_against_give(case: Case) {
    let world = World::new(case, 2);
    let object = world.make();
    world.stock(1);
    let giver = world.spawn(move |world| world.give(object));
    resize(&world, 1);
    world.pool.close();
    giver.join().unwrap();
    finish_with(world, 0);
}

// Shrink, and grow again, while an object is made. Loses: more permits than the limit.
cases_on_the_ring!(shrink_and_grow_against_create: fifo);
fn shrink_and_grow_against_create(case: Case) {
    let world = World::new(case, 2);
    world.stock(1);
    let user = world.spawn(|world| world.use_once());
    resize(&world, 1);
    resize(&world, 2);
    user.join().unwrap();
    let audit = world.finish();
    assert!(audit.permits <= 2, "{audit:?}");
}

// Everything is out and somebody waits; the limit rises. Loses: the one that waits looked at the
// limit before, and nobody tells it that it may create now.
cases!(grow_while_waited_for: fifo, strict, tasks);
fn grow_while_waited_for(case: Case) {
    let world = World::new(case, 1);
    let mine = world.make();
    let grower = world.spawn(|world| resize(world, 2));
    world.use_once();
    grower.join().unwrap();
    world.give(mine);
    finish_with(world, 2);
}

// Two come back, one of them surplus, and somebody waits. Loses: the object meant for the waiter
// is the one that goes, or the one that stays wakes nobody.
cases_on_the_ring!(shrink_against_give_and_wait: fifo, affine, strict, tasks);
fn shrink_against_give_and_wait(case: Case) {
    let world = World::new(case, 2);
    let objects = [world.make(), world.make()];
    let giver = world.spawn(move |world| world.give_all(objects));
    resize(&world, 1);
    world.use_once();
    giver.join().unwrap();
    finish_with(world, 1);
}

// Shrink, give and wait on three threads: the surplus one comes back, and the one that waits looks.
// Loses: the object is kept although it is one too many, or the one that stays is not for the waiter.
cases_of_three!(shrink_among_three: fifo, affine, tasks);
fn shrink_among_three(case: Case) {
    let world = World::new(case, 2);
    let (mine, object) = (world.make(), world.make());
    let turn = world.asleep(1, u64::MAX);
    let giver = world.spawn(move |world| world.give(object));
    let shrinker = world.spawn(|world| resize(world, 1));
    let early = world.look(turn, std::task::Waker::noop());
    giver.join().unwrap();
    shrinker.join().unwrap();
    world.give(mine);
    world.give_all(ready(early.unwrap_or_else(|| world.wait(turn))));
    finish_with(world, 1);
}
