//! The same for the blocking connection: what one caller leaves behind, and what the next one finds
//! (fault row 32).

use std::time::Duration;

use nebula_resource_core::BlockingFactory;
use nebula_resource_redis::redis::{self, Commands, ConnectionLike, FromRedisValue, RedisResult};
use nebula_resource_redis::{BlockingRedisConnection, ConnectionError, Redis};

use crate::{command, connect_blocking, factory, piece_of};

fn ask<T: FromRedisValue>(db: &mut BlockingRedisConnection, words: &str) -> T {
    command(words).query(db).unwrap()
}

fn recycle(db: &mut BlockingRedisConnection) -> Result<(), ConnectionError> {
    BlockingFactory::recycle(&factory(), db)
}

fn is_broken(db: &BlockingRedisConnection) -> bool {
    BlockingFactory::is_broken(&factory(), db)
}

fn state(db: &mut BlockingRedisConnection) -> String {
    let info: String = ask(db, "CLIENT INFO");
    let pieces = [
        "name", "flags", "db", "sub", "psub", "multi", "user", "redir", "resp",
    ];
    pieces.map(|piece| piece_of(&info, piece)).join(" ")
}

fn assert_clean(db: &mut BlockingRedisConnection, dirt: &str) {
    assert_eq!(state(db), state(&mut connect_blocking()), "{dirt}");
    for n in 0..3 {
        let echo: String = ask(db, &format!("ECHO {n}"));
        assert_eq!(echo, n.to_string(), "the answers are one off: {dirt}");
    }
}

#[test]
fn fault_32_dirty_session_of_a_thread_is_reset() {
    let mut db = connect_blocking();
    let same: i64 = ask(&mut db, "CLIENT ID");
    for dirt in [
        &["SELECT 3"][..],
        &["CLIENT SETNAME acme"],
        &["CLIENT TRACKING ON"],
        &["HELLO 3"],
        &["MULTI", "SET fault_32:never acme"],
        &["WATCH fault_32:watched"],
        &["SUBSCRIBE fault_32:channel"],
        &["RESET"],
    ] {
        for words in dirt {
            let _: RedisResult<()> = command(words).query(&mut db);
        }
        assert!(!is_broken(&db), "{dirt:?}");
        recycle(&mut db).unwrap();
        assert_clean(&mut db, &format!("{dirt:?}"));
    }
    assert_eq!(
        ask::<i64>(&mut db, "CLIENT ID"),
        same,
        "it was reset, not replaced"
    );
}

#[test]
fn fault_32_dirty_session_of_a_thread_messages_never_pass_for_answers() {
    let (mut db, mut other) = (connect_blocking(), connect_blocking());
    let _: () = ask(&mut db, "SUBSCRIBE fault_32:thread_messages");
    for n in 0..5 {
        let _: () = ask(&mut other, &format!("PUBLISH fault_32:thread_messages {n}"));
    }
    let error = recycle(&mut db).unwrap_err();
    assert!(matches!(error, ConnectionError::OutOfStep), "{error:?}");
    assert!(is_broken(&db));
}

#[test]
fn fault_32_dirty_session_of_a_thread_that_nothing_undoes_is_broken() {
    for dirt in ["CLIENT NO-EVICT ON", "CLIENT REPLY OFF", "MONITOR", "QUIT"] {
        let mut db = connect_blocking();
        db.set_response_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        let _: RedisResult<()> = command(dirt).query(&mut db);
        assert!(is_broken(&db) && !db.is_open(), "{dirt}");
        let error = recycle(&mut db).unwrap_err();
        assert!(
            matches!(error, ConnectionError::Indelible),
            "{dirt}: {error:?}"
        );
    }
}

#[test]
fn fault_32_dirty_session_of_a_thread_with_an_answer_that_nobody_read() {
    let mut db = connect_blocking();
    let mut set = command("SET fault_32:thread 1");
    set.set_no_response(true).exec(&mut db).unwrap();
    let error = recycle(&mut db).unwrap_err(); // its answer stands first
    assert!(matches!(error, ConnectionError::OutOfStep), "{error:?}");
}

#[test]
fn a_thread_that_leaves_nothing_costs_no_reset() {
    let server = nebula_resource_fault_proxy::Server::redis().unwrap(); // where nobody else resets
    let factory = Redis::connect_to(server.url());
    let mut db = BlockingFactory::create(&factory).unwrap();
    let _: () = db.set("a", 1).unwrap();
    let mut pipe = redis::pipe();
    let (a, gone): (i64, i64) = pipe.atomic().get("a").del("a").query(&mut db).unwrap();
    assert_eq!((a, gone), (1, 1));
    BlockingFactory::recycle(&factory, &mut db).unwrap();
    let stats: String = ask(&mut db, "INFO commandstats");
    assert!(!stats.contains("cmdstat_reset"), "{stats}");
    let _: () = ask(&mut db, "SELECT 1");
    BlockingFactory::recycle(&factory, &mut db).unwrap();
    let stats: String = ask(&mut db, "INFO commandstats");
    assert!(stats.contains("cmdstat_reset"), "{stats}");
}

#[test]
fn pipelines_and_transactions_answer_as_those_of_redis() {
    let mut db = connect_blocking();
    let mut pipe = redis::pipe();
    pipe.set("fault_32:pipe", "x")
        .ignore()
        .get("fault_32:pipe")
        .del("fault_32:pipe");
    let (x, gone): (String, i64) = pipe.query(&mut db).unwrap();
    assert_eq!((x.as_str(), gone), ("x", 1));

    let mut failing = redis::pipe();
    failing
        .set("fault_32:pipe", "x")
        .cmd("INCR")
        .arg("fault_32:pipe");
    failing.query::<()>(&mut db).unwrap_err();
    let mut aborted = redis::pipe();
    aborted.atomic().set("fault_32:pipe", "y").cmd("NO.SUCH");
    aborted.query::<()>(&mut db).unwrap_err();
    let kept: String = db.get("fault_32:pipe").unwrap();
    assert_eq!(kept, "x");
    let _: () = db.del("fault_32:pipe").unwrap();
    recycle(&mut db).unwrap();
    assert_clean(&mut db, "pipelines");
}

/// redis-rs itself waits the whole timeout again for each answer that is still out.
#[test]
fn a_pipeline_to_a_server_that_hangs_waits_once() {
    let server = nebula_resource_fault_proxy::Server::redis().unwrap();
    let timeout = Duration::from_millis(300);
    let factory = Redis::connect_to(server.url()).response_timeout(timeout);
    let mut db = BlockingFactory::create(&factory).unwrap();
    let mut pipe = redis::pipe();
    for _ in 0..100 {
        pipe.get("a");
    }
    server.freeze().unwrap();
    let start = std::time::Instant::now();
    let error = pipe.query::<Vec<Option<String>>>(&mut db).unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert!(start.elapsed() < timeout * 20, "{:?}", start.elapsed());
    assert!(BlockingFactory::is_broken(&factory, &db));
}
