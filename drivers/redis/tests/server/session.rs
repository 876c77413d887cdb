//! What one caller leaves behind in a session, and what the next one finds (fault row 32).

use std::time::Duration;

use nebula_resource_core::Factory;
use nebula_resource_redis::redis::{self, AsyncCommands, ErrorKind, RedisResult};
use nebula_resource_redis::{ConnectionError, Redis, RedisConnection};

use crate::{PATIENCE, ask, command, connect, connections, factory, id, info, say, try_say, url};

async fn recycle(db: &mut RedisConnection) {
    let factory = factory();
    let done = tokio::time::timeout(PATIENCE, Factory::recycle(&factory, db)).await;
    done.expect("recycling hangs").unwrap();
}

/// Everything that the server tells about a session, but for numbers that change by themselves.
async fn state(db: &mut RedisConnection) -> String {
    let mut state = String::new();
    for piece in [
        "name", "flags", "db", "sub", "psub", "multi", "user", "redir", "resp",
    ] {
        state += &format!("{piece}={} ", info(db, piece).await);
    }
    state
}

/// Fails if an earlier caller can be told from the session.
async fn assert_clean(db: &mut RedisConnection, dirt: &str) {
    let mut fresh = connect().await;
    assert_eq!(state(db).await, state(&mut fresh).await, "{dirt}");
    for n in 0..3 {
        let echo: String = ask(db, &format!("ECHO {n}")).await;
        assert_eq!(echo, n.to_string(), "the answers are one off: {dirt}");
    }
}

#[tokio::test]
async fn fault_32_dirty_session_is_reset() {
    let mut db = connect().await;
    let same = id(&mut db).await;
    for dirt in [
        &["SELECT 3"][..],
        &["CLIENT SETNAME acme"],
        &["CLIENT TRACKING ON"],
        &["HELLO 3"],
        &["HELLO 3", "CLIENT TRACKING ON BCAST"],
        &["MULTI"],
        &["MULTI", "SET fault_32:never acme"],
        &["WATCH fault_32:watched"],
        &["WATCH fault_32:watched", "MULTI", "GET x"],
        &["SUBSCRIBE fault_32:channel"],
        &["PSUBSCRIBE fault_32:*"],
        &["READONLY"],
        &["RESET"],
        &[
            "SELECT 3",
            "CLIENT SETNAME acme",
            "WATCH a",
            "MULTI",
            "PING",
        ],
    ] {
        let before = state(&mut db).await;
        for words in dirt {
            let _: RedisResult<()> = try_say(&mut db, words).await; // READONLY wants a cluster
        }
        assert!(!factory().is_broken_async(&db), "{dirt:?}");
        recycle(&mut db).await;
        assert_clean(&mut db, &format!("{dirt:?}")).await;
        assert_eq!(state(&mut db).await, before);
    }
    assert_eq!(id(&mut db).await, same, "it was reset, not replaced");
    let never: Option<String> = ask(&mut db, "GET fault_32:never").await;
    assert_eq!(never, None);
}

/// Both traits have a method of this name.
trait IsBroken {
    fn is_broken_async(&self, db: &RedisConnection) -> bool;
}

impl IsBroken for Redis {
    fn is_broken_async(&self, db: &RedisConnection) -> bool {
        Factory::is_broken(self, db)
    }
}

#[tokio::test]
async fn fault_32_dirty_session_watched_keys_are_let_go() {
    let (mut db, mut other) = (connect().await, connect().await);
    say(&mut db, "WATCH fault_32:let_go").await;
    recycle(&mut db).await;
    say(&mut other, "SET fault_32:let_go changed").await;
    let mut pipe = redis::pipe();
    pipe.atomic().cmd("GET").arg("fault_32:let_go");
    let answer: Option<(String,)> = pipe.query_async(&mut db).await.unwrap();
    assert_eq!(
        answer,
        Some(("changed".into(),)),
        "the transaction was aborted"
    );
    say(&mut db, "DEL fault_32:let_go").await;
}

