//! The rows of the fault matrix that need a real server, for any driver: a down-and-up under load (12),
//! a restart (13), a black hole (14), and servers that are hurt under load (26).
//!
//! Decides what must hold. Knows a driver only as a [`Service`].
//!
//! Real time passes here, since it passes for the server too. Bounds are generous, but for the one
//! that the row is about.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "these are tests, kept in a library because two drivers share them"
)]

mod black_hole;
mod hurt;
mod lateness;
mod load;
mod outage;
mod restart;
mod watched;

use std::future::Future;
use std::time::{Duration, Instant};

use nebula_resource_async::runtime::Tokio;
use nebula_resource_async::{Builder, Factory, Pool, PoolConfig};

pub use black_hole::{frozen, new_connections_hang, open_connections_hang};
pub use hurt::{cut_in_a_query, frozen_under_load, killed_under_load};
pub use load::{Caller, Failure, Load, Served};
pub use outage::{Outage, outage, tasks, threads};
pub use restart::{restart_when_all_are_validated, restart_when_none_is_validated};
pub use watched::{Peak, Watched};

use crate::Server;

/// Why a query failed.
pub type QueryError = Box<dyn std::error::Error + Send + Sync>;

/// What a driver's connection is.
pub type Connection<S> = <<S as Service>::Factory as Factory>::Object;

/// Far longer than anything takes here that comes at all.
const PATIENCE: Duration = Duration::from_secs(30);

/// A kind of server and its driver.
pub trait Service: Send + Sync + 'static {
    /// Makes connections.
    type Factory: Factory;

    /// A server of the test's own.
    fn start() -> Server;

    /// Connections to the server at this URL.
    fn factory(url: &str) -> Self::Factory;

    /// Asks the server for something small.
    fn query(db: &mut Connection<Self>) -> impl Future<Output = Result<(), QueryError>> + Send;

    /// Asks the server for so many bytes, and fails unless they all come.
    fn long_query(
        db: &mut Connection<Self>,
        bytes: usize,
    ) -> impl Future<Output = Result<(), QueryError>> + Send;
}

/// Whether one can connect to the server and be served.
async fn serves<S: Service>(url: &str) -> bool {
    let attempt = async {
        let mut db = S::factory(url).create().await.ok()?;
        S::query(&mut db).await.ok()
    };
    let attempt = tokio::time::timeout(Duration::from_secs(1), attempt).await;
    attempt.is_ok_and(|served| served.is_some())
}

fn builder<F: Factory>(factory: F, configure: impl FnOnce(&mut PoolConfig)) -> Builder<F> {
    Pool::builder(factory)
        .configure(configure)
        .runtime(Tokio::current().unwrap())
}

fn pool<S: Service>(url: &str, configure: impl FnOnce(&mut PoolConfig)) -> Pool<S::Factory> {
    builder(S::factory(url), configure).build().unwrap()
}

/// Makes `count` connections that are idle and recycled.
async fn fill<F: Factory>(pool: &Pool<F>, count: usize) {
    for db in pool.acquire_many(count).await.unwrap() {
        db.release().await;
    }
}

/// Waits until it holds; sleeps in between.
async fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Nothing is lost, now that the fault is over: the books balance, nothing is out, everything retired is
/// destroyed, and a fresh acquire is served.
async fn assert_nothing_lost<S: Service, F: Factory<Object = Connection<S>>>(pool: &Pool<F>) {
    let mut db = pool
        .acquire_timeout(PATIENCE)
        .await
        .expect("a fresh acquire");
    S::query(&mut db).await.expect("a fresh query");
    db.release().await;
    until("nothing is under way", || {
        let (status, totals) = (pool.status(), pool.stats());
        let quiet = status.in_use + status.checking + status.creating + status.waiting == 0;
        quiet && totals.created == status.size as u64 + totals.destroyed
    })
    .await;
    let audit = pool.audit();
    assert!(audit.balanced(), "{audit:?}");
    assert_eq!((audit.out, audit.waiting), (0, 0), "{audit:?}");
}
