//! Reports are read while everything moves, and never tell of less than nothing.
//!
//! The counters themselves are no part of loom's memory (nobody decides by them), so what is explored
//! here is every order of the steps around them. That a reader of two counters sees causes before
//! effects is held by `stats::tests::the_gone_are_never_more_than_the_made`, on real threads.

use nebula_resource_core::models::Pool;
use nebula_resource_loom_tests::{Case, Thing, World, ready};

/// One reading, and the one before.
fn read(pool: &Pool<Thing>, before: &mut (u64, u64, u64)) {
    let status = pool.status();
    assert_eq!(
        status.size,
        status.idle + status.in_use + status.checking,
        "{status:?}"
    );
    assert!(status.size <= 2 && status.creating <= 2, "{status:?}");
    assert!(status.waiting <= 1, "{status:?}");
    let totals = pool.totals();
    let gone = totals.retired + totals.detached;
    assert!(gone <= totals.created, "{totals:?}");
    assert!(totals.destroyed <= totals.created, "{totals:?}");
    let now = (totals.created, gone, totals.acquired);
    assert!(before.0 <= now.0 && before.1 <= now.1 && before.2 <= now.2);
    *before = now;
}

// One retires, has another one made and gives it back, another one reads. Loses: an object is counted
// in two states or in none, a permit is given back twice, or more have gone than ever came.
cases!(reports_while_objects_come_and_go: fifo, lifo, affine);
fn reports_while_objects_come_and_go(case: Case) {
    let world = World::new(case, 2);
    world.stock(1);
    let user = world.spawn(|world| {
        let object = ready(world.acquire());
        world.retire(object);
        world.pool.bury_all();
        world.use_once();
    });
    let mut before = (0, 0, 0);
    read(&world.pool, &mut before);
    read(&world.pool, &mut before);
    user.join().unwrap();
    read(&world.pool, &mut before);
    let audit = world.finish();
    assert_eq!((audit.created, audit.retired), (2, 1));
}

// One waits and gives up while another one reads. Loses: the line's length is read while the one that
// leaves is counted out, and has wrapped around.
cases!(reports_while_somebody_waits: fifo, strict);
fn reports_while_somebody_waits(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let waiter = world.spawn(|world| {
        let turn = world.join();
        world.pool.leave(turn);
    });
    let mut before = (0, 0, 0);
    read(&world.pool, &mut before);
    world.give(object);
    read(&world.pool, &mut before);
    waiter.join().unwrap();
    assert_eq!(world.finish().found, 1);
}
