//! How callers come to a resource that is just back: little by little, if it is to be.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "health/server.rs"]
mod server;

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nebula_resource::quarantine::{Doubling, QuarantinePolicy};
use nebula_resource::runtime::Runtime;
use server::{MINUTE, SECOND, policy, world};

/// How many were out at once, in each second after it came back.
fn after_the_return(ramp: Duration, callers: usize) -> Vec<usize> {
    let quick = Doubling::new(SECOND, SECOND, 1000).unwrap();
    let quarantine = QuarantinePolicy::new().strategy(quick).ramp(ramp);
    let world = world(policy().quarantine(quarantine), 20);
    world
        .db
        .reconfigure_pool(|pool| pool.acquire_timeout = 10 * MINUTE)
        .unwrap();
    world.server.goes_down();
    world.until(|world| !world.state().is_served());
    world.server.comes_up();
    world.until(|world| world.state().is_served());

    let (most, served) = (Arc::new(Mutex::new(0)), Arc::new(AtomicUsize::new(0)));
    for _ in 0..callers {
        let (db, clock) = (world.db.clone(), world.runtime.clock());
        let (most, served) = (Arc::clone(&most), Arc::clone(&served));
        let job = async move {
            let session = db.acquire().await.unwrap();
            let now = db.status().in_use;
            let highest = most.lock().map(|most| now.max(*most)).unwrap();
            *most.lock().unwrap() = highest;
            clock.sleep(50 * Duration::from_millis(1)).await;
            drop(session);
            served.fetch_add(1, SeqCst);
        };
        assert!(world.runtime.spawn(Box::pin(job)).is_ok());
    }
    let mut seconds = Vec::new();
    while served.load(SeqCst) < callers {
        world.pass(SECOND);
        seconds.push(std::mem::take(&mut *most.lock().unwrap()));
        assert!(seconds.len() < 600, "{seconds:?}");
    }
    world.is_balanced();
    seconds
}

#[test]
fn who_waited_comes_in_little_by_little() {
    let seconds = after_the_return(10 * SECOND, 3000);
    for (second, most) in seconds.iter().enumerate().take(10) {
        // Two of twenty at first, and two more each second; it began a moment before they came.
        assert!(*most <= 2 * (second + 2), "{seconds:?}");
    }
    assert!(
        seconds[0] >= 1 && seconds.iter().max() == Some(&20),
        "{seconds:?}"
    );
}

#[test]
fn without_a_ramp_all_come_in_at_once() {
    let seconds = after_the_return(Duration::ZERO, 100);
    assert_eq!(seconds[0], 20, "{seconds:?}");
}

#[test]
fn who_has_no_time_for_the_ramp_is_told_so() {
    let quick = Doubling::new(SECOND, SECOND, 1000).unwrap();
    let quarantine = QuarantinePolicy::new().strategy(quick).ramp(10 * MINUTE);
    let world = world(policy().quarantine(quarantine), 2);
    world.server.goes_down();
    world.until(|world| !world.state().is_served());
    world.server.comes_up();
    world.until(|world| world.state().is_served());
    let held = world.runtime.run(world.db.acquire()).unwrap();
    let refused = world.runtime.run(world.db.acquire()).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("is handed out little by little"),
        "{refused}"
    );
    drop(held);
    assert!(world.try_one().is_ok());
    world.is_balanced();
}
