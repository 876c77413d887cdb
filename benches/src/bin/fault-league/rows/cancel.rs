//! Rows 5, 6 and 29: acquires that are dropped half way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use futures::future::join_all;
use tokio::time::sleep;

use crate::contender::{Asked, Feature, Settings};
use crate::server::{Act, Callback, Server};
use crate::verdict::{Judgement, Measures, Verdict, fails, must};
use crate::world::{Answer, Grip, Pool, SLACK, World, until};

const ACTS: [(Act, &str); 4] = [
    (Act::Good, "ok"),
    (Act::Fail, "err"),
    (Act::Slow(Duration::from_millis(4)), "slow"),
    (Act::Hang, "hang"),
];

#[derive(Clone, Copy, Debug)]
enum Start {
    Empty,
    Idle,
    Full,
}

const POLLS: usize = 5;

/// Row 5: an acquire is polled k times, for every k up to five, with time for what runs in the
/// background in between, and dropped; with every combination of `create` and validation being ok,
/// failing, slow or hanging, on a pool of two that is empty, has an idle object, or is full.
///
/// Passes when after each of the 48 combinations both places can be used.
pub(crate) async fn dropped_anywhere(w: World) -> Verdict {
    w.needs(Feature::Future)?;
    let mut cases = Vec::new();
    for create in ACTS {
        for validate in ACTS {
            for start in [Start::Empty, Start::Idle, Start::Full] {
                cases.push((create, validate, start));
            }
        }
    }
    let count = cases.len();
    let mut failed = Vec::new();
    for some in cases.chunks(12) {
        let ended = some.iter().map(|case| async {
            let (create, validate, start) = *case;
            let held = combination(w, create.0, validate.0, start).await;
            let what = format!("create {}, validate {}, {start:?}", create.1, validate.1);
            held.err().map(|judgement| (what, judgement))
        });
        failed.extend(join_all(ended).await.into_iter().flatten());
        if !failed.is_empty() {
            break;
        }
    }
    let Some((what, first)) = failed.first() else {
        return Ok(Measures::new());
    };
    let why = match first {
        Judgement::Fails(why, _) => why,
        Judgement::NotApplicable(why) => *why,
    };
    let bad = failed.len();
    let text = format!("at least {bad} of {count} combinations; {what}: {why}");
    Err(fails(text))
}

async fn combination(w: World, create: Act, validate: Act, start: Start) -> Result<(), Judgement> {
    let server = Server::default();
    let settings = Settings {
        max_size: 2,
        create: Duration::from_millis(100),
        validate: Duration::from_millis(100),
        ..Settings::default()
    };
    let pool = w.open(&server, settings)?;
    let mut held = Vec::new();
    match start {
        Start::Empty => {}
        Start::Idle => pool.stock(1).await?,
        Start::Full => held = pool.take(2, Duration::from_secs(2)).await.map_err(fails)?,
    }
    server.always(Callback::Create, create);
    server.always(Callback::Validate, validate);
    for polls in 0..=POLLS {
        drop(polled(&pool, polls).await);
    }
    server.heal();
    drop(held);
    pool.no_place_lost().await
}

/// An acquire after so many polls: the future, and what it resolved to if it did.
async fn polled(pool: &Pool, polls: usize) -> (Asked, Option<Grip>) {
    let mut get = pool.future();
    for _ in 0..polls {
        let polled = get.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(got) = polled {
            return (get, got.ok().map(Grip::new));
        }
        sleep(Duration::from_millis(2)).await;
    }
    (get, None)
}

const ROUNDS: usize = 150;

/// Row 6: a pool of one; somebody holds the object, A waits, then B. The object comes back, and A is
/// cancelled in that instant: before it is polled again (its future is dropped), on another thread
/// at the same time, or, where callers are threads, because its time is up. 150 rounds of each that
/// the API can express.
///
/// Passes when B is served within a second in every round.
pub(crate) async fn cancelled_when_woken(w: World) -> Verdict {
    if w.has(Feature::Future) {
        for round in 0..ROUNDS {
            future_dropped(w, round % 2 == 0).await?;
        }
    }
    if w.threads() {
        for round in 0..ROUNDS {
            thread_timed_out(w, round).await?;
        }
    }
    Ok(Measures::new())
}

