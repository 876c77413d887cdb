//! Of a stock that was made a few at a time, only what aged first was replaced in time: with that made, no
//! alarm was set for the next of it, and all the others expired with the next round.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use support::*;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn bug_stock_ages_one_by_one() {
    run(|h: OnManual| async move {
        let script = h.script();
        script.always(Callback::Create, Act::Slow(SECOND));
        let config = PoolConfig {
            max_size: 20,
            min_idle: 6,
            create_timeout: 10 * SECOND,
            max_lifetime: Some(120 * SECOND),
            lifetime_jitter: 0.0,
            warm_concurrency: 2,
            warm_on_register: true,
            // Only a round lets go what is too old; none falls into the time before that.
            maintenance_every: 50 * SECOND,
            ..h.config()
        };
        let pool = h.pool(&script, config);
        h.advance(4 * SECOND);
        assert_eq!((pool.status().idle, script.made()), (6, 6));
        // Quicker than they age: what ages next is no longer seen when this one is done.
        script.heal();
        h.advance(116 * SECOND);
        assert_eq!(script.made(), 12, "each is replaced before its end");
        assert!(script.retired_for().is_empty());
        h.advance(60 * SECOND);
        assert_eq!(pool.status().idle, 6);
        pool.reconfigure(|c| (c.min_idle, c.max_lifetime) = (0, None))
            .unwrap();
        h.nothing_lost(&pool, &script).await;
    });
}
