//! What one caller leaves behind in a session, and what the next one finds (fault row 32).

use std::time::Duration;

use futures::{SinkExt as _, StreamExt as _};
use nebula_resource_core::Factory;
use nebula_resource_postgres::tokio_postgres::CopyInSink;
use nebula_resource_postgres::{PgClient, Postgres, PostgresError, Recycle};

use crate::{PATIENCE, ask, config, connect, factory, gone, pid};

async fn recycle(db: &mut PgClient) {
    let done = tokio::time::timeout(PATIENCE, factory().recycle(db)).await;
    done.expect("recycling hangs").unwrap();
}

async fn assert_no_transaction(db: &PgClient) {
    let error = db.batch_execute("SAVEPOINT probe").await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "25P01", "{error:?}"); // needs a transaction
}

#[tokio::test]
async fn fault_32_dirty_session_open_transaction() {
    let mut db = connect().await;
    db.batch_execute("CREATE TEMP TABLE probe (x int) ON COMMIT PRESERVE ROWS")
        .await
        .unwrap();
    let same = pid(&db).await;
    for dirt in [
        "BEGIN; CREATE TABLE fault_32_never (x int)",
        "BEGIN; SAVEPOINT a; SAVEPOINT b",
        "START TRANSACTION ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE",
    ] {
        db.batch_execute(dirt).await.unwrap();
        recycle(&mut db).await;
        assert_no_transaction(&db).await;
    }
    assert_eq!(pid(&db).await, same);
    assert_eq!(ask(&db, "SELECT to_regclass('fault_32_never')").await, None);
    assert_eq!(
        ask(&db, "SHOW transaction_read_only").await.as_deref(),
        Some("off")
    );
}

#[tokio::test]
async fn fault_32_dirty_session_failed_transaction() {
    let mut db = connect().await;
    for mode in [Recycle::Clean, Recycle::RollbackOnly] {
        db.batch_execute("BEGIN; SELECT 1/0").await.unwrap_err();
        db.batch_execute("SELECT 1").await.unwrap_err(); // refused until it is rolled back
        factory().recycle_with(mode).recycle(&mut db).await.unwrap();
        assert_no_transaction(&db).await;
        db.batch_execute("SELECT 1").await.unwrap();
    }
}

#[tokio::test]
async fn fault_32_dirty_session_forgotten_transaction_object() {
    let mut db = connect().await;
    let tx = db.transaction().await.unwrap();
    tx.batch_execute("CREATE TABLE fault_32_forgotten (x int)")
        .await
        .unwrap();
    std::mem::forget(tx);
    recycle(&mut db).await;
    assert_no_transaction(&db).await;
    assert_eq!(
        ask(&db, "SELECT to_regclass('fault_32_forgotten')").await,
        None
    );
}

#[tokio::test]
async fn fault_32_dirty_session_settings_role_and_user() {
    let mut db = connect().await;
    let settings = "SELECT concat_ws('|', current_user, session_user, current_setting('role'),
        current_setting('search_path'), current_setting('statement_timeout'),
        current_setting('TimeZone'), current_setting('client_encoding'),
        current_setting('application_name'), current_setting('default_transaction_read_only'))";
    let clean = ask(&db, settings).await.unwrap();
    for dirt in [
        "SET search_path TO tenant_acme",
        "SET statement_timeout TO 12345",
        "SET TIME ZONE 'Asia/Tokyo'",
        "SET client_encoding TO 'LATIN1'",
        "SET application_name TO 'somebody else'",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
        "SET ROLE pg_monitor",
        "SET SESSION AUTHORIZATION pg_monitor",
        "SET SESSION AUTHORIZATION pg_monitor; SET ROLE pg_monitor; BEGIN",
    ] {
        db.batch_execute(dirt).await.unwrap();
        assert_ne!(
            ask(&db, settings).await.unwrap(),
            clean,
            "{dirt} changed nothing"
        );
        recycle(&mut db).await;
        assert_eq!(ask(&db, settings).await.unwrap(), clean, "{dirt}");
    }
    db.batch_execute("SELECT set_config('app.tenant', 'acme', false)")
        .await
        .unwrap();
    recycle(&mut db).await;
    let tenant = ask(&db, "SELECT current_setting('app.tenant', true)").await;
    assert_eq!(tenant.unwrap_or_default(), "");
}

#[tokio::test]
async fn fault_32_dirty_session_listen() {
    let mut db = connect().await;
    db.batch_execute("LISTEN acme_orders; LISTEN \"acme Invoices\"")
        .await
        .unwrap();
    let count = "SELECT count(*) FROM pg_listening_channels()";
    assert_eq!(ask(&db, count).await.as_deref(), Some("2"));
    recycle(&mut db).await;
    assert_eq!(ask(&db, count).await.as_deref(), Some("0"));
}

