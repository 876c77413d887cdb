//! The password on its way to a real server: it gets there, and nowhere else (fault row 24).

use std::error::Error;
use std::time::Duration;

use nebula_resource_core::Factory;
use nebula_resource_postgres::secrecy::SecretString;
use nebula_resource_postgres::{PgClient, Postgres, PostgresError};

use crate::{PATIENCE, ask, config, connect};

const CANARY: &str = "canary-7f3a";
const ROLE: &str = "fault_24_role";

fn told(error: &(dyn Error + 'static)) -> String {
    let mut all = format!("{error} {error:?} {error:#?}");
    let mut source = error.source();
    while let Some(inner) = source {
        all += &format!(" {inner} {inner:?}");
        source = inner.source();
    }
    all
}

/// Makes the server ask this one role for a password, whatever it does for others.
async fn ask_for_password(admin: &PgClient) {
    let rule = format!("host all {ROLE} all scram-sha-256");
    let file = ask(admin, "SHOW hba_file").await.unwrap();
    let read = format!("SELECT pg_read_file('{file}')");
    let rules = ask(admin, &read).await.unwrap();
    let rules = rules
        .lines()
        .filter(|line| !line.is_empty() && *line != rule);
    let rows: Vec<String> = std::iter::once(rule.as_str())
        .chain(rules)
        .map(|line| format!("('{}')", line.replace('\'', "''")))
        .collect();
    // Delimiter and quote are bytes that no rule holds, so that every line is written as it is.
    let write = format!(
        "COPY (VALUES {}) TO '{file}' (FORMAT csv, DELIMITER E'\\x02', QUOTE E'\\x01')",
        rows.join(", ")
    );
    admin.batch_execute(&write).await.unwrap();
    admin
        .batch_execute("SELECT pg_reload_conf()")
        .await
        .unwrap();
}

async fn make_role(admin: &PgClient) {
    let sql = format!("DROP ROLE IF EXISTS {ROLE}; CREATE ROLE {ROLE} LOGIN PASSWORD '{CANARY}'");
    admin.batch_execute(&sql).await.unwrap();
}

fn with_password(password: &str) -> Postgres {
    let mut config = config();
    config.user(ROLE).password(password);
    Postgres::from_config(config).unwrap()
}

/// The server applies its new rules a moment later; until then it lets everybody in.
async fn refusal(wrong: &str) -> PostgresError {
    let wait = async {
        loop {
            if let Err(error) = with_password(wrong).create().await {
                return error;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, wait).await;
    waited.expect("the server never asks for a password")
}

#[tokio::test]
async fn fault_24_secrets_with_a_real_server() {
    let admin = connect().await;
    make_role(&admin).await;
    ask_for_password(&admin).await;

    let wrong = format!("{CANARY}-wrong");
    let error = refusal(&wrong).await;
    let PostgresError::Connect(source) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(source.code().unwrap().code(), "28P01", "{error:?}");
    assert!(!told(&error).contains("canary"), "{}", told(&error));

    for factory in [
        with_password(CANARY),
        with_password(&wrong).password(&SecretString::from(CANARY)),
    ] {
        let db = factory.create().await.unwrap();
        assert_eq!(ask(&db, "SELECT current_user").await.as_deref(), Some(ROLE));
        let shown = format!("{factory:?} {factory:#?} {db:?} {db:#?}");
        assert!(!shown.contains("canary"), "{shown}");
    }
    admin
        .batch_execute(&format!("DROP ROLE {ROLE}"))
        .await
        .unwrap();
}
