//! Who is the last to hold a pool, and who waits for it to be gone.

use loom::future::block_on;
use loom::sync::Arc;
use nebula_resource_loom_tests::{Case, World};

// The last handle is dropped, which closes the pool, while a guard is out; the guard is given back on
// another thread and keeps the engine alive until then. The count is loom's here, where the shipped one
// is std's. Loses: the object is put aside after the closer has emptied idle, and goes down with the
// engine without having been counted out; or it is destroyed before its last use.
cases!(last_handle_with_a_guard_out: fifo, lifo, affine);
fn last_handle_with_a_guard_out(case: Case) {
    let world = World::new(case, 1);
    let (ledger, object) = (world.ledger(), world.make());
    let handle = Arc::new(world);
    let guard = Arc::clone(&handle);
    let holder = loom::thread::spawn(move || {
        guard.give(object);
        drop(guard);
    });
    handle.pool.close();
    drop(handle);
    holder.join().unwrap();
    assert_eq!(ledger.counts(), (1, 1), "made and destroyed");
}

// The same, and somebody waits for the last object to be gone, without a background that destroys it
// and says so. Loses: the object is hung up after the waiting one has looked, and nobody tells it.
cases!(settling_hears_of_the_last_object: fifo, lifo, affine);
fn settling_hears_of_the_last_object(case: Case) {
    let world = World::new(case, 1);
    let object = world.make();
    let holder = world.spawn(move |world| world.give(object));
    world.pool.close();
    block_on(world.pool.settle());
    holder.join().unwrap();
    assert_eq!(world.destroyed(), 1);
    world.finish();
}

// The same for an object that is retired by its holder, and for one that is taken out for good.
cases!(settling_hears_of_the_last_permit: fifo);
fn settling_hears_of_the_last_permit(case: Case) {
    let world = World::new(case, 2);
    let (one, other) = (world.make(), world.make());
    let holder = world.spawn(move |world| {
        world.retire(one);
        drop(world.detach(other));
    });
    world.pool.close();
    block_on(world.pool.settle());
    holder.join().unwrap();
    world.finish();
}

// The same for a creation that is under way and given up.
cases!(settling_hears_of_the_last_creation: fifo);
fn settling_hears_of_the_last_creation(case: Case) {
    let world = World::new(case, 1);
    let turn = world.creating();
    world.pool.leave(turn);
    let maker = world.spawn(|world| world.pool.creation_withdrawn());
    world.pool.close();
    block_on(world.pool.settle());
    maker.join().unwrap();
    world.finish();
}
