//! The keeper, round by round with the test in its place, and then with a thread of its own.

use std::sync::{Arc, mpsc};
use std::time::Instant;

use super::super::testing::{LONG, bell};
use super::*;

/// A keeper with a thread of its own, or with one that the test stands in for, or with none.
fn keeper(start: Start) -> &'static Keeper {
    Box::leak(Box::new(Keeper::new(start)))
}

fn in_person(_: &'static Keeper) -> io::Result<Thread> {
    Ok(thread::current())
}

fn nobody(_: &'static Keeper) -> io::Result<Thread> {
    Err(io::ErrorKind::WouldBlock.into())
}

/// A log, and wakers that write in it.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u32>>>);

impl Log {
    fn waker(&self, number: u32) -> Waker {
        let log = self.clone();
        bell(move || log.0.lock().unwrap().push(number))
    }

    fn read(&self) -> Vec<u32> {
        self.0.lock().unwrap().clone()
    }
}

#[test]
fn it_moves_coarse_time_on_for_one_shift_and_then_parks() {
    let keeper = keeper(in_person);
    let mut shift = None;
    let mut now = keeper.coarse();
    let mut rounds = 0;
    while keeper.coarse.fresh().is_some() {
        let until = keeper.round(&mut shift, now);
        let resting = keeper.coarse.fresh().is_none();
        assert_eq!(
            until,
            if resting {
                Tick::NEVER
            } else {
                now.after(PERIOD)
            }
        );
        assert!(resting || keeper.coarse.fresh() == Some(now));
        (now, rounds) = (now.after(PERIOD), rounds + 1);
    }
    assert_eq!(rounds, 9);
    assert_eq!(keeper.round(&mut shift, now), Tick::NEVER);
}

#[test]
fn reading_coarse_time_after_a_rest_is_precise_and_begins_a_new_shift() {
    let keeper = keeper(in_person);
    let mut shift = None;
    for _ in 0..3 {
        let before = precise::now();
        assert!(keeper.coarse() >= before);
        assert_ne!(keeper.round(&mut shift, precise::now()), Tick::NEVER);
        keeper.coarse.give_up();
        assert_eq!(keeper.round(&mut shift, precise::now()), Tick::NEVER);
    }
}

#[test]
fn alarms_ring_when_due_in_order_and_decide_how_long_it_rests() {
    let (keeper, log, mut shift) = (keeper(in_person), Log::default(), None);
    let at = |millis| precise::ORIGIN.after(Duration::from_millis(millis));
    for (number, millis) in [(3, 30), (1, 10), (2, 20)] {
        keeper.register(at(millis), log.waker(number));
    }
    assert_eq!(keeper.round(&mut shift, at(5)), at(10));
    assert_eq!(keeper.round(&mut shift, at(25)), Tick::ZERO);
    assert_eq!(log.read(), [1, 2]);
    assert_eq!(keeper.round(&mut shift, at(25)), at(30));
    assert_eq!(keeper.round(&mut shift, at(30)), Tick::ZERO);
    assert_eq!(keeper.round(&mut shift, at(30)), Tick::NEVER);
    assert_eq!(log.read(), [1, 2, 3]);
}

#[test]
fn an_alarm_set_by_a_waker_is_seen_before_it_parks() {
    let (keeper, log, mut shift) = (keeper(in_person), Log::default(), None);
    let (at, chained) = (precise::ORIGIN, log.waker(1));
    let ring = move || keeper.register(at, chained.clone());
    keeper.register(at, bell(ring));
    assert_eq!(keeper.round(&mut shift, at), Tick::ZERO);
    assert_eq!(keeper.round(&mut shift, at), Tick::ZERO);
    assert_eq!(log.read(), [1]);
}

#[test]
fn a_panicking_waker_harms_nobody_else() {
    let (keeper, log) = (keeper(in_person), Log::default());
    keeper.register(Tick::ZERO, bell(|| panic!("a waker")));
    keeper.register(Tick::ZERO, log.waker(1));
    keeper.round(&mut None, precise::ORIGIN);
    assert_eq!(log.read(), [1]);
}

#[test]
fn an_earlier_alarm_wakes_a_keeper_that_rests_for_a_later_one() {
    let (keeper, log) = (keeper(start), Log::default());
    let (tell, told) = mpsc::channel();
    keeper.register(precise::now().after(LONG * 60), log.waker(1));
    thread::sleep(Duration::from_millis(20));
    keeper.register(precise::now().after(Duration::from_millis(5)), {
        bell(move || tell.send(()))
    });
    told.recv_timeout(LONG).unwrap();
    assert!(log.read().is_empty());
}

#[test]
fn no_alarm_is_lost_to_a_keeper_that_is_going_to_rest() {
    let keeper = keeper(start);
    for micros in 0..2_000_u64 {
        let (tell, told) = mpsc::channel();
        let at = precise::now().after(Duration::from_micros(micros % 50));
        keeper.register(at, bell(move || tell.send(())));
        told.recv_timeout(LONG).unwrap();
    }
}

#[test]
fn a_waker_that_parks_the_keepers_thread_swallows_no_wake_up() {
    let keeper = keeper(start);
    for _ in 0..200 {
        let (tell, told) = mpsc::channel();
        keeper.register(
            Tick::ZERO,
            bell(|| thread::park_timeout(Duration::from_micros(50))),
        );
        keeper.register(Tick::ZERO, bell(move || tell.send(())));
        told.recv_timeout(LONG).unwrap();
    }
}

#[test]
fn its_thread_rests_by_itself_and_comes_back_when_time_is_read() {
    let keeper = keeper(start);
    let rest = |begun: Instant| {
        while keeper.coarse.fresh().is_some() {
            assert!(begun.elapsed() < LONG, "still at work");
            thread::sleep(Duration::from_millis(10));
        }
    };
    let first = keeper.coarse();
    rest(Instant::now());
    let before = precise::now();
    let revived = keeper.coarse();
    assert!(first < before && before <= revived);
    let begun = Instant::now();
    while keeper.coarse() == revived {
        assert!(begun.elapsed() < LONG, "a stopped clock");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn without_a_thread_time_is_precise_and_alarms_ring_at_once() {
    let (keeper, log) = (keeper(nobody), Log::default());
    for _ in 0..3 {
        let before = precise::now();
        assert!(keeper.coarse() >= before);
    }
    assert_eq!(keeper.register(Tick::NEVER, log.waker(1)), None);
    assert_eq!(log.read(), [1]);
}

#[test]
fn it_asks_for_a_thread_again_after_a_while_and_not_before() {
    let keeper = keeper(nobody);
    keeper.coarse();
    let retry_at = *lock(&keeper.retry_at);
    assert!(retry_at > precise::ORIGIN);
    *lock(&keeper.retry_at) = Tick::NEVER;
    keeper.coarse();
    assert_eq!(*lock(&keeper.retry_at), Tick::NEVER);
    *lock(&keeper.retry_at) = Tick::ZERO;
    keeper.coarse();
    assert!(*lock(&keeper.retry_at) >= retry_at);
}
