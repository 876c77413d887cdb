//! One pool, whoever polls: three executors and a plain thread take turns on the same object, and a
//! pool that has no runtime at all.
//!
//! ```sh
//! cargo run --example any_runtime
//! ```

use std::convert::Infallible;
use std::thread;

use nebula_resource::runtime::NoRuntime;
use nebula_resource::{AcquireError, Factory, Pool};

/// Makes tickets without a stamp.
struct Tickets;

impl Factory for Tickets {
    type Object = u32;
    type Error = Infallible;

    async fn create(&self) -> Result<u32, Infallible> {
        Ok(0)
    }
}

/// Says nothing of the runtime it is polled on.
async fn stamp(pool: &Pool<Tickets>) -> Result<u32, AcquireError> {
    let mut ticket = pool.acquire().await?;
    *ticket += 1;
    Ok(*ticket)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // One ticket for all. Made outside of any runtime: what is to be done in the background is done
    // by helper threads.
    let pool = Pool::builder(Tickets).max_size(1).build()?;
    assert_eq!(futures::executor::block_on(stamp(&pool))?, 1);
    assert_eq!(smol::block_on(stamp(&pool))?, 2);
    let tokio = tokio::runtime::Builder::new_current_thread().build()?;
    assert_eq!(tokio.block_on(stamp(&pool))?, 3);
    *pool.acquire_blocking()? += 1; // the same pool, for who cannot await
    println!("four ways to the same ticket");

    // They wait for each other, too.
    let ticket = pool.acquire_blocking()?;
    let waiting = smol::spawn({
        let pool = pool.clone();
        async move { stamp(&pool).await }
    });
    while pool.status().waiting == 0 {
        thread::yield_now(); // only to show that it does wait
    }
    println!("a task on smol waits for this thread: {}", pool.status());
    drop(ticket);
    assert_eq!(smol::block_on(waiting)?, 5);

    // Nothing in the background: who needs a ticket makes it, and maintenance is called by hand.
    let pool = Pool::builder(Tickets).runtime(NoRuntime).build()?;
    futures::executor::block_on(async {
        assert_eq!(stamp(&pool).await?, 1);
        pool.maintain().await;
        assert_eq!(stamp(&pool).await?, 2);
        pool.close().await;
        Ok::<_, AcquireError>(())
    })?;
    println!("and one without any runtime");
    Ok(())
}