/// RESP2 has no way to tell a message from an answer.
#[tokio::test]
async fn fault_32_dirty_session_messages_never_pass_for_answers() {
    let (mut db, mut other) = (connect().await, connect().await);
    say(&mut db, "SUBSCRIBE fault_32:messages").await;
    for n in 0..20 {
        say(&mut other, &format!("PUBLISH fault_32:messages {n}")).await;
    }
    let factory = factory();
    let recycled = tokio::time::timeout(PATIENCE, Factory::recycle(&factory, &mut db)).await;
    match recycled.expect("recycling hangs") {
        // All had been read before the reset was sent.
        Ok(()) => assert_clean(&mut db, "messages").await,
        Err(error) => {
            assert!(matches!(error, ConnectionError::OutOfStep), "{error:?}");
            assert!(factory.is_broken_async(&db));
        }
    }
}

/// One that subscribes to several channels gets several answers to one request.
#[tokio::test]
async fn fault_32_dirty_session_surplus_answers_never_pass_for_others() {
    for _ in 0..20 {
        let mut db = connect().await;
        say(
            &mut db,
            "SUBSCRIBE fault_32:a fault_32:b fault_32:c fault_32:d",
        )
        .await;
        let factory = factory();
        match Factory::recycle(&factory, &mut db).await {
            Ok(()) => assert_clean(&mut db, "surplus answers").await,
            Err(error) => assert!(matches!(error, ConnectionError::OutOfStep), "{error:?}"),
        }
    }
}

#[tokio::test]
async fn fault_32_dirty_session_that_nothing_undoes_is_broken() {
    for dirt in [
        "CLIENT NO-EVICT ON",
        "CLIENT REPLY OFF",
        "CLIENT REPLY SKIP",
        "MONITOR",
        "QUIT",
    ] {
        let mut db = connect().await;
        db.set_response_timeout(Some(Duration::from_millis(100)));
        let _: RedisResult<()> = try_say(&mut db, dirt).await; // some are never answered
        assert!(factory().is_broken_async(&db), "{dirt}");
        let error = Factory::recycle(&factory(), &mut db).await.unwrap_err();
        assert!(
            matches!(error, ConnectionError::Indelible),
            "{dirt}: {error:?}"
        );
    }
}

#[tokio::test]
async fn fault_32_dirty_session_without_answers_by_request() {
    let mut db = connect().await;
    let mut off = command("CLIENT REPLY OFF");
    off.set_no_response(true);
    off.exec_async(&mut db).await.unwrap();
    assert!(factory().is_broken_async(&db));

    let mut db = connect().await;
    let mut get = command("SET fault_32:unanswered 1");
    get.set_no_response(true);
    get.exec_async(&mut db).await.unwrap();
    assert!(!factory().is_broken_async(&db));
    recycle(&mut db).await;
    assert_clean(&mut db, "an answer that nobody wanted").await;
    say(&mut db, "DEL fault_32:unanswered").await;
}

#[tokio::test]
async fn fault_32_dirty_session_another_user() {
    let mut admin = connect().await;
    say(&mut admin, "ACL SETUSER fault_32_user on >secret +@all ~*").await;
    let mut db = connect().await;
    say(&mut db, "AUTH fault_32_user secret").await;
    assert_eq!(info(&mut db, "user").await, "fault_32_user");
    recycle(&mut db).await;
    assert_eq!(info(&mut db, "user").await, "default");

    // And the other way round: back to the one that was configured, and its database and name.
    let factory = factory()
        .username("fault_32_user")
        .password("secret")
        .database(5)
        .client_name("fault_32_name");
    let mut db = Factory::create(&factory).await.unwrap();
    say(&mut db, "AUTH default none").await;
    say(&mut db, "SELECT 1").await;
    Factory::recycle(&factory, &mut db).await.unwrap();
    assert_eq!(info(&mut db, "user").await, "fault_32_user");
    assert_eq!(info(&mut db, "db").await, "5");
    assert_eq!(connections(&mut admin, "fault_32_name").await, 1);
    say(&mut admin, "ACL DELUSER fault_32_user").await;
}

#[tokio::test]
async fn resp3_is_gone_back_to() {
    let factory = Redis::connect_to(format!("{}?protocol=resp3", url()));
    let mut db = Factory::create(&factory).await.unwrap();
    assert_eq!(info(&mut db, "resp").await, "3");
    say(&mut db, "HELLO 2").await;
    Factory::recycle(&factory, &mut db).await.unwrap();
    assert_eq!(info(&mut db, "resp").await, "3");
    say(&mut db, "SUBSCRIBE fault_32:resp3").await;
    Factory::recycle(&factory, &mut db).await.unwrap();
    let echo: String = ask(&mut db, "ECHO 1").await;
    assert_eq!(echo, "1");
}

