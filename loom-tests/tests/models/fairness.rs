//! Who goes first.

use std::sync::Arc;

use loom::sync::atomic::{AtomicBool, Ordering};
use nebula_resource_core::Fairness;
use nebula_resource_loom_tests::{Case, World, ready};

// Two wait, one object comes back. Loses: the second is served first. The first one keeps what it
// gets until both were served, and the object is the only one: served out of turn, one sleeps.
cases!(first_come_first_served: fifo, lifo, affine, strict, tasks);
fn first_come_first_served(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let (first, second) = (world.asleep(1, u64::MAX), world.asleep(1, u64::MAX));
    let giver = world.spawn(move |world| world.give(object));
    world.give_all(ready(world.wait(first)));
    world.give_all(ready(world.wait(second)));
    giver.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// One waits; another one joins just when the object comes back, and looks. Loses: it takes for
// itself what lies there for the first, who is on its way.
cases!(who_joins_serves_the_head: fifo, lifo, affine, strict, tasks);
fn who_joins_serves_the_head(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let first = world.asleep(1, u64::MAX);
    let giver = world.spawn(move |world| world.give(object));
    let second = world.join();
    world.give_all(ready(world.wait(first)));
    world.give_all(ready(world.wait(second)));
    giver.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// Strict, or the head is a task: the line is not empty, so a newcomer takes nothing, before the object came
// back or after.
cases!(line_bars_newcomers: strict, tasks);
fn line_bars_newcomers(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let turn = world.asleep(1, u64::MAX);
    let giver = world.spawn(move |world| {
        assert!(world.take().is_none(), "overtaken before");
        world.give(object);
        assert!(world.take().is_none(), "overtaken after");
    });
    let objects = ready(world.wait(turn));
    giver.join().unwrap();
    world.give_all(objects);
    assert_eq!(world.finish().found, 1);
}

// Strict, or the head is a task: an object is just being put aside by a giver that saw no line, and
// somebody stands there by now. Loses: a newcomer takes it before the giver looks again.
cases!(line_bars_what_is_put_aside: strict, tasks);
fn line_bars_what_is_put_aside(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let giver = world.spawn(move |world| world.give(object));
    let turn = world.join();
    let end = world.look(turn, std::task::Waker::noop());
    assert!(end.is_some() || world.take().is_none(), "overtaken");
    world.give_all(ready(end.unwrap_or_else(|| world.wait(turn))));
    giver.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// A thread was woken for an object that a newcomer may take; the task behind it is handed the next one.
// Loses: the task races although it sleeps, and is passed; or what was put aside for the thread is
// counted as the task's, and one of them sleeps on.
cases!(task_behind_a_thread: fifo, lifo, affine);
fn task_behind_a_thread(case: Case) {
    let world = World::new(case, 2);
    let (one, two) = (world.make(), world.make());
    let thread = world.asleep(1, u64::MAX);
    let task = world.asleep_as_task();
    let newcomer = world.spawn(move |world| {
        world.give(one);
        world.give(two);
        let taken: Vec<_> = world.take().into_iter().chain(world.take()).collect();
        assert!(taken.len() <= 1, "the task was passed");
        world.give_all(taken);
    });
    let ends = world.wait_all(&[task, thread]);
    newcomer.join().unwrap();
    ends.into_iter().for_each(|end| world.give_all(ready(end)));
    assert_eq!(world.finish().found, 2);
}

// One waits, and has looked; another one joins behind it, and does not look, and the first one leaves.
// Meanwhile an object comes back. Loses: its giver saw no line, or settled for the first one; and the
// second one sleeps beside it.
cases!(join_behind_one_who_leaves: fifo, lifo, affine, strict, tasks);
pub(crate) fn join_behind_one_who_leaves(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let giver = world.spawn(move |world| world.give(object));
    let first = world.join();
    let second = world.join();
    world.pool.leave(first);
    world.give_all(ready(world.wait(second)));
    giver.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// Bounded: a woken waiter that looked and found nothing has lost once; from then on nothing is taken
// past it. Loses: the newcomer goes on taking, and the waiter is woken in vain for ever.
cases!(who_lost_once_is_next: fifo, lifo, affine);
fn who_lost_once_is_next(case: Case) {
    assert_eq!(case.fairness, Fairness::Bounded);
    let world = World::new(case, 1);
    let object = world.make();
    let turn = world.asleep(1, u64::MAX);
    let lost = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&lost);
    let newcomer = world.spawn(move |world| {
        world.give(object);
        for _ in 0..2 {
            let too_late = seen.load(Ordering::Acquire);
            if let Some(object) = world.take() {
                assert!(!too_late, "overtaken a second time");
                world.give(object);
            }
        }
    });
    let objects = match world.look(turn, std::task::Waker::noop()) {
        Some(end) => end,
        None => {
            lost.store(world.pool.lost() == 1, Ordering::Release);
            world.wait(turn)
        }
    };
    let objects = ready(objects);
    newcomer.join().unwrap();
    world.give_all(objects);
    assert_eq!(world.finish().found, 1);
}

// Bounded: an object comes back for one that sleeps, and one that runs takes it before its giver has
// counted whom to wake. Loses: nobody was woken, so nobody counts as passed, and it happens again.
cases!(passed_while_being_given: fifo, lifo, affine);
fn passed_while_being_given(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let turn = world.asleep(1, u64::MAX);
    let newcomer = world.spawn(|world| {
        let mut taken = 0;
        for _ in 0..3 {
            if let Some(object) = world.take() {
                taken += 1;
                world.give(object);
            }
        }
        taken
    });
    world.give(object);
    let taken = newcomer.join().unwrap();
    assert!(taken <= 1, "overtaken {taken} times");
    world.give_all(ready(world.wait(turn)));
    assert_eq!(world.finish().found, 1);
}

// Bounded: one that runs takes and gives back again and again, while the woken waiter has not come
// to look yet. Loses: it is overtaken more than once, because nobody counts before it looks.
cases!(overtaken_at_most_once: fifo, lifo, affine);
fn overtaken_at_most_once(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let turn = world.asleep(1, u64::MAX);
    let newcomer = world.spawn(move |world| {
        world.give(object);
        let mut taken = 0;
        for _ in 0..3 {
            if let Some(object) = world.take() {
                taken += 1;
                world.give(object);
            }
        }
        assert!(taken <= 1, "overtaken {taken} times");
    });
    let objects = ready(world.wait(turn));
    newcomer.join().unwrap();
    world.give_all(objects);
    assert_eq!(world.finish().found, 1);
}

// Two wait and are woken, a newcomer takes one of the two objects and gives it back; the second looks
// first. Loses: one of them sleeps on, because each was counted as the other's wake-up.
cases_on_the_ring!(woken_out_of_order: fifo, lifo, affine);
fn woken_out_of_order(case: Case) {
    let world = World::new(case, 2);
    let (one, two) = (world.make(), world.make());
    let turns = [world.asleep(1, u64::MAX), world.asleep(1, u64::MAX)];
    let newcomer = world.spawn(move |world| {
        world.give(one);
        world.give(two);
        let taken = world.take();
        world.give_all(taken);
    });
    let [first, second] = turns;
    world.use_each(&[second, first]);
    newcomer.join().unwrap();
    assert_eq!(world.finish().found, 2);
}

// Two are woken, and both objects are taken past them; the first looks and has lost. A third object
// is just being put aside by a giver that saw no line. Loses: the second, who looks now, takes it
// although the first one has lost before.
cases_on_the_ring!(older_loser_first: fifo, lifo, affine);
fn older_loser_first(case: Case) {
    let world = World::new(case, 3);
    let (mine, late) = ([world.make(), world.make()], world.make());
    let giver = world.spawn(move |world| world.give(late));
    let turns = [world.join(), world.join()];
    world.give_all(mine);
    let taken: Vec<_> = [world.take(), world.take()].into_iter().flatten().collect();
    let [first, second] = turns;
    let nobody = std::task::Waker::noop();
    let mut ends = [world.look(first, nobody), None];
    ends[1] = world.look(second, nobody);
    if ends[0].is_none() && ends[1].is_some() {
        ends[0] = world.look(first, nobody);
        assert!(ends[0].is_some(), "passed by a younger one");
    }
    world.give_all(taken);
    for (turn, end) in turns.into_iter().zip(ends) {
        world.give_all(ready(end.unwrap_or_else(|| world.wait(turn))));
    }
    giver.join().unwrap();
    assert_eq!(world.finish().found, 3);
}

// A waiter, a newcomer that takes and gives, and a third that gives. Whoever is woken in vain is
// woken in vain once: its second look after a wake-up finds what it was woken for.
cases_of_three!(woken_in_vain_at_most_once: fifo, affine);
fn woken_in_vain_at_most_once(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let turn = world.asleep(1, u64::MAX);
    let giver = world.spawn(move |world| world.give(object));
    let newcomer = world.spawn(|world| {
        for _ in 0..2 {
            if let Some(object) = world.take() {
                world.give(object);
            }
        }
    });
    let (end, looks) = world.wait_counting(turn);
    let objects = ready(end);
    // Asleep at first; woken; woken again after it lost.
    assert!(looks <= 3, "woken in vain {} times", looks - 2);
    giver.join().unwrap();
    newcomer.join().unwrap();
    world.give_all(objects);
    assert_eq!(world.finish().found, 1);
}
