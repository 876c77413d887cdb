//! Row 10: what an owner does to a pool in use.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tokio::time::sleep;

use crate::contender::{Feature, Lack, Settings};
use crate::server::{Act, Callback, Server};
use crate::verdict::{Judgement, Measures, Verdict, fails, must};
use crate::world::{Answer, Grip, Pool, SLACK, World, until};

const SECOND: Duration = Duration::from_secs(1);

fn ten() -> Settings {
    Settings {
        max_size: 10,
        ..Settings::default()
    }
}

/// Row 10, resize: 10 → 2 → 10, three times over, on a pool that has made one object so far; then on
/// one that has all ten out; then down to two for good.
///
/// Passes when there are never more than ten objects alive, and at the end never more than two.
pub(crate) async fn resized(w: World) -> Verdict {
    w.needs(Feature::Resize)?;
    let server = Server::default();
    let pool = w.open(&server, ten())?;
    pool.stock(1).await?;
    for _ in 0..3 {
        pool.resize(2).await;
        pool.resize(10).await;
    }
    let out = crowd(&pool, 30).await;
    must!(out <= 10, "{out} of 10 objects out at once");

    let grips = pool.take(10, 2 * SECOND).await.map_err(fails)?;
    pool.resize(2).await;
    pool.resize(10).await;
    let out = crowd(&pool, 20).await;
    must!(out == 0, "{} of 10 objects out at once", 10 + out);
    let most = server.most_alive();
    must!(most <= 10, "{most} of 10 objects alive at once");

    pool.resize(2).await;
    drop(grips);
    sleep(Duration::from_millis(20)).await;
    let out = crowd(&pool, 20).await;
    must!(out <= 2, "shrunk to 2, it handed out {out} at once");
    drop(pool.take(2, 2 * SECOND).await.map_err(fails)?);
    Ok(Measures::new())
}

/// How many of so many callers are served at once, none of whom gives back before all have asked.
async fn crowd(pool: &Pool, callers: usize) -> usize {
    let out = Arc::new(AtomicUsize::new(0));
    let calls: Vec<_> = (0..callers)
        .map(|_| pool.call_within(Duration::from_millis(250)))
        .collect();
    let mut held: Vec<Grip> = Vec::new();
    for call in calls {
        if let Answer::Served(grip, _) = call.answer(SECOND).await {
            out.fetch_add(1, SeqCst);
            held.push(grip);
        }
    }
    drop(held);
    sleep(Duration::from_millis(10)).await;
    out.load(SeqCst)
}

/// Row 10, close: while somebody waits, somebody holds, and another's object is being made.
///
/// Passes when the waiter and a newcomer are told within a second that the pool is closed, the guard
/// stays valid, and every object is gone two seconds after it was dropped.
pub(crate) async fn closed(w: World) -> Verdict {
    w.needs(Feature::Close)?;
    let server = Server::default();
    let settings = Settings {
        max_size: 2,
        acquire: 5 * SECOND,
        ..Settings::default()
    };
    let pool = w.open(&server, settings)?;
    let held = pool.ask(SECOND).await.grip()?;
    server.next(Callback::Create, [Act::Slow(Duration::from_millis(200))]);
    let (creating, waiter) = (pool.call(), pool.call());
    sleep(Duration::from_millis(50)).await;
    pool.close();
    told_closed(&waiter.answer(SECOND + SLACK).await, "the waiter")?;
    told_closed(&pool.ask(SECOND + SLACK).await, "a newcomer")?;
    let creating = creating.answer(2 * SECOND).await;
    must!(
        creating.is_back_within(SECOND),
        "whose object was being made {}",
        creating.words()
    );
    must!(held.is_live(), "a guard went bad");
    drop((held, creating));
    let gone = until(2 * SECOND, || server.alive() == 0).await;
    must!(gone, "{} objects were never destroyed", server.alive());
    Ok(Measures::new())
}

fn told_closed(answer: &Answer, who: &str) -> Result<(), Judgement> {
    let told = matches!(answer, Answer::Refused(Lack::Closed(_), _));
    must!(told, "{who} {}", answer.words());
    Ok(())
}

/// Row 10, pause: with objects idle and one out.
///
/// Passes when nobody is served while it is paused, who waited is served within a second of its end,
/// and every place can be used.
pub(crate) async fn paused(w: World) -> Verdict {
    w.needs(Feature::Pause)?;
    let settings = Settings {
        max_size: 3,
        acquire: 5 * SECOND,
        ..Settings::default()
    };
    let pool = w.open(&Server::default(), settings)?;
    pool.stock(3).await?;
    let held = pool.ask(SECOND).await.grip()?;
    pool.pause();
    let early = pool.call_within(Duration::from_millis(100));
    let waiter = pool.call();
    drop(held);
    let answer = early.answer(SECOND).await;
    let refused = matches!(answer, Answer::Refused(..));
    must!(refused, "paused, and a caller {}", answer.words());
    pool.resume();
    drop(waiter.answer(SECOND).await.grip()?);
    pool.nothing_lost().await?;
    Ok(Measures::new())
}

/// Row 10, retain: of three idle objects and one in use, those with an even number are to go.
///
/// Passes when those that were idle are gone, nobody ever gets one of them, the guard stays valid, and
/// every place can be used.
pub(crate) async fn retained(w: World) -> Verdict {
    w.needs(Feature::Retain)?;
    let server = Server::default();
    let pool = w.open(&server, Settings::default())?;
    pool.stock(4).await?;
    let held = pool.ask(SECOND).await.grip()?;
    let mut gone = 0;
    pool.retain(&mut |thing| {
        let keep = thing.id % 2 == 1;
        if !keep {
            thing.spoil();
            gone += 1;
        }
        keep
    });
    must!(gone > 0, "the predicate was not asked");
    must!(held.is_live(), "a guard went bad");
    let dropped = until(SECOND, || server.dropped().len() == gone).await;
    let destroyed = server.dropped().len();
    must!(dropped, "{gone} were to go, {destroyed} went");
    drop(held);
    pool.nothing_lost().await?;
    Ok(Measures::new())
}
