//! Threads, which race, and tasks, which are handed their objects, in one line.

use nebula_resource_loom_tests::{Case, World, ready};

// A mixed line: a thread is told, a task stands behind it, a newcomer takes, the thread leaves.
cases!(task_behind_a_thread_that_leaves: fifo, lifo, affine);
fn task_behind_a_thread_that_leaves(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let thread = world.asleep(1, u64::MAX);
    let task = world.asleep_as_task();
    let newcomer = world.spawn(move |world| {
        world.give(object);
        let taken = world.take();
        world.give_all(taken);
    });
    world.pool.leave(thread);
    world.give_all(ready(world.wait(task)));
    newcomer.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// A returning thread in front of a woken thread in front of a task.
cases!(returning_before_a_mixed_line: fifo, affine);
fn returning_before_a_mixed_line(case: Case) {
    let world = World::new(case, 2);
    let (one, two) = (world.make(), world.make());
    let thread = world.asleep(1, u64::MAX);
    let task = world.asleep_as_task();
    let giver = world.spawn(move |world| world.give(one));
    let back = world.rejoin(1);
    world.give(two);
    world.use_each(&[task, back, thread]);
    giver.join().unwrap();
    assert_eq!(world.finish().found, 2);
}

// Each thread in front of a task may lose a race, the task none. Loses: a thread twice, or the task.
cases!(task_behind_threads: fifo, lifo, affine);
fn task_behind_threads(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let threads: Vec<_> = (0..2).map(|_| world.asleep(1, u64::MAX)).collect();
    let task = world.asleep_as_task();
    world.give(object);
    let mut passed = 0;
    for thread in threads {
        if let Some(object) = world.take() {
            passed += 1;
            world.give(object);
        }
        world.give_all(ready(world.wait(thread)));
    }
    world.give_all(ready(world.wait(task)));
    assert!(passed <= 2, "passed {passed} times");
    assert_eq!(world.finish().found, 1);
}

// A task leaves that was handed the object, a thread stands behind it, and a newcomer runs.
cases!(thread_behind_a_task_that_leaves: fifo, lifo, affine);
fn thread_behind_a_task_that_leaves(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let task = world.asleep_as_task();
    let thread = world.asleep(1, u64::MAX);
    let newcomer = world.spawn(move |world| {
        world.give(object);
        let taken = world.take();
        world.give_all(taken);
    });
    world.pool.leave(task);
    world.give_all(ready(world.wait(thread)));
    newcomer.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// A task and a thread join at the same time as an object comes back to an empty line, and both use it.
cases_of_three!(mixed_crossing: fifo, lifo, affine);
fn mixed_crossing(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let thread = world.spawn(|world| world.use_once());
    let task = world.spawn(|world| {
        world.give_all(ready(world.wait_as(world.task())));
    });
    world.give(object);
    thread.join().unwrap();
    task.join().unwrap();
    assert_eq!(world.finish().found, 1);
}
