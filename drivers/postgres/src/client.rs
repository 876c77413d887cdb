//! A client together with the task that drives its connection.
//!
//! Decides how a connection ends: in good order if it can, by force if it must. Knows nothing of
//! how it was opened or what is run on it.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::{CancelToken, Client, Error, NoTls, Socket};

type Connection = tokio_postgres::Connection<Socket, tokio_postgres::tls::NoTlsStream>;
type Driver = JoinHandle<Result<(), Error>>;

/// How long each step of closing may take.
const GRACE: Duration = Duration::from_millis(500);

/// A connection to PostgreSQL: a [`Client`], which it derefs to, and the task behind it.
///
/// Dropping it closes the connection once the server has answered everything that was sent.
/// [`close`](Self::close) does not wait for that.
///
/// Notifications are not delivered: use a connection of your own to `LISTEN`.
///
/// # Examples
///
/// ```no_run
/// use nebula_resource_postgres::PgClient;
///
/// async fn in_transaction(db: &mut PgClient) -> Result<(), tokio_postgres::Error> {
///     let tx = db.transaction().await?;
///     tx.execute("INSERT INTO orders DEFAULT VALUES", &[]).await?;
///     tx.commit().await
/// }
/// ```
pub struct PgClient {
    client: Client,
    /// `None` once its result has been taken.
    driver: Option<Driver>,
    runtime: Handle,
}

impl PgClient {
    /// Starts the task that drives the connection.
    pub(crate) fn start(client: Client, connection: Connection, runtime: Handle) -> Self {
        let driver = Some(runtime.spawn(connection));
        Self {
            client,
            driver,
            runtime,
        }
    }

    /// Closes the connection: in good order if the server plays along; otherwise the statement
    /// that still runs is cancelled on the server and the socket closed. Takes at most 1.5 s.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(db: nebula_resource_postgres::PgClient) {
    /// db.close().await;
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// The closing goes on by itself when this future is dropped.
    pub async fn close(self) {
        let Self {
            client,
            driver,
            runtime,
        } = self;
        let cancel = client.cancel_token();
        drop(client); // tells the driver to finish
        if let Some(driver) = driver {
            // On its own runtime, since the timers need one and the caller may have none.
            let _ = runtime.spawn(finish(driver, cancel)).await;
        }
    }

    /// Why the connection ended, if that is known: better than "connection closed".
    pub(crate) async fn last_words(&mut self) -> Option<Error> {
        let driver = self.driver.take_if(|driver| driver.is_finished())?;
        driver.await.ok()?.err()
    }
}

async fn finish(mut driver: Driver, cancel: CancelToken) {
    if timeout(GRACE, &mut driver).await.is_ok() {
        return;
    }
    // A statement that nobody waits for any more would keep its locks, and the backend busy,
    // even after the socket is closed: the server looks at the socket only between statements.
    let _ = timeout(GRACE, cancel.cancel_query(NoTls)).await;
    if timeout(GRACE, &mut driver).await.is_err() {
        driver.abort();
    }
}

impl Deref for PgClient {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for PgClient {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}

impl fmt::Debug for PgClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgClient")
            .field("closed", &self.client.is_closed())
            .finish_non_exhaustive()
    }
}
