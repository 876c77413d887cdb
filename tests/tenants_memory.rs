//! What a tenant's pool costs while nobody uses it, counted by the allocator and held; and that it
//! costs nothing once it was put away.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "tenants/setting.rs"]
mod setting;
#[path = "manager/world.rs"]
mod world;

use std::alloc::System;

use cap::Cap;
use nebula_resource::{Context, Scope};
use setting::{MINUTE, by_hand};
use world::Db;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

const TENANTS: usize = 1_000;

/// What a tenant's pool costs before its first use, the tenant's place in the map included.
const UNUSED: usize = 2 * 1024;
/// What is left of each tenant that was put away: room in the map.
const GONE: usize = 256;

#[test]
fn an_idle_tenant_is_cheap() {
    let (runtime, manager, db) = by_hand(1, TENANTS * 2);
    let contexts: Vec<Context> = (0..TENANTS)
        .map(|number| Context::new(Scope::tenant(format!("tenant {number}")).unwrap()))
        .collect();
    let before = ALLOCATOR.allocated();
    let each = || ALLOCATOR.allocated().saturating_sub(before) / TENANTS;
    for ctx in &contexts {
        drop(manager.handle::<Db>("db", ctx).unwrap());
    }
    let unused = each();
    for ctx in &contexts {
        drop(runtime.run(manager.acquire::<Db>("db", ctx)).unwrap());
    }
    let used = each();
    runtime.advance(MINUTE * 30);
    let gone = each();
    println!("bytes for a tenant: {unused} unused, {used} with an instance, {gone} put away");
    assert_eq!((db.created(), db.cleaned_up()), (TENANTS, TENANTS));
    assert!(
        unused <= UNUSED,
        "{unused} bytes for a tenant that has asked for nothing yet"
    );
    assert!(gone <= GONE, "{gone} bytes for a tenant that was put away");
}
