//! A server that is up or down, and whose sessions answer as they are told to.

#![allow(dead_code, reason = "each test file uses some of it")]

use std::collections::HashSet;
use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use nebula_resource::clock::Clock;
use nebula_resource::events::{EventKind, Subscription};
use nebula_resource::health::{HealthCheckable, HealthPolicy, HealthState, ResourceHealth};
use nebula_resource::quarantine::QuarantinePolicy;
use nebula_resource::runtime::{Manual, Runtime};
use nebula_resource::{
    Context, CreateContext, Handle, Manager, PoolConfig, Resource, ResourceError, Scope,
};

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// Clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct Server(Arc<State>);

#[derive(Default)]
struct State {
    mood: Mutex<Mood>,
    is_down: Mutex<Option<Down>>,
    ill: Mutex<HashSet<usize>>,
    made: AtomicUsize,
    gone: AtomicUsize,
    attempts: AtomicUsize,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
    checks: AtomicUsize,
}

/// What sessions answer when they are asked how they are.
#[derive(Clone, Copy, Default, PartialEq)]
pub(crate) enum Mood {
    #[default]
    Well,
    Degraded(f64),
    Ill,
    Dead,
    Hangs,
    Panics,
    /// Well and ill by turns.
    Flaps,
    /// Well, after so long.
    Slow(Duration),
}

/// What happens to whoever connects.
#[derive(Clone)]
enum Down {
    Refuses,
    RefusesAfter(Clock, Duration),
    /// Nobody but those who are connected.
    RefusesMore,
    Hangs,
}

pub(crate) struct Session {
    pub(crate) number: usize,
    server: Server,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.server.0.gone.fetch_add(1, SeqCst);
    }
}

/// Counts who is at it.
struct AtIt<'s>(&'s State);

impl Drop for AtIt<'_> {
    fn drop(&mut self) {
        self.0.at_once.fetch_sub(1, SeqCst);
    }
}

impl Server {
    pub(crate) fn goes_down(&self) {
        *self.0.is_down.lock().unwrap() = Some(Down::Refuses);
        self.set(Mood::Ill);
    }

    /// It has as many sessions as it bears, and those are well.
    pub(crate) fn takes_no_more(&self) {
        *self.0.is_down.lock().unwrap() = Some(Down::RefusesMore);
    }

    /// It takes so long to refuse.
    pub(crate) fn goes_down_slowly(&self, clock: &Clock, span: Duration) {
        *self.0.is_down.lock().unwrap() = Some(Down::RefusesAfter(clock.clone(), span));
        self.set(Mood::Ill);
    }

    /// It accepts, and never answers.
    pub(crate) fn is_a_black_hole(&self) {
        *self.0.is_down.lock().unwrap() = Some(Down::Hangs);
        self.set(Mood::Hangs);
    }

    pub(crate) fn comes_up(&self) {
        *self.0.is_down.lock().unwrap() = None;
        self.set(Mood::Well);
    }

    pub(crate) fn set(&self, mood: Mood) {
        *self.0.mood.lock().unwrap() = mood;
    }

    /// The session of this number is ill from now on, whatever the mood.
    pub(crate) fn spoils(&self, number: usize) {
        self.0.ill.lock().unwrap().insert(number);
    }

    pub(crate) fn made(&self) -> usize {
        self.0.made.load(SeqCst)
    }

    pub(crate) fn gone(&self) -> usize {
        self.0.gone.load(SeqCst)
    }

    /// How often somebody tried to connect.
    pub(crate) fn attempts(&self) -> usize {
        self.0.attempts.load(SeqCst)
    }

    /// How many were connecting at once, at most.
    pub(crate) fn most_at_once(&self) -> usize {
        self.0.most_at_once.load(SeqCst)
    }

    pub(crate) fn checks(&self) -> usize {
        self.0.checks.load(SeqCst)
    }

    fn connecting(&self) -> AtIt<'_> {
        self.0.attempts.fetch_add(1, SeqCst);
        let now = self.0.at_once.fetch_add(1, SeqCst) + 1;
        self.0.most_at_once.fetch_max(now, SeqCst);
        AtIt(&self.0)
    }
}

/// What is connected to: clones of the server by several names.
impl Resource for Server {
    type Config = ();
    type Instance = Session;
    type Error = String;

    async fn create(&self, (): &(), _: &CreateContext) -> Result<Session, String> {
        let _at_it = self.connecting();
        let down = self.0.is_down.lock().unwrap().clone();
        match down {
            Some(Down::Refuses | Down::RefusesMore) => return Err("connection refused".into()),
            Some(Down::RefusesAfter(clock, span)) => {
                clock.sleep(span).await;
                return Err("connection refused, after a while".into());
            }
            Some(Down::Hangs) => pending().await,
            None => {}
        }
        Ok(Session {
            number: self.0.made.fetch_add(1, SeqCst),
            server: self.clone(),
        })
    }

    async fn is_valid(&self, _: &mut Session) -> Result<(), String> {
        match *self.0.is_down.lock().unwrap() {
            None | Some(Down::RefusesMore) => Ok(()),
            Some(_) => Err("connection reset".into()),
        }
    }
}

