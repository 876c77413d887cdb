//! Where nothing runs in the background, an instance that a tenant's caller had thrown away held its
//! place in what all tenants may have together, until that tenant came again; the others waited in
//! vain.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::convert::Infallible;
use std::time::Duration;

use nebula_resource::runtime::NoRuntime;
use nebula_resource::{Context, CreateContext, Manager, PoolConfig, Resource, Scope};

struct Seat;

impl Resource for Seat {
    type Config = ();
    type Instance = ();
    type Error = Infallible;

    async fn create(&self, (): &(), _: &CreateContext) -> Result<(), Infallible> {
        Ok(())
    }
}

#[test]
fn bug_tenant_starves_for_what_another_has_thrown_away() {
    let manager = Manager::builder().runtime(NoRuntime).build();
    let registering = manager.register_per_tenant("seat", Seat, |_| ());
    let pool = PoolConfig {
        acquire_timeout: Duration::from_secs(5),
        ..PoolConfig::default()
    };
    registering.pool(pool).at_most_together(1).wait().unwrap();
    let take = |tenant: &str| {
        let context = Context::new(Scope::tenant(tenant).unwrap());
        manager.acquire_blocking::<Seat>("seat", &context)
    };
    take("acme").unwrap().discard();
    drop(take("globex").unwrap());
}
