//! The stores by themselves: nothing gets lost in them, and nothing is found twice.

use nebula_resource_core::models::use_stripe;
use nebula_resource_loom_tests::{Case, World};

// One steals from a stripe while its owner gives back and takes. Loses: the owner's swap displaces
// an object that nobody puts anywhere, or the thief and the owner take the same one.
cases!(steal_against_put_and_take: affine);
fn steal_against_put_and_take(case: Case) {
    let world = World::new(case, 2);
    let objects = [world.make(), world.make()];
    let owner = world.spawn(move |world| {
        use_stripe(1);
        world.give_all(objects);
        if let Some(object) = world.take() {
            world.give(object);
        }
    });
    if let Some(object) = world.take() {
        world.give(object);
    }
    owner.join().unwrap();
    assert_eq!(world.finish().found, 2);
}

// One steals while the owner of the stripe gives back: the push alone, with its slot full. Loses: the
// object that the push displaces goes nowhere.
cases!(steal_against_push: affine);
fn steal_against_push(case: Case) {
    let world = World::new(case, 2);
    let objects = [world.make(), world.make()];
    let owner = world.spawn(move |world| {
        use_stripe(1);
        world.give_all(objects);
    });
    let stolen = world.take();
    owner.join().unwrap();
    world.give_all(stolen);
    assert_eq!(world.finish().found, 2);
}

// One steals while the owner takes: the pop alone. Loses: both have it, or nobody.
cases!(steal_against_pop: affine);
fn steal_against_pop(case: Case) {
    let world = World::new(case, 2);
    let (mine, other) = (world.make(), world.make());
    let owner = world.spawn(move |world| {
        use_stripe(1);
        world.give(mine);
        let taken = world.take();
        world.give_all(taken);
    });
    let stolen = world.take();
    world.give(other);
    owner.join().unwrap();
    world.give_all(stolen);
    assert_eq!(world.finish().found, 2);
}

// The limit falls while the stores are just being made, and the first object is given into them. Loses:
// the shrinker does not see the slots and leaves them out; the giver swaps one that nobody else has
// swapped, without a fence, and does not see the new limit.
cases!(slots_made_against_shrink: fifo, affine);
fn slots_made_against_shrink(case: Case) {
    let world = World::untouched(case, 2);
    let (mine, object) = (world.make(), world.make());
    let giver = world.spawn(move |world| {
        use_stripe(1);
        world.pool.prepare();
        world.give(object);
    });
    world.pool.reconfigure(|c| c.max_size = 1).unwrap();
    giver.join().unwrap();
    assert_eq!(
        world.pool.audit().permits,
        1,
        "one is out, and no more may be"
    );
    world.give(mine);
    assert_eq!(world.finish().found, 1);
}

// Two use the same stripe.
cases!(two_on_one_stripe: affine);
fn two_on_one_stripe(case: Case) {
    let world = World::new(case, 2);
    world.stock(2);
    let other = world.spawn(|world| world.use_once());
    world.use_once();
    other.join().unwrap();
    assert_eq!(world.finish().found, 2);
}

// One takes while the other takes both and gives the upper one back: the stack's head is the same
// as before, what is below it is not. Loses: without the tag the first one's swap succeeds and
// hangs the stack on an object that is out.
cases!(same_head_other_stack: fifo, lifo);
fn same_head_other_stack(case: Case) {
    let world = World::new(case, 3);
    world.stock(3);
    let other = world.spawn(|world| {
        let (one, two) = (world.take(), world.take());
        world.give_all(one);
        world.give_all(two);
    });
    let mine = world.take();
    world.give_all(mine);
    other.join().unwrap();
    assert_eq!(world.finish().found, 3);
}

// Two retire while one of them destroys. Loses: the swap that hangs a chain up takes another one
// down that hung there since, or the destroyer sees an object before its last use.
cases!(retired_chain: fifo);
fn retired_chain(case: Case) {
    let world = World::new(case, 3);
    let (one, two, three) = (world.make(), world.make(), world.make());
    let other = world.spawn(move |world| {
        world.retire(one);
        world.retire(two);
    });
    world.retire(three);
    let early = world.pool.bury_all();
    other.join().unwrap();
    assert_eq!(
        early + world.pool.bury_all(),
        3,
        "a retired object got lost"
    );
    world.finish();
}

// Two retire and a third destroys.
cases_of_three!(retired_chain_among_three: fifo);
fn retired_chain_among_three(case: Case) {
    let world = World::new(case, 3);
    let retirers =
        [world.make(), world.make()].map(|object| world.spawn(move |world| world.retire(object)));
    let early = world.pool.bury_all();
    for retirer in retirers {
        retirer.join().unwrap();
    }
    assert_eq!(
        early + world.pool.bury_all(),
        2,
        "a retired object got lost"
    );
    world.finish();
}
