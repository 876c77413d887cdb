//! Rows 20, 21 and 31: what happens by itself over time, and by chance.

use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use crate::contender::{Feature, Settings};
use crate::judge::most_within;
use crate::server::{Callback, Server};
use crate::verdict::{Judgement, Measures, Verdict, must};
use crate::world::{Grip, Pool, SLACK, World};

const UPKEEP: Duration = Duration::from_millis(50);

/// Watches for so long; answers the fewest objects that were alive.
async fn fewest_alive(server: &Server, span: Duration, done: impl Fn() -> bool) -> usize {
    let begun = Instant::now();
    let mut fewest = server.alive();
    while begun.elapsed() < span && !done() {
        sleep(Duration::from_millis(1)).await;
        fewest = fewest.min(server.alive());
    }
    fewest
}

/// Row 20: eight objects are made at once and left idle, of which four are the stock to be kept; they
/// may live for three seconds (r2d2 looks only every 30 s).
///
/// Passes when at most six of the eight go within any tenth of a second, and never fewer than four are
/// alive: a lifetime has jitter, and what is needed is replaced before it goes.
pub(crate) async fn lifetimes_end(w: World) -> Verdict {
    w.needs(Feature::MaxLifetime)?;
    let settings = Settings {
        max_size: 8,
        min_idle: 4,
        max_lifetime: Some(Duration::from_secs(3)),
        upkeep: UPKEEP,
        ..Settings::default()
    };
    let server = Server::default();
    let pool = w.open(&server, settings)?;
    pool.stock(8).await?;
    let span = Duration::from_secs(3) + w.0.upkeep(&settings) + SLACK;
    let fewest = fewest_alive(&server, span, || server.dropped().len() >= 8).await;
    let gone = server.dropped();
    must!(
        gone.len() >= 8,
        "{} of 8 objects reached their end",
        gone.len()
    );
    let herd = most_within(&gone, Duration::from_millis(100));
    must!(
        herd <= 6,
        "{herd} of 8 went at once; {fewest} left of a stock of 4"
    );
    must!(fewest >= 4, "{fewest} left of a stock of 4");
    Ok(Measures::new())
}

/// Row 21: eight idle objects, of which two are the stock to be kept; others may be idle for 400 ms
/// (r2d2 looks only every 30 s). Nobody uses the pool for another three seconds.
///
/// Passes when some are gone then, never fewer than two were alive, and none was made anew.
pub(crate) async fn idle_ones_go(w: World) -> Verdict {
    w.needs(Feature::MinIdle)?;
    let settings = Settings {
        max_size: 8,
        min_idle: 2,
        idle_timeout: Some(Duration::from_millis(400)),
        upkeep: UPKEEP,
        ..Settings::default()
    };
    let server = Server::default();
    let pool = w.open(&server, settings)?;
    pool.stock(8).await?;
    let made = server.calls(Callback::Create);
    let span = Duration::from_secs(3).max(w.0.upkeep(&settings) + Duration::from_secs(1));
    let fewest = fewest_alive(&server, span, || false).await;
    let (anew, alive) = (server.calls(Callback::Create) - made, server.alive());
    must!(alive < 8, "nothing was reaped");
    must!(
        anew == 0 && fewest >= 2,
        "{anew} were made anew while nobody used the pool; {fewest} left of a stock of 2"
    );
    Ok(Measures::new())
}

const SEEDS: [u64; 3] = [1, 2, 3];

/// Row 31: every callback panics one time in six, at its start or half way, by seeded dice, while eight
/// callers take and give back for a second; three seeds. (What an allocation that fails in a callback
/// comes to; a panicking global allocator would need unsafe code.)
///
/// Passes when nobody hangs, and every place can be used afterwards.
pub(crate) async fn panics_by_chance(w: World) -> Verdict {
    for seed in SEEDS {
        chaos(w, seed).await.map_err(|judgement| match judgement {
            Judgement::Fails(why, measures) => {
                Judgement::Fails(format!("seed {seed}: {why}"), measures)
            }
            other => other,
        })?;
    }
    Ok(Measures::new())
}

/// Takes and gives back; whether that panics is all the same here.
async fn use_once(pool: &Pool) {
    let (tell, hear) = oneshot::channel();
    let get = pool.get();
    pool.spawn(async move {
        drop(get.await.map(Grip::new));
        drop(tell);
    });
    let _ended: Result<(), _> = hear.await;
}

async fn chaos(w: World, seed: u64) -> Result<(), Judgement> {
    let settings = Settings {
        acquire: Duration::from_millis(200),
        ..Settings::default()
    };
    let server = Server::default();
    let pool = w.open(&server, settings)?;
    server.panic_at_random(seed);
    let begun = Instant::now();
    let callers = (0..8).map(|_| async {
        while begun.elapsed() < Duration::from_secs(1) {
            let ended = timeout(settings.acquire + 2 * SLACK, use_once(&pool)).await;
            must!(ended.is_ok(), "a caller never came back");
            sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    });
    for caller in join_all(callers).await {
        caller?;
    }
    server.heal();
    pool.no_place_lost().await
}
