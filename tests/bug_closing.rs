//! A closing was not told of everything it waits for: of a creation under way, of the last permit
//! (given back only after the object was gone), and of objects that could not be destroyed any more
//! because their runtime was. Those were dropped on the thread that keeps the time for everybody.

mod support;

use std::sync::{Arc, Mutex};

use nebula_resource::clock::Clock;
use nebula_resource::runtime::{BlockingJob, Runtime};
use nebula_resource::{Closing, Pool};
use nebula_resource_core::{Job, park};
use support::*;

async fn while_creating(h: OnManual) {
    let script = h.script();
    script.always(Callback::Create, Act::Hang);
    let config = PoolConfig {
        create_timeout: Duration::from_secs(20),
        ..h.config()
    };
    let pool = h.pool(&script, config);
    let mut caller = Hand::new(pool.acquire());
    assert!(caller.poll().is_pending());
    h.run_until_idle();
    assert_eq!(pool.status().creating, 1);
    let begun = h.hand().now();
    let mut closing = Hand::new(pool.close());
    assert!(closing.poll().is_pending());
    h.run_until_idle();
    assert_eq!(pool.status().creating, 0);
    assert!(closing.woken() > 0, "nobody told it");
    assert!(closing.poll().is_ready());
    assert_eq!(h.hand().now(), begun, "it waited for a timeout");
}

#[test]
fn bug_closing_waits_for_a_creation_that_was_given_up() {
    run(while_creating);
}

/// Runs jobs within the call, and then lets the closing look: as another thread might, that hears of
/// the destruction before the thread that retired goes on.
#[derive(Clone, Default)]
struct AtOnce(Arc<Mutex<Option<Looking>>>);

struct Looking {
    closing: Hand<Closing>,
    settled: bool,
    woken_before: usize,
}

impl Looking {
    fn look(&mut self) {
        self.woken_before = self.closing.woken();
        self.settled = self.closing.poll().is_ready();
    }
}

impl Runtime for AtOnce {
    fn spawn(&self, job: Job) -> Result<(), Job> {
        park::block_on(job);
        if let Some(looking) = &mut *self.0.lock().expect("not poisoned") {
            looking.look();
        }
        Ok(())
    }

    fn spawn_blocking(&self, work: BlockingJob) -> Result<(), BlockingJob> {
        work();
        Ok(())
    }
}

async fn the_last_one_is_retired(h: OnManual) {
    let (script, runtime) = (h.script(), AtOnce::default());
    let pool = Pool::builder(script.clone())
        .runtime(runtime.clone())
        .clock(Clock::manual(h.hand()))
        .build()
        .expect("a valid configuration");
    let guard = pool.acquire_owned().await.expect("an object");
    let mut closing = Hand::new(pool.close());
    assert!(closing.poll().is_pending());
    *runtime.0.lock().expect("not poisoned") = Some(Looking {
        closing,
        settled: false,
        woken_before: 0,
    });
    guard.discard();
    let looking = runtime.0.lock().expect("not poisoned").take();
    let looking = looking.expect("it was put there");
    let told = looking.settled || looking.closing.woken() > looking.woken_before;
    assert!(told, "it looked too early, and was not told to look again");
}

#[test]
fn bug_closing_hears_nothing_of_the_last_one_retired() {
    run(the_last_one_is_retired);
}

#[cfg(feature = "tokio")]
mod after_tokio {
    use std::sync::mpsc::{self, Receiver, Sender};
    use std::thread;

    use nebula_resource::runtime::Tokio;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    /// Tells on which thread it was dropped.
    struct Witness(Sender<Option<String>>);

    impl Drop for Witness {
        fn drop(&mut self) {
            let name = thread::current().name().map(str::to_owned);
            // Nobody may be left to be told.
            let _told = self.0.send(name);
        }
    }

    /// A pool with one idle object whose runtime is gone, and where the object will be dropped.
    fn orphaned() -> (Pool<Script>, Receiver<Option<String>>) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let pool = Pool::builder(Script::new(Clock::system()))
            .runtime(Tokio::from(runtime.handle().clone()))
            .build()
            .expect("a valid configuration");
        let (tell, told) = mpsc::channel();
        let mut guard = pool.acquire_blocking().expect("an object");
        guard.burden = Some(Box::new(Witness(tell)));
        drop(guard);
        drop(runtime);
        (pool, told)
    }

    #[track_caller]
    fn not_on_the_clock(told: &Receiver<Option<String>>) {
        let dropped_on = told.recv_timeout(LONG).expect("the object is dropped");
        assert_ne!(dropped_on.as_deref(), Some("nebula-clock"));
    }

    #[test]
    fn bug_closing_never_settles() {
        let (pool, told) = orphaned();
        assert!(pool.close().wait_timeout(LONG), "{:?}", pool.stats());
        not_on_the_clock(&told);
    }

    #[test]
    fn bug_destructors_run_on_the_clock() {
        let (pool, told) = orphaned();
        drop(pool);
        not_on_the_clock(&told);
    }
}
