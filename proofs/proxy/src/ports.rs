//! Ports of this machine to listen on.
//!
//! Decides where to look for one: below the range from which outgoing connections take theirs, so
//! that a port that is given up for a moment, because its server is down, is still free afterwards.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;

const RANGE: Range<u16> = 20_000..32_000;

/// Somebody else may look at the same time.
const ATTEMPTS: usize = 50;

/// Calls `take` with one address after another until it can use one.
pub(crate) fn take<T>(mut take: impl FnMut(SocketAddr) -> io::Result<T>) -> io::Result<T> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..ATTEMPTS {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, fastrand::u16(RANGE)));
        match take(address) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => last = error,
            other => return other,
        }
    }
    Err(last)
}

/// An address that nobody listens on at this moment.
pub(crate) fn free() -> io::Result<SocketAddr> {
    take(|address| TcpListener::bind(address).map(|_| address))
}
