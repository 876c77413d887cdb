//! Row 5: an acquire that is dropped after any number of polls, whatever the callbacks do.
//!
//! Everything is deterministic: the runtime is moved by hand, so `k` polls are the same `k` polls
//! every time, and the product of all behaviours is gone through in full.

#[path = "faults_cancel/everything.rs"]
mod everything;
mod support;

use support::*;

/// What a callback may do; each of them with each of the others.
const ACTS: [Act; 6] = [
    Act::Good,
    Act::Fail,
    Act::Slow(Duration::from_millis(30)),
    Act::Hang,
    Act::Panic,
    Act::Yield,
];

/// More polls than any acquire here takes.
const MOST_POLLS: usize = 40;

/// Where a case starts, and who else is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scene {
    /// Nothing has been made.
    Empty,
    /// Two used objects wait for their recycling and validation.
    Stocked,
    /// All objects are out, and while the acquire waits one comes back and one turns out broken.
    Full,
    /// The same, and another caller stands in line behind it.
    Contended,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    create: Act,
    validate: Act,
    recycle: Act,
    scene: Scene,
    fails_fast: bool,
}

fn config(h: &OnManual, case: Case) -> PoolConfig {
    PoolConfig {
        validate_after: Some(millis(1)),
        fail_fast: case.fails_fast,
        ..h.config()
    }
}

/// Polls the acquire up to `polls` times, each time after it was woken, and drops it. Answers
/// whether it ended before.
async fn cancelled_after(h: &OnManual, case: Case, polls: usize) -> bool {
    let script = h.script();
    let pool = h.pool(&script, config(h, case));
    let mut out = Vec::new();
    while case.scene != Scene::Empty && out.len() < 2 {
        out.push(h.get(&pool).await.expect("an object"));
    }
    if case.scene == Scene::Stocked {
        out.clear();
        h.advance(millis(1));
    }
    script.always(Callback::Create, case.create);
    script.always(Callback::Validate, case.validate);
    script.always(Callback::Recycle, case.recycle);

    let (mut hand, mut seen) = (Hand::new(pool.acquire_owned()), 0);
    let mut ended = polls > 0 && hand.poll().is_ready();
    let behind = (case.scene == Scene::Contended).then(|| h.spawn(h.acquire(&pool)));
    h.run_until_idle();
    if let Some(broken) = out.pop() {
        // So that the other one is suspected, and validated.
        broken.discard();
    }
    out.clear();
    for _ in 1..polls {
        ended = ended || poll_once_more(h, &mut hand, &mut seen);
    }
    drop(hand);
    if let Some(behind) = behind {
        h.settle("the caller behind", || behind.is_done()).await;
        drop(behind.await);
    }
    h.nothing_lost(&pool, &script).await;
    ended
}

/// Moves time until it is woken, and polls it. Where it is not woken any more (it would wait until
/// its deadline), that is a poll too. `seen`: the wakes before it was last polled.
fn poll_once_more<F: Future>(h: &OnManual, hand: &mut Hand<F>, seen: &mut usize) -> bool {
    h.run_until_idle();
    for _ in 0..15 {
        if hand.woken() > *seen {
            break;
        }
        h.advance(millis(10));
    }
    *seen = hand.woken();
    hand.poll().is_ready()
}

/// Every case of one scene, cancelled after every number of polls that it takes.
async fn every_case(h: OnManual, scene: Scene) {
    let mut cases = 0;
    for create in ACTS {
        for validate in ACTS {
            for recycle in ACTS {
                for fails_fast in [false, true] {
                    let case = Case {
                        create,
                        validate,
                        recycle,
                        scene,
                        fails_fast,
                    };
                    cases += cancelled_everywhere(&h, case).await;
                }
            }
        }
    }
    // The product is gone through, and most acquires take more than one poll.
    assert!(cases > 6 * 6 * 6 * 2 * 2, "{cases}");
}

