//! The system clock as its users see it; how the keeper goes about it is tested beside it.

use std::sync::{Arc, mpsc};
use std::task::Waker;
use std::thread;
use std::time::{Duration, Instant};

use super::testing::{LONG, bell};
use super::{Clock, ManualClock};
use crate::park::block_on;
use crate::tick::Tick;

#[test]
fn an_alarm_rings_on_the_keepers_thread_and_not_too_early() {
    let clock = Clock::system();
    let at = clock.now().after(Duration::from_millis(20));
    let (tell, told) = mpsc::channel();
    let keeper = clock.clone();
    let ring = move || tell.send((keeper.now(), thread::current().name().map(str::to_owned)));
    clock.wake_at(at, bell(ring));
    let (rung, name) = told.recv_timeout(LONG).unwrap();
    assert!(rung >= at);
    assert_eq!(name.as_deref(), Some("nebula-clock"));
}

#[test]
fn an_alarm_in_the_past_rings_too_and_not_within_the_call() {
    let (tell, told) = mpsc::channel();
    Clock::system().wake_at(Tick::ZERO, bell(move || tell.send(thread::current().id())));
    assert_ne!(told.recv_timeout(LONG).unwrap(), thread::current().id());
}

#[test]
fn a_cancelled_alarm_lets_go_of_its_waker() {
    let clock = Clock::system();
    let held = Arc::new(());
    let inside = Arc::clone(&held);
    let waker = bell(move || Arc::clone(&inside));
    let alarm = clock.wake_at(clock.now().after(LONG * 60), waker);
    assert_eq!(Arc::strong_count(&held), 2);
    assert!(clock.cancel(alarm));
    assert_eq!(Arc::strong_count(&held), 1);
    assert!(!clock.cancel(alarm));
}

#[test]
fn coarse_time_is_never_ahead_and_never_runs_backwards() {
    let clock = Clock::system();
    let mut last = Tick::ZERO;
    let end = clock.now().after(Duration::from_millis(600));
    while clock.now() < end {
        let coarse = clock.coarse();
        assert!(last <= coarse && coarse <= clock.now());
        last = coarse;
    }
}

#[test]
fn sleeps_end_when_their_time_has_come_however_many_there_are() {
    let clock = Clock::system();
    thread::scope(|scope| {
        for millis in [0, 1, 5, 5, 20, 40] {
            let clock = &clock;
            scope.spawn(move || {
                let begun = Instant::now();
                block_on(clock.sleep(Duration::from_millis(millis)));
                assert!(begun.elapsed() >= Duration::from_millis(millis));
            });
        }
    });
}

#[test]
fn deadlines_of_the_system_clock_are_exact() {
    let clock = Clock::default();
    let (instant, span) = (Instant::now(), Duration::from_secs(90));
    let at = clock.deadline(instant);
    assert_eq!(clock.deadline(instant + span), at.after(span));
    assert!(at <= clock.now());
}

#[test]
fn deadlines_of_a_manual_clock_are_as_far_off_as_the_real_ones() {
    let hand = ManualClock::new();
    let clock = Clock::from(&hand);
    let ahead = clock.deadline(Instant::now() + LONG);
    assert!(ahead > clock.now() && ahead <= clock.now().after(LONG));
    let past = Instant::now();
    assert!(clock.deadline(past) <= clock.now());
}

#[test]
fn never_never_comes() {
    let clock = Clock::system();
    let alarm = clock.wake_at(Tick::NEVER, Waker::noop().clone());
    assert!(clock.cancel(alarm));
    assert_eq!(clock.sleep(Duration::MAX).at(), Tick::NEVER);
}

#[test]
fn jitter_of_the_system_clock_varies() {
    let clock = Clock::system();
    let first = clock.jitter();
    assert!((0..100).any(|_| clock.jitter() != first));
}

#[test]
fn clocks_and_sleeps_may_cross_threads() {
    fn crosses<T: Send + Sync + Unpin + 'static>() {}
    crosses::<Clock>();
    crosses::<ManualClock>();
    crosses::<super::Sleep>();
}
