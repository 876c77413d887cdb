//! Rows 1 to 4 and 11: what a callback may do to a pool, and to whoever asked.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::contender::{Feature, Settings};
use crate::server::{Act, Callback, Server};
use crate::verdict::{Measures, Verdict, must};
use crate::world::{Answer, RECOVERY, SLACK, World, elsewhere, until};

const ACQUIRE: Duration = Duration::from_millis(1000);

fn two() -> Settings {
    Settings {
        max_size: 2,
        acquire: ACQUIRE,
        ..Settings::default()
    }
}

/// Row 1: every `create` panics; three callers in turn ask a pool of two.
///
/// Passes when each of them gets a typed error within the acquire timeout (an object would do, if the
/// pool tried again in time), and both places can be used once `create` works again. A caller that the
/// panic unwinds has not got an error.
pub(crate) async fn create_panics(w: World) -> Verdict {
    let server = Server::default();
    let pool = w.open(&server, two())?;
    server.always(Callback::Create, Act::Panic);
    let mut unwound = false;
    for _ in 0..3 {
        let answer = pool.ask(ACQUIRE + SLACK).await;
        unwound |= matches!(answer, Answer::Unwound);
        let back = answer.is_back_within(ACQUIRE + SLACK) || unwound;
        must!(back, "a caller {}", answer.words());
    }
    server.heal();
    pool.nothing_lost().await?;
    must!(!unwound, "the panic unwinds the caller; no place is lost");
    Ok(Measures::new())
}

/// Row 2: every `create` hangs for ever; one of two places is in use; three callers ask, and after
/// 100 ms the object in use comes back.
///
/// Passes when all but the one that waits for `create` are served by what comes back, all are back
/// within the acquire timeout, and both places can be used once new calls of `create` work.
pub(crate) async fn create_hangs(w: World) -> Verdict {
    let server = Server::default();
    let pool = w.open(&server, two())?;
    let held = pool.ask(ACQUIRE).await.grip()?;
    server.always(Callback::Create, Act::Hang);
    let calls = [pool.call(), pool.call(), pool.call()];
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(held);
    let mut served = 0;
    let answers = calls.map(|call| async {
        let answer = call.answer(ACQUIRE + SLACK).await;
        // The object goes on to the next at once.
        let words = answer.words();
        (
            matches!(answer, Answer::Served(..)),
            answer.is_back_within(ACQUIRE + SLACK),
            words,
        )
    });
    for (got, back, words) in futures::future::join_all(answers).await {
        must!(back, "a caller {words}");
        served += usize::from(got);
    }
    must!(
        served >= 2,
        "{served} of 3 were served by the object that came back"
    );
    server.heal();
    pool.nothing_lost().await?;
    Ok(Measures::new())
}

/// Two idle objects; the next validation does `act`. The caller must be back in time, and neither it
/// nor anybody later may get that object.
async fn validation(w: World, act: Act) -> Verdict {
    let server = Server::default();
    let pool = w.open(&server, two())?;
    pool.stock(2).await?;
    server.next(Callback::Validate, [act]);
    let answer = pool.ask(ACQUIRE + SLACK).await;
    let unwound = matches!(answer, Answer::Unwound);
    let back = answer.is_back_within(ACQUIRE + SLACK) || unwound;
    must!(back, "a caller {}", answer.words());
    drop(answer);
    must!(
        server.calls(Callback::Validate) > 0,
        "nothing was validated"
    );
    pool.nothing_lost().await?;
    must!(!unwound, "the panic unwinds the caller; no place is lost");
    Ok(Measures::new())
}

/// Row 3, hangs: one validation never ends.
///
/// Passes when the caller is back within the acquire timeout, with another object or a typed error,
/// nobody ever gets the object, and both places can be used.
pub(crate) async fn validate_hangs(w: World) -> Verdict {
    validation(w, Act::Hang).await
}

/// Row 3, panics: as when it hangs, and the caller goes on: it is not unwound.
pub(crate) async fn validate_panics(w: World) -> Verdict {
    validation(w, Act::Panic).await
}

/// Row 3, lies once: an object is said to be bad, although the next answer would be that it is good.
///
/// Passes as when it hangs; what was once refused is never handed out.
pub(crate) async fn validate_lies(w: World) -> Verdict {
    validation(w, Act::Fail).await
}

