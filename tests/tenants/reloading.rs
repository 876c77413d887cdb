//! Reloading a template, for the tests of that.

#![allow(dead_code, reason = "each test file uses some of it")]

use nebula_resource::manager::{ReloadError, ReloadedTenants};
use nebula_resource::{Manager, Scope};

use crate::world::{Db, DbConfig, tenant};

/// What each tenant's configuration is called, by the name of the reload.
pub(crate) fn called(name: &'static str) -> impl Fn(&str) -> DbConfig + Send + Sync + 'static {
    move |id| DbConfig::new(&format!("{name} {id}"))
}

pub(crate) fn reload(
    manager: &Manager,
    name: &'static str,
) -> Result<ReloadedTenants, ReloadError> {
    manager.reload_per_tenant("db", called(name)).wait()
}

/// What a caller of that tenant gets at this moment.
pub(crate) fn served(manager: &Manager, id: &str) -> String {
    let guard = manager.acquire_blocking::<Db>("db", &tenant(id)).unwrap();
    guard.made_with.clone()
}

pub(crate) fn scopes<T>(of: &[(Scope, T)]) -> Vec<Scope> {
    let mut scopes: Vec<_> = of.iter().map(|(scope, _)| scope.clone()).collect();
    scopes.sort_by_key(Scope::to_string);
    scopes
}

pub(crate) fn scope(id: &str) -> Scope {
    tenant(id).scope().clone()
}
