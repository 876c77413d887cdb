//! A waiter for more objects than `max_size` allows since it was lowered: it could never be served,
//! yet collected objects at the head of the line and starved everybody behind it until its
//! deadline.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use nebula_resource::runtime::Manual;
use nebula_resource::{AcquireError, Factory, Pool, Runtime};

struct Units;

impl Factory for Units {
    type Object = ();
    type Error = String;

    async fn create(&self) -> Result<(), String> {
        Ok(())
    }
}

#[test]
fn shrinking_below_what_a_waiter_asks_for_refuses_it_at_once() {
    let runtime = Manual::new();
    let builder = Pool::builder(Units).runtime(runtime.clone());
    let pool = builder.max_size(3).build().unwrap();
    runtime.run(async {
        let held = pool.acquire().await.unwrap();
        let mut many = Box::pin(pool.acquire_many(3));
        assert!(futures_poll(many.as_mut()).await.is_none(), "one is out");
        let mut next = Box::pin(pool.acquire());
        assert!(futures_poll(next.as_mut()).await.is_none(), "in line");
        pool.resize(2).unwrap();
        let refused = many.await.unwrap_err();
        let AcquireError::TooMany { asked, max_size } = refused else {
            panic!("{refused}");
        };
        assert_eq!((asked, max_size), (3, 2));
        drop(held);
        next.await.unwrap();
    });
    assert!(pool.audit().balanced(), "{:?}", pool.audit());
}

/// Nobody looks after one further down the line before its turn: it has to be woken for this.
#[test]
fn one_that_is_not_the_first_is_refused_at_once_too() {
    let runtime = Manual::new();
    let builder = Pool::builder(Units).runtime(runtime.clone());
    let pool = builder.max_size(3).build().unwrap();
    let held = runtime.run(pool.acquire_many(3)).unwrap();
    let waits = |count| {
        let pool = pool.clone();
        let (tell, told) = std::sync::mpsc::channel();
        let job = Box::pin(async move {
            let _nobody_listens = tell.send(pool.acquire_many(count).await.map(drop));
        });
        assert!(runtime.spawn(job).is_ok());
        runtime.run_until_idle();
        told
    };
    let (first, many) = (waits(1), waits(3));
    pool.resize(2).unwrap();
    runtime.run_until_idle();
    assert!(matches!(
        many.try_recv(),
        Ok(Err(AcquireError::TooMany { .. }))
    ));
    assert!(first.try_recv().is_err(), "it waits on");
    drop(held);
    runtime.run_until_idle();
    assert!(matches!(first.try_recv(), Ok(Ok(()))));
}

/// Polls once, after the background has had its turn.
async fn futures_poll<F: Future>(mut future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    let mut polls = 0;
    std::future::poll_fn(|cx| {
        polls += 1;
        match future.as_mut().poll(cx) {
            std::task::Poll::Ready(output) => std::task::Poll::Ready(Some(output)),
            std::task::Poll::Pending if polls > 8 => std::task::Poll::Ready(None),
            std::task::Poll::Pending => {
                cx.waker().wake_by_ref();
                std::task::Poll::Pending
            }
        }
    })
    .await
}
