//! Rows 27 and 28: how long a caller waits, and what is made for it meanwhile.

mod support;

use std::time::Instant;

use nebula_resource::sync;
use support::*;

const CALLERS: usize = 50;

/// Five idle objects, fifty callers, each needs its object for 2 ms, a new one takes 150 ms: what
/// comes back serves them all, long before a new object could.
#[test]
fn fault_27_spike() {
    run(spike);
}

async fn spike(h: OnManual) {
    let script = h.script();
    let config = PoolConfig {
        max_size: 50,
        create_timeout: Duration::from_secs(1),
        ..h.config()
    };
    let pool = h.pool(&script, config);
    h.stock(&pool, 5).await;
    script.always(Callback::Create, Act::Slow(millis(150)));
    let begun = h.hand().now();
    let callers: Vec<_> = (0..CALLERS).map(|_| h.spawn(use_one(&h, &pool))).collect();
    h.run_until_idle();
    h.advance(millis(25));
    assert!(callers.iter().all(|caller| caller.is_done()));
    for caller in callers {
        assert!(caller.await.since(begun) <= millis(25));
    }
    h.advance(Duration::from_secs(1));
    assert!(script.made() <= 6, "{} made", script.made());
    h.nothing_lost(&pool, &script).await;
}

fn use_one(
    h: &OnManual,
    pool: &nebula_resource::Pool<Script>,
) -> impl Future<Output = nebula_resource_core::Tick> + Send + 'static {
    let (pool, clock) = (
        pool.clone(),
        nebula_resource::clock::Clock::manual(h.hand()),
    );
    async move {
        let guard = pool.acquire().await.expect("an object");
        clock.sleep(millis(2)).await;
        drop(guard);
        clock.now()
    }
}

/// The same in real time; here only what is made counts. The creation takes so long that none of
/// it comes from a slow machine.
#[cfg(feature = "tokio")]
#[test]
fn fault_27_spike_in_real_time() {
    let h = OnTokio::start();
    h.block_on(async {
        let script = Script::new(nebula_resource::clock::Clock::system());
        let config = PoolConfig {
            max_size: 50,
            validate_after: None,
            ..PoolConfig::default()
        };
        let pool = nebula_resource::Pool::builder(script.clone()).config(config);
        let pool = pool.build().expect("a valid configuration");
        drop(pool.acquire_many(5).await.expect("five objects"));
        script.always(Callback::Create, Act::Slow(Duration::from_secs(60)));
        let mut callers = tokio::task::JoinSet::new();
        for _ in 0..CALLERS {
            let pool = pool.clone();
            callers.spawn(async move {
                let _guard = pool.acquire().await.expect("an object");
                tokio::time::sleep(millis(2)).await;
            });
        }
        assert_eq!(callers.join_all().await.len(), CALLERS);
        assert!(script.calls(Callback::Create) <= 6);
        assert!(pool.status().creating <= 1);
        drop(pool.close());
    });
}

/// Every idle object's validation hangs. There is one deadline for all of it.
#[test]
fn fault_28_one_deadline() {
    run(one_deadline);
}

async fn one_deadline(h: OnManual) {
    // The bound of one validation: longer than the deadline, a part of it, a fraction of it.
    for (bound, spoiled) in [(1000, 1), (150, 2), (60, 4), (40, 4)] {
        let script = h.script();
        let pool = h.pool(&script, deadline_of_200(&h, millis(bound)));
        h.stock(&pool, 4).await;
        h.advance(millis(500));
        script.always(Callback::Validate, Act::Hang);
        script.always(Callback::Create, Act::Hang);
        let begun = h.hand().now();
        let error = pool.acquire().await.expect_err("validation hangs");
        assert_eq!(h.hand().now().since(begun), millis(200));
        let AcquireError::TimedOut(report) = &error else {
            panic!("{error:?}");
        };
        assert_eq!(report.elapsed, millis(200), "{bound}");
        // With a short bound all four are through at 160 ms, and a new one is waited for.
        let creating = bound == 40;
        let stage = if creating {
            Stage::Creating
        } else {
            Stage::Validating
        };
        assert_eq!(report.stage, stage, "{bound}");
        assert_eq!(script.calls(Callback::Validate), spoiled, "{bound}");
        h.nothing_lost(&pool, &script).await;
    }
}

fn deadline_of_200<H: Harness>(h: &H, bound: Duration) -> PoolConfig {
    PoolConfig {
        max_size: 4,
        acquire_timeout: millis(200),
        validate_timeout: bound,
        validate_after: Some(millis(500)),
        create_timeout: Duration::from_secs(10),
        maintenance_every: Duration::from_secs(3600),
        ..h.config()
    }
}

