//! What needs no server: URLs that cannot be used, no runtime, nobody there, and a server played by the
//! test.

#![allow(clippy::unwrap_used, reason = "the helpers of a test may panic")]

use std::error::Error;
use std::fmt::Debug;
use std::time::Duration;

use nebula_resource_core::{BlockingFactory, Factory};
use nebula_resource_redis::{
    ConfigError, ConnectionError, Redis, RedisConfig, RedisConnection, redis,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const CANARY: &str = "canary-7f3a";

/// Everything that an error or a value shows of itself.
fn shown(value: &(impl Debug + ?Sized)) -> String {
    format!("{value:?} {value:#?}")
}

fn told(error: &(dyn Error + 'static)) -> String {
    let mut all = format!("{error} {}", shown(error));
    let mut source = error.source();
    while let Some(inner) = source {
        all += &format!(" {inner} {}", shown(inner));
        source = inner.source();
    }
    all
}

fn assert_hidden(text: &str) {
    for piece in [CANARY, "canary", "7f3a"] {
        assert!(!text.contains(piece), "{piece:?} is in: {text}");
    }
}

#[tokio::test]
async fn a_url_that_cannot_be_used_is_reported_by_create() {
    use ConfigError::{AtSign, Database, Malformed, Parameter, Scheme, TlsRequired};
    let cases = [
        ("mysql://app@localhost/1", Scheme),
        ("localhost", Scheme),
        ("", Scheme),
        ("rediss://localhost", TlsRequired),
        ("redis://", Malformed("it names no host")),
        ("redis://localhost:port", Malformed("it cannot be parsed")),
        ("redis://app:p/ss@localhost", AtSign),
        ("redis://app:1/ss@localhost", AtSign),
        ("redis://app:1?ss@localhost", AtSign),
        ("redis://app:1#ss@localhost", AtSign),
        ("redis://localhost/orders", Database),
        ("redis://localhost/-1", Database),
        ("redis://localhost/99999999999", Database),
        ("redis://localhost?speed=9", Parameter),
        ("redis://localhost?protocol=4", Parameter),
        ("unix:///run/redis.sock?database=1", Parameter),
        (
            "redis://0.0.0.0",
            Malformed("0.0.0.0 and :: are no addresses to connect to"),
        ),
        (
            "redis://%ff:x@localhost",
            Malformed("the user name or password is not UTF-8"),
        ),
    ];
    for (url, expected) in cases {
        let error = Factory::create(&Redis::connect_to(url)).await.unwrap_err();
        assert!(
            matches!(&error, ConnectionError::Config(e) if *e == expected),
            "{url}: {error:?}"
        );
        let error = BlockingFactory::create(&Redis::connect_to(url)).unwrap_err();
        assert!(
            matches!(error, ConnectionError::Config(_)),
            "{url}: {error:?}"
        );
        assert_eq!(Redis::try_connect_to(url).unwrap_err(), expected, "{url}");
    }
}

#[test]
fn urls_that_can_be_used() {
    for url in [
        "redis://localhost",
        " redis://localhost/\n",
        "redis://:p@ss@localhost:6380/3?protocol=resp3",
        "redis://app:p%40%2Fss@[::1]/0",
        "valkey://localhost?protocol=2",
        "redis+unix:///run/redis.sock?db=2&user=app&pass=a@b",
    ] {
        Redis::try_connect_to(url).unwrap();
    }
}

#[test]
fn settings_that_cannot_be_used() {
    let day = Duration::from_secs(24 * 60 * 60);
    let field = |field| ConfigError::Timeout { field };
    type Change = Box<dyn Fn(Redis) -> Redis>;
    let cases: [(Change, ConfigError); 6] = [
        (Box::new(|f| f.client_name("a b")), ConfigError::ClientName),
        (Box::new(|f| f.client_name("")), ConfigError::ClientName),
        (Box::new(|f| f.client_name("ü")), ConfigError::ClientName),
        (
            Box::new(|f| f.connect_timeout(Duration::ZERO)),
            field("connect_timeout"),
        ),
        (
            Box::new(|f| f.response_timeout(Duration::ZERO)),
            field("response_timeout"),
        ),
        (
            Box::new(move |f| f.response_timeout(day * 2).client_name("fine")),
            field("response_timeout"),
        ),
    ];
    for (change, expected) in cases {
        let error = BlockingFactory::create(&change(Redis::connect_to("redis://localhost")));
        let error = error.unwrap_err();
        assert!(
            matches!(&error, ConnectionError::Config(e) if *e == expected),
            "{expected}: {error:?}"
        );
    }
    let mut config = RedisConfig::new("redis://localhost");
    config.client_name = Some("a b".into());
    assert_eq!(
        Redis::try_from(config).unwrap_err(),
        ConfigError::ClientName
    );
}

#[test]
fn without_a_tokio_runtime_create_is_a_typed_error() {
    let factory = Redis::connect_to("redis://localhost:1");
    let error = futures::executor::block_on(Factory::create(&factory)).unwrap_err();
    assert!(matches!(error, ConnectionError::NoRuntime), "{error:?}");
}

/// A port of this machine that nobody listens on.
async fn dead_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn nobody_there_is_a_typed_error_with_its_cause() {
    let port = dead_port().await;
    let factory = Redis::connect_to(format!("redis://127.0.0.1:{port}"));
    for error in [
        Factory::create(&factory).await.unwrap_err(),
        BlockingFactory::create(&factory).unwrap_err(),
    ] {
        assert!(matches!(error, ConnectionError::Connect(_)), "{error:?}");
        assert!(error.to_string().contains("refused"), "{error}");
        assert!(error.source().is_some());
    }
}

#[test]
fn fault_24_secrets_in_urls_that_cannot_be_used() {
    for url in [
        format!("mysql://app:{CANARY}@localhost/1"),
        format!("rediss://app:{CANARY}@localhost/1"),
        format!("redis://app:{CANARY}@localhost:port"),
        format!("redis://app:{CANARY}@localhost/x"),
        format!("redis://app:{CANARY}@localhost?speed=9"),
        format!("redis://app:{CANARY}@localhost?protocol={CANARY}"),
        format!("redis://app:{CANARY}@localhost/{CANARY}"),
        format!("redis://app:x/{CANARY}@localhost"),
        format!("redis://app:1/{CANARY}@localhost"),
        format!("redis://app:1?{CANARY}@localhost"),
        format!("redis://app:1#{CANARY}@localhost"),
        format!("redis://app:{CANARY}-localhost"),
        format!("redis://app:%ff{CANARY}@localhost"),
        format!("redis+unix:///run/redis.sock?pass={CANARY}&db=x"),
        format!("app:{CANARY}@localhost"),
    ] {
        let error = Redis::try_connect_to(&url).expect_err(&url);
        assert_hidden(&told(&error));
        let lazy = Redis::connect_to(&url);
        assert_hidden(&shown(&lazy));
        let error = BlockingFactory::create(&lazy).unwrap_err();
        assert_hidden(&told(&error));
    }
}

#[tokio::test]
async fn fault_24_secrets_of_factories_and_of_an_unreachable_server() {
    let port = dead_port().await;
    let url = format!("redis://app:{CANARY}@127.0.0.1:{port}/2");
    for factory in [
        Redis::connect_to(&url),
        Redis::connect_to(format!("redis://127.0.0.1:{port}")).password(CANARY),
        Redis::try_from(RedisConfig::new(url.as_str())).unwrap(),
    ] {
        assert_hidden(&shown(&factory));
        assert!(shown(&factory).contains("127.0.0.1"), "{factory:?}");
        assert_hidden(&told(&Factory::create(&factory).await.unwrap_err()));
        assert_hidden(&told(&BlockingFactory::create(&factory).unwrap_err()));
    }
    let socket = Redis::connect_to(format!("unix:///nowhere/redis.sock?pass={CANARY}"));
    assert_hidden(&shown(&socket));
    assert_hidden(&told(&Factory::create(&socket).await.unwrap_err()));
    let mut settings = RedisConfig::new(url.as_str());
    settings.password = Some(CANARY.into());
    assert_hidden(&shown(&settings));
}

#[test]
fn fault_24_secrets_in_errors_of_deserializing() {
    for text in [
        r#"{"url": "redis://localhost", "password": 73773773}"#,
        r#"{"url": "redis://localhost", "password": -73773773}"#,
        r#"{"url": "redis://localhost", "password": 73773773.5}"#,
        r#"{"url": 73773773}"#,
    ] {
        let error = serde_json::from_str::<RedisConfig>(text).unwrap_err();
        assert!(!told(&error).contains("73773773"), "{error}");
        assert!(error.to_string().contains("has to be a string"), "{error}");
    }
}

#[test]
fn config_from_a_file() {
    let config: RedisConfig = toml::from_str(
        r#"
        url = "redis://localhost/1"
        username = "app"
        password = "secret"
        database = 2
        client_name = "billing"
        connect_timeout = "800ms"
        response_timeout = "1s"
        "#,
    )
    .unwrap();
    let shown = shown(&Redis::try_from(config).unwrap());
    for piece in ["app", "billing", "database: 2"] {
        assert!(shown.contains(piece), "{piece}: {shown}");
    }
    for bad in [
        r#"{"password": "x"}"#,
        r#"{"url": "redis://localhost", "pasword": "x"}"#,
        r#"{"url": "redis://localhost", "database": -1}"#,
        r#"{"url": "redis://localhost", "response_timeout": 5}"#,
    ] {
        serde_json::from_str::<RedisConfig>(bad).unwrap_err();
    }
}

/// Plays a server: answers the first request with `reply`, and says what the request was.
async fn meet(
    factory: impl FnOnce(u16) -> Redis,
    reply: &'static [u8],
) -> (Result<RedisConnection, ConnectionError>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let factory = factory(listener.local_addr().unwrap().port());
    let server = tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut heard = vec![0; 4096];
        let count = socket.read(&mut heard).await.unwrap();
        socket.write_all(reply).await.unwrap();
        heard.truncate(count);
        String::from_utf8(heard).unwrap()
    });
    let result = Factory::create(&factory).await;
    (result, server.await.unwrap())
}

