//! Many at once: what a shutdown takes does not grow with how much there is to clean up, as long as
//! nothing of it depends on the rest.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use nebula_resource::runtime::{Runtime, Threads};
use nebula_resource::{
    BlockingResource, CreateContext, Manager, Resource, RetireReason, runtime::AnyRuntime,
};

use crate::world::{Goodbye, NOBODY, World};

const RESOURCES: usize = 100;
const OBJECTS: usize = 10;
const GOODBYE: Duration = Duration::from_millis(10);
/// What the whole may take on a machine that has other things to do; one after the other would be
/// twice that.
const PATIENCE: Duration = Duration::from_secs(5);

fn names() -> Vec<String> {
    (0..RESOURCES)
        .map(|number| format!("resource {number}"))
        .collect()
}

#[test]
fn what_is_independent_says_goodbye_side_by_side() {
    let world = World::new();
    for name in names() {
        world.register(&name, &[], Goodbye::Takes(GOODBYE));
        world.stock(&name, OBJECTS);
    }
    let report = world.runtime.run(world.manager.shutdown());
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.cleaned_up(), RESOURCES * OBJECTS);
    assert_eq!(report.elapsed, GOODBYE);
}

#[test]
fn ten_levels_take_ten_times_as_long() {
    let world = World::new();
    let names = names();
    for (number, name) in names.iter().enumerate() {
        let below = number.checked_sub(10).map(|below| &*names[below]);
        let needs: Vec<&str> = below.into_iter().collect();
        world.register(name, &needs, Goodbye::Takes(GOODBYE));
        world.stock(name, OBJECTS);
    }
    let report = world.runtime.run(world.manager.shutdown());
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.cleaned_up(), RESOURCES * OBJECTS);
    assert_eq!(report.elapsed, GOODBYE * 10);
}

struct Awaited<S>(S);

impl<S: Runtime + Clone> Resource for Awaited<S> {
    type Config = ();
    type Instance = ();
    type Error = Infallible;

    async fn create(&self, (): &(), _: &CreateContext) -> Result<(), Infallible> {
        Ok(())
    }

    async fn cleanup(&self, (): (), _: RetireReason) {
        self.0.sleep(GOODBYE).await;
    }
}

struct Blocked;

impl BlockingResource for Blocked {
    type Config = ();
    type Instance = ();
    type Error = Infallible;

    fn create(&self, (): &(), _: &CreateContext) -> Result<(), Infallible> {
        Ok(())
    }

    fn cleanup(&self, (): (), _: RetireReason) {
        std::thread::sleep(GOODBYE);
    }
}

fn in_time<R: Resource>(runtime: impl Into<AnyRuntime>, resource: impl Fn() -> R)
where
    R::Config: Default,
{
    let manager = Manager::builder().runtime(runtime).build();
    for name in names() {
        let registered = manager.register_blocking(&name, resource(), R::Config::default());
        assert!(registered.is_ok());
        let take = |_| manager.acquire_blocking::<R>(&name, &NOBODY);
        let guards: Result<Vec<_>, _> = (0..OBJECTS).map(take).collect();
        assert!(guards.is_ok());
    }
    let began = Instant::now();
    let report = manager.shutdown().wait();
    println!("{report}");
    assert!(report.is_clean(), "{report}");
    assert_eq!(report.cleaned_up(), RESOURCES * OBJECTS);
    assert!(began.elapsed() < PATIENCE, "{report}");
}

#[test]
fn a_thousand_blocking_goodbyes_on_helper_threads() {
    in_time(Threads, || Blocked);
}

#[test]
fn a_thousand_awaited_goodbyes_on_helper_threads() {
    in_time(Threads, || Awaited(Threads));
}

#[cfg(feature = "tokio")]
#[test]
fn a_thousand_awaited_goodbyes_on_tokio() {
    use nebula_resource::runtime::Tokio;

    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let runtime = tokio.block_on(async { Tokio::current() }).unwrap();
    in_time(runtime.clone(), || Awaited(runtime.clone()));
}