/// Neither do waiting, recycling and validating add up.
async fn steps_do_not_add_up(h: OnManual) {
    let script = h.script();
    let pool = h.pool(&script, deadline_of_200(&h, millis(150)));
    pool.resize(1).expect("a valid size");
    let out = h.get(&pool).await.expect("an object");
    script.always(Callback::Recycle, Act::Slow(millis(90)));
    script.always(Callback::Validate, Act::Slow(millis(100)));
    h.advance(millis(500));
    // Suspected, so that it is validated although it was just in use.
    let waiting = h.spawn(h.acquire(&pool));
    h.advance(millis(50));
    drop(out);
    pool.reconfigure(|config| config.validate_after = Some(Duration::ZERO))
        .expect("a valid configuration");
    let begun = h.hand().now();
    h.advance(millis(149));
    assert!(!waiting.is_done());
    h.advance(millis(1));
    assert!(
        waiting.is_done(),
        "{:?} after it came back",
        h.hand().now().since(begun)
    );
    let error = waiting.await.expect_err("50 + 90 + 100 ms");
    let AcquireError::TimedOut(report) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(
        (report.elapsed, report.stage),
        (millis(200), Stage::Validating)
    );
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn fault_28_steps_do_not_add_up() {
    run(steps_do_not_add_up);
}

/// A blocking callback cannot be interrupted, but nobody has to wait for it.
#[test]
fn fault_28_one_deadline_blocking() {
    let script = Script::new(nebula_resource::clock::Clock::system());
    let pool = sync::Pool::builder(script.clone())
        .max_size(4)
        .acquire_timeout(millis(200))
        .validate_after(Some(Duration::ZERO))
        .build()
        .expect("a valid configuration");
    drop(pool.acquire_many(4).expect("four objects"));
    script.always(Callback::Validate, Act::Hang);
    let begun = Instant::now();
    let error = pool.acquire().expect_err("validation hangs");
    let took = begun.elapsed();
    assert!(
        took >= millis(200) && took < Duration::from_secs(2),
        "{took:?}"
    );
    let AcquireError::TimedOut(report) = &error else {
        panic!("{error:?}");
    };
    assert_eq!(report.stage, Stage::Validating);
    script.heal();
    drop(
        pool.acquire_timeout(Duration::from_secs(20))
            .expect("a fresh acquire"),
    );
    let audit = pool.audit();
    assert!(audit.balanced(), "{audit:?}");
}

/// What has to be done with one object before it is handed out, and usually takes 400 ms.
#[derive(Clone, Copy)]
struct Late<'a> {
    care: Callback,
    /// When it comes back.
    back: u64,
    /// The callers who wait for it: since when, and for how long.
    waits: &'a [(u64, u64)],
}

const LATE: Late<'static> = Late {
    care: Callback::Recycle,
    back: 800,
    waits: &[(0, 1000), (0, 5000)],
};

impl Late<'_> {
    /// Who got it, and how many objects were lost.
    async fn happens(self, h: OnManual) -> (Vec<bool>, usize) {
        let script = h.script();
        let bound = Duration::from_secs(5);
        let validated = matches!(self.care, Callback::Validate);
        let config = PoolConfig {
            max_size: 1,
            recycle_timeout: bound,
            validate_timeout: bound,
            acquire_timeout: bound,
            validate_after: validated.then_some(Duration::ZERO),
            ..h.config()
        };
        let pool = h.pool(&script, config);
        script.always(self.care, Act::Slow(millis(400)));
        // Learned from the first who had to wait for it.
        drop(h.get(&pool).await.expect("an object"));
        let guard = h.get(&pool).await.expect("an object");
        let (mut callers, mut at) = (Vec::new(), 0);
        for &(from, time) in self.waits {
            h.advance(millis(from - std::mem::replace(&mut at, from)));
            let (pool, time) = (pool.clone(), millis(time));
            callers.push(h.spawn(async move { pool.acquire_timeout(time).await.is_ok() }));
            h.run_until_idle();
        }
        h.advance(millis(self.back - at));
        drop(guard);
        h.advance(Duration::from_secs(10));
        let mut served = Vec::new();
        for caller in callers {
            served.push(caller.await);
        }
        let lost = script.retired_for().len();
        h.nothing_lost(&pool, &script).await;
        (served, lost)
    }
}

/// It is not begun for a caller who has no time left for it, while another has: it would be cut off,
/// and the object lost.
#[test]
fn fault_15_who_is_late_is_passed_over() {
    for care in [Callback::Recycle, Callback::Validate] {
        run(move |h: OnManual| async move {
            let ended = Late { care, ..LATE }.happens(h).await;
            assert_eq!(ended, (vec![false, true], 0), "{care:?}");
        });
    }
}

/// Who has just time enough is served.
#[test]
fn fault_15_who_is_in_time_is_served() {
    run(|h: OnManual| async move {
        let ended = Late { back: 600, ..LATE }.happens(h).await;
        assert_eq!(ended, (vec![true, true], 0));
    });
}

/// With nobody else to have it, it is tried.
#[test]
fn fault_15_who_is_late_and_alone_is_not_passed_over() {
    run(|h: OnManual| async move {
        let waits = &[(0, 1000)];
        let ended = Late { waits, ..LATE }.happens(h).await;
        assert_eq!(ended, (vec![false], 1));
    });
}

/// One whose whole time would not do is in a hurry rather than late: what is usual may have changed.
#[test]
fn fault_15_who_is_in_a_hurry_is_not_passed_over() {
    run(|h: OnManual| async move {
        let waits = &[(600, 300), (700, 5000)];
        let ended = Late { waits, ..LATE }.happens(h).await;
        assert_eq!(ended, (vec![false, true], 1));
    });
}
