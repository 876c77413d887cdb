//! A shutdown in the middle of everything else that can be asked of a manager: whoever comes too
//! late is told so, and nothing that was made on the way is left.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nebula_resource::manager::{DeregisterError, RegisterError, ReloadError};
use nebula_resource::runtime::Threads;
use nebula_resource::{BlockingResource, CreateContext, Manager, ResourceError, Scope};

use crate::world::NOBODY;

const ROUNDS: usize = 40;
/// Far more than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Counts its instances.
#[derive(Clone, Default)]
struct Counted(Arc<AtomicUsize>);

struct One(Arc<AtomicUsize>);

impl Drop for One {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl BlockingResource for Counted {
    type Config = ();
    type Instance = One;
    type Error = Infallible;

    fn create(&self, (): &(), _: &CreateContext) -> Result<One, Infallible> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(One(Arc::clone(&self.0)))
    }
}

fn acquire_until_it_ends(manager: &Manager) {
    loop {
        match manager.acquire_blocking::<Counted>("main_db", &NOBODY) {
            Ok(guard) => drop(guard),
            Err(ResourceError::ShuttingDown { .. }) => return,
            Err(other) => panic!("there is no moment without one: {other}"),
        }
    }
}

fn reload_until_it_ends(manager: &Manager) {
    loop {
        match manager.reload_config("main_db", ()).wait() {
            Ok(_) => {}
            Err(ReloadError::ShuttingDown { .. }) => return,
            Err(other) => panic!("nobody else reloads: {other}"),
        }
    }
}

fn come_and_go_until_it_ends(manager: &Manager, resource: &Counted) {
    loop {
        match manager.register_blocking("guest", resource.clone(), ()) {
            Ok(handle) => drop(handle.acquire_blocking()),
            Err(RegisterError::ShuttingDown { .. }) => return,
            Err(other) => panic!("it was deregistered: {other}"),
        }
        match manager.deregister("guest", &Scope::GLOBAL) {
            Ok(_) | Err(DeregisterError::UnknownKey { .. }) => {}
            Err(other) => panic!("nobody needs it: {other}"),
        }
    }
}

#[test]
fn nothing_is_left_of_what_raced_with_the_end() {
    let resource = Counted::default();
    for round in 0..ROUNDS {
        let manager = Manager::builder().runtime(Threads).build();
        let registered = manager.register_blocking("main_db", resource.clone(), ());
        assert!(registered.is_ok());
        let report = thread::scope(|scope| {
            scope.spawn(|| acquire_until_it_ends(&manager));
            scope.spawn(|| reload_until_it_ends(&manager));
            scope.spawn(|| come_and_go_until_it_ends(&manager, &resource));
            for _ in 0..round * 10 {
                thread::yield_now();
            }
            manager.shutdown().wait()
        });
        assert!(report.is_clean(), "{report}");
        let began = Instant::now();
        while resource.0.load(Ordering::SeqCst) > 0 {
            assert!(
                began.elapsed() < PATIENCE,
                "round {round}: some are still there"
            );
            thread::yield_now();
        }
    }
}