#[tokio::test]
async fn fault_32_dirty_session_temporary_table() {
    let mut db = connect().await;
    db.batch_execute("CREATE TEMP TABLE pg_class_like (x text); CREATE TEMP SEQUENCE s")
        .await
        .unwrap();
    recycle(&mut db).await;
    assert_eq!(ask(&db, "SELECT to_regclass('pg_class_like')").await, None);
    assert_eq!(ask(&db, "SELECT to_regclass('s')").await, None);
}

#[tokio::test]
async fn fault_32_dirty_session_prepared_statement() {
    let mut db = connect().await;
    db.batch_execute("PREPARE plain AS SELECT 1; PREPARE \"Odd \"\"name; --\" AS SELECT 2; BEGIN")
        .await
        .unwrap();
    recycle(&mut db).await;
    let count = "SELECT count(*) FROM pg_prepared_statements WHERE from_sql";
    assert_eq!(ask(&db, count).await.as_deref(), Some("0"));
    db.batch_execute("PREPARE plain AS SELECT 3").await.unwrap();
}

#[tokio::test]
async fn fault_32_dirty_session_advisory_lock() {
    let (mut db, other) = (connect().await, connect().await);
    db.batch_execute("SELECT pg_advisory_lock(320032), pg_advisory_lock(320032)")
        .await
        .unwrap();
    let lock = "SELECT pg_try_advisory_lock(320032)";
    assert_eq!(ask(&other, lock).await.as_deref(), Some("f"));
    recycle(&mut db).await;
    assert_eq!(ask(&other, lock).await.as_deref(), Some("t"));
}

#[tokio::test]
async fn fault_32_dirty_session_cursor_and_sequence() {
    let mut db = connect().await;
    db.batch_execute("CREATE SEQUENCE IF NOT EXISTS fault_32_s")
        .await
        .unwrap();
    db.batch_execute("SELECT nextval('fault_32_s'); DECLARE c CURSOR WITH HOLD FOR SELECT 'acme'")
        .await
        .unwrap();
    recycle(&mut db).await;
    assert_eq!(
        ask(&db, "SELECT count(*) FROM pg_cursors").await.as_deref(),
        Some("0")
    );
    let error = db.batch_execute("SELECT lastval()").await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "55000", "{error:?}"); // not yet defined
    db.batch_execute("DROP SEQUENCE fault_32_s").await.unwrap();
}

#[tokio::test]
async fn fault_32_dirty_session_everything_at_once_in_a_failed_transaction() {
    let mut db = connect().await;
    db.batch_execute(
        "SET search_path TO acme; LISTEN acme; CREATE TEMP TABLE t (x int);
         SELECT pg_advisory_lock(320033); PREPARE p AS SELECT 1;
         DECLARE c CURSOR WITH HOLD FOR SELECT 1",
    )
    .await
    .unwrap();
    db.batch_execute("BEGIN; SELECT 1/0").await.unwrap_err();
    recycle(&mut db).await;
    assert_no_transaction(&db).await;
    let left = ask(
        &db,
        "SELECT concat_ws(',', (SELECT count(*) FROM pg_listening_channels()),
            (SELECT count(*) FROM pg_cursors), (SELECT count(*) FROM pg_prepared_statements),
            (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()),
            to_regclass('t'), current_setting('search_path'))",
    )
    .await;
    assert_eq!(left.as_deref(), Some("0,0,0,0,\"$user\", public"));
}

#[tokio::test]
async fn a_search_path_cannot_catch_the_reset() {
    let admin = connect().await;
    admin
        .batch_execute(
            "CREATE SCHEMA IF NOT EXISTS fault_32_trap;
             CREATE OR REPLACE FUNCTION fault_32_trap.pg_advisory_unlock_all() RETURNS void
                 LANGUAGE plpgsql AS $$ BEGIN RAISE 'caught'; END $$",
        )
        .await
        .unwrap();
    let mut config = config();
    config.options("-c search_path=fault_32_trap,pg_catalog");
    let mut db = Postgres::from_config(config)
        .unwrap()
        .create()
        .await
        .unwrap();
    recycle(&mut db).await;
    admin
        .batch_execute("DROP SCHEMA fault_32_trap CASCADE")
        .await
        .unwrap();
}

