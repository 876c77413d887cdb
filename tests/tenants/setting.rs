//! Managers with one template, for the tests of tenants.

#![allow(dead_code, reason = "each test file uses some of it")]

use std::time::Duration;

use nebula_resource::Manager;
use nebula_resource::runtime::Manual;

use crate::world::{Db, DbConfig, small};

pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// Each tenant may have `each`, all of them `together`.
pub(crate) fn template(each: usize, together: usize) -> (Manager, Db) {
    let (manager, db) = (Manager::new(), Db::new());
    let registering = manager.register_per_tenant("db", db.clone(), DbConfig::new);
    registering
        .pool(small(each))
        .at_most_together(together)
        .wait()
        .unwrap();
    (manager, db)
}

/// A template on a runtime that is driven by hand.
pub(crate) fn by_hand(each: usize, together: usize) -> (Manual, Manager, Db) {
    let (runtime, db) = (Manual::new(), Db::new());
    let manager = Manager::builder().runtime(runtime.clone()).build();
    let registering = manager.register_per_tenant("db", db.clone(), DbConfig::new);
    let registering = registering
        .at_most_together(together)
        .put_away_after(MINUTE * 10);
    registering.pool(small(each)).wait().unwrap();
    (runtime, manager, db)
}
