//! Row 12: the backend goes down and comes back, under load from 64 callers that ask again and again.
//!
//! Decides what holds: never more attempts at once than `max_concurrent_creates`, few in all, and
//! every caller served within a second of the recovery. Whoever is patient sees no error at all.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use nebula_resource_async::{Factory, Pool};
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use super::lateness::Lateness;
use super::load::{Caller, Failure, Load, Served};
use super::watched::{Peak, Watched};
use super::{Connection, PATIENCE, Service, assert_nothing_lost, builder, serves, until};
use crate::{Mode, Proxy, Server};

const CALLERS: usize = 64;
const MOST_CREATES: usize = 3;
const DOWN_FOR: Duration = Duration::from_millis(2_500);

/// The row's own bound, on a machine that lets us run.
const RECOVERED_WITHIN: Duration = Duration::from_secs(1);

/// Every caller that the pool sends away asks again at once; half of them are sent away soon.
const IMPATIENT: Duration = Duration::from_millis(250);

/// With one probe at a time, backing off from 50 ms and more to a second, there are about ten.
const MOST_ATTEMPTS: u64 = 25;

/// What an outage looked like.
#[derive(Debug)]
#[non_exhaustive]
pub struct Outage {
    /// Connections attempted while the server was down.
    pub attempts: u64,
    /// The most attempts at once, from the moment it went down.
    pub at_once: usize,
    /// From the recovery to the first and to the last caller that was served.
    pub first: Duration,
    /// See `first`.
    pub last: Duration,
    /// How long in all the machine left a thread waiting meanwhile that wanted to run.
    pub late: Duration,
}

/// The callers as tasks.
pub async fn tasks<S: Service>(name: &str) {
    run::<S>(name, Running::task::<S, _>).await;
}

/// The callers as threads.
pub async fn threads<S: Service>(name: &str) {
    run::<S>(name, Running::thread::<S, _>).await;
}

/// Callers under way.
#[derive(Default)]
pub(super) struct Running {
    tasks: JoinSet<()>,
    threads: Vec<JoinHandle<()>>,
}

impl Running {
    /// One more of them, as a task.
    pub(super) fn task<S, F>(&mut self, pool: &Pool<F>, caller: Caller)
    where
        S: Service,
        F: Factory<Object = Connection<S>>,
    {
        let pool = pool.clone();
        let turn = move |patience| turn::<S, F>(pool.clone(), patience);
        self.tasks.spawn(caller.run_async(turn));
    }

    /// One more of them, as a thread.
    pub(super) fn thread<S, F>(&mut self, pool: &Pool<F>, caller: Caller)
    where
        S: Service,
        F: Factory<Object = Connection<S>>,
    {
        let (pool, runtime) = (pool.clone(), Handle::current());
        let turn = move |patience| blocking_turn::<S, F>(&pool, patience, &runtime);
        self.threads.push(thread::spawn(move || caller.run(turn)));
    }

    pub(super) async fn join(mut self) {
        while let Some(task) = self.tasks.join_next().await {
            task.expect("a caller panicked");
        }
        let threads = self.threads;
        let join = move || threads.into_iter().try_for_each(JoinHandle::join);
        let joined = tokio::task::spawn_blocking(join).await.unwrap();
        joined.expect("a caller panicked");
    }
}

async fn turn<S, F>(pool: Pool<F>, patience: Duration) -> Result<Served, Failure>
where
    S: Service,
    F: Factory<Object = Connection<S>>,
{
    let db = pool.acquire_timeout(patience).await;
    let (mut db, served) = (db.map_err(Failure::Acquire)?, Served(Instant::now()));
    S::query(&mut db).await.map_err(Failure::Query)?;
    Ok(served)
}

fn blocking_turn<S, F>(
    pool: &Pool<F>,
    patience: Duration,
    runtime: &Handle,
) -> Result<Served, Failure>
where
    S: Service,
    F: Factory<Object = Connection<S>>,
{
    let db = pool.acquire_blocking_timeout(patience);
    let (mut db, served) = (db.map_err(Failure::Acquire)?, Served(Instant::now()));
    runtime
        .block_on(S::query(&mut db))
        .map_err(Failure::Query)?;
    Ok(served)
}

