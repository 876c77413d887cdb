//! Two ways in which a pool took back an alarm that somebody counted on; from then on nobody's deadline
//! came. A caller with a short deadline was preempted between registering its alarm and writing it
//! down: the alarm rang, the next one was set, and the caller took that one back. Or the next one was
//! set while an alarm was due that the clock's thread had not come round to: it took the due one back.
//!
//! Found by the soak. `core/src/alarm.rs` has both as unit tests, step by step; this one has nothing
//! but many short deadlines.

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use nebula_resource::{BlockingFactory, sync};

/// Longer than all deadlines of the test together would take, one after the other.
const FOR_EVER: Duration = Duration::from_secs(60);

struct Units;

impl BlockingFactory for Units {
    type Object = ();
    type Error = String;

    fn create(&self) -> Result<(), String> {
        Ok(())
    }
}

#[test]
fn bug_alarm_taken_back() {
    let pool = sync::Pool::builder(Units).max_size(1).build().unwrap();
    let pool = Arc::new(pool);
    let held = pool.acquire_owned().unwrap();
    let (done, all_done) = mpsc::channel::<()>();
    for caller in 0..12 {
        let (pool, done) = (Arc::clone(&pool), done.clone());
        thread::spawn(move || {
            for round in 0..1_500 {
                let span = Duration::from_micros(20 + (caller * 37 + round * 13) % 160);
                assert!(pool.acquire_timeout(span).is_err(), "it is held");
            }
            drop(done);
        });
    }
    drop(done);
    let ended = all_done.recv_timeout(FOR_EVER);
    assert_eq!(ended, Err(mpsc::RecvTimeoutError::Disconnected));
    assert_eq!(pool.stats().timed_out, 12 * 1_500);
    drop(held);
    pool.close().wait();
}
