//! Connections in a pool: tasks, threads and another runtime in turn on the same ones; what becomes
//! of dirty sessions (fault row 32) and of dead ones (13); and that closing leaves none behind.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use nebula_resource_async::runtime::Tokio;
use nebula_resource_async::{Pool, RetireReason};
use nebula_resource_postgres::{PgClient, Postgres};

use crate::{PATIENCE, ask, config, connect, gone, pid};

/// A pool whose connections can be told from everybody else's by `name`.
fn pool(name: &str, max_size: usize, validate_after: Duration) -> Pool<Postgres> {
    let factory = Postgres::from_config(config()).unwrap();
    Pool::builder(factory.application_name(name))
        .max_size(max_size)
        .validate_after(Some(validate_after))
        .runtime(Tokio::current().unwrap())
        .build()
        .unwrap()
}

const ALWAYS: Duration = Duration::ZERO;
const HARDLY_EVER: Duration = Duration::from_secs(3600);

/// How many connections of this name the server has.
async fn connections(admin: &PgClient, name: &str) -> usize {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1";
    let count: i64 = admin.query_one(sql, &[&name]).await.unwrap().get(0);
    usize::try_from(count).unwrap()
}

/// Waits until the server has this many connections of this name.
async fn until_connections(admin: &PgClient, name: &str, wanted: usize) {
    let wait = async {
        while connections(admin, name).await != wanted {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, wait).await;
    waited.unwrap_or_else(|_| panic!("never {wanted} connections of {name}"));
}

/// Ends backends, as a restart of the server does.
async fn kill(admin: &PgClient, pids: &[i32]) {
    for pid in pids {
        let sql = "SELECT pg_terminate_backend($1)";
        admin.execute(sql, &[pid]).await.unwrap();
        gone(admin, *pid).await;
    }
}

/// Makes `count` connections that are idle and recycled; answers their backends.
async fn idle(pool: &Pool<Postgres>, count: usize) -> Vec<i32> {
    let mut pids = Vec::new();
    for db in pool.acquire_many(count).await.unwrap() {
        pids.push(pid(&db).await);
        db.release().await;
    }
    pids
}

#[track_caller]
fn assert_balanced(pool: &Pool<Postgres>) {
    let audit = pool.audit();
    assert!(audit.balanced(), "{audit:?}");
}

const DIRT: [&str; 7] = [
    "BEGIN; CREATE TABLE fault_32_pool (x int)",
    "SET search_path TO acme; SET statement_timeout TO 12345",
    "SET ROLE pg_monitor",
    "LISTEN acme",
    "CREATE TEMP TABLE secret AS SELECT 'acme' AS tenant",
    "SELECT pg_advisory_lock(320034)",
    "PREPARE secret AS SELECT 'acme'; DECLARE c CURSOR WITH HOLD FOR SELECT 1",
];

/// Fails if an earlier caller can be told from the session.
async fn assert_clean(db: &PgClient, dirt: &str) {
    let left = "SELECT concat_ws('|', (SELECT count(*) FROM pg_listening_channels()),
        (SELECT count(*) FROM pg_cursors),
        (SELECT count(*) FROM pg_prepared_statements WHERE from_sql),
        (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),
        coalesce(to_regclass('secret'), to_regclass('fault_32_pool'))::text,
        current_setting('search_path'), current_setting('statement_timeout'),
        current_setting('role'))";
    let found = ask(db, left).await;
    assert_eq!(
        found.as_deref(),
        Some("0|0|0|0|\"$user\", public|0|none"),
        "{dirt}"
    );
    let error = db.batch_execute("SAVEPOINT probe").await.unwrap_err();
    assert_eq!(
        error.code().unwrap().code(),
        "25P01",
        "in a transaction: {dirt}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_32_dirty_session_is_clean_for_the_next_caller_whoever_it_is() {
    let pool = pool("fault_32_pool", 1, HARDLY_EVER);
    let only = idle(&pool, 1).await;
    for dirt in DIRT {
        let db = pool.acquire().await.unwrap();
        db.batch_execute(dirt).await.unwrap();
        drop(db);
        let db = pool.acquire().await.unwrap();
        assert_clean(&db, dirt).await;
        db.batch_execute(dirt).await.unwrap();
        db.release().await;
        assert_clean(&pool.acquire().await.unwrap(), dirt).await;
    }
    let failing = pool.acquire().await.unwrap();
    failing
        .batch_execute("SET search_path TO acme; BEGIN; SELECT 1/0")
        .await
        .unwrap_err();
    drop(failing);
    let db = pool.acquire().await.unwrap();
    assert_clean(&db, "a failed transaction").await;
    assert_eq!(pid(&db).await, only[0], "it was reset, not replaced");
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_32_dirty_session_that_cannot_be_reset_is_replaced() {
    let pool = pool("fault_32_replaced", 1, HARDLY_EVER);
    let admin = connect().await;
    let db = pool.acquire().await.unwrap();
    let old = pid(&db).await;
    db.batch_execute("SET search_path TO acme").await.unwrap();
    drop(db); // dirty
    kill(&admin, &[old]).await;
    let db = pool.acquire().await.unwrap();
    assert_ne!(pid(&db).await, old);
    assert_clean(&db, "a new one").await;
    assert_eq!(pool.stats().retired_for(RetireReason::RecycleFailed), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_13_a_backend_killed_while_idle_costs_one_validation_and_no_caller_an_error() {
    let pool = pool("fault_13_one", 2, ALWAYS);
    let admin = connect().await;
    let pids = idle(&pool, 2).await;
    kill(&admin, &pids[..1]).await;
    let both = pool.acquire_many(2).await.unwrap();
    for db in &both {
        assert_ne!(pid(db).await, pids[0]);
    }
    drop(both);
    let totals = pool.stats();
    assert_eq!(totals.retired_for(RetireReason::Invalid), 1);
    assert_eq!((totals.retired, totals.create_failures), (1, 0));
    assert_balanced(&pool);
}

/// They were used a moment ago, so nobody would validate them; one that fails makes the others suspect.
#[tokio::test(flavor = "multi_thread")]
async fn fault_13_the_first_dead_connection_makes_the_others_suspect() {
    let pool = pool("fault_13_suspect", 4, HARDLY_EVER);
    let admin = connect().await;
    let pids = idle(&pool, 4).await;
    kill(&admin, &pids).await;

    let unlucky = pool.acquire().await.unwrap();
    unlucky.batch_execute("SELECT 1").await.unwrap_err();
    drop(unlucky);
    for db in pool.acquire_many(4).await.unwrap() {
        db.batch_execute("SELECT 1").await.unwrap();
    }
    let totals = pool.stats();
    assert_eq!(totals.retired_for(RetireReason::Broken), 1);
    assert_eq!(totals.retired_for(RetireReason::Invalid), 3);
    assert_balanced(&pool);
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_13_all_backends_killed_under_load_and_no_caller_sees_an_error_on_acquire() {
    let pool = pool("fault_13_all", 4, ALWAYS);
    let admin = connect().await;
    for _ in 0..5 {
        let pids = idle(&pool, 4).await;
        kill(&admin, &pids).await;
        let callers: Vec<_> = (0..12)
            .map(|_| {
                let pool = pool.clone();
                tokio::spawn(async move {
                    let db = pool.acquire().await.unwrap();
                    db.batch_execute("SELECT 1").await.unwrap();
                })
            })
            .collect();
        for caller in callers {
            caller.await.unwrap();
        }
    }
    assert_eq!(pool.stats().create_failures, 0);
    assert_balanced(&pool);
}

#[tokio::test(flavor = "multi_thread")]
async fn threads_tasks_and_smol_share_the_connections() {
    const EACH: i32 = 25;
    let name = "threads_tasks_and_smol";
    let (pool, admin) = (pool(name, 2, HARDLY_EVER), connect().await);
    let work = |pool: Pool<Postgres>| async move {
        for n in 0..EACH {
            let db = pool.acquire().await.unwrap();
            let row = db.query_one("SELECT $1::int + 1", &[&n]).await.unwrap();
            assert_eq!(row.get::<_, i32>(0), n + 1);
        }
    };
    let runtime = tokio::runtime::Handle::current();
    let blocking = |pool: Pool<Postgres>| {
        move || {
            for _ in 0..EACH {
                let db = pool.acquire_blocking().unwrap();
                runtime.block_on(db.batch_execute("SELECT 1")).unwrap();
            }
        }
    };
    let threads: Vec<_> = (0..3)
        .map(|_| thread::spawn(blocking.clone()(pool.clone())))
        .collect();
    let smols: Vec<_> = (0..3).map(|_| smol::spawn(work(pool.clone()))).collect();
    let tasks: Vec<_> = (0..3).map(|_| tokio::spawn(work(pool.clone()))).collect();
    for task in tasks {
        task.await.unwrap();
    }
    for task in smols {
        task.await;
    }
    let join = move || threads.into_iter().try_for_each(|thread| thread.join());
    tokio::task::spawn_blocking(join).await.unwrap().unwrap();
    assert!(connections(&admin, name).await <= 2);
    assert!(pool.stats().acquired >= 9 * EACH as u64);
    assert_eq!(pool.stats().retired, 0);
    assert_balanced(&pool);
}

/// Nothing but the pool's own runtime is tokio: not the maker of the pool, not its callers.
#[test]
fn a_pool_made_and_used_outside_tokio_creates_on_the_one_it_was_given() {
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let pool = Pool::builder(Postgres::from_config(config()).unwrap())
        .runtime(Tokio::from(tokio.handle().clone()))
        .build()
        .unwrap();
    smol::block_on(async {
        let db = pool.acquire().await.unwrap();
        assert_eq!(ask(&db, "SELECT 'smol'").await.as_deref(), Some("smol"));
        db.release().await;
    });
    let db = pool.acquire_blocking().unwrap();
    let answer = futures::executor::block_on(ask(&db, "SELECT 'thread'"));
    assert_eq!(answer.as_deref(), Some("thread"));
    drop(db);
    assert!(pool.close().wait_timeout(PATIENCE));
}

#[tokio::test(flavor = "multi_thread")]
async fn shrinking_closes_connections_on_the_server() {
    let name = "shrinking_closes";
    let (pool, admin) = (pool(name, 4, HARDLY_EVER), connect().await);
    idle(&pool, 4).await;
    assert_eq!(connections(&admin, name).await, 4);
    pool.resize(1).unwrap();
    until_connections(&admin, name, 1).await;
    pool.acquire().await.unwrap();
    assert_eq!(pool.stats().retired_for(RetireReason::Surplus), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn close_leaves_no_connection_on_the_server() {
    let name = "close_leaves_none";
    let (pool, admin) = (Arc::new(pool(name, 3, HARDLY_EVER)), connect().await);
    idle(&pool, 2).await;
    let held = pool.acquire().await.unwrap();
    held.batch_execute("BEGIN").await.unwrap();
    let closing = pool.close();
    pool.acquire().await.unwrap_err();
    held.batch_execute("SELECT 1").await.unwrap(); // stays valid
    drop(held);
    tokio::time::timeout(PATIENCE, closing).await.unwrap();
    until_connections(&admin, name, 0).await;
    let totals = pool.stats();
    assert_eq!(totals.created, totals.destroyed);
    assert_balanced(&pool);
}
