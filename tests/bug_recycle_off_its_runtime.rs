//! A blocking caller of a pool on tokio polled `recycle` outside tokio, where its timers panic: every
//! object was retired after its first use.

#![cfg(feature = "tokio")]

use std::time::Duration;

use nebula_resource::{Factory, Pool};

struct NeedsTokio;

impl Factory for NeedsTokio {
    type Object = ();
    type Error = tokio::time::error::Elapsed;

    async fn create(&self) -> Result<(), Self::Error> {
        Ok(())
    }

    async fn recycle(&self, (): &mut ()) -> Result<(), Self::Error> {
        tokio::time::timeout(Duration::from_secs(20), std::future::ready(())).await
    }
}

#[test]
fn bug_recycle_off_its_runtime() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let pool = runtime.block_on(async { Pool::new(NeedsTokio) });
    for _ in 0..5 {
        drop(pool.acquire_blocking().expect("an object"));
    }
    let totals = pool.stats();
    assert_eq!((totals.created, totals.retired), (1, 0), "{totals:?}");
}
