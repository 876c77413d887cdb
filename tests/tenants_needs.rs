//! What may depend on something that every tenant has for itself.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "tenants/setting.rs"]
mod setting;
#[path = "manager/world.rs"]
mod world;

use nebula_resource::Scope;
use nebula_resource::manager::RegisterError;
use setting::template;
use world::{Db, DbConfig, tenant};

#[test]
fn what_is_no_tenants_cannot_need_what_each_tenant_has() {
    let (manager, _db) = template(2, 10);
    let register = || manager.register("cache", Db::new(), DbConfig::new("a"));
    let refused = register().depends_on(["db"]).wait().unwrap_err();
    assert_eq!(
        refused.to_string(),
        r#""cache" needs "db", of which each tenant has its own; "cache" is registered for everybody: register it per tenant too, or for one tenant"#
    );
    let of_nobody = Scope::GLOBAL.workflow("w").unwrap();
    let refused = register()
        .depends_on(["db"])
        .scope(of_nobody.clone())
        .wait();
    assert!(matches!(
        refused.unwrap_err(),
        RegisterError::DependencyPerTenant { scope, .. } if scope == of_nobody
    ));
    let batch = manager
        .register_all()
        .add(manager.register("cache", Db::needing("db"), DbConfig::new("a")))
        .wait();
    assert!(matches!(
        batch.unwrap_err(),
        RegisterError::DependencyPerTenant { .. }
    ));
    assert!(manager.status().resources.is_empty());
    // Nor was it entered as one that needs it.
    drop(manager.deregister("db", &Scope::GLOBAL).unwrap());
}

#[test]
fn what_is_a_tenants_can_need_what_each_tenant_has() {
    let (manager, _db) = template(2, 10);
    let acme = Scope::tenant("acme").unwrap();
    let deep = acme.workflow("w").unwrap();
    for scope in [acme, deep] {
        let cache = manager.register("cache", Db::needing("db"), DbConfig::new("a"));
        cache.scope(scope).wait().unwrap();
    }
    let queue = manager.register_per_tenant("queue", Db::needing("db"), DbConfig::new);
    queue.wait().unwrap();
    let got = manager.acquire_blocking::<Db>("queue", &tenant("acme"));
    assert_eq!(got.unwrap().made_with, "acme");
}

#[test]
fn one_tenants_own_does_not_stand_in_the_way_of_the_others() {
    let (manager, _db) = template(2, 10);
    let [acme, globex] = ["acme", "globex"].map(|id| Scope::tenant(id).unwrap());
    let special = manager.register("db", Db::new(), DbConfig::new("special"));
    special.scope(acme).wait().unwrap();
    let cache = || manager.register("cache", Db::needing("db"), DbConfig::new("a"));
    cache().scope(globex).wait().unwrap();
    let refused = cache().wait().unwrap_err();
    assert!(matches!(refused, RegisterError::DependencyPerTenant { .. }));
}

#[test]
fn a_template_needs_what_is_for_everybody() {
    let (manager, _db) = template(2, 10);
    let acme = Scope::tenant("acme").unwrap();
    let keys = manager.register("keys", Db::new(), DbConfig::new("a"));
    keys.scope(acme).wait().unwrap();
    let vault = manager.register_per_tenant("vault", Db::needing("keys"), DbConfig::new);
    assert_eq!(
        vault.wait().unwrap_err().to_string(),
        r#""vault" needs "keys", which belongs to tenant acme; "vault" is registered for everybody"#
    );
}
