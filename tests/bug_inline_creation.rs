//! Where nothing runs in the background a caller makes its object itself, and first destroys what was
//! retired. Given up in the middle of a destruction it took the permit with it for good; destructions
//! that hung outlasted its deadline; and while its own creation hung, an object that came back was
//! handed to it and lay there, beside others who waited.

mod support;

use nebula_resource::clock::Clock;
use nebula_resource::runtime::NoRuntime;
use nebula_resource::{Fairness, Pool};
use support::*;

fn without_background(h: &OnManual, script: &Script, config: PoolConfig) -> Pool<Script> {
    Pool::builder(script.clone())
        .config(config)
        .observer(script.clone())
        .runtime(NoRuntime)
        .clock(Clock::manual(h.hand()))
        .build()
        .expect("a valid configuration")
}

async fn given_up_while_burying(h: OnManual) {
    let script = h.script();
    let config = PoolConfig {
        max_size: 1,
        ..h.config()
    };
    let pool = without_background(&h, &script, config);
    pool.acquire().await.expect("an object").discard();
    script.always(Callback::Destroy, Act::Hang);
    let mut caller = Hand::new(pool.acquire());
    assert!(caller.poll().is_pending(), "the destruction hangs");
    drop(caller);
    let audit = pool.audit();
    assert!(audit.balanced(), "{audit:?}");
    assert_eq!((audit.permits, audit.creating), (0, 0), "{audit:?}");
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn bug_inline_burial_given_up_takes_the_permit() {
    run(given_up_while_burying);
}

async fn burying_takes_long(h: OnManual) {
    let script = h.script();
    let config = PoolConfig {
        max_size: 4,
        destroy_timeout: Duration::from_secs(10),
        ..h.config()
    };
    let pool = without_background(&h, &script, config);
    for guard in pool.acquire_many(4).await.expect("four objects") {
        guard.discard();
    }
    script.always(Callback::Destroy, Act::Hang);
    let begun = h.hand().now();
    drop(pool.acquire_timeout(millis(200)).await);
    let took = h.hand().now().since(begun);
    assert!(took <= millis(200), "{took:?} by the pool's clock");
    h.nothing_lost(&pool, &script).await;
}

#[test]
fn bug_inline_burial_outlasts_the_deadline() {
    run(burying_takes_long);
}

async fn one_comes_back_meanwhile(h: OnManual) {
    for fairness in [Fairness::Bounded, Fairness::Strict] {
        let script = h.script();
        let config = PoolConfig {
            fairness,
            create_timeout: Duration::from_secs(20),
            ..h.config()
        };
        let pool = without_background(&h, &script, config);
        let held = pool.acquire().await.expect("an object");
        script.always(Callback::Create, Act::Hang);
        let mut creator = Hand::new(pool.acquire());
        assert!(creator.poll().is_pending());
        assert_eq!(script.inside(Callback::Create), 1);
        let mut next = Hand::new(pool.acquire());
        assert!(next.poll().is_pending());
        drop(held);
        // Polled only where it was woken, as an executor does.
        let served = [&mut creator, &mut next]
            .into_iter()
            .any(|caller| caller.woken() > 0 && caller.poll().is_ready());
        assert!(served, "{fairness:?}: {:?}", pool.status());
        drop((creator, next));
        h.nothing_lost(&pool, &script).await;
    }
}

#[test]
fn bug_inline_creator_sits_on_returned_objects() {
    run(one_comes_back_meanwhile);
}
