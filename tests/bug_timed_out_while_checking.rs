//! A caller whose time was up while its very first object was being validated stood in line once
//! more, with no time left: it reported that it had waited for nothing, or it spoiled a second
//! object.

mod support;

use support::*;

async fn time_is_up(h: OnManual) {
    for stock in [1, 2] {
        let script = h.script();
        let config = PoolConfig {
            acquire_timeout: millis(50),
            validate_after: Some(millis(20)),
            max_size: 2,
            ..h.config()
        };
        let pool = h.pool(&script, config);
        h.stock(&pool, stock).await;
        h.advance(millis(20));
        script.always(Callback::Validate, Act::Hang);
        let error = pool.acquire().await.expect_err("validation hangs");
        let AcquireError::TimedOut(report) = &error else {
            panic!("{error:?}");
        };
        assert_eq!(
            (report.stage, report.elapsed),
            (Stage::Validating, millis(50))
        );
        assert_eq!(pool.status().idle, stock - 1, "it spoiled one object");
        assert!(script.told().contains(&Told::TimedOut));
        h.nothing_lost(&pool, &script).await;
    }
}

#[test]
fn bug_timed_out_while_checking() {
    run(time_is_up);
}
