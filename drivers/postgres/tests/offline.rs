//! What needs no server: strings that cannot be used, no runtime, nobody there, and a server
//! played by the test.

#![allow(clippy::unwrap_used, reason = "the helpers of a test may panic")]

use std::error::Error;
use std::fmt::Debug;

use nebula_resource_core::Factory;
use nebula_resource_postgres::secrecy::SecretString;
use nebula_resource_postgres::tokio_postgres::Config;
use nebula_resource_postgres::{
    ConfigError, PgClient, Postgres, PostgresConfig, PostgresError, Recycle,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

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
async fn a_string_that_cannot_be_used_is_reported_by_create() {
    let cases = [
        ("mysql://app@localhost/app", ConfigError::Scheme),
        ("postgres:///app", ConfigError::NoHost),
        ("user=app", ConfigError::NoHost),
        ("", ConfigError::NoHost),
        ("postgres://app:p@ss@localhost/app", ConfigError::AtSign),
        (
            "postgres://app:p@ss/word@localhost/app",
            ConfigError::AtSign,
        ),
        ("host=a@b", ConfigError::AtSign),
        (
            "postgres://localhost?sslmode=require",
            ConfigError::TlsRequired,
        ),
    ];
    for (url, expected) in cases {
        let error = Postgres::connect_to(url).create().await.unwrap_err();
        assert!(
            matches!(&error, PostgresError::Config(e) if *e == expected),
            "{url}: {error:?}"
        );
        assert_eq!(
            Postgres::try_connect_to(url).unwrap_err(),
            expected,
            "{url}"
        );
    }
}

#[test]
fn a_malformed_string_says_what_is_wrong_with_it() {
    let cases = [
        (
            "postgres://localhost:port",
            "invalid value for option `port`",
        ),
        (
            "postgres://localhost?connect_timeout=soon",
            "invalid value for option `connect_timeout`",
        ),
        (
            "postgres://localhost?speed=9",
            "an option that is not known",
        ),
        ("postgres://localhost?speed", "a parameter has no end"),
        ("localhost", "unexpected EOF"),
        ("host = 'localhost", "a parameter has no end"),
        ("postgres://%ff@localhost", "cannot be parsed"),
    ];
    for (url, expected) in cases {
        let error = Postgres::try_connect_to(url).unwrap_err();
        assert!(
            matches!(error, ConfigError::Malformed(_)),
            "{url}: {error:?}"
        );
        assert!(error.to_string().contains(expected), "{url}: {error}");
    }
}

#[test]
fn strings_that_can_be_used() {
    for url in [
        "postgres://localhost",
        "postgresql://app:p%40ss@localhost:6432/app?application_name=a@b",
        "postgres://app@near,far:5433/app",
        " postgres://localhost/app\n",
        "host=localhost password='a://b@c'",
        "postgres://%2Fvar%2Frun%2Fpostgresql/app",
    ] {
        Postgres::try_connect_to(url).unwrap();
    }
    Postgres::from_config(Config::new().host("localhost").clone()).unwrap();
    let error = Postgres::from_config(Config::new()).unwrap_err();
    assert_eq!(error, ConfigError::NoHost);
}

#[test]
fn without_a_tokio_runtime_create_is_a_typed_error() {
    let factory = Postgres::connect_to("postgres://localhost:1/app");
    let error = futures::executor::block_on(factory.create()).unwrap_err();
    assert!(matches!(error, PostgresError::NoRuntime), "{error:?}");
}

/// A port of this machine that nobody listens on.
async fn dead_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn nobody_there_is_a_typed_error_with_its_cause() {
    let port = dead_port().await;
    let factory = Postgres::connect_to(format!("postgres://app@127.0.0.1:{port}/app"));
    let error = factory.create().await.unwrap_err();
    assert!(matches!(error, PostgresError::Connect(_)), "{error:?}");
    assert!(error.to_string().contains("refused"), "{error}");
    assert!(error.source().is_some());
}

#[test]
fn fault_24_secrets_in_strings_that_cannot_be_used() {
    for url in [
        format!("mysql://app:{CANARY}@localhost/app"),
        format!("mysql://app:{CANARY}@localhost/app?ssl=on"),
        format!("postgres://app:{CANARY}@localhost:port/app"),
        format!("postgres://app:{CANARY}@localhost?speed=9"),
        format!("postgres://app:x@{CANARY}@localhost/app"),
        format!("postgres://app:x@y/{CANARY}@localhost/app"),
        format!("postgres://app:x@y?{CANARY}=1@localhost/app"),
        format!("postgres://app:{CANARY}-localhost/app"),
        format!("postgres://app:%ff@{CANARY}@localhost"),
        format!("app:{CANARY}@localhost"),
        format!("host=localhost password=x {CANARY}"),
        format!("host=localhost password=x {CANARY}=1"),
        format!("host=localhost password='{CANARY}"),
        format!("host=localhost password={CANARY} port=x"),
    ] {
        let error = Postgres::try_connect_to(&url).expect_err(&url);
        assert_hidden(&told(&error));
        let lazy = Postgres::connect_to(&url);
        assert_hidden(&shown(&lazy));
        let error = futures::executor::block_on(lazy.create()).unwrap_err();
        assert_hidden(&told(&error));
    }
}

#[tokio::test]
async fn fault_24_secrets_of_factories_and_of_an_unreachable_server() {
    let port = dead_port().await;
    let url = format!("postgres://app:{CANARY}@127.0.0.1:{port}/app");
    let plain = format!("postgres://app@127.0.0.1:{port}/app");
    let mut config = Config::new();
    config
        .host("127.0.0.1")
        .port(port)
        .user("app")
        .password(CANARY);
    config.options(format!("-c app.key={CANARY}"));
    for factory in [
        Postgres::connect_to(&url),
        Postgres::connect_to(format!(
            "host=127.0.0.1 port={port} user=app password={CANARY}"
        )),
        Postgres::connect_to(&plain).password(&SecretString::from(CANARY)),
        Postgres::from_config(config).unwrap(),
        Postgres::try_from(PostgresConfig::new(url.as_str())).unwrap(),
    ] {
        assert_hidden(&shown(&factory));
        assert!(shown(&factory).contains("127.0.0.1"), "{factory:?}");
        assert_hidden(&told(&factory.create().await.unwrap_err()));
    }
    let mut settings = PostgresConfig::new(url.as_str());
    settings.password = Some(CANARY.into());
    assert_hidden(&shown(&settings));
}

#[test]
fn fault_24_secrets_in_errors_of_deserializing() {
    for text in [
        r#"{"url": "postgres://localhost", "password": 73773773}"#,
        r#"{"url": "postgres://localhost", "password": -73773773}"#,
        r#"{"url": "postgres://localhost", "password": 73773773.5}"#,
        r#"{"url": 73773773}"#,
    ] {
        let error = serde_json::from_str::<PostgresConfig>(text).unwrap_err();
        assert!(!told(&error).contains("73773773"), "{error}");
        assert!(error.to_string().contains("has to be a string"), "{error}");
    }
}

#[test]
fn config_from_a_file() {
    let config: PostgresConfig = toml::from_str(
        r#"
        url = "postgres://app@localhost/app"
        password = "secret"
        application_name = "billing"
        connect_timeout = "800ms"
        recycle = "rollback_only"
        "#,
    )
    .unwrap();
    assert_eq!(config.recycle, Recycle::RollbackOnly);
    Postgres::try_from(config).unwrap();

    let text = r#"{"url": "postgres://localhost", "password": null, "connect_timeout": null}"#;
    let config: PostgresConfig = serde_json::from_str(text).unwrap();
    assert!(config.password.is_none());

    for bad in [
        r#"{"password": "x"}"#,
        r#"{"url": "postgres://localhost", "pasword": "x"}"#,
        r#"{"url": "postgres://localhost", "recycle": "never"}"#,
    ] {
        serde_json::from_str::<PostgresConfig>(bad).unwrap_err();
    }
}

/// Plays a server up to the password: asks for it in clear text and answers with `reply`.
async fn played_server(listener: TcpListener, reply: &'static [u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut socket, _) = listener.accept().await.unwrap();
    let mut startup = read_message(&mut socket).await;
    if startup.starts_with(&80_877_103_u32.to_be_bytes()) {
        socket.write_all(b"N").await.unwrap(); // no TLS here
        startup = read_message(&mut socket).await;
    }
    socket.write_all(b"R\0\0\0\x08\0\0\0\x03").await.unwrap();
    assert_eq!(socket.read_u8().await.unwrap(), b'p');
    let password = read_message(&mut socket).await;
    socket.write_all(reply).await.unwrap();
    (startup, password)
}

async fn read_message(socket: &mut TcpStream) -> Vec<u8> {
    let length = socket.read_u32().await.unwrap() - 4;
    let mut body = vec![0; length.try_into().unwrap()];
    socket.read_exact(&mut body).await.unwrap();
    body
}

async fn meet(
    factory: impl FnOnce(u16) -> Postgres,
    reply: &'static [u8],
) -> (Result<PgClient, PostgresError>, Vec<u8>, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let factory = factory(listener.local_addr().unwrap().port());
    let server = tokio::spawn(played_server(listener, reply));
    let result = factory.create().await;
    let (startup, password) = server.await.unwrap();
    (result, startup, password)
}

const REFUSED: &[u8] =
    b"E\0\0\0\x49SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed for user \"app\"\0\0";
const WELCOME: &[u8] = b"R\0\0\0\x08\0\0\0\0K\0\0\0\x0c\0\0\0\x01\0\0\0\x02Z\0\0\0\x05I";

#[tokio::test]
async fn fault_24_secrets_when_the_server_refuses_the_password() {
    let url = |port| Postgres::connect_to(format!("postgres://app:{CANARY}@127.0.0.1:{port}/app"));
    let (result, _, password) = meet(url, REFUSED).await;
    assert_eq!(password, format!("{CANARY}\0").as_bytes()); // it was sent, and stays unseen
    let error = result.unwrap_err();
    assert_hidden(&told(&error));
    assert_eq!(
        error.to_string(),
        "could not connect to PostgreSQL: password authentication failed for user \"app\" (28P01)"
    );
}

#[tokio::test]
async fn the_password_set_apart_wins_and_the_defaults_are_sent() {
    let factory = |port| {
        Postgres::connect_to(format!("postgres://app:from-the-url@127.0.0.1:{port}/app"))
            .password(&SecretString::from("from-the-vault"))
    };
    let (result, startup, password) = meet(factory, WELCOME).await;
    assert_eq!(password, b"from-the-vault\0");
    assert!(shown(&result.unwrap()).contains("PgClient"));
    let startup = String::from_utf8_lossy(&startup);
    assert!(
        startup.contains("application_name\0nebula-resource\0"),
        "{startup}"
    );
}

#[tokio::test]
async fn settings_are_applied() {
    let factory = |port| {
        let mut config = PostgresConfig::new(format!("postgres://app@127.0.0.1:{port}/app"));
        config.password = Some("from-the-file".into());
        config.application_name = Some("billing".into());
        Postgres::try_from(config).unwrap()
    };
    let (_, startup, password) = meet(factory, WELCOME).await;
    assert_eq!(password, b"from-the-file\0");
    let startup = String::from_utf8_lossy(&startup);
    assert!(startup.contains("application_name\0billing\0"), "{startup}");
}
