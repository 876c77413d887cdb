//! Smoke.
use nebula_resource::{BlockingFactory, Factory, Fairness, Pool, Strategy, sync};
use std::sync::atomic::*;
use std::time::Duration;
struct A(AtomicUsize);
impl Factory for A {
    type Object = usize;
    type Error = String;
    async fn create(&self) -> Result<usize, String> {
        Ok(self.0.fetch_add(1, Ordering::SeqCst))
    }
}
struct B(AtomicUsize);
impl BlockingFactory for B {
    type Object = usize;
    type Error = String;
    fn create(&self) -> Result<usize, String> {
        Ok(self.0.fetch_add(1, Ordering::SeqCst))
    }
}

#[test]
fn sync_stress() {
    for fairness in [Fairness::Bounded, Fairness::Strict] {
        for strategy in [Strategy::Fifo, Strategy::Lifo, Strategy::Affine] {
            let pool = sync::Pool::builder(B(AtomicUsize::new(0)))
                .max_size(3)
                .strategy(strategy)
                .fairness(fairness)
                .build()
                .unwrap();
            std::thread::scope(|s| {
                for _ in 0..8 {
                    s.spawn(|| {
                        for _ in 0..5000 {
                            let g = pool.acquire().unwrap();
                            std::hint::black_box(&*g);
                        }
                    });
                }
            });
            let a = pool.audit();
            assert!(a.balanced(), "{a:?}");
            assert_eq!(pool.stats().acquired, 40000);
            println!("{strategy:?} {fairness:?} {:?}", pool.stats());
            pool.close().wait();
        }
    }
}
#[test]
fn mixed_stress() {
    let rt = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    for fairness in [Fairness::Bounded, Fairness::Strict] {
        for strategy in [Strategy::Fifo, Strategy::Lifo, Strategy::Affine] {
            let _e = rt.enter();
            let pool = Pool::builder(A(AtomicUsize::new(0)))
                .max_size(3)
                .strategy(strategy)
                .fairness(fairness)
                .build()
                .unwrap();
            let hs: Vec<_> = (0..8)
                .map(|_| {
                    let pool = pool.clone();
                    rt.spawn(async move {
                        for _ in 0..5000 {
                            let g = pool.acquire().await.unwrap();
                            tokio::task::yield_now().await;
                            drop(g);
                        }
                    })
                })
                .collect();
            std::thread::scope(|s| {
                for _ in 0..4 {
                    s.spawn(|| {
                        for _ in 0..5000 {
                            let _g = pool.acquire_blocking().unwrap();
                        }
                    });
                }
            });
            rt.block_on(async {
                for h in hs {
                    h.await.unwrap();
                }
            });
            let a = pool.audit();
            assert!(a.balanced(), "{a:?}");
            assert_eq!(pool.stats().acquired, 60000);
            println!("{strategy:?} {fairness:?} {:?}", pool.stats());
            rt.block_on(pool.close());
        }
    }
}
#[test]
fn timeouts() {
    let pool = sync::Pool::builder(B(AtomicUsize::new(0)))
        .max_size(1)
        .build()
        .unwrap();
    let g = pool.acquire().unwrap();
    let e = pool.acquire_timeout(Duration::from_millis(50)).unwrap_err();
    println!("{e}");
    drop(g);
    assert!(pool.acquire().is_ok());
}
