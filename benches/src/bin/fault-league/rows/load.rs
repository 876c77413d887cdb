//! Rows 15, 16 and 27: more callers than objects, for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::time::{sleep, sleep_until};

use crate::contender::{Feature, Lack, Settings};
use crate::memory;
use crate::server::{Act, Callback, Server};
use crate::verdict::{Judgement, Measures, Verdict, must};
use crate::world::{Answer, Grip, Pool, SLACK, World};

const SECOND: Duration = Duration::from_secs(1);

/// How many of those who came were served.
#[derive(Default)]
struct Tally {
    came: AtomicUsize,
    served: AtomicUsize,
}

/// So many callers a second, evenly, for so long; each uses what it gets for 10 ms.
async fn arrivals(pool: &Pool, per_second: u32, span: Duration) -> Arc<Tally> {
    /// The acquire timeout, and something for the machine.
    const IN_TIME: Duration = Duration::from_millis(150 + 150);
    let tally = Arc::new(Tally::default());
    let begun = tokio::time::Instant::now();
    let gap = SECOND / per_second;
    let count = (span.as_secs_f64() * f64::from(per_second)) as u32;
    for number in 0..count {
        sleep_until(begun + gap * number).await;
        let (pool, caller, tally) = (pool.clone(), pool.clone(), Arc::clone(&tally));
        tally.came.fetch_add(1, SeqCst);
        caller.spawn(async move {
            let begun = Instant::now();
            let got = pool.get().await.map(Grip::new);
            if let Ok(grip) = got
                && begun.elapsed() < IN_TIME
            {
                tally.served.fetch_add(1, SeqCst);
                sleep(Duration::from_millis(10)).await;
                drop(grip);
            }
        });
    }
    tally
}

/// Row 15: four objects, each use takes 10 ms and the validation before it 30 ms, so that 100 callers
/// a second can be served; a new object takes 100 ms, an acquire may take 150 ms. For two seconds 300
/// callers come a second, then 50 for two and a half.
///
/// Passes when in the last second and a half at least 95 in 100 are served, and at most one object is
/// made anew for every ten callers served in the storm: those whose time is nearly up do not cost
/// others their object.
pub(crate) async fn saturated(w: World) -> Verdict {
    let settings = Settings {
        acquire: Duration::from_millis(150),
        create: Duration::from_secs(2),
        ..Settings::default()
    };
    let server = Server::default();
    let pool = w.open(&server, settings)?;
    pool.stock(4).await?;
    server.always(Callback::Create, Act::Slow(Duration::from_millis(100)));
    server.always(Callback::Validate, Act::Slow(Duration::from_millis(30)));
    let made = server.made();
    let storm = arrivals(&pool, 300, 2 * SECOND).await;
    let (remade, served) = (server.made() - made, storm.served.load(SeqCst));
    drop(arrivals(&pool, 50, SECOND).await);
    let calm = arrivals(&pool, 50, SECOND * 3 / 2).await;
    sleep(SLACK).await;
    let (came, well) = (calm.came.load(SeqCst), calm.served.load(SeqCst));
    must!(
        well * 100 >= came * 95,
        "{well} of {came} served after the storm had passed"
    );
    must!(
        remade * 10 <= served as u64,
        "{remade} objects made anew while {served} callers were served"
    );
    Ok(Measures::new())
}

/// Row 16: 10 000 tasks (where callers are threads: 200) wait for one object until their time is up;
/// three times.
///
/// Passes when each gets a typed error within a second of its deadline; memory in use after the third
/// time is at most 64 KiB above that after the first; and an object that comes back to 1 000 waiting
/// futures wakes at most two of them.
pub(crate) async fn all_time_out(w: World) -> Verdict {
    let callers = if w.threads() { 200 } else { 10_000 };
    let settings = Settings {
        max_size: 1,
        acquire: SECOND,
        ..Settings::default()
    };
    let pool = w.open(&Server::default(), settings)?;
    let held = pool.ask(SECOND).await.grip()?;
    let mut after = Vec::new();
    for _ in 0..3 {
        storm(&pool, callers).await?;
        after.push(memory::in_use());
    }
    drop(held);
    let grown = after[2].saturating_sub(after[0]) / 1024;
    must!(grown <= 64, "{grown} KiB more in use after every storm");
    pool.nothing_lost().await?;
    if w.has(Feature::Future) {
        few_are_woken(w).await?;
    }
    Ok(Measures::new())
}