async fn cancelled_everywhere(h: &OnManual, case: Case) -> usize {
    for polls in 0..MOST_POLLS {
        if cancelled_after(h, case, polls).await {
            return polls + 1;
        }
    }
    panic!("{case:?} does not end");
}

mod fault_05_dropped_after_every_poll {
    use super::{Scene, every_case, run};

    #[test]
    fn with_nothing_made() {
        run(|h| every_case(h, Scene::Empty));
    }

    #[test]
    fn with_idle_objects() {
        run(|h| every_case(h, Scene::Stocked));
    }

    #[test]
    fn with_all_objects_out() {
        run(|h| every_case(h, Scene::Full));
    }

    #[test]
    fn with_another_in_line() {
        run(|h| every_case(h, Scene::Contended));
    }
}

/// On every runtime: tasks that are dropped in the middle of whatever they were doing.
async fn dropped_while_inside<H: Harness>(h: H) {
    for callback in [Callback::Create, Callback::Validate, Callback::Recycle] {
        let script = h.script().recycle_blocks();
        let config = PoolConfig {
            max_size: 1,
            validate_after: Some(Duration::ZERO),
            acquire_timeout: Duration::from_secs(600),
            ..h.config()
        };
        let pool = h.pool(&script, config);
        if callback != Callback::Create {
            h.stock(&pool, 1).await;
        }
        script.next(callback, [Act::Hang]);
        let mut hand = Hand::new(pool.acquire_async_owned());
        h.until("the callback", || {
            assert!(hand.poll().is_pending());
            script.inside(callback) == 1
        })
        .await;
        let behind = h.spawn(h.acquire(&pool));
        h.until("the one behind", || pool.status().waiting > 0)
            .await;
        drop(hand);
        h.settle("the one behind", || behind.is_done()).await;
        drop(behind.await.expect("an object"));
        h.nothing_lost(&pool, &script).await;
    }
}
on_every_runtime!(fault_05_dropped_while_inside: dropped_while_inside);

/// `acquire_many` holds some and waits for more when it is dropped: all of them come back.
async fn many_dropped_half_way<H: Harness>(h: H) {
    for back in 0..=3 {
        let script = h.script();
        let config = PoolConfig {
            max_size: 3,
            acquire_timeout: Duration::from_secs(600),
            ..h.config()
        };
        let pool = h.pool(&script, config);
        let mut out = Vec::new();
        for _ in 0..3 {
            out.push(h.get(&pool).await.expect("an object"));
        }
        let mut many = Hand::new(pool.acquire_async_many(3));
        assert!(many.poll().is_pending());
        let behind = h.spawn(h.acquire(&pool));
        h.until("the one behind", || pool.status().waiting == 2)
            .await;
        out.truncate(3 - back);
        assert!(!behind.is_done(), "it overtook who asked for three");
        assert_eq!(many.woken(), usize::from(back == 3));
        drop(many);
        if back == 0 {
            out.clear();
        }
        h.until("the one behind", || behind.is_done()).await;
        drop((behind.await.expect("an object"), out));
        h.nothing_lost(&pool, &script).await;
        assert_eq!(script.made(), 3);
    }
}
on_every_runtime!(fault_05_many_dropped_half_way: many_dropped_half_way);

/// `release` is dropped at every poll: the object is retired, and its place is free.
async fn release_dropped(h: OnManual) {
    for act in ACTS {
        for polls in 0..3 {
            let script = h.script();
            let pool = h.pool(&script, h.config());
            let guard = h.get(&pool).await.expect("an object");
            script.always(Callback::Recycle, act);
            let mut hand = Hand::new(guard.release());
            for _ in 0..polls {
                if hand.poll().is_ready() {
                    break;
                }
                h.advance(millis(40));
            }
            drop(hand);
            h.nothing_lost(&pool, &script).await;
        }
    }
}

#[test]
fn fault_05_release_dropped() {
    run(release_dropped);
}
