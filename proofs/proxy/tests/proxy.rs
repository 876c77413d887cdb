//! What the proxy does to a connection in each mode, and what it counts.

#![allow(clippy::unwrap_used, reason = "the helpers of a test may panic")]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use nebula_resource_fault_proxy::{End, Mode, Proxy};

/// Far longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Long enough for a byte to arrive that may not.
const A_MOMENT: Duration = Duration::from_millis(100);

/// Sends back what it gets, on any number of connections, until the test ends.
fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(count @ 1..) = stream.read(&mut buffer) {
                    if stream.write_all(&buffer[..count]).is_err() {
                        break;
                    }
                }
            });
        }
    });
    address
}

fn proxy() -> Proxy {
    Proxy::to(echo()).unwrap()
}

fn connect(proxy: &Proxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn say(stream: &mut TcpStream, text: &[u8]) {
    stream.write_all(text).unwrap();
}

#[track_caller]
fn hear(stream: &mut TcpStream, text: &[u8]) {
    let mut heard = vec![0; text.len()];
    stream.read_exact(&mut heard).unwrap();
    assert_eq!(heard, text);
}

#[track_caller]
fn hear_nothing(stream: &mut TcpStream) {
    stream.set_read_timeout(Some(A_MOMENT)).unwrap();
    let error = stream.read(&mut [0]).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        "{error}"
    );
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
}

/// How many bytes still come, and the error that ends them, if any.
fn drain(stream: &mut TcpStream) -> (usize, Option<ErrorKind>) {
    let (mut count, mut buffer) = (0, [0; 4096]);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return (count, None),
            Ok(more) => count += more,
            Err(error) => return (count, Some(error.kind())),
        }
    }
}

#[track_caller]
fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "never: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn everything_passes() {
    let proxy = proxy();
    let mut stream = connect(&proxy);
    let much: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[0]).collect();
    let mut sender = stream.try_clone().unwrap();
    let sent = much.clone();
    let sending = thread::spawn(move || sender.write_all(&sent).unwrap());
    hear(&mut stream, &much);
    sending.join().unwrap();
    assert_eq!(
        (proxy.attempts(), proxy.live(), proxy.attempting()),
        (1, 1, 0)
    );
    drop(stream);
    until("the connection is gone", || proxy.live() == 0);
}

#[test]
fn delay_is_added_each_way_and_ends_with_its_mode() {
    let proxy = proxy();
    let mut stream = connect(&proxy);
    let by = Duration::from_millis(60);
    proxy.set(Mode::Delay(by)).unwrap();
    let start = Instant::now();
    say(&mut stream, b"a");
    hear(&mut stream, b"a");
    assert!(start.elapsed() >= 2 * by, "{:?}", start.elapsed());

    proxy.set(Mode::Delay(Duration::from_secs(3600))).unwrap();
    say(&mut stream, b"b");
    hear_nothing(&mut stream);
    proxy.set(Mode::Pass).unwrap();
    hear(&mut stream, b"b");
}

