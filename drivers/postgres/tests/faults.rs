//! The rows of the fault matrix that hurt a server, with PostgreSQL servers of the tests' own.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may panic")]

use nebula_resource_fault_proxy::Server;
use nebula_resource_fault_proxy::rows::{self, QueryError, Service};
use nebula_resource_postgres::{PgClient, Postgres};

struct PostgresService;

impl Service for PostgresService {
    type Factory = Postgres;

    fn start() -> Server {
        Server::postgres().unwrap()
    }

    fn factory(url: &str) -> Postgres {
        Postgres::connect_to(url)
    }

    async fn query(db: &mut PgClient) -> Result<(), QueryError> {
        db.simple_query("SELECT 1").await?;
        Ok(())
    }

    async fn long_query(db: &mut PgClient, bytes: usize) -> Result<(), QueryError> {
        let row = db
            .query_one("SELECT repeat('x', $1::int)", &[&i32::try_from(bytes)?])
            .await?;
        let answer: &str = row.try_get(0)?;
        (answer.len() == bytes)
            .then_some(())
            .ok_or_else(|| format!("{} of {bytes} bytes", answer.len()).into())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_12_outage_under_load_of_64_retrying_tasks() {
    rows::tasks::<PostgresService>("postgres, tasks").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_12_outage_under_load_of_64_retrying_threads() {
    rows::threads::<PostgresService>("postgres, threads").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_13_restart_while_idle_connections_look_fine_and_all_are_validated() {
    rows::restart_when_all_are_validated::<PostgresService>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_13_restart_while_idle_connections_look_fine_and_none_is_validated() {
    rows::restart_when_none_is_validated::<PostgresService>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_14_black_hole_for_new_connections() {
    rows::new_connections_hang::<PostgresService>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_14_black_hole_for_open_connections() {
    rows::open_connections_hang::<PostgresService>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_14_black_hole_of_a_server_that_stands_still() {
    rows::frozen::<PostgresService>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_26_killed_and_restarted_under_load() {
    rows::killed_under_load::<PostgresService>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_26_frozen_and_thawed_under_load() {
    rows::frozen_under_load::<PostgresService>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_26_cut_in_the_middle_of_a_query_under_load() {
    rows::cut_in_a_query::<PostgresService>().await;
}
