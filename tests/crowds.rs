//! More at once than fit into one go: a crowd that becomes servable in one moment is served in that
//! moment, to the last.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::task::Poll;

use nebula_resource::{Fairness, Strategy};
use support::*;

const CROWD: usize = 100;

/// All objects come back while the pool is paused, and all waiters are served by `resume`.
async fn resumed(h: OnManual, fairness: Fairness, strategy: Strategy) {
    let script = h.script();
    let config = PoolConfig {
        max_size: CROWD,
        fairness,
        strategy,
        ..h.config()
    };
    let pool = h.pool(&script, config);
    let guards = pool.acquire_many(CROWD).await.unwrap();
    let mut crowd: Vec<_> = (0..CROWD).map(|_| Hand::new(pool.acquire())).collect();
    assert!(crowd.iter_mut().all(|caller| caller.poll().is_pending()));
    pool.pause();
    drop(guards);
    assert!(
        crowd.iter().all(|caller| caller.woken() == 0),
        "still paused"
    );

    pool.resume();
    assert!(
        crowd.iter().all(|caller| caller.woken() > 0),
        "all are woken"
    );
    let served: Vec<_> = crowd.iter_mut().map(Hand::poll).collect();
    for (number, guard) in served.iter().enumerate() {
        assert!(matches!(guard, Poll::Ready(Ok(_))), "{number}");
    }
    drop(served);
    drop(crowd);
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn everybody_is_served_when_a_pool_is_resumed() {
    for fairness in [Fairness::Bounded, Fairness::Strict] {
        for strategy in [Strategy::Affine, Strategy::Fifo, Strategy::Lifo] {
            run(move |h: OnManual| resumed(h, fairness, strategy));
        }
    }
}

/// A pool that is closed refuses the last one of a crowd as it does the first.
#[test]
fn everybody_is_refused_when_a_pool_is_closed() {
    run(|h: OnManual| async move {
        let script = h.script();
        let pool = h.pool(&script, h.config());
        let guards = pool.acquire_many(2).await.unwrap();
        let mut crowd: Vec<_> = (0..CROWD).map(|_| Hand::new(pool.acquire())).collect();
        assert!(crowd.iter_mut().all(|caller| caller.poll().is_pending()));
        drop(pool.close());
        for caller in &mut crowd {
            assert!(caller.woken() > 0);
            assert!(matches!(
                caller.poll(),
                Poll::Ready(Err(AcquireError::Closed))
            ));
        }
        drop(guards);
    });
}
