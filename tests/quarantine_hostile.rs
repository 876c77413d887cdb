//! Strategies that never succeed, panic, hang or have no patience; many resources at one dead backend,
//! and a thousand that flap.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "health/server.rs"]
mod server;

use std::future::{Future, pending, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use nebula_resource::clock::Clock;
use nebula_resource::health::HealthPolicy;
use nebula_resource::lifecycle::State;
use nebula_resource::quarantine::{Attempt, Doubling, QuarantinePolicy, RecoveryStrategy};
use nebula_resource::runtime::{Manual, Runtime};
use nebula_resource::{Backend, BoxError, Manager, ResourceError, Scope};
use proptest::prelude::*;
use server::{MINUTE, Mood, SECOND, Server, World, policy, pool, world};

type Repairing<'a> = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send + 'a>>;

/// What a strategy does when it is asked.
#[derive(Clone, Copy)]
enum Habit {
    NeverRepairs,
    PanicsAtRepair,
    HangsAtRepair,
    PanicsAtWait,
    NeverWaits,
    WaitsForEver,
}

#[derive(Clone)]
struct Odd(Habit, Arc<AtomicUsize>);

impl RecoveryStrategy for Odd {
    fn wait_before(&self, attempt: &Attempt) -> Option<Duration> {
        match self.0 {
            Habit::PanicsAtWait => panic!("how should I know"),
            Habit::NeverWaits => Some(Duration::ZERO),
            Habit::WaitsForEver => Some(Duration::MAX),
            _ => Doubling::default().wait_before(attempt),
        }
    }

    fn repair<'a>(&'a self, _: &'a Attempt) -> Repairing<'a> {
        self.1.fetch_add(1, SeqCst);
        match self.0 {
            Habit::NeverRepairs => Box::pin(ready(Err("no spare parts".into()))),
            Habit::PanicsAtRepair => panic!("wrong screwdriver"),
            Habit::HangsAtRepair => Box::pin(pending()),
            _ => Box::pin(ready(Ok(()))),
        }
    }
}

/// One that is brought back by `habit`, just quarantined although its server is up.
fn odd(habit: Habit) -> (World, Arc<AtomicUsize>) {
    let repairs = Arc::default();
    let strategy = Odd(habit, Arc::clone(&repairs));
    let quarantine = QuarantinePolicy::new()
        .strategy(strategy)
        .ramp(Duration::ZERO);
    let mut world = world(policy().quarantine(quarantine), 2);
    world.pass(MINUTE);
    world.server.goes_down();
    world.until(|world| !world.state().is_served());
    world.server.comes_up();
    world.told();
    (world, repairs)
}

#[test]
fn a_strategy_that_never_succeeds_keeps_it_from_callers_and_ends() {
    for habit in [
        Habit::NeverRepairs,
        Habit::PanicsAtRepair,
        Habit::HangsAtRepair,
    ] {
        let (mut world, repairs) = odd(habit);
        let attempts = world.server.attempts();
        world.pass(10 * MINUTE);
        assert!(world.told().contains(&"given up after 10".to_owned()));
        assert!((10..=19).contains(&repairs.load(SeqCst)));
        assert_eq!(
            world.server.attempts(),
            attempts,
            "nobody looks at what was not repaired"
        );
        assert!(matches!(
            world.try_one(),
            Err(ResourceError::Quarantined { .. })
        ));
        world.is_balanced();
    }
}

#[test]
fn a_strategy_that_panics_gives_up() {
    let (world, _) = odd(Habit::PanicsAtWait);
    let status = world.manager.status();
    assert_eq!(
        status.get("db", &Scope::GLOBAL).unwrap().state,
        State::Failed
    );
    world.pass(MINUTE);
    assert!(world.try_one().is_ok(), "somebody looked all the same");
}

#[test]
fn a_strategy_that_never_waits_is_made_to() {
    let (world, repairs) = odd(Habit::NeverWaits);
    world.server.goes_down();
    world.pass(SECOND);
    let soon = repairs.load(SeqCst);
    assert!((1..=100).contains(&soon), "{soon} attempts in a second");
}

#[test]
fn a_strategy_that_waits_for_ever_can_be_overruled() {
    let (world, repairs) = odd(Habit::WaitsForEver);
    world.pass(60 * MINUTE);
    assert_eq!(repairs.load(SeqCst), 0);
    world.manager.release("db", &Scope::GLOBAL).unwrap();
    assert!(world.try_one().is_ok());
}

/// Several databases of one server.
fn family(
    count: usize,
) -> (
    Manual,
    Manager,
    Server,
    Vec<nebula_resource::Handle<Server>>,
) {
    let runtime = Manual::new();
    let manager = Manager::builder().runtime(runtime.clone()).build();
    let (server, backend) = (Server::default(), Backend::new("orders-db"));
    let handles = (0..count).map(|number| {
        let registration = manager.register(format!("db{number}"), server.clone(), ());
        let registration = registration.pool(pool(4)).backend(&backend);
        registration.health(policy()).health_check().wait().unwrap()
    });
    let handles = handles.collect();
    (runtime, manager, server, handles)
}

/// Takes its time to repair, and counts how many do so at once.
#[derive(Clone)]
struct Slow(Clock, Arc<[AtomicUsize; 2]>);

impl RecoveryStrategy for Slow {
    fn wait_before(&self, _: &Attempt) -> Option<Duration> {
        Some(SECOND)
    }

    fn repair<'a>(&'a self, _: &'a Attempt) -> Repairing<'a> {
        Box::pin(async move {
            let [now, most] = &*self.1;
            most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
            self.0.sleep(SECOND).await;
            now.fetch_sub(1, SeqCst);
            Ok(())
        })
    }
}

#[test]
fn attempts_at_one_backend_wait_for_each_other() {
    let runtime = Manual::new();
    let manager = Manager::builder().runtime(runtime.clone()).build();
    let (server, backend) = (Server::default(), Backend::new("orders-db"));
    let slow = Slow(runtime.clock(), Arc::default());
    for number in 0..5 {
        let registration = manager.register(format!("db{number}"), server.clone(), ());
        let quarantine = QuarantinePolicy::new().strategy(slow.clone());
        let registration = registration
            .backend(&backend)
            .health(policy().quarantine(quarantine));
        registration.health_check().wait().unwrap();
    }
    server.goes_down();
    runtime.advance(2 * MINUTE);
    assert_eq!(slow.1[1].load(SeqCst), 1);
    server.comes_up();
    runtime.advance(MINUTE);
    assert_eq!(manager.health().state.name(), "healthy");
}

#[test]
fn one_at_a_time_tries_a_backend_and_all_hear_of_its_return() {
    let (runtime, manager, server, handles) = family(20);
    runtime.advance(MINUTE);
    server.goes_down();
    runtime.advance(3 * MINUTE);
    let kept = || {
        manager
            .health()
            .resources
            .iter()
            .filter(|one| one.hold.is_some())
            .count()
    };
    assert_eq!((kept(), server.most_at_once()), (20, 1));
    // An attempt takes 0.9 s now; of those that are due at once, the others wait.
    server.goes_down_slowly(&runtime.clock(), 900 * Duration::from_millis(1));
    let before = server.attempts();
    runtime.advance(2 * MINUTE);
    assert_eq!(server.most_at_once(), 1);
    let attempts = server.attempts() - before;
    assert!((20..=120).contains(&attempts), "{attempts}");

    server.comes_up();
    let first = (0..3000).find(|_| {
        runtime.advance(Duration::from_millis(100));
        kept() < 20
    });
    assert!(first.is_some());
    runtime.advance(SECOND);
    assert_eq!(kept(), 0, "a second after the first, all are back");
    for handle in &handles {
        assert!(runtime.run(handle.acquire()).is_ok());
    }
}

/// What happens to a server.
#[derive(Clone, Copy, Debug)]
enum Turn {
    Down,
    Up,
    BlackHole,
    Odd(u8),
    Quarantine,
    Release,
    Reload,
    Wait(u64),
    Leap(u64),
}

fn any_turn() -> impl Strategy<Value = Turn> {
    prop_oneof![
        2 => Just(Turn::Down),
        3 => Just(Turn::Up),
        1 => Just(Turn::BlackHole),
        2 => (0_u8..5).prop_map(Turn::Odd),
        1 => Just(Turn::Quarantine),
        1 => Just(Turn::Release),
        1 => Just(Turn::Reload),
        6 => (1_u64..120_000).prop_map(Turn::Wait),
        1 => (1_u64..100_000).prop_map(Turn::Leap),
    ]
}

fn take(world: &World, turn: Turn) {
    match turn {
        Turn::Down => world.server.goes_down(),
        Turn::Up => world.server.comes_up(),
        Turn::BlackHole => world.server.is_a_black_hole(),
        Turn::Odd(which) => world.server.set(
            [
                Mood::Degraded(0.5),
                Mood::Ill,
                Mood::Dead,
                Mood::Hangs,
                Mood::Flaps,
            ][usize::from(which)],
        ),
        Turn::Quarantine => drop(world.manager.quarantine("db", &Scope::GLOBAL, "so")),
        Turn::Release => drop(world.manager.release("db", &Scope::GLOBAL)),
        Turn::Reload => {
            drop(
                world
                    .runtime
                    .run(async { world.manager.reload_config("db", ()).await }),
            );
        }
        Turn::Wait(millis) => world.pass(Duration::from_millis(millis)),
        Turn::Leap(seconds) => {
            world
                .runtime
                .manual_clock()
                .leap(Duration::from_secs(seconds));
            world.runtime.run_until_idle();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever happens: what callers get, what is said and where the resource is in its life agree;
    /// nothing is lost; and it is back once it works and nobody holds it.
    #[test]
    fn whatever_happens_it_agrees_with_itself(turns in prop::collection::vec(any_turn(), 1..40)) {
        let world = world(policy(), 3);
        for turn in turns {
            take(&world, turn);
            let (health, answer) = (world.health(), world.try_one());
            let is_kept = matches!(answer, Err(ResourceError::Quarantined { .. }));
            let after = world.health();
            if health.hold.is_some() == after.hold.is_some() {
                prop_assert_eq!(health.hold.is_some(), is_kept, "{:?} {:?}", turn, answer);
            }
            let status = world.manager.status();
            let state = status.get("db", &Scope::GLOBAL).unwrap().state;
            let expected = match &after.hold {
                None => state.serves(),
                Some(hold) if hold.given_up => state == State::Failed,
                Some(_) => state == State::Quarantined,
            };
            prop_assert!(expected, "{state} and {:?}", after.hold);
            prop_assert_eq!(after.hold.is_some(), !after.state.is_served());
            prop_assert!((0.0..=1.0).contains(&after.score));
        }
        world.server.comes_up();
        let _not_held = world.manager.release("db", &Scope::GLOBAL);
        world.pass(5 * MINUTE);
        prop_assert!(world.try_one().is_ok());
        prop_assert_eq!(world.state().name(), "healthy");
        world.is_balanced();
    }
}

/// They flap all at once, for an hour: checks and events stay within bounds.
#[test]
fn a_thousand_that_flap_cost_no_more_than_their_intervals() {
    let runtime = Manual::new();
    let manager = Manager::builder().runtime(runtime.clone()).build();
    let mut events = manager
        .events()
        .subscribe_to(nebula_resource::Filter::all(), 1 << 20);
    let server = Server::default();
    let policy = HealthPolicy::new().interval(MINUTE);
    for number in 0..1000 {
        let registration = manager.register(format!("db{number}"), server.clone(), ());
        registration
            .pool(pool(1))
            .health(policy.clone())
            .health_check()
            .wait()
            .unwrap();
    }
    let (minutes, resources) = (20, 1000);
    for minute in 0..minutes {
        match minute % 2 {
            0 => server.goes_down(),
            _ => server.comes_up(),
        }
        runtime.advance(MINUTE);
    }
    let looks = server.attempts() + server.checks();
    assert!(looks <= resources * minutes as usize * 10, "{looks}");
    let mut told = 0_usize;
    while let Ok(event) = events.try_recv() {
        told += usize::from(matches!(
            event.kind,
            nebula_resource::events::EventKind::HealthChanged { .. }
                | nebula_resource::events::EventKind::Quarantined { .. }
                | nebula_resource::events::EventKind::Recovered { .. }
                | nebula_resource::events::EventKind::RecoveryFailed { .. }
        ));
    }
    assert!(told <= resources * minutes as usize * 5, "{told}");
    server.comes_up();
    runtime.advance(5 * MINUTE);
    assert_eq!(manager.health().state.name(), "healthy");
}
