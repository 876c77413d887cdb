//! What a reviewer suspected of the waiting line when tasks came to be handed their objects. The first five
//! turned red then.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Wake, Waker};

use nebula_resource_core::Fairness;
use nebula_resource_core::models::{Asks, Seen, Turn, Why};
use nebula_resource_loom_tests::{Case, World, ready};

use crate::fairness::join_behind_one_who_leaves;

/// Counts how often it was woken.
#[derive(Default)]
struct Counts(AtomicUsize);

impl Wake for Counts {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// One that sleeps, and whether it was woken since.
fn sleeper(world: &World, asks: Asks) -> (Turn, Arc<Counts>) {
    let counts = Arc::<Counts>::default();
    let (turn, seen) = world.pool.enter(asks, &Waker::from(Arc::clone(&counts)), 0);
    assert!(matches!(seen, Seen::Wait { .. }), "not asleep");
    (turn, counts)
}

fn woken(counts: &Counts) -> bool {
    counts.0.load(Relaxed) > 0
}

// A permit is freed and the first one is told; it comes to look when its time is up, before the alarm.
// Loses: what it was told goes with it, and the second sleeps beside the permit.
cases!(told_and_out_of_time: fifo, strict, tasks);
fn told_and_out_of_time(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let (first, _) = sleeper(&world, world.asks(1, 5));
    let (second, told) = sleeper(&world, world.asks(1, u64::MAX));
    world.retire(object);
    let seen = world.pool.look(first, Waker::noop(), 5);
    assert!(matches!(seen, Seen::Left(Why::TimedOut)));
    assert!(woken(&told), "asleep beside a free permit");
    world.give_all(ready(world.wait(second)));
    assert_eq!(world.finish().permits, 1);
}

// Two wait for the next probe, and `fail_fast` is switched on meanwhile. The alarm rings, and the first is
// told to probe; it had read the clock just before, and is refused. Loses: the probe; no alarm rings again,
// and the second sleeps for ever.
cases!(probe_is_refused: fifo, strict, tasks);
fn probe_is_refused(case: Case) {
    let world = World::new(case, 1);
    let first = world.creating();
    let (second, told) = sleeper(&world, world.asks(1, u64::MAX));
    let retry_at = world.pool.creation_failed(0);
    assert!(retry_at > 1, "a failure that lasts");
    let counts = Arc::<Counts>::default();
    let seen = world
        .pool
        .look(first, &Waker::from(Arc::clone(&counts)), retry_at - 1);
    assert!(matches!(seen, Seen::Wait { .. }));
    world
        .pool
        .reconfigure(|config| config.fail_fast = true)
        .unwrap();
    assert_eq!(world.pool.sweep(retry_at), None);
    assert!(woken(&counts), "the first one probes");
    let seen = world.pool.look(first, Waker::noop(), retry_at - 1);
    assert!(matches!(seen, Seen::Left(Why::Failing)));
    assert!(woken(&told), "nobody probes any more");
    world.pool.leave(second);
    world.finish();
}

// One collects, has one of two, and is not polled any more. Its time is up. Loses: it goes on holding what
// it has collected, and the one behind it sleeps.
cases!(expired_with_a_part: fifo, strict, tasks);
fn expired_with_a_part(case: Case) {
    let world = World::new(case, 2);
    let (one, two) = (world.make(), world.make());
    let (many, _) = sleeper(&world, world.asks(2, 5));
    let (second, told) = sleeper(&world, world.asks(1, u64::MAX));
    world.give(one);
    world.ring(5);
    assert!(woken(&told), "one that expired holds what others wait for");
    world.give_all(ready(world.wait(second)));
    world.pool.leave(many);
    world.give(two);
    assert_eq!(world.finish().found, 2);
}

// One was told of a permit, and is served before it looks, and is not polled. Loses: the one behind it
// sleeps beside the permit until the first one's deadline. (A thread is not served in its sleep, and comes.)
cases!(told_and_served: strict, tasks);
fn told_and_served(case: Case) {
    let world = World::new(case, 2);
    let (one, two) = (world.make(), world.make());
    let (first, _) = sleeper(&world, world.asks(1, 5));
    let (second, told) = sleeper(&world, world.asks(1, u64::MAX));
    world.retire(one);
    world.give(two);
    assert!(woken(&told), "asleep beside a free permit");
    world.pool.leave(first);
    world.pool.leave(second);
    world.finish();
}

// Served, not polled any more, and the pool is closed. Loses: the object stays in its hand.
cases!(closed_beside_one_who_was_served: fifo, strict, tasks);
fn closed_beside_one_who_was_served(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let (first, _) = sleeper(&world, world.asks(1, u64::MAX));
    world.give(object);
    world.pool.close();
    world.pool.bury_all();
    let settled = world.pool.is_settled();
    world.pool.leave(first);
    assert!(settled, "waits for one that nobody polls");
    world.finish();
}

// A served one fetches while the alarm of its deadline rings; another waits. Loses: the object goes to
// nobody, or to both.
cases!(fetched_while_it_is_taken_back: fifo, lifo, affine, strict, tasks);
fn fetched_while_it_is_taken_back(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let (first, second) = (world.asleep(1, 5), world.asleep(1, u64::MAX));
    world.give(object);
    let task = world.spawn(move |world| match world.look(first, Waker::noop()) {
        Some(Ok(objects)) => world.give_all(objects),
        Some(Err(why)) => assert_eq!(why, Why::TimedOut),
        None => world.pool.leave(first),
    });
    world.ring(5);
    world.give_all(ready(world.wait(second)));
    task.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// The same, and the first one is dropped.
cases!(dropped_while_it_is_taken_back: fifo, affine, strict, tasks);
fn dropped_while_it_is_taken_back(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let (first, second) = (world.asleep(1, 5), world.asleep(1, u64::MAX));
    let giver = world.spawn(move |world| {
        world.give(object);
        world.pool.leave(first);
    });
    world.ring(5);
    world.give_all(ready(world.wait(second)));
    giver.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// Put aside while the pool is paused; the first one leaves without a turn, another joins behind without a
// look, and the pool goes on. Loses: nobody hands over what was put aside.
cases!(paused_and_not_looked: fifo, affine, strict, tasks);
fn paused_and_not_looked(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let first = world.asleep(1, u64::MAX);
    world.pool.pause();
    let giver = world.spawn(move |world| {
        world.give(object);
        world.pool.resume();
    });
    let second = world.join();
    world.pool.leave(first);
    world.give_all(ready(world.wait(second)));
    giver.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// Woken to race, the object in the ring, and fairness becomes strict: who joins just then does not look.
// Loses: the first one leaves, and the object lies there for nobody.
cases!(strict_from_now_on: fifo, lifo, affine);
fn strict_from_now_on(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let first = world.asleep(1, u64::MAX);
    world.give(object);
    let owner = world.spawn(|world| {
        world
            .pool
            .reconfigure(|config| config.fairness = Fairness::Strict)
            .unwrap();
    });
    let second = world.join();
    world.pool.leave(first);
    world.give_all(ready(world.wait(second)));
    owner.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// The same, and back: strict becomes bounded.
cases!(bounded_from_now_on: strict);
fn bounded_from_now_on(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let first = world.asleep(1, u64::MAX);
    let owner = world.spawn(move |world| {
        world
            .pool
            .reconfigure(|config| config.fairness = Fairness::Bounded)
            .unwrap();
        world.give(object);
    });
    let second = world.join();
    world.pool.leave(first);
    world.give_all(ready(world.wait(second)));
    owner.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// A permit is freed while one joins without a look and the one before it leaves without a turn. Loses: the
// permit's giver saw no line, or told the one who leaves.
cases!(permit_beside_one_who_did_not_look: fifo, strict, tasks);
fn permit_beside_one_who_did_not_look(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let first = world.asleep(1, u64::MAX);
    let giver = world.spawn(move |world| world.retire(object));
    let next = world.spawn(|world| {
        let second = world.wait_as(world.asks(1, u64::MAX));
        world.give_all(ready(second));
    });
    world.pool.leave(first);
    giver.join().unwrap();
    next.join().unwrap();
    assert_eq!(world.finish().permits, 1);
}

// What `fairness::join_behind_one_who_leaves` claims, for tasks and strict callers on every store: with
// threads and bounded fairness, the only ones it is run for on stack and stripes, everybody looks.
cases!(behind_one_who_leaves_as_tasks: fifo, lifo, affine);
fn behind_one_who_leaves_as_tasks(case: Case) {
    join_behind_one_who_leaves(Case {
        races: false,
        ..case
    });
}

cases!(behind_one_who_leaves_strictly: fifo, lifo, affine);
fn behind_one_who_leaves_strictly(case: Case) {
    join_behind_one_who_leaves(Case {
        fairness: Fairness::Strict,
        ..case
    });
}

// The same with everybody on a thread of their own.
cases_of_three!(three_behind_each_other: fifo, lifo, affine);
fn three_behind_each_other(case: Case) {
    let world = World::new(
        Case {
            races: false,
            ..case
        },
        1,
    );
    let object = world.make();
    let giver = world.spawn(move |world| world.give(object));
    let leaver = world.spawn(|world| {
        let first = world.join();
        match world.look(first, Waker::noop()) {
            Some(end) => world.give_all(ready(end)),
            None => world.pool.leave(first),
        }
    });
    world.use_once();
    giver.join().unwrap();
    leaver.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// Shrunk while a served one has not come: what it gives back later is too many; and one joins behind.
cases!(shrunk_beside_one_who_was_served: fifo, affine, tasks);
fn shrunk_beside_one_who_was_served(case: Case) {
    let world = World::new(case, 2);
    let (one, two) = (world.make(), world.make());
    let (first, second) = (world.asleep(1, 5), world.asleep(1, u64::MAX));
    world.give(one);
    let owner = world.spawn(|world| {
        world
            .pool
            .reconfigure(|config| config.max_size = 1)
            .unwrap();
        world.ring(5);
    });
    world.give(two);
    world.give_all(ready(world.wait(second)));
    owner.join().unwrap();
    world.pool.leave(first);
    assert_eq!(world.finish().permits, 1);
}
