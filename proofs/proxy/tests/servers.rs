//! That a server of a test's own starts, is hurt, comes back on its port, and leaves nothing behind.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may panic")]

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use nebula_resource_fault_proxy::Server;

/// What PostgreSQL answers to the question whether it speaks TLS: no. Its first process answers by a
/// new one.
const ASK_POSTGRES: (&[u8], &[u8]) = (b"\0\0\0\x08\x04\xd2\x16\x2f", b"N");
const ASK_REDIS: (&[u8], &[u8]) = (b"PING\r\n", b"+");

fn open(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream
}

#[track_caller]
fn answers(stream: &mut TcpStream, (ask, answer): (&[u8], &[u8])) {
    stream.write_all(ask).unwrap();
    let mut heard = [0];
    stream.read_exact(&mut heard).unwrap();
    assert_eq!(heard, answer);
}

fn is_hurt_and_comes_back(mut server: Server, ask: (&[u8], &[u8])) {
    let address = server.address();
    answers(&mut open(&server), ask);

    server.freeze().unwrap();
    let mut stream = open(&server); // the kernel accepts
    stream
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    stream.write_all(ask.0).unwrap();
    let error = stream.read(&mut [0]).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        "{error}"
    );
    server.thaw().unwrap();
    answers(&mut open(&server), ask);

    server.kill().unwrap();
    let error = TcpStream::connect(address).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    server.freeze().unwrap_err();
    server.kill().unwrap(); // nothing to do
    server.start().unwrap();
    server.start().unwrap(); // nothing to do
    assert_eq!(server.address(), address);
    answers(&mut open(&server), ask);

    server.freeze().unwrap();
    server.restart().unwrap(); // also from that
    answers(&mut open(&server), ask);
    drop(server);
    TcpStream::connect(address).unwrap_err();
}

#[test]
fn redis_is_hurt_and_comes_back() {
    is_hurt_and_comes_back(Server::redis().unwrap(), ASK_REDIS);
}

#[test]
fn postgres_is_hurt_and_comes_back() {
    is_hurt_and_comes_back(Server::postgres().unwrap(), ASK_POSTGRES);
}

#[test]
fn a_test_that_panics_leaves_no_server_behind() {
    let mut address = None;
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let server = Server::redis().unwrap();
        address = Some(server.address());
        panic!("on purpose");
    }));
    assert!(panicked.is_err());
    TcpStream::connect(address.unwrap()).unwrap_err();
}
