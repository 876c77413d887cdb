//! Whether all who subscribed are told, and nobody else pays for it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::any::TypeId;
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::key::Key;
use crate::scope::Scope;

fn of(scope: &Scope) -> Subject {
    Subject {
        key: Key::new("db").unwrap(),
        scope: scope.clone(),
        resource: TypeId::of::<()>(),
    }
}

fn tell(events: &Events, subject: &Subject, generation: u64) {
    events.tell(subject, || EventKind::Reloaded { generation });
}

fn number(event: &ResourceEvent) -> u64 {
    match event.kind {
        EventKind::Reloaded { generation } => generation,
        ref other => panic!("{other:?}"),
    }
}

/// All that is to be heard without waiting: the numbers, and how many were lost.
fn heard(subscription: &mut Subscription) -> (Vec<u64>, u64) {
    let (mut numbers, mut losses) = (Vec::new(), 0);
    loop {
        match subscription.try_recv() {
            Ok(event) => numbers.push(number(&event)),
            Err(TryRecvError::Lagged { lost }) => losses += lost,
            Err(_) => return (numbers, losses),
        }
    }
}

#[test]
fn everybody_hears_everything_from_then_on() {
    let (events, db) = (Events::new(), of(&Scope::GLOBAL));
    let mut one = events.subscribe();
    tell(&events, &db, 1);
    let mut two = events.clone().subscribe();
    tell(&events, &db, 2);
    assert_eq!(events.subscribers(), 2);
    assert_eq!(heard(&mut one), (vec![1, 2], 0));
    assert_eq!(heard(&mut two), (vec![2], 0));
}

#[test]
fn without_subscribers_nothing_is_even_put_together() {
    let (events, db) = (Events::new(), of(&Scope::GLOBAL));
    let nobody = || panic!("an event for nobody");
    events.tell(&db, nobody);
    drop(events.subscribe());
    assert_eq!(events.subscribers(), 0);
    events.tell(&db, nobody);
    let other = Filter::all().key(Key::new("cache").unwrap());
    let _uninterested = events.subscribe_to(other, 8);
    events.tell(&db, nobody);
}

#[test]
fn who_is_slow_loses_the_oldest_and_is_told_how_many() {
    let (events, db) = (Events::new(), of(&Scope::GLOBAL));
    let mut slow = events.subscribe_to(Filter::all(), 4);
    let mut prompt = events.subscribe_to(Filter::all(), 4);
    for n in 0..10 {
        tell(&events, &db, n);
        assert_eq!(number(&prompt.try_recv().unwrap()), n);
    }
    assert_eq!(
        slow.try_recv().err(),
        Some(TryRecvError::Lagged { lost: 6 })
    );
    assert_eq!(heard(&mut slow), (vec![6, 7, 8, 9], 0), "told once");
    assert_eq!(heard(&mut prompt), (vec![], 0));
}

#[test]
fn who_never_listens_keeps_no_more_than_its_backlog() {
    let (events, db) = (Events::new(), of(&Scope::GLOBAL));
    let mut deaf = events.subscribe_to(Filter::all(), 0);
    for n in 0..1000 {
        tell(&events, &db, n);
    }
    assert_eq!(deaf.inbox.len(), 1);
    assert_eq!(heard(&mut deaf), (vec![999], 999));
}

/// A tenant hears of nobody else, and loses nothing to somebody else's traffic.
#[test]
fn tenants_do_not_hear_or_crowd_out_each_other() {
    let events = Events::new();
    let [acme, globex] = ["acme", "globex"].map(|id| Scope::tenant(id).unwrap());
    let mut theirs = events.subscribe_to(Filter::all().within(acme.clone()), 4);
    tell(&events, &of(&acme.workflow("w").unwrap()), 1);
    for n in 0..100 {
        tell(&events, &of(&globex), n);
        tell(&events, &of(&Scope::GLOBAL), n);
    }
    tell(&events, &of(&acme), 2);
    assert_eq!(heard(&mut theirs), (vec![1, 2], 0));
}

#[test]
fn the_end_comes_after_everything_else() {
    let (events, db) = (Events::new(), of(&Scope::GLOBAL));
    let mut subscription = events.subscribe();
    tell(&events, &db, 1);
    drop(events);
    assert_eq!(number(&subscription.recv_blocking().unwrap()), 1);
    assert_eq!(subscription.recv_blocking().err(), Some(RecvError::Closed));
    assert_eq!(subscription.try_recv().err(), Some(TryRecvError::Closed));
}

