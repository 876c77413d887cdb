//! A connection for threads: redis-rs' blocking one, held by one caller at a time.
//!
//! Decides the same as `connection` does for tasks. Knows nothing of when it changes hands.

use std::fmt;
use std::time::Duration;

use redis::{Cmd, Connection, ConnectionLike, RedisError, RedisResult, Value};

use crate::commands::Trace;
use crate::error::ConnectionError;
use crate::login::{Login, Script, ping};
use crate::packed;
use crate::session::Session;
use crate::stream;
use crate::target::Target;

/// A connection to Redis for one holder at a time, which blocks the thread that waits for an answer.
///
/// All of redis-rs' blocking commands work on it ([`Commands`](redis::Commands), [`Cmd`],
/// [`Pipeline`](redis::Pipeline)). It needs no runtime.
///
/// A command that blocks (`BLPOP`) needs a [response timeout](Self::set_response_timeout) that is
/// longer than its own. Messages of channels are not delivered: use a connection of your own to
/// `SUBSCRIBE`.
///
/// # Examples
///
/// ```no_run
/// use nebula_resource_redis::BlockingRedisConnection;
/// use nebula_resource_redis::redis::{self, Commands, RedisResult};
///
/// fn transfer(db: &mut BlockingRedisConnection) -> RedisResult<()> {
///     redis::pipe().atomic().decr("from", 1).incr("to", 1).exec(db)
/// }
/// ```
pub struct BlockingRedisConnection {
    inner: Connection,
    session: Session,
    database: u32,
}

impl BlockingRedisConnection {
    /// Connects and logs in.
    pub(crate) fn open(target: &Target) -> Result<Self, ConnectionError> {
        let inner = stream::open_blocking(target).map_err(ConnectionError::Connect)?;
        let mut connection = Self {
            inner,
            session: Session::default(),
            database: target.login.database,
        };
        let limited = connection.limit(Some(target.response_timeout));
        limited.map_err(ConnectionError::Connect)?;
        let greeted = connection.run(&target.login.greet());
        greeted.map_err(|error| match error {
            ConnectionError::Lost(error) => ConnectionError::Connect(error),
            other => other,
        })?;
        connection.session.was_reset();
        Ok(connection)
    }

    /// How long to wait for each answer from now on, until the connection is given back; `None`: for
    /// ever.
    ///
    /// # Errors
    ///
    /// When the timeout is zero.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use nebula_resource_redis::BlockingRedisConnection;
    /// use nebula_resource_redis::redis::{Commands, RedisResult};
    ///
    /// fn next(db: &mut BlockingRedisConnection) -> RedisResult<Option<(String, String)>> {
    ///     db.set_response_timeout(Some(Duration::from_secs(31)))?;
    ///     db.blpop("jobs", 30.0)
    /// }
    /// ```
    pub fn set_response_timeout(&mut self, timeout: Option<Duration>) -> RedisResult<()> {
        self.limit(timeout)
    }

    fn limit(&self, timeout: Option<Duration>) -> RedisResult<()> {
        self.inner.set_read_timeout(timeout)?;
        self.inner.set_write_timeout(timeout)
    }

    /// Whether it can be told without asking that it is of no use any more.
    pub(crate) fn is_broken(&self) -> bool {
        self.session.is_broken() || !self.inner.is_open()
    }

    /// Asks for a sign of life.
    pub(crate) fn ping(&mut self) -> Result<(), ConnectionError> {
        self.run(&ping())
    }

    /// Makes it as it was when it was new, if a caller has left anything behind.
    pub(crate) fn reset(
        &mut self,
        login: &Login,
        timeout: Duration,
    ) -> Result<(), ConnectionError> {
        self.limit(Some(timeout)).map_err(ConnectionError::Lost)?;
        if self.session.is_clean() {
            return Ok(());
        }
        if self.session.is_broken() {
            return Err(ConnectionError::Indelible);
        }
        self.run(&login.reset())?;
        self.session.was_reset();
        Ok(())
    }

    fn run(&mut self, script: &Script) -> Result<(), ConnectionError> {
        let packed = script.pipeline.get_packed_pipeline();
        let answers = self.req_packed_commands(&packed, 0, script.len());
        let answers = answers.map_err(ConnectionError::Lost)?;
        script
            .check(&answers)
            .inspect_err(|_| self.session.is_lost())
    }

    /// Notes what a request leaves behind, also when it panics.
    fn noted<T>(
        &mut self,
        trace: Trace,
        request: impl FnOnce(&mut Connection) -> RedisResult<T>,
    ) -> RedisResult<T> {
        self.session.begin(trace);
        let result = request(&mut self.inner);
        self.session.end(&result);
        result
    }
}

impl ConnectionLike for BlockingRedisConnection {
    fn req_packed_command(&mut self, cmd: &[u8]) -> RedisResult<Value> {
        self.noted(packed::read(cmd).trace(), |inner| {
            inner.req_packed_command(cmd)
        })
    }

    fn req_packed_commands(
        &mut self,
        cmd: &[u8],
        offset: usize,
        count: usize,
    ) -> RedisResult<Vec<Value>> {
        self.noted(packed::read(cmd).trace(), |inner| {
            exchange(inner, cmd, offset, count)
        })
    }

    fn req_command(&mut self, cmd: &Cmd) -> RedisResult<Value> {
        let packed = cmd.get_packed_command();
        if !cmd.is_no_response() {
            return self.req_packed_command(&packed);
        }
        self.session.begin(packed::read(&packed).trace());
        let sent = self.inner.req_command(cmd);
        self.session.leave_open();
        sent
    }

    /// The one that was configured, whatever a caller has selected since.
    fn get_db(&self) -> i64 {
        self.database.into()
    }

    fn check_connection(&mut self) -> bool {
        self.ping().is_ok()
    }

    fn is_open(&self) -> bool {
        !self.is_broken()
    }
}

impl fmt::Debug for BlockingRedisConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingRedisConnection")
            .field("database", &self.database)
            .field("broken", &self.is_broken())
            .finish_non_exhaustive()
    }
}

/// Sends several requests and reads their answers; those before `offset` are only looked at for errors.
///
/// redis-rs' own goes on reading after an answer did not come in time, and would wait the whole
/// timeout again for each of the answers left.
fn exchange(
    inner: &mut Connection,
    requests: &[u8],
    offset: usize,
    count: usize,
) -> RedisResult<Vec<Value>> {
    inner.send_packed_command(requests)?;
    let mut answers = Vec::with_capacity(count);
    let mut refused: Option<RedisError> = None;
    let mut seen = 0;
    while seen < offset + count {
        match inner.recv_response()? {
            Value::Push { .. } => continue, // no answer
            Value::ServerError(error) if seen < offset => {
                refused.get_or_insert_with(|| error.into());
            }
            answer if seen >= offset => answers.push(answer),
            _ => {}
        }
        seen += 1;
    }
    match refused {
        // Nothing of the transaction has happened; the last answer says no more than that.
        Some(error) => Err(error),
        None => Ok(answers),
    }
}
