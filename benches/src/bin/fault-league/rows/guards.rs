//! Rows 7 to 9 and 18: guards that are dropped where nobody expects it, leaked, or outlive their
//! pool; and who waits for what it holds itself.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::contender::{Feature, Lack, Settings};
use crate::server::{Act, Callback, Server};
use crate::verdict::{Measures, Verdict, fails, must};
use crate::world::{Answer, Grip, SLACK, World, elsewhere, until};

const SECOND: Duration = Duration::from_secs(1);

fn two() -> Settings {
    Settings {
        max_size: 2,
        ..Settings::default()
    }
}

/// Row 7, outside any runtime: a guard is dropped on a plain thread.
///
/// Passes when that panics not, and every place can be used.
pub(crate) async fn dropped_elsewhere(w: World) -> Verdict {
    let pool = w.open(&Server::default(), two())?;
    let grip = pool.ask(SECOND).await.grip()?;
    let dropped = elsewhere(SECOND, move || drop(grip)).await;
    must!(
        dropped.is_some(),
        "the guard's drop panicked outside the runtime"
    );
    pool.nothing_lost().await?;
    Ok(Measures::new())
}

/// Row 7, outside any runtime, broken: as before, but the object has broken down, and the pool is to
/// keep one idle.
///
/// Passes when that panics not, nobody gets the object, and every place can be used.
pub(crate) async fn broken_elsewhere(w: World) -> Verdict {
    let settings = Settings {
        min_idle: usize::from(w.has(Feature::MinIdle)),
        ..two()
    };
    let pool = w.open(&Server::default(), settings)?;
    let grip = pool.ask(SECOND).await.grip()?;
    grip.break_down();
    let dropped = elsewhere(SECOND, move || drop(grip)).await;
    must!(
        dropped.is_some(),
        "the guard's drop panicked outside the runtime"
    );
    pool.nothing_lost().await?;
    Ok(Measures::new())
}

/// Row 7, unwinding: the holder panics; its guard is dropped on the way.
///
/// Passes when the object is retired as tainted: nobody gets it again, and every place can be used.
pub(crate) async fn dropped_unwinding(w: World) -> Verdict {
    let pool = w.open(&Server::default(), two())?;
    let grip = pool.ask(SECOND).await.grip()?;
    let id = grip.id;
    let runtime = tokio::runtime::Handle::current();
    let unwound = elsewhere(SECOND, move || {
        let _within = runtime.enter();
        catch_unwind(AssertUnwindSafe(|| {
            let _grip = grip;
            panic!("the holder panics");
        }))
        .is_err()
    });
    must!(
        unwound.await == Some(true),
        "the guard's drop did not return"
    );
    sleep(Duration::from_millis(10)).await;
    let grips = pool.take(2, SECOND).await.map_err(fails)?;
    let again = grips.iter().any(|grip| grip.id == id);
    must!(
        !again,
        "what its holder left half done was handed to the next"
    );
    drop(grips);
    pool.nothing_lost().await?;
    Ok(Measures::new())
}

/// Row 7, in a destructor: an object carries a guard of the same pool; it breaks down, is given back,
/// and its destructor gives back the other.
///
/// Passes when nothing panics or dead-locks, nobody gets the broken one, and every place can be used.
pub(crate) async fn dropped_in_a_destructor(w: World) -> Verdict {
    let server = Server::default();
    let pool = w.open(&server, two())?;
    let mut grips = pool.take(2, SECOND).await.map_err(fails)?;
    let (Some(inner), Some(outer)) = (grips.pop(), grips.pop()) else {
        return Err(fails("two were asked for"));
    };
    outer.carry(inner);
    outer.break_down();
    let runtime = tokio::runtime::Handle::current();
    let dropped = elsewhere(SECOND, move || {
        let _within = runtime.enter();
        drop(outer);
    });
    must!(
        dropped.await.is_some(),
        "the guard's drop panicked, or dead-locked"
    );
    pool.nothing_lost().await?;
    Ok(Measures::new())
}

/// Row 8: one of two guards is leaked with `mem::forget`.
///
/// Passes when it counts as held (one more can be had, not two), the other place can be used, and the
/// pool reports a leak within two seconds, told to do so after 50 ms.
pub(crate) async fn leaked(w: World) -> Verdict {
    let settings = Settings {
        leak_after: Some(Duration::from_millis(50)),
        upkeep: Duration::from_millis(50),
        acquire: Duration::from_millis(300),
        ..two()
    };
    let pool = w.open(&Server::default(), settings)?;
    mem::forget(pool.ask(SECOND).await.grip()?);
    let other = pool.ask(SECOND).await.grip()?;
    let third = pool.ask(SECOND).await;
    let refused = matches!(third, Answer::Refused(..));
    must!(refused, "a third caller {}", third.words());
    drop(other);
    drop(pool.ask(SECOND).await.grip()?);
    let told = until(2 * SECOND, || pool.leaks() > 0).await;
    must!(told, "nobody is told; the rest of the pool goes on");
    Ok(Measures::new())
}

