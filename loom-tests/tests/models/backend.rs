//! A backend that pools share: whoever waits for a pass gets one, or hears why not.

use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Waker};

use loom::future::block_on;
use nebula_resource_core::PoolConfig;
use nebula_resource_core::models::backend::Backend;
use nebula_resource_core::models::{Asks, Pool, Seen};
use nebula_resource_loom_tests::Case;

const ASKS: Asks = Asks {
    objects: 1,
    deadline: u64::MAX,
    returning: false,
    races: true,
};

// The only pass is given up while somebody comes for it. Loses: the newcomer looks before the pass is
// given up and listens after the notification, and sleeps for ever.
cases!(pass_given_up_against_enter: fifo);
fn pass_given_up_against_enter(_: Case) {
    let backend = Arc::new(Backend::new(1));
    let pass = block_on(backend.enter()).ok().unwrap();
    let newcomer = {
        let backend = Arc::clone(&backend);
        loom::thread::spawn(move || block_on(backend.enter()).is_ok())
    };
    drop(pass);
    assert!(newcomer.join().unwrap(), "nothing has failed");
}

// The attempt fails while somebody comes. Loses: the newcomer waits for the outcome of an attempt
// that has ended, and is told neither to go nor why not.
cases!(failure_against_enter: fifo);
fn failure_against_enter(_: Case) {
    let backend = Arc::new(Backend::new(1));
    let pass = block_on(backend.enter()).ok().unwrap();
    let newcomer = {
        let backend = Arc::clone(&backend);
        loom::thread::spawn(move || block_on(backend.enter()).is_ok())
    };
    backend.fail(pass);
    assert!(!newcomer.join().unwrap(), "a failure is in force");
}

// The only probe turns out to take long while somebody comes. Loses: the newcomer waits for the end
// of a probe that may hang, though it could make the next one.
cases!(slow_probe_against_enter: fifo);
fn slow_probe_against_enter(_: Case) {
    let backend = Arc::new(Backend::new(2));
    backend.fail(block_on(backend.enter()).ok().unwrap());
    backend.later();
    let probe = block_on(backend.enter()).ok().unwrap();
    let newcomer = {
        let backend = Arc::clone(&backend);
        loom::thread::spawn(move || block_on(backend.enter()).is_ok())
    };
    backend.slow(&probe);
    assert!(newcomer.join().unwrap(), "the next probe may begin");
}

// A pass is given up while one of two who wait for it leaves. Loses: the one that leaves takes the
// notification along, and the other sleeps beside a free pass.
cases_of_three!(pass_given_up_against_leave: fifo);
fn pass_given_up_against_leave(_: Case) {
    let backend = Arc::new(Backend::new(1));
    let pass = block_on(backend.enter()).ok().unwrap();
    let leaver = {
        let backend = Arc::clone(&backend);
        loom::thread::spawn(move || {
            let mut entering = Box::pin(backend.enter());
            drop(
                entering
                    .as_mut()
                    .poll(&mut Context::from_waker(Waker::noop())),
            );
        })
    };
    let stayer = {
        let backend = Arc::clone(&backend);
        loom::thread::spawn(move || block_on(backend.enter()).is_ok())
    };
    drop(pass);
    leaver.join().unwrap();
    assert!(stayer.join().unwrap());
}

// A pool takes note that the backend refuses while another pool's probe succeeds. Loses: the pool
// is told of the recovery before it has noted the failure, notes it then, and sits out a backoff
// that is over for everybody else.
cases!(recovery_against_refusal: fifo);
fn recovery_against_refusal(_: Case) {
    let backend = Arc::new(Backend::new(1));
    let pool = Arc::new(Pool::<()>::new(PoolConfig::default(), 32));
    backend.watched_by(&pool);
    backend.fail(block_on(backend.enter()).ok().unwrap());
    let refusal = block_on(backend.enter()).err().unwrap();
    backend.later();
    let probe = block_on(backend.enter()).ok().unwrap();
    let waiter = pool.join(ASKS);
    let may_create = || matches!(pool.look(waiter, Waker::noop(), 0), Seen::Create);
    assert!(may_create(), "the pool has noted no failure yet");
    let prober = {
        let backend = Arc::clone(&backend);
        loom::thread::spawn(move || backend.succeed(probe))
    };
    backend.refuse(&pool, refusal);
    prober.join().unwrap();
    assert!(may_create(), "nobody is hindered any more");
    pool.creation_withdrawn();
    pool.leave(waiter);
}
