//! The port: what a library that knows nothing of the manager can ask of it, and what of others.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "manager/world.rs"]
mod world;

use std::sync::Arc;

use futures::executor::block_on;
use nebula_resource::context::Cancellation;
use nebula_resource::provider::{
    AnyGuard, ProvideFuture, Provided, Request, ResourceProvider, Resources,
};
use nebula_resource::{Context, Manager, ResourceError, Scope};
use world::{Db, DbConfig, File, everybody, small, tenant};

fn manager() -> Arc<Manager> {
    let manager = Manager::new();
    let registration = manager.register("db", Db::new(), DbConfig::new("a"));
    let acme = Scope::tenant("acme").unwrap();
    registration.scope(acme).pool(small(1)).wait().unwrap();
    Arc::new(manager)
}

fn resources(manager: &Arc<Manager>, context: Context) -> Resources {
    Resources::new(Arc::<Manager>::clone(manager), context)
}

#[test]
fn an_action_asks_by_key_and_type() {
    let manager = manager();
    let ctx = resources(&manager, tenant("acme"));
    let db: Provided<Db> = block_on(ctx.resource("db")).unwrap();
    assert_eq!(db.made_with, "a");
    let status = manager.status();
    assert_eq!(status.resources[0].pool.in_use, 1);
    drop(db);
    let mut db = ctx.resource_blocking::<Db>("db").unwrap();
    db.uses += 1;
    assert_eq!(
        manager
            .handle::<Db>("db", ctx.context())
            .unwrap()
            .stats()
            .acquired,
        2
    );
    let taken_at = manager.handle::<Db>("db", ctx.context()).unwrap().objects()[0].taken_at;
    assert_eq!(taken_at.map(|at| at.file()), Some(file!()));
}

#[test]
fn it_is_refused_what_the_manager_would_refuse() {
    let manager = manager();
    let refused = |context, key: &str| {
        let ctx = resources(&manager, context);
        block_on(ctx.resource::<Db>(key)).map(drop).unwrap_err()
    };
    let globex = refused(tenant("globex"), "db");
    assert!(
        matches!(globex, ResourceError::OutOfScope { .. }),
        "{globex}"
    );
    let unknown = refused(tenant("acme"), "cache");
    assert!(
        matches!(unknown, ResourceError::UnknownKey { .. }),
        "{unknown}"
    );

    let ctx = resources(&manager, tenant("acme"));
    let wrong = block_on(ctx.resource::<File>("db")).map(drop).unwrap_err();
    assert_eq!(
        wrong.to_string(),
        r#""db" is a provider::world::Db, not a provider::world::File"#
    );
    let _held = ctx.resource_blocking::<Db>("db").unwrap();
    let cancellation = Cancellation::new();
    let impatient = tenant("acme").with_cancellation(cancellation.clone());
    let ctx = resources(&manager, impatient);
    let mut waiting = Box::pin(ctx.resource::<Db>("db"));
    assert!(world::poll(&mut waiting).is_pending());
    cancellation.cancel();
    let refused = block_on(waiting).map(drop).unwrap_err();
    assert!(matches!(refused, ResourceError::Cancelled { .. }));
}

/// Has numbers, whatever it is asked for.
struct Numbers;

impl ResourceProvider for Numbers {
    fn provide<'p>(&'p self, request: Request<'p>) -> ProvideFuture<'p> {
        assert!(request.resource_name().contains("world::"));
        Box::pin(async { Ok(AnyGuard::new(Box::new(7_u32))) })
    }
}

#[test]
fn a_provider_that_lies_about_types_is_found_out() {
    let ctx = Resources::new(Arc::new(Numbers), everybody());
    let refused = ctx.resource_blocking::<Db>("db").map(drop).unwrap_err();
    assert!(
        matches!(refused, ResourceError::WrongType { .. }),
        "{refused}"
    );
    assert!(AnyGuard::new(Box::new(7_u32)).downcast::<Db>().is_err());
}