/// `DISCARD ALL` would drop the statements with which tokio-postgres looks types up.
#[tokio::test]
async fn types_of_the_user_work_after_recycling() {
    let mut db = connect().await;
    db.batch_execute(
        "DROP TYPE IF EXISTS fault_32_a, fault_32_b;
         CREATE TYPE fault_32_a AS ENUM ('x'); CREATE TYPE fault_32_b AS ENUM ('y')",
    )
    .await
    .unwrap();
    db.query_one("SELECT 'x'::fault_32_a", &[]).await.unwrap();
    recycle(&mut db).await;
    db.query_one("SELECT 'y'::fault_32_b", &[]).await.unwrap();
    db.batch_execute("DROP TYPE fault_32_a, fault_32_b")
        .await
        .unwrap();
}

#[tokio::test]
async fn statements_kept_by_the_caller_stay_valid() {
    let mut db = connect().await;
    let kept = db.prepare("SELECT $1::int + 1").await.unwrap();
    recycle(&mut db).await;
    let row = db.query_one(&kept, &[&41]).await.unwrap();
    assert_eq!(row.get::<_, i32>(0), 42);
}

#[tokio::test]
async fn settings_of_the_connection_string_are_what_it_goes_back_to() {
    let mut config = config();
    config.options("-c statement_timeout=54321 -c role=pg_monitor -c search_path=mine");
    config.application_name("billing");
    let factory = Postgres::from_config(config).unwrap();
    let mut db = factory.create().await.unwrap();
    db.batch_execute(
        "SET statement_timeout TO 1000; SET search_path TO x; SET ROLE none;
         SET application_name TO 'y'",
    )
    .await
    .unwrap();
    factory.recycle(&mut db).await.unwrap();
    let now = ask(
        &db,
        "SELECT concat_ws('|', current_setting('statement_timeout'), current_user,
            current_setting('search_path'), current_setting('application_name'))",
    )
    .await;
    assert_eq!(now.as_deref(), Some("54321ms|pg_monitor|mine|billing"));
}

#[tokio::test]
async fn rollback_only_ends_the_transaction_and_keeps_the_rest() {
    let factory = factory().recycle_with(Recycle::RollbackOnly);
    let mut db = factory.create().await.unwrap();
    db.batch_execute("SET search_path TO kept").await.unwrap();
    db.batch_execute("BEGIN; SET search_path TO undone")
        .await
        .unwrap();
    factory.recycle(&mut db).await.unwrap();
    assert_no_transaction(&db).await;
    assert_eq!(ask(&db, "SHOW search_path").await.as_deref(), Some("kept"));
}

#[tokio::test]
async fn a_query_that_was_given_up_is_waited_for() {
    let mut db = connect().await;
    let query = db.batch_execute("BEGIN; SELECT pg_sleep(0.5)");
    assert!(
        tokio::time::timeout(Duration::from_millis(20), query)
            .await
            .is_err()
    );
    recycle(&mut db).await;
    assert_no_transaction(&db).await;
    assert_eq!(ask(&db, "SELECT 'mine'").await.as_deref(), Some("mine"));
}

#[tokio::test]
async fn a_copy_that_was_given_up_is_undone() {
    let mut db = connect().await;
    db.batch_execute("CREATE TEMP TABLE t (x int); BEGIN")
        .await
        .unwrap();
    {
        let sink: CopyInSink<&[u8]> = db.copy_in("COPY t FROM STDIN").await.unwrap();
        let mut sink = std::pin::pin!(sink);
        sink.send(b"1\n2\n").await.unwrap();
    }
    recycle(&mut db).await;
    assert_no_transaction(&db).await;
}

/// A stream of rows does not borrow the client: a caller can keep it and give the client back.
#[tokio::test]
async fn a_result_that_somebody_still_reads_never_passes_for_clean() {
    let (admin, mut db) = (connect().await, connect().await);
    let pid = pid(&db).await;
    let none: [i32; 0] = [];
    let rows = db.query_raw(
        "SELECT repeat('x', 1000) FROM generate_series(1, 100000)",
        none,
    );
    let mut rows = std::pin::pin!(rows.await.unwrap());
    rows.next().await.unwrap().unwrap();

    let factory = factory();
    let waited = tokio::time::timeout(Duration::from_millis(300), factory.recycle(&mut db)).await;
    assert!(
        waited.is_err(),
        "clean, while a result is on the wire: {waited:?}"
    );
    let closing = tokio::time::timeout(PATIENCE, db.close());
    closing.await.expect("closing hangs");
    gone(&admin, pid).await; // by force: the reader still has not read
}

#[tokio::test]
async fn a_session_that_cannot_be_reset_is_an_error() {
    let admin = connect().await;
    let mut db = connect().await;
    let pid = pid(&db).await;
    admin
        .execute("SELECT pg_terminate_backend($1)", &[&pid])
        .await
        .unwrap();
    gone(&admin, pid).await;
    let error = factory().recycle(&mut db).await.unwrap_err();
    assert!(matches!(error, PostgresError::Reset(_)), "{error:?}");
}
