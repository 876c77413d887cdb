//! Row 13: the backend restarts while idle connections look fine.
//!
//! Decides what holds: connections that are validated cost nobody an error, and of those that are not, the
//! first that turns out dead makes the others suspect.

use std::time::Duration;

use nebula_resource_async::{Pool, RetireReason};

use super::{Service, assert_nothing_lost, fill, pool};

const SIZE: usize = 6;
const CALLERS: usize = 24;

async fn restarted<S: Service>(validate_after: Duration) -> (crate::Server, Pool<S::Factory>) {
    let mut server = S::start();
    let pool = pool::<S>(&server.url(), |config| {
        config.max_size = SIZE;
        config.validate_after = Some(validate_after);
    });
    fill(&pool, SIZE).await;
    assert_eq!(pool.status().idle, SIZE);
    server.restart().unwrap();
    (server, pool)
}

/// All callers are served, and none sees an error.
async fn all_are_served<S: Service>(pool: &Pool<S::Factory>) {
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let mut db = pool.acquire().await.expect("nobody sees the restart");
                S::query(&mut db)
                    .await
                    .expect("nobody gets a dead connection");
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
}

/// With validation before each use.
pub async fn restart_when_all_are_validated<S: Service>() {
    let (_server, pool) = restarted::<S>(Duration::ZERO).await;
    all_are_served::<S>(&pool).await;
    // Those that nobody took lie there still, and are as dead.
    let all = pool.acquire_many(SIZE).await.unwrap();
    drop(all);
    let totals = pool.stats();
    assert_eq!(
        totals.retired_for(RetireReason::Invalid),
        SIZE as u64,
        "{totals:?}"
    );
    assert_eq!((totals.retired, totals.create_failures), (SIZE as u64, 0));
    assert_nothing_lost::<S, _>(&pool).await;
}

/// With validation hardly ever: they were used a moment ago.
pub async fn restart_when_none_is_validated<S: Service>() {
    let (_server, pool) = restarted::<S>(Duration::from_secs(3_600)).await;
    let mut unlucky = pool.acquire().await.unwrap();
    S::query(&mut unlucky).await.expect_err("it cannot know");
    drop(unlucky);
    all_are_served::<S>(&pool).await;
    let all = pool.acquire_many(SIZE).await.unwrap();
    drop(all);
    let totals = pool.stats();
    assert_eq!(totals.retired_for(RetireReason::Broken), 1, "{totals:?}");
    assert_eq!(
        totals.retired_for(RetireReason::Invalid),
        SIZE as u64 - 1,
        "{totals:?}"
    );
    assert_nothing_lost::<S, _>(&pool).await;
}