fn one() -> Settings {
    Settings {
        max_size: 1,
        acquire: Duration::from_secs(5),
        ..Settings::default()
    }
}

async fn future_dropped(w: World, in_order: bool) -> Result<(), Judgement> {
    let pool = w.open(&Server::default(), one())?;
    let held = pool.ask(Duration::from_secs(1)).await.grip()?;
    let mut a = pool.future();
    let first = a.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    must!(first.is_pending(), "an object was handed out twice");
    let b = pool.call();
    sleep(Duration::from_millis(2)).await;
    if in_order {
        drop(held);
        drop(a);
    } else {
        let runtime = tokio::runtime::Handle::current();
        let other = std::thread::spawn(move || {
            let _within = runtime.enter();
            drop(held);
        });
        drop(a);
        must!(other.join().is_ok(), "giving back panicked");
    }
    served(b).await
}

async fn thread_timed_out(w: World, round: usize) -> Result<(), Judgement> {
    let pool = w.open(&Server::default(), one())?;
    let held = pool.ask(Duration::from_secs(1)).await.grip()?;
    let a = pool.call_within(Duration::from_millis(3));
    sleep(Duration::from_millis(1)).await;
    let b = pool.call();
    // About when A's time is up, a little earlier or later each time.
    sleep(Duration::from_micros(1000 + 20 * (round as u64 % 75))).await;
    drop(held);
    drop(a.answer(Duration::from_secs(1)).await);
    served(b).await
}

async fn served(b: crate::world::Call) -> Result<(), Judgement> {
    let answer = b.answer(Duration::from_secs(1) + SLACK).await;
    let got = matches!(answer, Answer::Served(..));
    must!(got, "the next waiter {}", answer.words());
    Ok(())
}

struct Counting(AtomicUsize);

impl Wake for Counting {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Row 29: a pool of one, in use; an acquire is polled with one waker, moved, polled with another.
///
/// Passes when the object's return wakes the second waker within a second, so that who polls whenever
/// that is called gets it; and when a future that was treated likewise and dropped costs the next waiter nothing.
pub(crate) async fn moved_between_tasks(w: World) -> Verdict {
    w.needs(Feature::Future)?;
    let pool = w.open(&Server::default(), one())?;
    let held = pool.ask(Duration::from_secs(1)).await.grip()?;
    let (second, mut get) = twice_polled(&pool).await?;
    drop(held);
    let held = woken(&second, &mut get).await?;
    drop(get);

    let (_second, get) = twice_polled(&pool).await?;
    let b = pool.call();
    sleep(Duration::from_millis(5)).await;
    drop(held);
    drop(get);
    served(b).await?;
    pool.nothing_lost().await?;
    Ok(Measures::new())
}

/// What a future resolves to that is polled each time this waker was called, and only then.
async fn woken(waker: &Arc<Counting>, get: &mut Asked) -> Result<Grip, Judgement> {
    let mut calls = 0;
    loop {
        let called = until(Duration::from_secs(1), || waker.0.load(SeqCst) > calls).await;
        must!(called, "the task that polled it last was not woken");
        calls = waker.0.load(SeqCst);
        let again = Waker::from(Arc::clone(waker));
        match get.as_mut().poll(&mut Context::from_waker(&again)) {
            Poll::Ready(got) => return got.map(Grip::new).map_err(|lack| fails(lack.text())),
            Poll::Pending => {}
        }
    }
}

/// A future that was polled by one task, moved, and polled by another, whose waker is answered.
async fn twice_polled(pool: &Pool) -> Result<(Arc<Counting>, Asked), Judgement> {
    let mut get = pool.future();
    let wakers = [(); 2].map(|()| Arc::new(Counting(AtomicUsize::new(0))));
    for waker in &wakers {
        let waker = Waker::from(Arc::clone(waker));
        let polled = get.as_mut().poll(&mut Context::from_waker(&waker));
        must!(polled.is_pending(), "an object was handed out twice");
        sleep(Duration::from_millis(2)).await;
    }
    let [_first, second] = wakers;
    Ok((second, get))
}