async fn storm(pool: &Pool, callers: usize) -> Result<(), Judgement> {
    let calls: Vec<_> = (0..callers).map(|_| pool.call()).collect();
    let answers = calls.into_iter().map(|call| call.answer(3 * SECOND));
    for answer in join_all(answers).await {
        let late = !answer.is_back_within(2 * SECOND);
        let error = matches!(answer, Answer::Refused(Lack::TimedOut(_), _));
        must!(error && !late, "one of {callers} {}", answer.words());
    }
    // Who answered may not have quite ended.
    sleep(Duration::from_millis(50)).await;
    Ok(())
}

struct Counting(AtomicUsize);

impl Wake for Counting {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

async fn few_are_woken(w: World) -> Result<(), Judgement> {
    let settings = Settings {
        max_size: 1,
        acquire: 30 * SECOND,
        ..Settings::default()
    };
    let pool = w.open(&Server::default(), settings)?;
    let held = pool.ask(SECOND).await.grip()?;
    let woken = Arc::new(Counting(AtomicUsize::new(0)));
    let waker = Waker::from(Arc::clone(&woken));
    let mut waiting = Vec::new();
    for _ in 0..1000 {
        let mut get = pool.future();
        let polled = get.as_mut().poll(&mut Context::from_waker(&waker));
        must!(polled.is_pending(), "an object was handed out twice");
        waiting.push(get);
    }
    woken.0.store(0, SeqCst);
    drop(held);
    sleep(Duration::from_millis(100)).await;
    let count = woken.0.load(SeqCst);
    must!(count <= 2, "one object came back, and {count} were woken");
    Ok(())
}

const CALLERS: usize = 50;

/// Row 27: five idle objects of at most 50; 50 callers at once, each uses its object for 2 ms; a new one
/// takes 150 ms.
///
/// Passes when all are served within 25 ms (times four, for a machine with other things to do: still
/// before a new object can be there) and at most one object is made. The best of three tries.
pub(crate) async fn spike(w: World) -> Verdict {
    super::best_of_three(|| one_spike(w)).await
}

async fn one_spike(w: World) -> Verdict {
    let settings = Settings {
        max_size: CALLERS,
        min_idle: 5 * usize::from(w.has(Feature::MinIdle)),
        acquire: 5 * SECOND,
        create: SECOND,
        always_validate: false,
        ..Settings::default()
    };
    let server = Server::default();
    let pool = w.open(&server, settings)?;
    pool.stock(5).await?;
    server.always(Callback::Create, Act::Slow(Duration::from_millis(150)));
    let begun = server.calls(Callback::Create);
    let last = Arc::new(AtomicUsize::new(0));
    let served = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    for _ in 0..CALLERS {
        let (here, last, served) = (pool.clone(), Arc::clone(&last), Arc::clone(&served));
        pool.spawn(async move {
            if let Ok(_grip) = here.get().await.map(Grip::new) {
                let took = usize::try_from(start.elapsed().as_millis()).unwrap_or(usize::MAX);
                last.fetch_max(took, SeqCst);
                served.fetch_add(1, SeqCst);
                sleep(Duration::from_millis(2)).await;
            }
        });
    }
    crate::world::until(2 * SECOND, || served.load(SeqCst) == CALLERS).await;
    let (served, last) = (served.load(SeqCst), last.load(SeqCst));
    let more = server.calls(Callback::Create) - begun;
    must!(served == CALLERS, "{served} of {CALLERS} served within 2 s");
    must!(
        more <= 1 && last <= 100,
        "{more} more objects were made, the last was served after {last} ms"
    );
    Ok(Measures::new())
}
