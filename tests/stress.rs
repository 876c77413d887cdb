//! Do the books balance after threads and tasks have fought over a few objects?
//!
//! Every strategy and both fairness policies, blocking and async callers in one line. No order of
//! events is assumed; what must hold at the end is that everybody was served and nothing is lost.

use std::sync::atomic::{AtomicU32, Ordering};

use nebula_resource::{BlockingFactory, Factory, Fairness, Pool, PoolConfig, Strategy, sync};

const OBJECTS: usize = 3;
const ROUNDS: usize = 3_000;

/// Makes tokens that notice when two callers have the same one.
struct Tokens;

#[derive(Default)]
struct Token(AtomicU32);

impl Token {
    fn hold(&self) {
        assert_eq!(self.0.fetch_add(1, Ordering::Relaxed), 0, "held twice");
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Factory for Tokens {
    type Object = Token;
    type Error = String;

    async fn create(&self) -> Result<Token, String> {
        Ok(Token::default())
    }
}

impl BlockingFactory for Tokens {
    type Object = Token;
    type Error = String;

    fn create(&self) -> Result<Token, String> {
        Ok(Token::default())
    }
}

fn configurations() -> impl Iterator<Item = PoolConfig> {
    let strategies = [Strategy::Fifo, Strategy::Lifo, Strategy::Affine];
    let policies = [Fairness::Bounded, Fairness::Strict];
    strategies.into_iter().flat_map(move |strategy| {
        policies.into_iter().map(move |fairness| PoolConfig {
            max_size: OBJECTS,
            strategy,
            fairness,
            ..PoolConfig::default()
        })
    })
}

#[test]
fn threads_on_a_blocking_pool() {
    for config in configurations() {
        let pool = sync::Pool::builder(Tokens).config(config).build().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..ROUNDS).for_each(|_| pool.acquire().unwrap().hold()));
            }
        });
        let audit = pool.audit();
        assert!(audit.balanced(), "{audit:?}");
        assert_eq!(pool.stats().acquired, 8 * ROUNDS as u64);
        pool.close().wait();
    }
}

#[test]
fn tasks_and_threads_on_an_async_pool() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let _inside = runtime.enter();
    for config in configurations() {
        let pool = Pool::builder(Tokens).config(config).build().unwrap();
        let tasks: Vec<_> = (0..8)
            .map(|_| runtime.spawn(take_turns(pool.clone())))
            .collect();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    (0..ROUNDS).for_each(|_| pool.acquire_blocking().unwrap().hold());
                });
            }
        });
        for task in tasks {
            runtime.block_on(task).unwrap();
        }
        let audit = pool.audit();
        assert!(audit.balanced(), "{audit:?}");
        assert_eq!(pool.stats().acquired, 12 * ROUNDS as u64);
        runtime.block_on(pool.close());
    }
}

async fn take_turns(pool: Pool<Tokens>) {
    for _ in 0..ROUNDS {
        let token = pool.acquire().await.expect("an object in time");
        tokio::task::yield_now().await;
        token.hold();
    }
}