/// Row 9, guards: the last handle is dropped while two guards are out and an object is idle.
///
/// Passes when both can be used, and every object is gone two seconds after they were dropped.
pub(crate) async fn guards_outlive(w: World) -> Verdict {
    let server = Server::default();
    let settings = Settings {
        max_size: 3,
        ..Settings::default()
    };
    let pool = w.open(&server, settings)?;
    pool.stock(3).await?;
    let grips = pool.take(2, SECOND).await.map_err(fails)?;
    drop(pool);
    sleep(Duration::from_millis(20)).await;
    must!(grips.iter().all(|grip| grip.is_live()), "a guard went bad");
    drop(grips);
    let gone = until(2 * SECOND, || server.alive() == 0).await;
    let alive = server.alive();
    must!(gone, "{alive} objects were never destroyed");
    Ok(Measures::new())
}

/// Row 9, waiters: the last handle is dropped while somebody waits who does not keep the pool open.
///
/// Passes when it is told within a second that the pool is closed. Not applicable where whoever waits
/// keeps the pool open: then there is a last handle only when nobody waits.
pub(crate) async fn waiters_outlive(w: World) -> Verdict {
    w.needs(Feature::Orphan)?;
    let settings = Settings {
        max_size: 1,
        acquire: 5 * SECOND,
        ..Settings::default()
    };
    let pool = w.open(&Server::default(), settings)?;
    let held = pool.ask(SECOND).await.grip()?;
    let waiter = pool.call_orphan();
    sleep(Duration::from_millis(20)).await;
    drop(pool);
    let answer = waiter.answer(SECOND + SLACK).await;
    let told = matches!(answer, Answer::Refused(Lack::Closed(_), _));
    must!(told, "the waiter {}", answer.words());
    must!(held.is_live(), "the guard went bad");
    Ok(Measures::new())
}

/// Row 9, creations: the last handle is dropped after callers gave up, first while a creation is under
/// way, then while the server refuses. Acquires may take 30 s, as by default; the callers give up
/// earlier.
///
/// Passes when a second later nothing is alive, no creation runs and none is started any more.
pub(crate) async fn creations_end(w: World) -> Verdict {
    let settings = Settings {
        acquire: 30 * SECOND,
        ..two()
    };
    let server = Server::default();
    let pool = w.open(&server, settings)?;
    server.always(Callback::Create, Act::Slow(Duration::from_millis(200)));
    drop(
        pool.call_within(Duration::from_millis(50))
            .answer(SECOND)
            .await,
    );
    drop(pool);
    let ended = until(SECOND, || {
        server.alive() == 0 && server.inside(Callback::Create) == 0
    });
    must!(ended.await, "a creation, or its object, outlives the pool");

    let server = Server::default();
    let pool = w.open(&server, settings)?;
    server.cut();
    drop(
        pool.call_within(Duration::from_millis(100))
            .answer(SECOND)
            .await,
    );
    drop(pool);
    sleep(SECOND).await;
    let before = server.calls(Callback::Create);
    sleep(Duration::from_millis(2500)).await;
    let later = server.calls(Callback::Create) - before;
    must!(
        later == 0,
        "{later} attempts after the last handle was gone"
    );
    Ok(Measures::new())
}

/// Row 18: a caller asks for an object while it holds the only one.
///
/// Passes when its error, or a warning of the pool, names two places in the source: where it waits and
/// where it took what it holds.
pub(crate) async fn nested(w: World) -> Verdict {
    let settings = Settings {
        max_size: 1,
        acquire: Duration::from_millis(300),
        ..Settings::default()
    };
    let pool = w.open(&Server::default(), settings)?;
    let (tell, hear) = tokio::sync::oneshot::channel();
    let (outer, inner) = (pool.clone(), pool.clone());
    pool.spawn(async move {
        let held = outer.get().await.map(Grip::new);
        let second = inner.get().await.map(Grip::new);
        let text = second.err().map(|lack| lack.text().to_owned());
        drop((held, tell.send(text)));
    });
    let Ok(Ok(Some(text))) = timeout(2 * SECOND, hear).await else {
        return Err(fails("the second acquire never came back"));
    };
    let names = |text: &str| text.matches(".rs").count() >= 2;
    let named = names(&text) || pool.warnings().iter().any(|warning| names(warning));
    must!(named, "all it is told is \"{text}\"");
    Ok(Measures::new())
}
