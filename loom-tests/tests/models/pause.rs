//! A paused pool hands out nothing, and forgets nobody.

use nebula_resource_loom_tests::{Case, World, ready};

// An object lies idle in a paused pool, somebody comes, the pool resumes. Loses: the newcomer sees
// the pause, the resumer sees nobody.
cases!(resume_against_join: fifo, lifo, affine, strict, tasks);
fn resume_against_join(case: Case) {
    let world = World::new(case, 1);
    world.stock(1);
    world.pool.pause();
    let owner = world.spawn(|world| world.pool.resume());
    world.use_once();
    owner.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// The object comes back during the pause. Loses: its giver leaves it to the one that resumes, and
// that one has looked already.
cases!(pause_give_resume_against_wait: fifo, affine, strict, tasks);
fn pause_give_resume_against_wait(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let owner = world.spawn(|world| {
        world.pool.pause();
        world.give(object);
        world.pool.resume();
    });
    world.use_once();
    owner.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// Once paused, nothing is handed out, whoever gives back meanwhile. Loses: the giver, which saw the pool
// open, hands over to a newcomer that came after the pause.
cases!(paused_hands_out_nothing: fifo, lifo, affine, strict);
fn paused_hands_out_nothing(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let giver = world.spawn(move |world| world.give(object));
    world.pool.pause();
    assert!(world.take().is_none(), "handed out although paused");
    giver.join().unwrap();
    assert!(world.take().is_none(), "handed out although paused");
    world.pool.resume();
    world.use_once();
    assert_eq!(world.finish().found, 1);
}

// Giver and owner on two threads, with somebody asleep. Loses: a woken waiter looks during the pause
// and goes back to sleep, and the one that resumes believes it to be on its way.
cases!(pause_against_give: fifo, affine, strict);
fn pause_against_give(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let turn = world.asleep(1, u64::MAX);
    let giver = world.spawn(move |world| world.give(object));
    world.pool.pause();
    world.pool.resume();
    if let Ok(objects) = world.wait(turn) {
        world.give_all(objects);
    }
    giver.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// Giver, owner and waiter.
cases_of_three!(pause_among_three: fifo, affine, strict, tasks);
fn pause_among_three(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let turn = world.asleep(1, u64::MAX);
    let giver = world.spawn(move |world| world.give(object));
    let owner = world.spawn(|world| {
        world.pool.pause();
        world.pool.resume();
    });
    world.give_all(ready(world.wait(turn)));
    giver.join().unwrap();
    owner.join().unwrap();
    assert_eq!(world.finish().found, 1);
}
