//! Against the real server whose URL is in NEBULA_TEST_REDIS_URL (on a server that belongs to the
//! tests alone). Without it these tests fail.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "the helpers of a test may panic"
)]

mod lifecycle;
mod manager;
mod pool;
mod secrets;
mod session;
mod session_blocking;

use std::time::Duration;

use nebula_resource_core::{BlockingFactory, Factory};
use nebula_resource_redis::redis::{Cmd, FromRedisValue, RedisResult};
use nebula_resource_redis::{BlockingRedisConnection, Redis, RedisConnection};

/// Far longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

fn url() -> String {
    std::env::var("NEBULA_TEST_REDIS_URL")
        .expect("these tests need a server: set NEBULA_TEST_REDIS_URL")
}

fn factory() -> Redis {
    Redis::try_connect_to(url()).expect("NEBULA_TEST_REDIS_URL is no Redis URL")
}

async fn connect() -> RedisConnection {
    Factory::create(&factory()).await.unwrap()
}

fn connect_blocking() -> BlockingRedisConnection {
    BlockingFactory::create(&factory()).unwrap()
}

/// A command by its words.
fn command(words: &str) -> Cmd {
    let mut words = words.split(' ');
    let mut command = Cmd::new();
    command.arg(words.by_ref().collect::<Vec<_>>());
    command
}

async fn try_say(db: &mut RedisConnection, words: &str) -> RedisResult<()> {
    command(words).query_async(db).await
}

async fn say(db: &mut RedisConnection, words: &str) {
    try_say(db, words).await.unwrap();
}

async fn ask<T: FromRedisValue>(db: &mut RedisConnection, words: &str) -> T {
    command(words).query_async(db).await.unwrap()
}

/// One piece of what the server knows about this connection.
async fn info(db: &mut RedisConnection, piece: &str) -> String {
    let info: String = ask(db, "CLIENT INFO").await;
    piece_of(&info, piece)
}

fn piece_of(info: &str, piece: &str) -> String {
    let mut pieces = info
        .trim()
        .split(' ')
        .filter_map(|pair| pair.split_once('='));
    let found = pieces.find(|(name, _)| *name == piece);
    found.map(|(_, value)| value.to_owned()).unwrap_or_default()
}

/// The server's number for this connection.
async fn id(db: &mut RedisConnection) -> i64 {
    ask(db, "CLIENT ID").await
}

/// How many connections the server has of this name.
async fn connections(admin: &mut RedisConnection, name: &str) -> usize {
    let list: String = ask(admin, "CLIENT LIST").await;
    let of_name = |line: &&str| piece_of(line, "name") == name;
    list.lines().filter(of_name).count()
}

/// Waits until the server has this many connections of this name.
async fn until_connections(admin: &mut RedisConnection, name: &str, wanted: usize) {
    let wait = async {
        while connections(admin, name).await != wanted {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, wait).await;
    waited.unwrap_or_else(|_| panic!("never {wanted} connections of {name}"));
}

/// Ends a connection, as a restart of the server does.
async fn kill(admin: &mut RedisConnection, id: i64) {
    say(admin, &format!("CLIENT KILL ID {id}")).await;
}
