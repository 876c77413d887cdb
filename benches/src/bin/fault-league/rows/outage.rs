//! Rows 12 and 30: a server that is down and comes back, under load from many callers.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::contender::Settings;
use crate::server::{Act, Callback, Server};
use crate::verdict::{Judgement, Measures, Verdict};
use crate::world::{Grip, Pool, World, until};

/// Callers that try again and again.
const CALLERS: usize = 64;

/// Not a length after which a doubling pause happens to end: whoever doubles from 400 ms tries next
/// at 6 s.
const OUTAGE: Duration = Duration::from_secs(4);

/// What the row allows, and a quarter of a second for a machine with other things to do.
const SERVED_WITHIN: f64 = 1.25;

pub(crate) const ATTEMPTS: &str = "attempts";
pub(crate) const PEAK: &str = "at once";
pub(crate) const RATE: &str = "per second";
pub(crate) const FIRST: &str = "first served";
pub(crate) const LAST: &str = "last served";
pub(crate) const SERVED: &str = "served";

/// As pools have them by default.
fn defaults() -> Settings {
    Settings {
        max_size: 10,
        acquire: Duration::from_secs(30),
        create: Duration::from_secs(10),
        validate: Duration::from_secs(1),
        always_validate: false,
        ..Settings::default()
    }
}

#[derive(Default)]
struct Crowd {
    stop: AtomicBool,
    recovered: OnceLock<Instant>,
    /// Microseconds after the recovery, plus one; zero: not yet.
    served: Vec<AtomicU64>,
}

impl Crowd {
    fn gather(pools: &[Pool]) -> Arc<Self> {
        let served = (0..CALLERS).map(|_| AtomicU64::new(0)).collect();
        let crowd = Arc::new(Self {
            served,
            ..Self::default()
        });
        for (caller, pool) in (0..CALLERS).zip(pools.iter().cycle()) {
            pool.spawn(Arc::clone(&crowd).call(pool.clone(), caller));
        }
        crowd
    }

    /// One caller's life: takes an object, uses it for 5 ms, and again. An object that does not work
    /// is seen to be broken, as a driver sees it; after that, and after an error, the caller tries
    /// again in 10 ms.
    async fn call(self: Arc<Self>, pool: Pool, caller: usize) {
        while !self.stop.load(SeqCst) {
            let Ok(grip) = pool.get().await.map(Grip::new) else {
                sleep(Duration::from_millis(10)).await;
                continue;
            };
            if !grip.is_live() {
                grip.break_down();
                drop(grip);
                sleep(Duration::from_millis(10)).await;
                continue;
            }
            self.was_served(caller);
            sleep(Duration::from_millis(5)).await;
        }
    }

    fn was_served(&self, caller: usize) {
        if let Some(recovered) = self.recovered.get() {
            let after = recovered.elapsed().as_micros();
            let after = u64::try_from(after).unwrap_or(u64::MAX);
            let _not_the_first =
                self.served[caller].compare_exchange(0, after.saturating_add(1), SeqCst, SeqCst);
        }
    }

    /// When callers were first served after the recovery, in order; those who were not are missing.
    fn times(&self) -> Vec<f64> {
        let times = self.served.iter().map(|time| time.load(SeqCst));
        let mut times: Vec<_> = times.filter(|time| *time > 0).collect();
        times.sort_unstable();
        let seconds = |time| (time - 1) as f64 / 1e6;
        times.into_iter().map(seconds).collect()
    }
}

/// Load, an outage of so long, recovery; measures what the pools did meanwhile.
async fn outage(server: &Server, pools: &[Pool], length: Duration) -> Measures {
    let crowd = Crowd::gather(pools);
    sleep(Duration::from_millis(500)).await;
    let before = server.calls(Callback::Create);
    server.take_peak();
    server.cut();
    sleep(length / 2).await;
    let half = server.calls(Callback::Create);
    sleep(length / 2).await;
    let (all, peak) = (server.calls(Callback::Create), server.take_peak());
    server.heal();
    server.restore();
    let _first = crowd.recovered.set(Instant::now());
    until(Duration::from_secs(8), || crowd.times().len() == CALLERS).await;
    crowd.stop.store(true, SeqCst);
    let times = crowd.times();
    let mut measures = Measures::from([
        (ATTEMPTS.to_owned(), (all - before) as f64),
        (PEAK.to_owned(), peak as f64),
        (
            RATE.to_owned(),
            (all - half) as f64 / (length / 2).as_secs_f64(),
        ),
        (SERVED.to_owned(), times.len() as f64),
    ]);
    if let (Some(first), Some(last)) = (times.first(), times.last()) {
        measures.insert(FIRST.to_owned(), *first);
        measures.insert(LAST.to_owned(), *last);
    }
    measures
}

/// All that was wrong, in words.
fn judged(measures: Measures, wrong: Vec<Option<String>>) -> Verdict {
    let wrong: Vec<_> = wrong.into_iter().flatten().collect();
    if wrong.is_empty() {
        return Ok(measures);
    }
    Err(Judgement::Fails(wrong.join("; "), measures))
}

/// Row 12: 64 callers on ten objects; the server is down for 4 s, refusing within a millisecond, and
/// comes back. Timeouts are those that pools have by default (an acquire may take 30 s).
///
/// Passes when no more attempts run at once than the pool's own setting for that allows (its size,
/// where it has none); in the second half of the outage there are at most ten a second, so that it
/// backs off as a whole; and all 64 are served within 1 s of the recovery (and 0.25 s for the
/// machine).
pub(crate) async fn down_and_back(w: World) -> Verdict {
    let (server, settings) = (Server::default(), defaults());
    let pool = w.open(&server, settings)?;
    pool.stock(settings.max_size).await?;
    let measures = outage(&server, &[pool], OUTAGE).await;
    let value = |name: &str| measures.get(name).copied().unwrap_or(f64::INFINITY);
    let most = w.0.creates_at_once(&settings) as f64;
    let (peak, rate, served) = (value(PEAK), value(RATE), value(SERVED));
    let (last, callers) = (value(LAST), CALLERS as f64);
    let wrong = vec![
        (peak > most).then(|| format!("{peak} attempts at once, {most} allowed")),
        (rate > 10.0).then(|| format!("{rate:.0} attempts per second after 2 s: no backoff")),
        (served < callers).then(|| format!("{served} of {callers} callers served again")),
        (last > SERVED_WITHIN).then(|| format!("last caller served {last:.1} s after recovery")),
    ];
    judged(measures, wrong)
}

/// Row 30: two pools of ten objects to the same server share what they can share (r2d2: the thread
/// pool; ours: the `Backend`), with 32 callers each; the server is down for 2 s and takes 20 ms to
/// refuse.
///
/// Passes when no more attempts run at once, in both together, than one pool may make alone.
pub(crate) async fn two_pools(w: World) -> Verdict {
    let (server, settings) = (Server::default(), defaults());
    let pools = w.open_many(&server, settings, 2)?;
    for pool in &pools {
        pool.stock(settings.max_size).await?;
    }
    let refusal = Act::FailAfter(Duration::from_millis(20));
    server.always(Callback::Create, refusal);
    let measures = outage(&server, &pools, Duration::from_secs(2)).await;
    let most = w.0.creates_at_once(&settings) as f64;
    let peak = measures.get(PEAK).copied().unwrap_or(f64::INFINITY);
    let wrong = (peak > most).then(|| format!("{peak} attempts at once, one pool may {most}"));
    judged(measures, vec![wrong])
}
