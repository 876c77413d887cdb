//! Row 17: newcomers against those who wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use tokio::time::{sleep, timeout};

use crate::contender::Settings;
use crate::judge::{jain, ninth_decile};
use crate::server::Server;
use crate::verdict::{Measures, Verdict, fails, must};
use crate::world::{Grip, Pool, World};

const SECOND: Duration = Duration::from_secs(1);

/// Row 17, shares: for a second, 64 tasks (16 threads) take, use and give back one of four objects, as
/// often as they can. Pools check on hand-out as by default.
///
/// Passes when R. Jain's index of their shares is at least 0.999 for tasks, 0.97 for threads. The best
/// of three tries.
pub(crate) async fn shares(w: World) -> Verdict {
    super::best_of_three(|| one_second(w)).await
}

async fn one_second(w: World) -> Verdict {
    let settings = Settings {
        acquire: 5 * SECOND,
        always_validate: false,
        ..Settings::default()
    };
    let pool = w.open(&Server::default(), settings)?;
    pool.stock(4).await?;
    let (callers, least) = if w.threads() { (16, 0.97) } else { (64, 0.999) };
    let least = asked_for(least);
    let stop = Arc::new(AtomicBool::new(false));
    let shares: Arc<Vec<_>> = Arc::new((0..callers).map(|_| AtomicUsize::new(0)).collect());
    for caller in 0..callers {
        let (here, stop, shares) = (pool.clone(), Arc::clone(&stop), Arc::clone(&shares));
        let threads = w.threads();
        pool.spawn(async move {
            while !stop.load(SeqCst) {
                if let Ok(grip) = here.get().await.map(Grip::new) {
                    use_briefly(threads).await;
                    drop(grip);
                    shares[caller].fetch_add(1, SeqCst);
                }
            }
        });
    }
    sleep(SECOND).await;
    stop.store(true, SeqCst);
    let shares: Vec<usize> = shares.iter().map(|share| share.load(SeqCst)).collect();
    // Who is still waiting gets its turn before the next try.
    sleep(Duration::from_millis(50)).await;
    let index = jain(&shares);
    let turns = |share: Option<&usize>| share.copied().unwrap_or(0);
    let (fewest, most) = (turns(shares.iter().min()), turns(shares.iter().max()));
    let equal = index >= least;
    must!(
        equal,
        "Jain index {index:.4}, at least {least} asked for ({fewest} to {most} turns)"
    );
    Ok(Measures::new())
}

/// The row's own number, in a build that is meant to be measured. A debug build gets round a tenth as
/// often in a second: what chance does weighs more then.
fn asked_for(index: f64) -> f64 {
    if cfg!(debug_assertions) { 0.93 } else { index }
}

/// A task lets others run; a thread computes for 20 µs.
async fn use_briefly(threads: bool) {
    if !threads {
        return tokio::task::yield_now().await;
    }
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_micros(20) {
        std::hint::spin_loop();
    }
}

const ROUNDS: usize = 30;

/// Row 17, overtaking: one caller takes the only object, uses it for a millisecond, gives it back and
/// at once asks again, for ever; another comes and waits; thirty times.
///
/// Passes when in nine rounds of ten the one that waits is overtaken at most once (threads: twice,
/// because a thread stands in line only some time after it began to ask), and always served within a
/// second.
pub(crate) async fn overtaken(w: World) -> Verdict {
    let settings = Settings {
        max_size: 1,
        acquire: 5 * SECOND,
        always_validate: false,
        ..Settings::default()
    };
    let pool = w.open(&Server::default(), settings)?;
    pool.stock(1).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let taken = Arc::new(AtomicUsize::new(0));
    hog(&pool, &stop, &taken);
    let mut overtaken = Vec::new();
    for _ in 0..ROUNDS {
        sleep(Duration::from_millis(5)).await;
        let Some(times) = wait_in_line(&pool, &taken).await else {
            return Err(fails("one who waited was not served within a second"));
        };
        overtaken.push(times);
    }
    stop.store(true, SeqCst);
    let most = 1 + usize::from(w.threads());
    let times = ninth_decile(&overtaken);
    must!(
        times <= most,
        "overtaken {times} times (nine rounds of ten), at worst {}",
        overtaken.iter().max().unwrap_or(&0)
    );
    Ok(Measures::new())
}

fn hog(pool: &Pool, stop: &Arc<AtomicBool>, taken: &Arc<AtomicUsize>) {
    let (here, stop, taken) = (pool.clone(), Arc::clone(stop), Arc::clone(taken));
    pool.spawn(async move {
        while !stop.load(SeqCst) {
            if let Ok(_grip) = here.get().await.map(Grip::new) {
                taken.fetch_add(1, SeqCst);
                sleep(Duration::from_millis(1)).await;
            }
        }
    });
}

/// How often the object was taken by the other since this one stood in line; `None` when a second was
/// not enough.
async fn wait_in_line(pool: &Pool, taken: &Arc<AtomicUsize>) -> Option<usize> {
    let (tell, hear) = tokio::sync::oneshot::channel();
    let (here, taken) = (pool.clone(), Arc::clone(taken));
    pool.spawn(async move {
        let mut get = here.get();
        let mut since = taken.load(SeqCst);
        let mut in_line = false;
        let got = std::future::poll_fn(|cx| {
            let polled = get.as_mut().poll(cx);
            if polled.is_pending() && !in_line {
                since = taken.load(SeqCst);
                in_line = true;
            }
            polled
        });
        if let Ok(_grip) = got.await.map(Grip::new) {
            let _nobody_asks = tell.send(taken.load(SeqCst) - since);
        }
    });
    timeout(SECOND, hear).await.ok()?.ok()
}