#[test]
fn throttle_slows_and_loses_nothing() {
    let proxy = proxy();
    let mut stream = connect(&proxy);
    proxy.set(Mode::Throttle(100_000)).unwrap();
    let much = vec![b'x'; 30_000];
    let start = Instant::now();
    say(&mut stream, &much);
    hear(&mut stream, &much);
    // The last chunk is let through when those before it are paid for.
    assert!(
        start.elapsed() >= Duration::from_millis(200),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn a_black_hole_swallows_old_and_new_connections_until_it_heals() {
    let proxy = proxy();
    let mut old = connect(&proxy);
    say(&mut old, b"a");
    hear(&mut old, b"a");
    proxy.set(Mode::BlackHole).unwrap();
    let mut new = connect(&proxy);
    for stream in [&mut old, &mut new] {
        say(stream, b"b");
        hear_nothing(stream);
    }
    proxy.set(Mode::Pass).unwrap();
    hear(&mut old, b"b");
    hear(&mut new, b"b");
}

#[test]
fn who_leaves_a_black_hole_is_not_counted_any_more() {
    let proxy = proxy();
    let mut old = connect(&proxy);
    say(&mut old, b"a");
    hear(&mut old, b"a");
    proxy.set(Mode::BlackHole).unwrap();
    let mut new = connect(&proxy);
    for stream in [&mut old, &mut new] {
        say(stream, b"b");
    }
    until("both are there", || {
        proxy.live() == 2 && proxy.attempting() == 1
    });
    drop((old, new));
    until("both are gone", || {
        proxy.live() == 0 && proxy.attempting() == 0
    });
}

#[test]
fn reset_is_for_new_connections_and_counts_them() {
    let proxy = proxy();
    let mut old = connect(&proxy);
    say(&mut old, b"a");
    hear(&mut old, b"a");
    proxy.set(Mode::Reset).unwrap();
    let (count, error) = drain(&mut connect(&proxy));
    assert_eq!((count, error), (0, Some(ErrorKind::ConnectionReset)));
    assert_eq!(proxy.attempts(), 2);
    say(&mut old, b"b");
    hear(&mut old, b"b");
}

#[test]
fn refused_means_that_nobody_listens_and_the_port_comes_back() {
    let proxy = proxy();
    proxy.set(Mode::Refuse).unwrap();
    let error = TcpStream::connect(proxy.address()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    assert_eq!(proxy.attempts(), 0);
    proxy.set(Mode::Pass).unwrap();
    let mut stream = connect(&proxy);
    say(&mut stream, b"a");
    hear(&mut stream, b"a");
}

#[test]
fn cut_after_so_many_bytes_with_fin() {
    let proxy = proxy();
    let mut stream = connect(&proxy);
    say(&mut stream, b"before");
    hear(&mut stream, b"before");
    proxy.set(Mode::CutAfter(5_000, End::Finish)).unwrap();
    say(&mut stream, &[b'x'; 9_000]);
    // What was on its way to the server makes the kernel reset after the last byte, now and then.
    assert_eq!(drain(&mut stream).0, 5_000);
    until("the connection is gone", || proxy.live() == 0);
}

#[test]
fn cut_after_so_many_bytes_with_rst() {
    let proxy = proxy();
    let mut stream = connect(&proxy);
    proxy.set(Mode::CutAfter(5_000, End::Reset)).unwrap();
    say(&mut stream, &[b'x'; 4_999]);
    hear(&mut stream, &[b'x'; 4_999]);
    say(&mut stream, b"yz");
    let (count, error) = drain(&mut stream);
    assert!(count <= 1, "{count} bytes too many"); // a reset may overtake what was sent
    assert_eq!(error, Some(ErrorKind::ConnectionReset));
}

#[test]
fn all_are_cut_that_there_are_and_none_that_come_later() {
    let proxy = proxy();
    for end in [End::Reset, End::Finish] {
        let mut old: Vec<_> = (0..10).map(|_| connect(&proxy)).collect();
        proxy.cut_all(end).unwrap();
        let mut new = connect(&proxy);
        for stream in &mut old {
            let expected = (end == End::Reset).then_some(ErrorKind::ConnectionReset);
            assert_eq!(drain(stream), (0, expected));
        }
        say(&mut new, b"a");
        hear(&mut new, b"a");
    }
}

#[test]
fn the_peak_of_attempts_at_once() {
    let proxy = proxy();
    proxy.set(Mode::BlackHole).unwrap();
    let mut held: Vec<_> = (0..3).map(|_| connect(&proxy)).collect();
    until("three attempts", || proxy.attempting() == 3);
    proxy.set(Mode::Pass).unwrap();
    for stream in &mut held {
        say(stream, b"a");
        hear(stream, b"a");
    }
    assert_eq!((proxy.attempting(), proxy.peak(), proxy.live()), (0, 3, 3));
    proxy.forget_peak();
    let mut one = connect(&proxy);
    say(&mut one, b"a");
    hear(&mut one, b"a");
    assert_eq!((proxy.peak(), proxy.attempts()), (1, 4));
}

#[test]
fn a_server_that_is_down_is_an_attempt_that_is_reset() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let proxy = Proxy::to(address).unwrap();
    let (count, error) = drain(&mut connect(&proxy));
    assert_eq!((count, error), (0, Some(ErrorKind::ConnectionReset)));
    assert_eq!(proxy.attempts(), 1);
}

#[test]
fn the_end_of_the_server_reaches_the_client_after_its_last_byte() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = Proxy::to(listener.local_addr().unwrap()).unwrap();
    proxy.set(Mode::Delay(Duration::from_millis(50))).unwrap();
    let mut stream = connect(&proxy);
    let (mut served, _) = listener.accept().unwrap();
    served.write_all(b"bye").unwrap();
    drop(served);
    assert_eq!(drain(&mut stream), (3, None));
}

#[test]
fn dropping_the_proxy_ends_its_connections() {
    let proxy = proxy();
    let mut stream = connect(&proxy);
    say(&mut stream, b"a");
    hear(&mut stream, b"a");
    let address = proxy.address();
    drop(proxy);
    assert_eq!(drain(&mut stream).0, 0);
    TcpStream::connect(address).unwrap_err();
}
