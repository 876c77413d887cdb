//! A connection for tasks: redis-rs' own, held by one caller at a time.
//!
//! Decides what is noted about each request, so that it is known what a caller leaves behind, and
//! that no answer is waited for longer than it may take. Knows nothing of when it changes hands.

use std::fmt;
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{
    Arg, AsyncConnectionConfig, Cmd, Pipeline, RedisConnectionInfo, RedisFuture, RedisResult, Value,
};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use crate::commands::{Request, Trace};
use crate::error::ConnectionError;
use crate::login::{Login, Script, ping};
use crate::session::Session;
use crate::stream;
use crate::target::Target;

/// A connection to Redis for one holder at a time.
///
/// All of redis-rs' async commands work on it ([`AsyncCommands`](redis::AsyncCommands), [`Cmd`],
/// [`Pipeline`]). It is driven by the tokio runtime in which it was created, and can be used from
/// any executor. Dropping it closes it at once.
///
/// A command that blocks (`BLPOP`) needs a [response timeout](Self::set_response_timeout) that is
/// longer than its own. Messages of channels are not delivered: use a connection of your own to
/// `SUBSCRIBE`.
///
/// # Examples
///
/// ```no_run
/// use nebula_resource_redis::RedisConnection;
/// use nebula_resource_redis::redis::{self, AsyncCommands, RedisResult};
///
/// async fn transfer(db: &mut RedisConnection) -> RedisResult<()> {
///     redis::pipe().atomic().decr("from", 1).incr("to", 1).exec_async(db).await
/// }
/// ```
pub struct RedisConnection {
    /// Never cloned, and never shown: two holders would read each other's answers.
    inner: MultiplexedConnection,
    driver: JoinHandle<()>,
    runtime: Handle,
    session: Session,
    database: u32,
    response_timeout: Option<Duration>,
}

impl RedisConnection {
    /// Connects and logs in, inside the runtime.
    pub(crate) async fn open(target: &Target, runtime: Handle) -> Result<Self, ConnectionError> {
        let stream = stream::open(target).await;
        let stream = stream.map_err(ConnectionError::Connect)?;
        // What redis-rs would say first has to be said again after each reset: we say all of it.
        let silent = RedisConnectionInfo::default().set_skip_set_lib_name();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(None)
            .set_response_timeout(None); // it would need a tokio caller
        let made = MultiplexedConnection::new_with_config(&silent, stream, config).await;
        let (inner, driver) = made.map_err(ConnectionError::Connect)?;
        let mut connection = Self {
            inner,
            driver: runtime.spawn(driver),
            runtime,
            session: Session::default(),
            database: target.login.database,
            response_timeout: Some(target.response_timeout),
        };
        let greeted = connection.run(&target.login.greet()).await;
        greeted.map_err(|error| match error {
            ConnectionError::Lost(error) => ConnectionError::Connect(error),
            other => other,
        })?;
        connection.session.was_reset();
        Ok(connection)
    }

    /// How long an answer may take from now on, until the connection is given back; `None`: for ever.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use nebula_resource_redis::RedisConnection;
    /// use nebula_resource_redis::redis::{AsyncCommands, RedisResult};
    ///
    /// async fn next(db: &mut RedisConnection) -> RedisResult<Option<(String, String)>> {
    ///     db.set_response_timeout(Some(Duration::from_secs(31)));
    ///     db.blpop("jobs", 30.0).await
    /// }
    /// ```
    pub fn set_response_timeout(&mut self, timeout: Option<Duration>) {
        self.response_timeout = timeout;
    }

    /// Whether it can be told without asking that it is of no use any more.
    pub(crate) fn is_broken(&self) -> bool {
        self.session.is_broken() || self.driver.is_finished()
    }

    /// Asks for a sign of life.
    pub(crate) async fn ping(&mut self) -> Result<(), ConnectionError> {
        self.run(&ping()).await
    }

    /// Makes it as it was when it was new, if a caller has left anything behind.
    pub(crate) async fn reset(
        &mut self,
        login: &Login,
        timeout: Duration,
    ) -> Result<(), ConnectionError> {
        self.response_timeout = Some(timeout);
        if self.session.is_clean() {
            return Ok(());
        }
        if self.session.is_broken() {
            return Err(ConnectionError::Indelible);
        }
        self.run(&login.reset()).await?;
        self.session.was_reset();
        Ok(())
    }

    async fn run(&mut self, script: &Script) -> Result<(), ConnectionError> {
        let answers = self.req_packed_commands(&script.pipeline, 0, script.len());
        let answers = answers.await.map_err(ConnectionError::Lost)?;
        script
            .check(&answers)
            .inspect_err(|_| self.session.is_lost())
    }

    async fn send(&mut self, command: &Cmd) -> RedisResult<Value> {
        let mut request = Request::new();
        add(&mut request, command);
        self.session.begin(request.trace());
        let sending = self.inner.send_packed_command(command);
        let result = bounded(&self.runtime, self.response_timeout, sending).await;
        if command.is_no_response() {
            self.session.leave_open();
        } else {
            self.session.end(&result);
        }
        result
    }

    async fn send_all(
        &mut self,
        pipeline: &Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisResult<Vec<Value>> {
        self.session.begin(trace_of(pipeline));
        let sending = self.inner.send_packed_commands(pipeline, offset, count);
        let result = bounded(&self.runtime, self.response_timeout, sending).await;
        self.session.end(&result);
        result
    }
}

impl Drop for RedisConnection {
    fn drop(&mut self) {
        // Otherwise it would stay open until everything that was sent is answered.
        self.driver.abort();
    }
}

impl ConnectionLike for RedisConnection {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(self.send(cmd))
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        cmd: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(self.send_all(cmd, offset, count))
    }

    /// The one that was configured, whatever a caller has selected since.
    fn get_db(&self) -> i64 {
        self.database.into()
    }
}

impl fmt::Debug for RedisConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConnection")
            .field("database", &self.database)
            .field("broken", &self.is_broken())
            .finish_non_exhaustive()
    }
}

fn trace_of(pipeline: &Pipeline) -> Trace {
    // `MULTI` and `EXEC` around it are sent with it.
    let mut request = Request::new();
    for command in pipeline.cmd_iter() {
        add(&mut request, command);
    }
    request.trace()
}

fn add(request: &mut Request, command: &Cmd) {
    let mut words = command.args_iter().map(|word| match word {
        Arg::Simple(bytes) => bytes,
        _ => b"0", // the place of a cursor
    });
    match words.next() {
        Some(name) => request.add(name, words.next()),
        None => request.add_unknown(),
    }
}

/// Waits on the connection's runtime, since the caller may be in none.
async fn bounded<T>(
    runtime: &Handle,
    limit: Option<Duration>,
    sending: impl Future<Output = RedisResult<T>>,
) -> RedisResult<T> {
    let Some(limit) = limit else {
        return sending.await;
    };
    let waiting = {
        let _entered = runtime.enter();
        tokio::time::timeout(limit, sending)
    };
    waiting.await.unwrap_or_else(|_| Err(stream::timed_out()))
}