/// One object is used and given back; cleaning it does `act`.
async fn recycling(w: World, act: Act) -> Verdict {
    w.needs(Feature::Recycle)?;
    let server = Server::default();
    let pool = w.open(&server, two())?;
    let grip = pool.ask(ACQUIRE).await.grip()?;
    server.next(Callback::Recycle, [act]);
    let runtime = tokio::runtime::Handle::current();
    let took = elsewhere(ACQUIRE, move || {
        let _within = runtime.enter();
        let begun = Instant::now();
        drop(grip);
        begun.elapsed()
    });
    let Some(took) = took.await else {
        must!(false, "the guard's drop panicked, or never returned");
        return Ok(Measures::new());
    };
    must!(
        took < SLACK,
        "the guard's drop took {} ms",
        took.as_millis()
    );
    let answer = pool.ask(ACQUIRE + SLACK).await;
    let unwound = matches!(answer, Answer::Unwound);
    let back = answer.is_back_within(ACQUIRE + SLACK) || unwound;
    must!(back, "the next caller {}", answer.words());
    drop(answer);
    pool.nothing_lost().await?;
    tokio::time::sleep(Duration::from_millis(20)).await;
    let (size, alive) = (pool.size().await, server.alive() - hanging(&server));
    let counted = size.is_none_or(|size| size == alive);
    must!(counted, "it counts {size:?} objects, and {alive} are alive");
    must!(
        !unwound,
        "the panic unwinds the next caller; no place is lost"
    );
    Ok(Measures::new())
}

/// Objects stuck in a callback that blocks a thread for ever: nobody can have them dropped.
fn hanging(server: &Server) -> usize {
    server.inside(Callback::Recycle) + server.inside(Callback::Validate)
}

/// Row 4, hangs: the guard's drop returns at once, the next caller is back within the acquire
/// timeout, nobody gets the object, both places can be used, and the pool's own count is right.
pub(crate) async fn recycle_hangs(w: World) -> Verdict {
    recycling(w, Act::Hang).await
}

/// Row 4, panics: as when it hangs, and nobody is unwound.
pub(crate) async fn recycle_panics(w: World) -> Verdict {
    recycling(w, Act::Panic).await
}

/// Row 4, fails: as when it hangs.
pub(crate) async fn recycle_fails(w: World) -> Verdict {
    recycling(w, Act::Fail).await
}

/// Row 11, predicate: the closure given to `retain` panics at the second of three idle objects.
///
/// Passes when whoever called `retain` sees it, and the pool is unharmed: every place can be used.
pub(crate) async fn predicate_panics(w: World) -> Verdict {
    w.needs(Feature::Retain)?;
    let server = Server::default();
    let settings = Settings {
        max_size: 3,
        ..two()
    };
    let pool = w.open(&server, settings)?;
    pool.stock(3).await?;
    let here = pool.clone();
    let seen = elsewhere(ACQUIRE, move || {
        let mut looked = 0;
        catch_unwind(AssertUnwindSafe(|| {
            here.retain(&mut |_| {
                looked += 1;
                assert!(looked < 2, "the predicate panics");
                true
            });
        }))
        .is_err()
    });
    must!(
        seen.await == Some(true),
        "whoever called retain saw nothing"
    );
    pool.nothing_lost().await?;
    Ok(Measures::new())
}

/// Row 11, hook: user code that the pool runs on each new object, besides its callbacks, panics once
/// (r2d2 and bb8: the customizer's `on_acquire`; deadpool: `post_create`; ours: the observer).
///
/// Passes when the caller sees it (as an error or as the panic) or gets an object in time all the
/// same, and every place can be used.
pub(crate) async fn hook_panics(w: World) -> Verdict {
    w.needs(Feature::Hook)?;
    let server = Server::default();
    let pool = w.open(&server, two())?;
    server.next(Callback::Hook, [Act::Panic]);
    let answer = pool.ask(RECOVERY).await;
    let back = answer.is_back_within(ACQUIRE + SLACK) || matches!(answer, Answer::Unwound);
    must!(back, "a caller {}", answer.words());
    drop(answer);
    // An observer may be told a little later.
    let called = until(ACQUIRE, || server.calls(Callback::Hook) > 0).await;
    must!(called, "the hook was not called");
    pool.nothing_lost().await?;
    Ok(Measures::new())
}
