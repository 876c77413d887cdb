//! What a caller can leave behind in a session, and the statements that undo it.
//!
//! Decides what is sent between two callers. Knows nothing of when: the pool does.

use serde::Deserialize;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, SimpleQueryMessage};

/// What is undone in a session before the next caller gets it.
///
/// # Examples
///
/// ```
/// use nebula_resource_postgres::{Postgres, Recycle};
///
/// // Callers of the same program that share a session's settings and temporary tables.
/// let factory =
///     Postgres::connect_to("postgres://localhost/app").recycle_with(Recycle::RollbackOnly);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Recycle {
    /// Everything that PostgreSQL keeps for a session, in one round trip:
    ///
    /// | left behind | undone by |
    /// |---|---|
    /// | open or failed transaction | `ROLLBACK` |
    /// | cursors `WITH HOLD` | `CLOSE ALL` |
    /// | changed user or role | `SET SESSION AUTHORIZATION DEFAULT`, `RESET ROLE` |
    /// | `SET`, `set_config`, `search_path` | `RESET ALL` |
    /// | `LISTEN` | `UNLISTEN *` |
    /// | advisory locks of the session | `pg_advisory_unlock_all()` |
    /// | temporary tables | `DISCARD TEMP` |
    /// | `currval`, `lastval` | `DISCARD SEQUENCES` |
    /// | statements made with SQL's `PREPARE` | `DEALLOCATE`, each by name |
    ///
    /// It is `DISCARD ALL` without `DEALLOCATE ALL`. That would also drop the statements which
    /// tokio-postgres keeps for itself to look types up, and from then on every query with an
    /// enum, a domain or a composite type would fail on that connection ("prepared statement
    /// does not exist", tried with tokio-postgres 0.7.18). A [`Statement`] that a caller keeps
    /// stays valid too, which is why one may cache them.
    ///
    /// What stays: a library loaded with `LOAD`, and the name of a setting that PostgreSQL did
    /// not know (`SET app.tenant = …`) with an empty value.
    ///
    /// [`Statement`]: tokio_postgres::Statement
    #[default]
    Clean,
    /// An open transaction is rolled back, and nothing else: settings, temporary tables, locks
    /// and listens pass from caller to caller. For programs that mean to share them: it is not
    /// noticeably faster, since it takes one round trip too.
    RollbackOnly,
}

/// `BEGIN` before `ROLLBACK`, because a `ROLLBACK` alone writes a warning to the server's log
/// whenever there is nothing to roll back, which is nearly always. Inside a transaction it is the
/// `BEGIN` that warns, and the `ROLLBACK` ends that transaction.
macro_rules! rollback {
    () => {
        "BEGIN; ROLLBACK; "
    };
}

const ROLLBACK_ONLY: &str = rollback!();

/// Everything after the `ROLLBACK` is one transaction: if a statement fails, so does the reset.
///
/// `RESET ROLE`, although the statement before it goes back to the first role too: not on servers
/// older than November 2024 (CVE-2024-10978), which take it for `SET ROLE NONE`, so that a role
/// from the connection string would be lost.
const CLEAN: &str = concat!(
    rollback!(),
    "CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ROLE; RESET ALL; UNLISTEN *; ",
    "SELECT pg_catalog.pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES; ",
    // The statements that tokio-postgres prepared do not come from SQL.
    "SELECT pg_catalog.quote_ident(name) AS leftover ",
    "FROM pg_catalog.pg_prepared_statements WHERE from_sql",
);

impl Recycle {
    /// Undoes what this mode undoes. Statements of earlier callers that still run are waited for.
    pub(crate) async fn run(self, client: &Client) -> Result<(), Error> {
        match self {
            Self::RollbackOnly => {
                reset(client, ROLLBACK_ONLY).await?;
            }
            Self::Clean => {
                let answer = reset(client, CLEAN).await?;
                deallocate(client, &answer).await?;
            }
        }
        Ok(())
    }
}

/// A transaction that has failed refuses even the `BEGIN`, and takes nothing but a `ROLLBACK`.
async fn reset(client: &Client, statements: &str) -> Result<Vec<SimpleQueryMessage>, Error> {
    match client.simple_query(statements).await {
        Err(error) if error.code() == Some(&SqlState::IN_FAILED_SQL_TRANSACTION) => {
            client.simple_query("ROLLBACK").await?;
            client.simple_query(statements).await
        }
        other => other,
    }
}

async fn deallocate(client: &Client, answer: &[SimpleQueryMessage]) -> Result<(), Error> {
    let mut statements = String::new();
    for message in answer {
        if let SimpleQueryMessage::Row(row) = message
            && let Ok(Some(name)) = row.try_get("leftover")
        {
            statements += "DEALLOCATE ";
            statements += name; // quoted by the server
            statements += "; ";
        }
    }
    if statements.is_empty() {
        return Ok(());
    }
    client.batch_execute(&statements).await
}