/// `INFO commandstats` counts what the server was asked.
async fn resets(admin: &mut RedisConnection) -> String {
    let stats: String = ask(admin, "INFO commandstats").await;
    let line = stats
        .lines()
        .find(|line| line.starts_with("cmdstat_reset:"));
    line.unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_caller_that_leaves_nothing_costs_no_reset() {
    let server = nebula_resource_fault_proxy::Server::redis().unwrap(); // where nobody else resets
    let factory = Redis::connect_to(server.url());
    let mut db = Factory::create(&factory).await.unwrap();
    let _: () = db.set("a", 1).await.unwrap();
    let _: i64 = db.incr("a", 1).await.unwrap();
    let mut pipe = redis::pipe();
    pipe.atomic().get("a").del("a");
    let _: (i64, i64) = pipe.query_async(&mut db).await.unwrap();
    let error = db.lpush::<_, _, ()>("a", 1).await;
    error.unwrap();
    db.get::<_, i64>("a").await.unwrap_err(); // of the wrong type; an answer like others
    Factory::recycle(&factory, &mut db).await.unwrap();
    assert_eq!(resets(&mut db).await, "");
    say(&mut db, "SELECT 1").await;
    Factory::recycle(&factory, &mut db).await.unwrap();
    assert!(
        resets(&mut db).await.contains("calls=1"),
        "{}",
        resets(&mut db).await
    );
}

/// The server works on it; whoever asked is gone.
#[tokio::test]
async fn an_answer_that_was_given_up_is_waited_for_and_reaches_nobody() {
    let mut db = connect().await;
    let script = "local n = 0 for i = 1, 3000000 do n = n + i end return 'of another'";
    let eval = redis::cmd("EVAL").arg(script).arg(0).to_owned();
    let given_up = eval.query_async::<String>(&mut db);
    let waited = tokio::time::timeout(Duration::from_millis(2), given_up).await;
    assert!(waited.is_err(), "it was too quick to be given up");
    assert!(!factory().is_broken_async(&db));
    recycle(&mut db).await;
    assert_clean(&mut db, "an answer that was given up").await;
}

#[tokio::test]
async fn a_blocking_command_that_was_given_up_breaks_the_connection_and_pops_nothing() {
    let (mut db, mut other) = (connect().await, connect().await);
    let waiting = db.blpop::<_, Option<(String, String)>>("fault_32:jobs", 0.0);
    let waited = tokio::time::timeout(Duration::from_millis(50), waiting).await;
    assert!(waited.is_err());
    assert!(factory().is_broken_async(&db));
    let number = { other.client_id_of_blocked().await };
    drop(db); // closes it at once, although its answer is still to come
    let gone = async {
        while other.client_id_of_blocked().await == number {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, gone)
        .await
        .expect("it is still blocked");
    let _: () = other.rpush("fault_32:jobs", "mine").await.unwrap();
    let left: Vec<String> = other.lrange("fault_32:jobs", 0, -1).await.unwrap();
    assert_eq!(left, ["mine"]);
    let _: () = other.del("fault_32:jobs").await.unwrap();
}

trait Blocked {
    async fn client_id_of_blocked(&mut self) -> Option<String>;
}

impl Blocked for RedisConnection {
    /// The one that waits in a `BLPOP`, if any.
    async fn client_id_of_blocked(&mut self) -> Option<String> {
        let list: String = ask(self, "CLIENT LIST").await;
        let blocked = list.lines().find(|line| line.contains("cmd=blpop"))?;
        Some(crate::piece_of(blocked, "id"))
    }
}

#[tokio::test]
async fn a_longer_response_timeout_ends_with_the_holder() {
    let factory = factory().response_timeout(Duration::from_millis(100));
    let mut db = Factory::create(&factory).await.unwrap();
    db.set_response_timeout(None);
    let none: Option<(String, String)> = db.blpop("fault_32:nothing", 0.3).await.unwrap();
    assert_eq!(none, None);
    Factory::recycle(&factory, &mut db).await.unwrap();
    let error = db
        .blpop::<_, Option<(String, String)>>("fault_32:nothing", 0.0)
        .await;
    let error = error.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "{error:?}");
    assert!(error.is_timeout(), "{error:?}");
    assert!(factory.is_broken_async(&db));
}
