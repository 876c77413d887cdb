//! Rows 13, 14 and 28: objects that look fine and are not.

use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::time::sleep;

use crate::contender::Settings;
use crate::server::{Act, Callback, Server};
use crate::verdict::{Measures, Verdict, must};
use crate::world::{RECOVERY, SLACK, World, until};

const SECOND: Duration = Duration::from_secs(1);

fn eight() -> Settings {
    Settings {
        max_size: 8,
        always_validate: false,
        ..Settings::default()
    }
}

/// Row 13, idle: the server restarts while eight objects have been idle for 700 ms, and eight callers
/// come at once. Pools check on hand-out as by default.
///
/// Passes when every caller gets an object that works.
pub(crate) async fn restarted_while_idle(w: World) -> Verdict {
    let server = Server::default();
    let pool = w.open(&server, eight())?;
    pool.stock(8).await?;
    sleep(Duration::from_millis(700)).await;
    server.restart();
    let calls: Vec<_> = (0..8).map(|_| pool.call()).collect();
    let answers = join_all(calls.into_iter().map(|call| call.answer(SECOND + SLACK)));
    let mut grips = Vec::new();
    for answer in answers.await {
        let grip = answer.grip()?;
        must!(grip.is_live(), "a caller got an object that was dead");
        grips.push(grip);
    }
    drop(grips);
    pool.nothing_lost().await?;
    Ok(Measures::new())
}

/// Row 13, busy: the server restarts right after all eight objects were used, so that a pool may still
/// trust them. Callers come one after another; one that meets a dead object breaks it, as a driver
/// does, and gives it back.
///
/// Passes when at most one caller meets a dead object: the first failure makes all older ones suspect.
pub(crate) async fn restarted_while_busy(w: World) -> Verdict {
    let server = Server::default();
    let pool = w.open(&server, eight())?;
    pool.stock(8).await?;
    server.restart();
    let mut casualties = 0;
    for _ in 0..24 {
        let grip = pool.ask(SECOND + SLACK).await.grip()?;
        if !grip.is_live() {
            grip.break_down();
            casualties += 1;
        }
    }
    must!(casualties <= 1, "{casualties} callers got a dead object");
    pool.nothing_lost().await?;
    Ok(Measures::new())
}

/// Row 14: with four idle objects the server stops answering: no validation and no creation ends any
/// more. Four callers come at once. After 1.5 s new connections work again; those of before stay mute.
///
/// Passes when the four are back within the acquire timeout (1 s), every place can then be used,
/// nobody ever gets an object that did not answer, and those that were asked are destroyed (where
/// their callback does not block a thread for ever).
pub(crate) async fn black_hole(w: World) -> Verdict {
    let server = Server::default();
    let pool = w.open(&server, Settings::default())?;
    pool.stock(4).await?;
    server.swallow();
    let begun = Instant::now();
    let calls: Vec<_> = (0..4).map(|_| pool.call()).collect();
    let answers = join_all(calls.into_iter().map(|call| call.answer(SECOND + SLACK)));
    for answer in answers.await {
        let back = answer.is_back_within(SECOND + SLACK);
        must!(back, "a caller {}", answer.words());
    }
    sleep(Duration::from_millis(1500).saturating_sub(begun.elapsed())).await;
    server.restore();
    pool.nothing_lost().await?;
    let most = if w.threads() { 8 } else { 4 };
    let destroyed = until(RECOVERY, || server.alive() <= most).await;
    must!(destroyed, "{} objects alive, of at most 4", server.alive());
    Ok(Measures::new())
}

/// Row 28: four idle objects whose validation hangs; every timeout that the pool has is 200 ms.
///
/// Passes when the caller is back after 200 ms, and 150 ms for the machine.
pub(crate) async fn one_deadline(w: World) -> Verdict {
    let bound = Duration::from_millis(200);
    let settings = Settings {
        acquire: bound,
        create: bound,
        validate: bound,
        ..Settings::default()
    };
    let server = Server::default();
    let pool = w.open(&server, settings)?;
    pool.stock(4).await?;
    server.always(Callback::Validate, Act::Hang);
    let answer = pool.ask(3 * SECOND).await;
    let back = answer.is_back_within(bound + Duration::from_millis(150));
    must!(back, "configured 200 ms, a caller {}", answer.words());
    Ok(Measures::new())
}
