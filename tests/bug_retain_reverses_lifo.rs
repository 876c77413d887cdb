//! What looks through the idle objects puts them back in the order in which they would be handed
//! out; for a stack that turned it upside down, and the coldest object was handed out next.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use nebula_resource::runtime::Manual;
use nebula_resource::{Factory, Pool, Strategy};

struct Numbers(AtomicUsize);

impl Factory for Numbers {
    type Object = usize;
    type Error = String;

    async fn create(&self) -> Result<usize, String> {
        Ok(self.0.fetch_add(1, SeqCst))
    }
}

fn order_after(strategy: Strategy, look: impl FnOnce(&Manual, &Pool<Numbers>)) -> Vec<usize> {
    let runtime = Manual::new();
    let builder = Pool::builder(Numbers(AtomicUsize::new(0))).runtime(runtime.clone());
    let pool = builder.strategy(strategy).build().unwrap();
    let guards = runtime.run(pool.acquire_many(4)).unwrap();
    let mut guards: Vec<_> = guards.into_iter().collect();
    guards.sort_by_key(|guard| **guard);
    guards.into_iter().for_each(drop);
    look(&runtime, &pool);
    let taken: Vec<_> = std::iter::from_fn(|| pool.try_acquire()).collect();
    taken.iter().map(|guard| **guard).collect()
}

#[test]
fn looking_at_idle_objects_leaves_their_order() {
    for (strategy, order) in [
        (Strategy::Fifo, [0, 1, 2, 3]),
        (Strategy::Lifo, [3, 2, 1, 0]),
    ] {
        let retained = order_after(strategy, |_, pool| assert_eq!(pool.retain(|_, _| true), 0));
        assert_eq!(retained, order, "{strategy:?} after retain");
        let audited = order_after(strategy, |_, pool| assert!(pool.audit().balanced()));
        assert_eq!(audited, order, "{strategy:?} after an audit");
        // All four came back at the same moment.
        let maintained = order_after(strategy, |runtime, pool| runtime.run(pool.maintain()));
        assert_eq!(maintained, order, "{strategy:?} after maintenance");
    }
}
