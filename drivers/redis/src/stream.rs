//! The socket below a connection.
//!
//! Decides its options, and how long opening it may take. Knows nothing of what is said on it.

use std::io;
use std::time::Duration;

use redis::io::tcp::TcpSettings;
use redis::io::tcp::socket2::{SockRef, TcpKeepalive};
use redis::{
    Connection, ConnectionAddr, IntoConnectionInfo, RedisConnectionInfo, RedisError, RedisResult,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
#[cfg(unix)]
use tokio::net::UnixStream;

use crate::target::Target;

/// A peer that is gone is noticed after 30 + 3 × 10 s, before most firewalls forget the
/// connection, instead of after two hours.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
#[cfg(unix)]
const KEEPALIVE_RETRIES: u32 = 3;

fn keepalive() -> TcpKeepalive {
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_IDLE)
        .with_interval(KEEPALIVE_INTERVAL);
    #[cfg(unix)]
    let keepalive = keepalive.with_retries(KEEPALIVE_RETRIES);
    keepalive
}

/// What can be read from and written to.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Opens it inside a tokio runtime.
pub(crate) async fn open(target: &Target) -> Result<Box<dyn Stream>, RedisError> {
    let opening = tokio::time::timeout(target.connect_timeout, reach(&target.address));
    match opening.await {
        Ok(stream) => stream,
        Err(_) => Err(timed_out()),
    }
}

pub(crate) fn timed_out() -> RedisError {
    io::Error::from(io::ErrorKind::TimedOut).into()
}

async fn reach(address: &ConnectionAddr) -> Result<Box<dyn Stream>, RedisError> {
    match address {
        ConnectionAddr::Tcp(host, port) => {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            stream.set_nodelay(true)?;
            SockRef::from(&stream).set_tcp_keepalive(&keepalive())?;
            Ok(Box::new(stream))
        }
        #[cfg(unix)]
        ConnectionAddr::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
        _ => Err(io::Error::from(io::ErrorKind::Unsupported).into()),
    }
}

/// Opens it on the calling thread. Nothing has been said on it yet: what redis-rs would say has to be
/// said again after each reset, so that we say all of it.
pub(crate) fn open_blocking(target: &Target) -> RedisResult<Connection> {
    let info = target.address.clone().into_connection_info()?;
    let info = info
        .set_redis_settings(RedisConnectionInfo::default().set_skip_set_lib_name())
        .set_tcp_settings(
            TcpSettings::default()
                .set_nodelay(true)
                .set_keepalive(keepalive()),
        );
    redis::Client::open(info)?.get_connection_with_timeout(target.connect_timeout)
}