impl HealthCheckable for Server {
    async fn health_check(&self, session: &mut Session) -> Result<HealthState, String> {
        let check = self.0.checks.fetch_add(1, SeqCst);
        if self.0.ill.lock().unwrap().contains(&session.number) {
            return Err(format!("session {} is broken", session.number));
        }
        let mood = *self.0.mood.lock().unwrap();
        match mood {
            Mood::Well => Ok(HealthState::Healthy),
            Mood::Degraded(impact) => Ok(HealthState::degraded("tired", impact).unwrap()),
            Mood::Ill => Err("no answer".into()),
            Mood::Dead => Ok(HealthState::beyond_recovery("the data is gone")),
            Mood::Hangs => pending().await,
            Mood::Panics => panic!("the check is wrong"),
            Mood::Flaps if check.is_multiple_of(2) => Ok(HealthState::Healthy),
            Mood::Flaps => Err("no answer, this time".into()),
            Mood::Slow(_) => Ok(HealthState::Healthy),
        }
    }
}

/// A manager whose time stands still, and one server that it looks after.
pub(crate) struct World {
    pub(crate) runtime: Manual,
    pub(crate) manager: Manager,
    pub(crate) server: Server,
    pub(crate) db: Handle<Server>,
    pub(crate) events: Subscription,
}

/// Checks every 30 s, each for 5 s at most.
pub(crate) fn policy() -> HealthPolicy {
    let at_once = QuarantinePolicy::new().ramp(Duration::ZERO);
    HealthPolicy::new().quarantine(at_once)
}

pub(crate) fn world(policy: HealthPolicy, max_size: usize) -> World {
    let runtime = Manual::new();
    let manager = Manager::builder().runtime(runtime.clone()).build();
    let events = manager
        .events()
        .subscribe_to(nebula_resource::Filter::all(), 100_000);
    let server = Server::default();
    let db = register(&manager, "db", &server, policy, max_size);
    World {
        runtime,
        manager,
        server,
        db,
        events,
    }
}

pub(crate) fn register(
    manager: &Manager,
    key: &str,
    server: &Server,
    policy: HealthPolicy,
    max_size: usize,
) -> Handle<Server> {
    let registration = manager.register(key, server.clone(), ());
    registration
        .pool(pool(max_size))
        .health(policy)
        .health_check()
        .wait()
        .unwrap()
}

pub(crate) fn pool(max_size: usize) -> PoolConfig {
    PoolConfig {
        max_size,
        acquire_timeout: SECOND,
        ..PoolConfig::default()
    }
}

impl World {
    /// Lets `span` pass, with everything that happens meanwhile.
    pub(crate) fn pass(&self, span: Duration) {
        self.runtime.advance(span);
    }

    pub(crate) fn health(&self) -> ResourceHealth {
        let health = self.manager.health();
        health.get("db", &Scope::GLOBAL).unwrap().clone()
    }

    pub(crate) fn state(&self) -> HealthState {
        self.health().state
    }

    /// Lets time pass in small steps until `done`; answers how long that took.
    #[track_caller]
    pub(crate) fn until(&self, done: impl Fn(&Self) -> bool) -> Duration {
        let clock = self.runtime.clock();
        let began = clock.now();
        while !done(self) {
            let passed = clock.now().since(began);
            assert!(passed < 60 * MINUTE, "it does not come to that");
            self.pass(Duration::from_millis(10));
        }
        clock.now().since(began)
    }

    /// What happened since it was asked last, in short words.
    pub(crate) fn told(&mut self) -> Vec<String> {
        let mut told = Vec::new();
        while let Ok(event) = self.events.try_recv() {
            told.extend(word(&event.kind));
        }
        told
    }

    /// An instance, at once.
    pub(crate) fn try_one(&self) -> Result<usize, ResourceError> {
        let acquired = self.runtime.run(self.db.acquire());
        acquired.map(|session| session.number)
    }

    /// Makes so many instances, and leaves them idle.
    pub(crate) fn fill(&self, count: usize) {
        let all: Vec<_> = (0..count)
            .map(|_| self.runtime.run(self.db.acquire()).unwrap())
            .collect();
        drop(all);
    }

    /// Nothing is missing.
    #[track_caller]
    pub(crate) fn is_balanced(&self) {
        self.runtime.run_until_idle();
        let alive = self.server.made() - self.server.gone();
        assert_eq!(alive, self.db.status().size, "{}", self.db.status());
    }
}

fn word(kind: &EventKind) -> Option<String> {
    Some(match kind {
        EventKind::HealthChanged { from, to } => format!("{} to {}", from.name(), to.name()),
        EventKind::Quarantined { why, .. } => format!("quarantined: {why}"),
        EventKind::RecoveryFailed { attempt, .. } => format!("attempt {attempt} failed"),
        EventKind::Recovered { attempts, .. } => format!("recovered after {attempts}"),
        EventKind::Escalated { attempts, .. } => format!("given up after {attempts}"),
        _ => return None,
    })
}

pub(crate) fn everybody() -> Context {
    Context::new(Scope::GLOBAL)
}
