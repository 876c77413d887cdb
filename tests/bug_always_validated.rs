//! `validate_after` zero means always: also for an object that was proven by the precise clock a
//! moment ago, which is ahead of the coarse one that the fast path reads.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use nebula_resource::{Factory, Pool};

struct Counting(Arc<AtomicUsize>);

impl Factory for Counting {
    type Object = ();
    type Error = Infallible;

    async fn create(&self) -> Result<(), Infallible> {
        Ok(())
    }

    async fn validate(&self, (): &mut ()) -> Result<(), Infallible> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

#[test]
fn a_released_object_is_validated_before_each_use() {
    let validations = Arc::new(AtomicUsize::new(0));
    let pool = Pool::builder(Counting(Arc::clone(&validations)))
        .max_size(1)
        .validate_after(Some(Duration::ZERO))
        .build()
        .unwrap();
    smol::block_on(async {
        pool.acquire().await.unwrap().release().await;
        for _ in 0..10 {
            let before = validations.load(Ordering::Relaxed);
            let guard = pool.acquire().await.unwrap();
            assert_eq!(validations.load(Ordering::Relaxed), before + 1);
            guard.release().await;
        }
    });
}
