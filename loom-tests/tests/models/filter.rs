//! `retain`, `clear` and maintenance take idle objects out and put some of them back.

use std::sync::Arc;

use loom::sync::atomic::{AtomicBool, Ordering};
use nebula_resource_loom_tests::{Case, Thing, World, ready};

// Somebody comes while all idle objects are out to be looked at. Loses: it sees nothing idle and
// no permit, sleeps, and the object goes back without a word.
cases!(retain_against_acquire: fifo, lifo, affine, strict, tasks);
fn retain_against_acquire(case: Case) {
    let world = World::new(case, 1);
    world.stock(1);
    let owner = world.spawn(|world| {
        world.pool.retain(|_| true);
    });
    world.use_once();
    owner.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// The same with a predicate that lets it go. Loses: the freed permit is told to nobody.
cases!(retain_none_against_acquire: fifo, lifo, affine);
fn retain_none_against_acquire(case: Case) {
    let world = World::new(case, 1);
    world.stock(1);
    let owner = world.spawn(|world| {
        world.pool.retain(|_| false);
    });
    world.use_once();
    owner.join().unwrap();
    let audit = world.finish();
    assert_eq!(audit.permits, audit.found, "{audit:?}");
}

// `clear` against one that takes and gives back. Loses: an object from before the clear is handed
// out after it: it was out when idle was emptied, and came back before the stamp moved.
cases_on_the_ring!(clear_against_use: fifo, lifo, affine);
fn clear_against_use(case: Case) {
    let world = World::new(case, 1);
    world.stock(1);
    let user = world.spawn(|world| world.use_once());
    world.pool.clear();
    let object = ready(world.acquire());
    assert!(object.number > 1, "an object from before the clear");
    world.give(object);
    user.join().unwrap();
    world.finish();
}

// `clear` against a creation. Loses: an object made under the old stamp slips in behind the clear
// as if it were new.
cases!(clear_against_deliver: fifo, affine, strict);
fn clear_against_deliver(case: Case) {
    let world = World::new(case, 1);
    let turn = world.creating();
    let maker = world.spawn(|world| world.pool.deliver(world.thing()));
    world.pool.clear();
    if let Some(object) = ready(world.wait(turn)).pop() {
        world.give(object);
    }
    maker.join().unwrap();
    let audit = world.finish();
    assert_eq!(audit.permits, audit.found, "{audit:?}");
}

// Maintenance takes out what is idle, lets one go and gives one back, while somebody comes. Loses:
// as for `retain`; or the one that is let go is the one that the newcomer was promised.
cases!(maintenance_against_acquire: fifo, lifo, affine, strict);
fn maintenance_against_acquire(case: Case) {
    let world = World::new(case, 2);
    world.stock(2);
    let keeper = world.spawn(|world| {
        world.pool.maintain(|thing| {
            thing.touch();
            thing.number > 1
        });
    });
    world.use_once();
    keeper.join().unwrap();
    let audit = world.finish();
    assert_eq!(audit.permits, audit.found, "{audit:?}");
}

// The same, but all are let go and destroyed at once. Loses: the one that is handed out is the one that
// is destroyed.
cases!(maintenance_retires_against_acquire: fifo, lifo, affine);
fn maintenance_retires_against_acquire(case: Case) {
    let world = World::new(case, 2);
    world.stock(2);
    let keeper = world.spawn(|world| {
        world.pool.maintain(|_| false);
        world.pool.bury_all();
    });
    world.use_once();
    keeper.join().unwrap();
    let audit = world.finish();
    assert_eq!(audit.permits, audit.found, "{audit:?}");
}

// Maintenance looks for one object and passes over the others. Loses: those it has passed over are out
// of the store for a moment, and go back without a word to who came meanwhile.
cases!(looking_for_one_against_acquire: fifo, lifo, affine, strict);
fn looking_for_one_against_acquire(case: Case) {
    let world = World::new(case, 2);
    world.stock(2);
    let keeper = world.spawn(|world| world.pool.look_after(2));
    world.give_all(ready(world.acquire_many(2)));
    keeper.join().unwrap();
    assert_eq!(world.finish().found, 2);
}

// The server goes away and somebody notices, while an idle object is validated. Loses: the stamp was
// read after the validation, so that an object which was fine before the server went passes for one
// that was proven after it.
cases!(suspicion_against_validation: fifo);
fn suspicion_against_validation(case: Case) {
    let world = World::new(case, 1);
    world.stock(1);
    world.pool.suspect_all();
    let gone = Arc::new(AtomicBool::new(false));
    let server = Arc::clone(&gone);
    let victim = world.spawn(move |world| {
        server.store(true, Ordering::Relaxed);
        world.pool.suspect_all();
    });
    let works = |_: &Thing| !gone.load(Ordering::Relaxed);
    world.give_all(
        world
            .pool
            .take_checked(works)
            .inspect(|object| object.seize()),
    );
    victim.join().unwrap();
    let taken = world.pool.take_checked(works);
    assert!(taken.is_none(), "proven before the server went");
    world.finish();
}

// Counting takes idle objects out too, under the lock. Loses: who looks at idle meanwhile sees
// nothing, and the objects go back without a word.
cases!(audit_against_acquire: fifo, lifo, affine, strict);
fn audit_against_acquire(case: Case) {
    let world = World::new(case, 1);
    world.stock(1);
    let auditor = world.spawn(|world| {
        world.pool.audit();
    });
    world.use_once();
    auditor.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

// Maintenance, a giver and a waiter on three threads.
cases_of_three!(maintenance_among_three: fifo, affine, strict, tasks);
fn maintenance_among_three(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let giver = world.spawn(move |world| world.give(object));
    let keeper = world.spawn(|world| world.pool.maintain(|_| true));
    world.use_once();
    giver.join().unwrap();
    keeper.join().unwrap();
    assert_eq!(world.finish().found, 1);
}