/// How a caller is added to those under way.
type Add<F> = fn(&mut Running, &Pool<F>, Caller);

async fn run<S: Service>(name: &str, add: Add<Watched<S::Factory>>) {
    let mut server = S::start();
    let proxy = Proxy::to(server.address()).unwrap();
    let (peak, url) = (Peak::default(), server.url_at(proxy.address()));
    let factory = Watched::new(S::factory(&url), peak.clone());
    let pool = builder(factory, |config| {
        config.max_size = 8;
        config.max_concurrent_creates = MOST_CREATES;
    });
    let pool = pool.build().unwrap();
    let (mut patient, mut impatient, mut running) =
        (Load::default(), Load::default(), Running::default());
    // Slow at first, so that creations overlap if they may.
    proxy.set(Mode::Delay(Duration::from_millis(15))).unwrap();
    let began = Instant::now();
    for _ in 0..CALLERS / 2 {
        add(&mut running, &pool, patient.caller(PATIENCE));
        add(&mut running, &pool, impatient.caller(IMPATIENT));
    }
    patient.all_served_since(began).await;
    proxy.set(Mode::Pass).unwrap();

    let loads = [&patient, &impatient];
    let seen = outage::<S>(&mut server, &proxy, &loads).await;
    seen.check(name, &loads);
    assert!(
        peak.most() <= MOST_CREATES,
        "{} creations at once",
        peak.most()
    );
    assert_eq!(patient.failures().0, 0, "{:?}", patient.first_failure());
    patient.stop();
    impatient.stop();
    running.join().await;
    assert_nothing_lost::<S, _>(&pool).await;
    let size = pool.status().size;
    until("connections are those of the pool", || proxy.live() == size).await;
}

/// Takes the server down and up again while `loads` call, and measures.
pub async fn outage<S: Service>(server: &mut Server, proxy: &Proxy, loads: &[&Load]) -> Outage {
    let began = Instant::now();
    for load in loads {
        load.all_served_since(began).await;
    }
    server.kill().unwrap();
    let before = proxy.attempts();
    proxy.forget_peak();
    tokio::time::sleep(DOWN_FOR).await;
    let attempts = proxy.attempts() - before;

    // The recovery is the moment when an attempt of our own succeeds.
    let lateness = Lateness::measure();
    let url = Arc::new(server.url());
    let recovering = tokio::spawn(async move {
        while !serves::<S>(&url).await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Instant::now()
    });
    server.start().unwrap();
    let (recovered, late) = (recovering.await.unwrap(), lateness.so_far());
    let mut waits = Vec::new();
    for load in loads {
        load.all_served_since(recovered).await;
        let served = load.served_since(recovered).into_iter().flatten();
        waits.extend(served.map(|at| at - recovered));
    }
    Outage {
        attempts,
        at_once: proxy.peak(),
        first: waits.iter().copied().min().unwrap(),
        last: waits.iter().copied().max().unwrap(),
        late: lateness.so_far() - late,
    }
}

impl Outage {
    /// Prints it, and fails unless it is what the row asks for.
    pub fn check(&self, name: &str, loads: &[&Load]) {
        let Self {
            attempts,
            at_once,
            first,
            last,
            late,
        } = self;
        let failures = loads.iter().map(|load| load.failures());
        let (acquires, queries) = failures.fold((0, 0), |sum, f| (sum.0 + f.0, sum.1 + f.1));
        println!(
            "outage of {DOWN_FOR:?}, {name}, {CALLERS} callers: {attempts} attempts, at most {at_once} \
             at once; after the recovery the first was served in {first:.1?}, the last in {last:.1?} \
             (the machine was late by {late:.1?}); {acquires} acquires and {queries} queries failed"
        );
        assert!(*at_once <= MOST_CREATES, "{self:?}");
        assert!(*attempts > 0, "nobody looked: {self:?}");
        assert!(*attempts <= MOST_ATTEMPTS, "{self:?}");
        assert!(*last <= RECOVERED_WITHIN + *late, "{self:?}");
    }
}
