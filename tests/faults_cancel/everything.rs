//! Every future that a pool gives out, dropped after every number of polls, under every combination
//! of what all four callbacks may do.
//!
//! Decides what each future is in the middle of when it is dropped. What must hold then is
//! [`Harness::nothing_lost`]'s affair, and for a closed pool [`nothing_left`]'s.

use std::pin::Pin;

use nebula_resource::config::Backoff;

use crate::support::*;
use crate::{MOST_POLLS, poll_once_more};

const ACTS: [Act; 5] = [
    Act::Good,
    Act::Fail,
    Act::Slow(Duration::from_millis(30)),
    Act::Hang,
    Act::Panic,
];

/// What is dropped half-way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Acquire,
    AcquireMany,
    Release,
    RunMaintenance,
    /// An acquire, beside the round that a change of the configuration has set off.
    Reconfigure,
    Close,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    create: Act,
    validate: Act,
    recycle: Act,
    destroy: Act,
}

impl Case {
    fn all() -> impl Iterator<Item = Self> {
        let count = ACTS.len();
        (0..count.pow(4)).map(move |number| Self {
            create: ACTS[number % count],
            validate: ACTS[number / count % count],
            recycle: ACTS[number / count.pow(2) % count],
            destroy: ACTS[number / count.pow(3)],
        })
    }

    fn begin(self, script: &Script) {
        script.always(Callback::Create, self.create);
        script.always(Callback::Validate, self.validate);
        script.always(Callback::Recycle, self.recycle);
        script.always(Callback::Destroy, self.destroy);
    }
}

fn config(h: &OnManual) -> PoolConfig {
    let short = millis(40);
    PoolConfig {
        max_size: 3,
        min_idle: 1,
        acquire_timeout: millis(120),
        create_timeout: short,
        validate_timeout: short,
        recycle_timeout: short,
        destroy_timeout: short,
        validate_after: Some(millis(1)),
        keepalive_every: Some(millis(10)),
        idle_timeout: Some(millis(5)),
        // Over before a fresh acquire would have to give up.
        create_backoff: Backoff {
            first: millis(10),
            max: millis(20),
        },
        ..h.config()
    }
}

type Dropped = Hand<Pin<Box<dyn Future<Output = ()>>>>;
type Pool = <OnManual as Harness>::Pool;

/// The future in question, and who else holds or wants something.
struct Scene {
    hand: Dropped,
    held: Vec<OutOf<OnManual>>,
    behind: Option<Task<Acquired<OnManual>>>,
}

/// Of three used objects two are idle and stale, and one is still out.
async fn scene(h: &OnManual, pool: &Pool, script: &Script, case: Case, subject: Subject) -> Scene {
    let mut held = Vec::new();
    while held.len() < 3 {
        held.push(h.get(pool).await.expect("an object"));
    }
    held.truncate(1);
    h.advance(millis(20));
    case.begin(script);
    let last = held.pop().expect("it is out");
    let own = pool.clone();
    let future: Pin<Box<dyn Future<Output = ()>>> = match subject {
        Subject::Release => Box::pin(last.release()),
        _ => {
            held.push(last);
            match subject {
                Subject::AcquireMany => Box::pin(async move { drop(own.acquire_many(3).await) }),
                Subject::RunMaintenance => Box::pin(pool.run_maintenance()),
                Subject::Close => Box::pin(pool.close()),
                _ => Box::pin(async move { drop(own.acquire_owned().await) }),
            }
        }
    };
    if subject == Subject::Reconfigure {
        let changed = pool.reconfigure(|config| config.min_idle = 3);
        changed.expect("a valid configuration");
    }
    let behind = matches!(subject, Subject::Acquire | Subject::Release);
    Scene {
        hand: Hand::new(future),
        held,
        behind: behind.then(|| h.spawn(h.acquire(pool))),
    }
}

const CALLBACKS: [Callback; 4] = [
    Callback::Create,
    Callback::Validate,
    Callback::Recycle,
    Callback::Destroy,
];

/// Answers whether the future ended before it could be dropped, and adds to the calls of each
/// callback.
async fn dropped_after(
    h: &OnManual,
    case: Case,
    subject: Subject,
    polls: usize,
    calls: &mut [usize; 4],
) -> bool {
    let script = h.script();
    let pool = h.pool(&script, config(h));
    let mut scene = scene(h, &pool, &script, case, subject).await;
    let before = CALLBACKS.map(|callback| script.calls(callback));
    let mut seen = 0;
    let mut ended = polls > 0 && scene.hand.poll().is_ready();
    h.run_until_idle();
    if let Some(broken) = scene.held.pop() {
        // The others are suspected, and a permit is free.
        broken.discard();
    }
    for _ in 1..polls {
        ended = ended || poll_once_more(h, &mut scene.hand, &mut seen);
    }
    drop(scene.hand);
    if let Some(behind) = scene.behind {
        h.settle("the caller behind", || behind.is_done()).await;
        drop(behind.await);
    }
    for (callback, before) in CALLBACKS.into_iter().zip(before) {
        calls[callback as usize] += script.calls(callback) - before;
    }
    if subject == Subject::Close {
        nothing_left(h, &pool, &script).await;
    } else {
        h.nothing_lost(&pool, &script).await;
    }
    ended
}

/// A closed pool is rid of everything, whoever waits for it or has ceased to.
async fn nothing_left(h: &OnManual, pool: &Pool, script: &Script) {
    script.heal();
    let closing = h.spawn(pool.close());
    h.settle("the pool's end", || closing.is_done()).await;
    let (audit, totals) = (pool.audit(), pool.stats());
    assert!(audit.balanced() && audit.permits == 0, "{audit:?}");
    assert_eq!(totals.destroyed, totals.created);
    h.settle("the objects' end", || script.alive() == 0).await;
}

async fn every_case(h: OnManual, subject: Subject) {
    let (mut cases, mut calls) = (0, [0; 4]);
    for case in Case::all() {
        let mut polls = 0;
        while !dropped_after(&h, case, subject, polls, &mut calls).await {
            polls += 1;
            assert!(polls < MOST_POLLS, "{case:?} does not end");
        }
        cases += polls + 1;
    }
    println!("{subject:?}: {cases} cases, {calls:?} calls");
    // Most of them take more than one poll, or there was nothing to be dropped in; and what a
    // callback does matters only where it is called. A closing pool only destroys.
    assert!(cases > 2 * ACTS.len().pow(4), "{cases}");
    let silent = if subject == Subject::Close { 3 } else { 0 };
    assert!(
        calls[silent..].iter().all(|calls| *calls > 100),
        "{calls:?}"
    );
}

mod fault_05_everything_dropped_after_every_poll {
    use super::{Subject, every_case, run};

    #[test]
    fn acquire() {
        run(|h| every_case(h, Subject::Acquire));
    }

    #[test]
    fn acquire_many() {
        run(|h| every_case(h, Subject::AcquireMany));
    }

    #[test]
    fn release() {
        run(|h| every_case(h, Subject::Release));
    }

    #[test]
    fn run_maintenance() {
        run(|h| every_case(h, Subject::RunMaintenance));
    }

    #[test]
    fn beside_a_reconfiguration() {
        run(|h| every_case(h, Subject::Reconfigure));
    }

    #[test]
    fn close() {
        run(|h| every_case(h, Subject::Close));
    }
}
