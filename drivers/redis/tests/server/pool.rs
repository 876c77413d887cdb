//! Connections in a pool: tasks, threads and another runtime in turn on the same ones; what becomes
//! of dirty sessions (fault row 32); and that closing leaves none behind.

use std::thread;
use std::time::Duration;

use nebula_resource_async::runtime::Tokio;
use nebula_resource_async::{Pool, RetireReason};
use nebula_resource_redis::redis::{AsyncCommands, Commands};
use nebula_resource_redis::{Redis, RedisConnection};

use crate::{PATIENCE, ask, connect, connections, factory, id, info, kill, say, until_connections};

/// A pool whose connections can be told from everybody else's by `name`.
fn pool(name: &str, max_size: usize) -> Pool<Redis> {
    Pool::builder(factory().client_name(name))
        .max_size(max_size)
        .validate_after(Some(Duration::from_secs(3600)))
        .runtime(Tokio::current().unwrap())
        .build()
        .unwrap()
}

async fn assert_clean(db: &mut RedisConnection, dirt: &str) {
    let found = [
        info(db, "db").await,
        info(db, "multi").await,
        info(db, "flags").await,
    ];
    assert_eq!(found, ["0", "-1", "N"], "{dirt}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_32_dirty_session_is_clean_for_the_next_caller_whoever_it_is() {
    let pool = pool("fault_32_pool", 1);
    let only = id(&mut pool.acquire().await.unwrap()).await;
    for dirt in [
        "SELECT 4",
        "MULTI",
        "WATCH a",
        "CLIENT TRACKING ON",
        "SUBSCRIBE fault_32:pool",
    ] {
        let mut db = pool.acquire().await.unwrap();
        say(&mut db, dirt).await;
        drop(db);
        let mut db = pool.acquire().await.unwrap();
        assert_clean(&mut db, dirt).await;
        say(&mut db, dirt).await;
        db.release().await;
        assert_clean(&mut pool.acquire().await.unwrap(), dirt).await;
    }
    assert_eq!(
        id(&mut pool.acquire().await.unwrap()).await,
        only,
        "it was reset, not replaced"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fault_32_dirty_session_that_cannot_be_reset_is_replaced() {
    let (pool, mut admin) = (pool("fault_32_replaced", 1), connect().await);
    let mut db = pool.acquire().await.unwrap();
    let old = id(&mut db).await;
    say(&mut db, "CLIENT NO-EVICT ON").await;
    drop(db);
    let mut db = pool.acquire().await.unwrap();
    let new = id(&mut db).await;
    assert_ne!(new, old);
    assert_clean(&mut db, "a new one").await;
    assert_eq!(pool.stats().retired_for(RetireReason::Broken), 1);

    say(&mut db, "SELECT 4").await;
    drop(db); // dirty
    kill(&mut admin, new).await;
    let mut db = pool.acquire().await.unwrap();
    assert_clean(&mut db, "another one").await;
    assert_eq!(pool.stats().retired_for(RetireReason::RecycleFailed), 1);
}

#[test]
fn fault_32_dirty_session_in_a_pool_of_threads() {
    let pool = nebula_resource_sync::Pool::builder(factory())
        .max_size(1)
        .build()
        .unwrap();
    let number = |words| -> i64 {
        let mut db = pool.acquire().unwrap();
        let number = crate::command("CLIENT ID").query(&mut *db).unwrap();
        crate::command(words).exec(&mut *db).unwrap();
        number
    };
    let first = number("SELECT 3");
    assert_eq!(number("PING"), first, "it was reset, not replaced");
    let mut db = pool.acquire().unwrap();
    let info: String = crate::command("CLIENT INFO").query(&mut *db).unwrap();
    assert_eq!(crate::piece_of(&info, "db"), "0");
    drop(db);
    assert_eq!(number("CLIENT NO-EVICT ON"), first);
    assert_ne!(number("PING"), first, "it was replaced");
    assert!(pool.audit().balanced(), "{:?}", pool.audit());
}

#[tokio::test(flavor = "multi_thread")]
async fn threads_tasks_and_smol_share_the_connections() {
    const EACH: i64 = 25;
    let name = "threads_tasks_and_smol";
    let (pool, mut admin) = (pool(name, 2), connect().await);
    let work = |pool: Pool<Redis>| async move {
        for n in 0..EACH {
            let mut db = pool.acquire().await.unwrap();
            let echo: i64 = ask(&mut db, &format!("ECHO {n}")).await;
            assert_eq!(echo, n);
        }
    };
    let blocking = |pool: Pool<Redis>| {
        move || {
            for _ in 0..EACH {
                let mut db = pool.acquire_blocking().unwrap();
                let _: i64 = futures::executor::block_on(db.incr("share:counter", 1)).unwrap();
            }
        }
    };
    let threads: Vec<_> = (0..3)
        .map(|_| thread::spawn(blocking(pool.clone())))
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
    assert!(connections(&mut admin, name).await <= 2);
    let counted: i64 = admin.get_del("share:counter").await.unwrap();
    assert_eq!(counted, 3 * EACH);
    assert_eq!(pool.stats().retired, 0);
    assert!(pool.audit().balanced(), "{:?}", pool.audit());
}

#[test]
fn a_pool_of_threads_needs_no_runtime() {
    let pool = nebula_resource_sync::Pool::builder(factory())
        .max_size(2)
        .build()
        .unwrap();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let pool = pool.clone();
            thread::spawn(move || {
                for n in 0..25_i64 {
                    let mut db = pool.acquire().unwrap();
                    let echo: i64 = crate::command(&format!("ECHO {n}"))
                        .query(&mut *db)
                        .unwrap();
                    assert_eq!(echo, n);
                    let _: Option<String> = db.get("no_runtime:nothing").unwrap();
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(pool.stats().retired, 0);
    assert!(pool.close().wait_timeout(PATIENCE));
}

#[tokio::test(flavor = "multi_thread")]
async fn close_leaves_no_connection_on_the_server() {
    let name = "close_leaves_none";
    let (pool, mut admin) = (pool(name, 3), connect().await);
    let many = pool.acquire_many(2).await.unwrap();
    until_connections(&mut admin, name, 2).await;
    let closing = pool.close();
    pool.acquire().await.unwrap_err();
    for mut db in many {
        say(&mut db, "PING").await; // stays valid
    }
    tokio::time::timeout(PATIENCE, closing).await.unwrap();
    until_connections(&mut admin, name, 0).await;
    let totals = pool.stats();
    assert_eq!(totals.created, totals.destroyed);
    assert!(pool.audit().balanced(), "{:?}", pool.audit());
}
