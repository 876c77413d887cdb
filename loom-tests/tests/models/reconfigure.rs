//! Changing the configuration of a live pool.

use nebula_resource_core::{Fairness, Strategy};
use nebula_resource_loom_tests::{Case, World, ready};

// Somebody takes an idle object while the configuration changes. Loses: the object gets the new
// stamp with the old settings, looks up to date for ever, and never meets the new ones.
cases!(stamp_and_settings: fifo, lifo, affine);
fn stamp_and_settings(case: Case) {
    let world = World::new(case, 1);
    world.stock(1);
    let changer = world.spawn(|world| {
        world
            .pool
            .reconfigure(|config| config.max_uses = Some(7))
            .unwrap();
    });
    let object = ready(world.acquire());
    changer.join().unwrap();
    assert!(world.pool.is_true_to_its_stamp(&object));
    world.give(object);
    world.finish();
}

// The same for an object that is just made.
cases!(stamp_and_settings_of_a_new_object: fifo);
fn stamp_and_settings_of_a_new_object(case: Case) {
    let world = World::new(case, 1);
    let changer = world.spawn(|world| {
        world
            .pool
            .reconfigure(|config| config.max_uses = Some(7))
            .unwrap();
    });
    let object = world.make();
    changer.join().unwrap();
    assert!(world.pool.is_true_to_its_stamp(&object));
    world.give(object);
    world.finish();
}

// Two change different fields. Loses: one builds on the settings from before the other's change
// and puts the old value back.
cases!(no_change_is_lost: fifo);
fn no_change_is_lost(case: Case) {
    let world = World::new(case, 1);
    let changer = world.spawn(|world| {
        world
            .pool
            .reconfigure(|config| config.max_uses = Some(7))
            .unwrap();
    });
    world
        .pool
        .reconfigure(|config| config.max_size = 3)
        .unwrap();
    changer.join().unwrap();
    let config = world.pool.config();
    assert_eq!((config.max_uses, config.max_size), (Some(7), 3));
    world.finish();
}

// Two change the same field. Loses: the settings of one, the permits of the other.
cases!(settings_and_permits_agree: fifo);
fn settings_and_permits_agree(case: Case) {
    let world = World::new(case, 1);
    let changer = world.spawn(|world| {
        world
            .pool
            .reconfigure(|config| config.max_size = 2)
            .unwrap();
    });
    world
        .pool
        .reconfigure(|config| config.max_size = 3)
        .unwrap();
    changer.join().unwrap();
    assert_eq!(world.pool.config().max_size, world.pool.limit());
    world.finish();
}

// Another store comes to the front while an object is given back and somebody waits. Loses: the
// object lies in the old store, and the waiter looks into the new one.
fn switch_against_give(case: Case, to: Strategy) {
    let world = World::new(case, 1);
    let object = world.make();
    let giver = world.spawn(move |world| world.give(object));
    world
        .pool
        .reconfigure(|config| config.strategy = to)
        .unwrap();
    world.use_once();
    giver.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

cases!(switch_to_affine: fifo, lifo);
fn switch_to_affine(case: Case) {
    switch_against_give(case, Strategy::Affine);
}

cases!(switch_to_lifo: fifo, affine);
fn switch_to_lifo(case: Case) {
    switch_against_give(case, Strategy::Lifo);
}

cases!(switch_to_fifo: lifo, affine);
fn switch_to_fifo(case: Case) {
    switch_against_give(case, Strategy::Fifo);
}

// Fairness changes while somebody waits and an object comes back. Loses: the giver leaves the
// object to a race that nobody takes part in any more.
fn refair_against_give(case: Case, to: Fairness) {
    let world = World::new(case, 1);
    let object = world.make();
    let turn = world.asleep(1, u64::MAX);
    let giver = world.spawn(move |world| world.give(object));
    world
        .pool
        .reconfigure(|config| config.fairness = to)
        .unwrap();
    world.give_all(ready(world.wait(turn)));
    giver.join().unwrap();
    assert_eq!(world.finish().found, 1);
}

cases!(switch_to_strict: fifo, affine, tasks);
fn switch_to_strict(case: Case) {
    refair_against_give(case, Fairness::Strict);
}

cases!(switch_to_bounded: strict);
fn switch_to_bounded(case: Case) {
    refair_against_give(case, Fairness::Bounded);
}