#[tokio::test]
async fn fault_24_secrets_when_the_server_repeats_what_it_was_sent() {
    let url = |port| Redis::connect_to(format!("redis://app:{CANARY}@127.0.0.1:{port}"));
    let unknown: &[u8] = b"-ERR unknown command 'AUTH', with args beginning with: 'app' 'canary-7f3a'\r\n+OK\r\n$1\r\nx\r\n";
    let (result, heard) = meet(url, unknown).await;
    assert!(heard.contains(CANARY), "{heard}"); // it was sent, and stays unseen
    let error = result.unwrap_err();
    assert_hidden(&told(&error));
    assert_eq!(error.to_string(), "Redis refused AUTH: ERR");
}

#[tokio::test]
async fn what_is_set_apart_wins_over_the_url_and_the_defaults_are_sent() {
    let factory = |port| {
        let mut config = RedisConfig::new(format!("redis://me:from-the-url@127.0.0.1:{port}/1"));
        config.password = Some("from-the-file".into());
        config.database = Some(2);
        Redis::try_from(config).unwrap().username("app")
    };
    let (result, heard) = meet(factory, b"+OK\r\n+OK\r\n+OK\r\n+not what was asked for\r\n").await;
    let words: Vec<_> = heard
        .lines()
        .filter(|line| !line.starts_with(['*', '$']))
        .collect();
    let (ping, before) = words.split_last().unwrap();
    assert_eq!(
        before,
        [
            "AUTH",
            "app",
            "from-the-file",
            "SELECT",
            "2",
            "CLIENT",
            "SETNAME",
            "nebula-resource",
            "PING"
        ]
    );
    assert!(ping.starts_with("nebula-"), "{ping}");
    assert!(
        matches!(result, Err(ConnectionError::OutOfStep)),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_server_that_speaks_something_else_is_a_typed_error() {
    let url = |port| Redis::connect_to(format!("redis://127.0.0.1:{port}"));
    let (result, _) = meet(url, b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let error = result.unwrap_err();
    assert!(matches!(error, ConnectionError::Connect(_)), "{error:?}");
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_given_up_after_the_response_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let factory = Redis::connect_to(format!("redis://127.0.0.1:{port}"))
        .response_timeout(Duration::from_millis(50));
    for error in [
        Factory::create(&factory).await.unwrap_err(),
        BlockingFactory::create(&factory).unwrap_err(),
    ] {
        let ConnectionError::Connect(source) = &error else {
            panic!("{error:?}");
        };
        assert!(
            source.is_timeout() || source.kind() == redis::ErrorKind::Io,
            "{error:?}"
        );
    }
}
