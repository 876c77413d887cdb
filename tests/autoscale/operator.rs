//! Who has the last word, and who can be scaled at all.

use nebula_resource::autoscale::{AutoscaleError, AutoscalePolicy};
use nebula_resource::runtime::Manual;
use nebula_resource::{Key, Manager, Scope};

use crate::stage::{HOUR, SECOND, Stage};
use crate::world::{self, Db, DbConfig, small};

#[test]
fn the_operator_has_the_last_word() {
    let mut stage = Stage::set(10, AutoscalePolicy::between(5, 14));
    let scaler = stage.manager.autoscaler("db", &Scope::GLOBAL).unwrap();
    let held = stage.take(9);
    assert!(scaler.hold_at(0).is_err());
    assert!(scaler.is_enabled(), "nothing has changed");
    scaler.hold_at(20).unwrap();
    assert_eq!(stage.says(), "stay at 20: set by hand");
    stage.runtime.advance(HOUR);
    assert_eq!((stage.limit(), scaler.is_enabled()), (20, false));
    assert_eq!(
        stage.told(),
        ["db: Scaled { from: 10, to: 20, why: ByHand }"]
    );
    let refused = scaler.hold_at(41).unwrap_err().to_string();
    assert!(
        refused.starts_with("\"db\" goes on as before: max_size must be at most 40"),
        "{refused}"
    );
    assert!(scaler.hold_at(0).is_err());
    assert_eq!((stage.limit(), scaler.is_enabled()), (20, false));
    assert_eq!(stage.says(), "stay at 20: set by hand");

    scaler.enable().unwrap();
    stage.runtime.run_until_idle();
    assert_eq!(stage.limit(), 14, "within its limits again, at once");
    scaler.disable();
    assert_eq!(stage.says(), "stay at 20: autoscaling is switched off");
    stage
        .handle
        .reconfigure_pool(|pool| pool.max_size = 9)
        .unwrap();
    stage.runtime.advance(HOUR);
    assert_eq!(stage.limit(), 9);
    scaler.set_policy(AutoscalePolicy::between(5, 10)).unwrap();
    stage.runtime.advance(HOUR);
    assert_eq!((stage.limit(), scaler.is_enabled()), (10, true));
    let crossed = AutoscalePolicy::between(6, 5);
    assert!(scaler.set_policy(crossed).is_err());
    assert_eq!(scaler.policy(), AutoscalePolicy::between(5, 10));
    drop(held);
}

#[test]
fn it_can_be_had_later_and_ends_with_its_resource() {
    let runtime = Manual::new();
    let manager = Manager::builder()
        .runtime(runtime.clone())
        .pool(small(10))
        .build();
    let ask = |policy| manager.autoscale("db", &Scope::GLOBAL, policy);
    let refused = ask(AutoscalePolicy::default()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "there is no \"db\" (global) to be scaled"
    );
    let handle = manager
        .register("db", Db::new(), DbConfig::new("one"))
        .wait()
        .unwrap();
    assert!(manager.autoscaler("db", &Scope::GLOBAL).is_none());
    let invalid = ask(AutoscalePolicy::between(1, 1000)).unwrap_err();
    assert!(
        matches!(invalid, AutoscaleError::Invalid { .. }),
        "{invalid}"
    );
    let scaler = ask(AutoscalePolicy::between(1, 5)).unwrap();
    runtime.advance(SECOND);
    assert_eq!(handle.status().max_size, 5);
    ask(AutoscalePolicy::between(7, 20)).unwrap();
    runtime.advance(SECOND);
    assert_eq!(
        (handle.status().max_size, scaler.policy().min),
        (7, 7),
        "there is one of it"
    );

    drop(manager.deregister("db", &Scope::GLOBAL).unwrap());
    let gone = scaler.hold_at(6).unwrap_err();
    assert!(matches!(gone, AutoscaleError::UnknownKey { .. }), "{gone}");
    assert!(scaler.enable().is_err() && scaler.set_policy(scaler.policy()).is_err());
    let registration = manager.register("db", Db::new(), DbConfig::new("one"));
    let another = AutoscalePolicy::between(1, 11);
    registration.autoscale(another.clone()).wait().unwrap();
    assert!(
        scaler.enable().is_err() && scaler.hold_at(6).is_err(),
        "another one of that name is not its own"
    );
    runtime.advance(HOUR);
    let there = manager.autoscaler("db", &Scope::GLOBAL).unwrap();
    assert_eq!(there.policy(), another);
}

#[test]
fn a_key_in_several_scopes_has_as_many_scalers() {
    let runtime = Manual::new();
    let manager = Manager::builder()
        .runtime(runtime.clone())
        .pool(small(10))
        .build();
    let acme = Scope::tenant("acme").unwrap();
    for (scope, max) in [(Scope::GLOBAL, 20), (acme.clone(), 30)] {
        let registration = manager.register("db", Db::new(), DbConfig::new("one"));
        let policy = AutoscalePolicy::between(1, max);
        registration.scope(scope).autoscale(policy).wait().unwrap();
    }
    let scaler = manager.autoscaler("db", &acme).unwrap();
    assert_eq!((scaler.scope(), scaler.policy().max), (&acme, 30));
    assert_eq!(*scaler.key(), Key::new("db").unwrap());
    assert_eq!(
        manager
            .autoscaler("db", &Scope::GLOBAL)
            .unwrap()
            .policy()
            .max,
        20
    );
    runtime.run(manager.end_scope(&acme));
    assert!(manager.autoscaler("db", &acme).is_none());
    assert!(manager.autoscaler("db", &Scope::GLOBAL).is_some());
}

#[test]
fn what_tenants_have_from_a_template_is_not_scaled() {
    let manager = Manager::new();
    manager
        .register_per_tenant("db", Db::new(), DbConfig::new)
        .wait()
        .unwrap();
    let refused = manager.autoscale("db", &Scope::GLOBAL, AutoscalePolicy::default());
    assert!(matches!(refused.unwrap_err(), AutoscaleError::PerTenant { key } if key == "db"));
    let acme = Scope::tenant("acme").unwrap();
    drop(
        manager
            .acquire_blocking::<Db>("db", &world::tenant("acme"))
            .unwrap(),
    );
    assert!(
        manager
            .autoscale("db", &acme, AutoscalePolicy::default())
            .is_err()
    );
}
