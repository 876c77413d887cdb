//! The rows of the fault matrix that hurt a server, with Redis servers of the tests' own.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may panic")]

mod blocking;

use nebula_resource_fault_proxy::Server;
use nebula_resource_fault_proxy::rows::{self, QueryError, Service};
use nebula_resource_redis::redis::{self, AsyncCommands};
use nebula_resource_redis::{Redis, RedisConnection};

struct RedisService;

impl Service for RedisService {
    type Factory = Redis;

    fn start() -> Server {
        Server::redis().unwrap()
    }

    fn factory(url: &str) -> Redis {
        Redis::connect_to(url)
    }

    async fn query(db: &mut RedisConnection) -> Result<(), QueryError> {
        let _: i64 = db.incr("counter", 1).await?;
        Ok(())
    }

    async fn long_query(db: &mut RedisConnection, bytes: usize) -> Result<(), QueryError> {
        let key = format!("long:{bytes}");
        let exists: bool = db.exists(&key).await?;
        if !exists {
            let _: usize = db.setrange(&key, isize::try_from(bytes)? - 1, "x").await?;
        }
        let answer: Vec<u8> = redis::cmd("GET").arg(&key).query_async(db).await?;
        (answer.len() == bytes)
            .then_some(())
            .ok_or_else(|| format!("{} of {bytes} bytes", answer.len()).into())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_12_outage_under_load_of_64_retrying_tasks() {
    rows::tasks::<RedisService>("redis, tasks").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_12_outage_under_load_of_64_retrying_threads() {
    rows::threads::<RedisService>("redis, threads").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_13_restart_while_idle_connections_look_fine_and_all_are_validated() {
    rows::restart_when_all_are_validated::<RedisService>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_13_restart_while_idle_connections_look_fine_and_none_is_validated() {
    rows::restart_when_none_is_validated::<RedisService>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_14_black_hole_for_new_connections() {
    rows::new_connections_hang::<RedisService>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_14_black_hole_for_open_connections() {
    rows::open_connections_hang::<RedisService>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_14_black_hole_of_a_server_that_stands_still() {
    rows::frozen::<RedisService>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_26_killed_and_restarted_under_load() {
    rows::killed_under_load::<RedisService>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_26_frozen_and_thawed_under_load() {
    rows::frozen_under_load::<RedisService>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_26_cut_in_the_middle_of_a_query_under_load() {
    rows::cut_in_a_query::<RedisService>().await;
}
