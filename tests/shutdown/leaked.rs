//! A guard that never comes back delays what its resource needs, and nothing else.

use std::mem;
use std::time::Duration;

use nebula_resource::Scope;

use crate::world::{Goodbye, QUICK, SECOND, World};

#[test]
fn what_it_does_not_need_goes_on_meanwhile() {
    let world = World::new();
    world.register("main_db", &[], QUICK);
    world.register("cache", &["main_db"], QUICK);
    world.register("mail", &[], QUICK);
    world.register("spool", &["mail"], Goodbye::Takes(SECOND));
    world.register("report", &["cache"], QUICK);
    world.register("letters", &["spool"], Goodbye::Takes(SECOND));
    for name in ["main_db", "mail", "spool", "report", "letters"] {
        world.stock(name, 1);
    }
    mem::forget(world.acquire("cache"));
    let shutting_down = world.manager.shutdown();
    world.runtime.advance(SECOND * 2);
    let gone = |name: &str| world.log.count(&format!("{name} dropped"));
    let all = ["letters", "spool", "mail", "report"].map(gone);
    assert_eq!(
        all, [1; 4],
        "nobody of them needs the cache, or is needed by it"
    );
    assert_eq!(world.log.count("main_db begins"), 0, "the cache needs it");

    let report = world.runtime.run(shutting_down);
    assert_eq!(report.elapsed, SECOND * 15);
    assert_eq!(gone("main_db"), 1);
    let out: Vec<_> = report.guards_out().map(|(of, _)| &*of.key).collect();
    assert_eq!(out, ["cache"], "{report}");
    let ended: Vec<_> = report.resources.iter().map(|of| &*of.key).collect();
    let ends = |name| ended.iter().position(|of| *of == name).unwrap();
    assert!(ends("report") < ends("cache") && ends("cache") < ends("main_db"));
}

#[test]
fn what_was_deregistered_keeps_what_it_needs_waiting_too() {
    let world = World::new();
    world.register("main_db", &[], QUICK);
    world.register("mail", &[], QUICK);
    world.register("cache", &["main_db"], QUICK);
    world.stock("main_db", 1);
    world.stock("mail", 1);
    let kept = world.acquire("cache");
    drop(world.manager.deregister("cache", &Scope::GLOBAL).unwrap());
    let shutting_down = world.manager.shutdown();
    world.runtime.advance(SECOND);
    let began = ["main_db begins", "mail begins"].map(|line| world.log.count(line));
    assert_eq!(began, [0, 1]);
    drop(kept);
    let report = world.runtime.run(shutting_down);
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.elapsed, SECOND);
    let order = ["cache dropped", "main_db begins"];
    let at = |line| world.log.lines().iter().position(|logged| logged == line);
    assert!(order.map(at).is_sorted());
}

/// What has gone and come again the other way round does not wait for itself.
#[test]
fn nobody_waits_in_circles() {
    let world = World::new();
    world.register("a", &[], QUICK);
    world.register("b", &["a"], QUICK);
    let kept = world.acquire("b");
    for name in ["b", "a"] {
        drop(world.manager.deregister(name, &Scope::GLOBAL).unwrap());
    }
    world.register("b", &[], QUICK);
    world.register("a", &["b"], QUICK);
    world.stock("a", 1);
    world.stock("b", 1);
    let shutting_down = world.manager.shutdown();
    drop(kept);
    let report = world.runtime.run(shutting_down);
    assert!(report.is_clean(), "{report}");
    assert_eq!((report.elapsed, report.cleaned_up()), (Duration::ZERO, 3));
}