#[test]
fn who_waits_is_woken_by_an_event_and_by_the_end() {
    let (events, db) = (Events::new(), of(&Scope::GLOBAL));
    let mut subscription = events.subscribe();
    let (tell_them, told) = std::sync::mpsc::channel();
    let waiting = thread::spawn(move || {
        loop {
            let heard = subscription.recv_blocking().map(|event| number(&event));
            let is_end = heard.is_err();
            tell_them.send(heard).unwrap();
            if is_end {
                return;
            }
        }
    });
    for n in 0..1000 {
        tell(&events, &db, n);
        assert_eq!(
            told.recv().unwrap(),
            Ok(n),
            "one at a time: each time it waits"
        );
    }
    drop(events);
    assert_eq!(told.recv().unwrap(), Err(RecvError::Closed));
    waiting.join().unwrap();
}

/// The next event comes just when the subscriber, having heard the last one, goes to sleep: each
/// time it is heard.
#[test]
fn no_event_comes_between_looking_and_sleeping() {
    const TOLD: u64 = 20_000;
    let (events, db) = (Events::new(), of(&Scope::GLOBAL));
    let mut subscription = events.subscribe();
    let heard = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&heard);
    let listener = thread::spawn(move || {
        while subscription.recv_blocking().is_ok() {
            let n = counts.fetch_add(1, Ordering::Release);
            // Sooner or later: at some moment in between the next one comes.
            (0..n % 300).for_each(|i| _ = black_box(i));
        }
    });
    for n in 0..TOLD {
        tell(&events, &db, n);
        let end = Instant::now() + Duration::from_secs(60);
        while heard.load(Ordering::Acquire) as u64 <= n {
            assert!(Instant::now() < end, "event {n} was never heard");
            std::hint::spin_loop();
        }
    }
    drop(events);
    listener.join().unwrap();
}

/// Told = heard + lost, whoever overtakes whom.
#[test]
fn nothing_is_lost_without_being_counted() {
    const TOLD: u64 = 5_000;
    let (events, db) = (Events::new(), of(&Scope::GLOBAL));
    let mut subscription = events.subscribe_to(Filter::all(), 16);
    let begin = Barrier::new(3);
    let (heard, all) = thread::scope(|scope| {
        for _ in 0..2 {
            let (events, begin, db) = (events.clone(), &begin, &db);
            scope.spawn(move || {
                begin.wait();
                (0..TOLD).for_each(|n| tell(&events, db, n));
            });
        }
        begin.wait();
        drop(events);
        let (mut heard, mut all_lost) = (0, 0);
        loop {
            match subscription.recv_blocking() {
                Ok(_) => heard += 1,
                Err(RecvError::Lagged { lost }) => all_lost += lost,
                Err(RecvError::Closed) => return (heard, heard + all_lost),
            }
        }
    });
    assert_eq!(all, 2 * TOLD);
    assert!(heard >= 16, "at the end its backlog was full");
}

struct Bomb;

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {
        panic!("a hostile waker");
    }
}

#[test]
fn a_hostile_waker_harms_nobody() {
    let (events, db) = (Events::new(), of(&Scope::GLOBAL));
    let mut hostile = events.subscribe();
    let mut other = events.subscribe();
    {
        let waker = Waker::from(Arc::new(Bomb));
        let mut waiting = pin!(hostile.recv());
        assert!(
            waiting
                .as_mut()
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        tell(&events, &db, 1);
        tell(&events, &db, 2);
    }
    assert_eq!(heard(&mut other), (vec![1, 2], 0));
    assert_eq!(
        heard(&mut hostile),
        (vec![1, 2], 0),
        "nothing was lost with the wait"
    );
}

#[test]
fn times_are_told_and_debug_shows_no_events() {
    let (events, db) = (Events::new(), of(&Scope::GLOBAL));
    let mut subscription = events.subscribe();
    let before = SystemTime::now();
    tell(&events, &db, 1);
    assert_eq!(format!("{events:?}"), "Events { subscribers: 1 }");
    assert!(format!("{subscription:?}").contains("behind: 1"));
    assert!(subscription.try_recv().unwrap().at >= before);
}
