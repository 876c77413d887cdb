//! A manager with its clock, its resource and its callers, and what must hold when all is over.
//!
//! Decides what a caller may be told: never that there is nothing, unless somebody takes it away;
//! never an instance of a configuration that was replaced before the caller asked. Knows nothing of
//! who changes what.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nebula_resource::clock::{Clock, ManualClock};
use nebula_resource::manager::{Registration, ShutdownReport};
use nebula_resource::runtime::{AnyRuntime, NoRuntime, Threads};
use nebula_resource::{Context, Handle, Manager, PoolConfig, ResourceError, Scope};
use nebula_resource_core::helpers;

use crate::crew::Crew;
use crate::explore::{draw, pick};
use crate::facade::drawn_config;
use crate::hall::{Flaw, Hall, Order, Origin};
use crate::kinds::Kind;
use crate::runtime::Tasks;

/// What the resource is called.
pub const KEY: &str = "db";

/// What may happen in a scenario, besides that callers come and configurations change.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rules {
    /// Somebody takes the resource away.
    pub may_vanish: bool,
    /// Somebody shuts the manager down.
    pub may_shut: bool,
    /// It is visible before it is warm.
    pub may_be_cold: bool,
    /// Somebody moves the clock while the callers are at it. If not, whoever is not served is a
    /// deadlock.
    pub time: bool,
}

/// See the module.
pub struct Site<K: Kind> {
    manager: Mutex<Option<Manager>>,
    rules: Rules,
    size: usize,
    /// What runs in it.
    background: &'static str,
    hand: Arc<ManualClock>,
    tasks: Tasks,
    pub(crate) crew: Crew,
    hall: Arc<Hall>,
    handle: Mutex<Option<Arc<Handle<K>>>>,
    /// What was in force before, whoever asks now cannot get: see [`Site::in_force`].
    floor: AtomicUsize,
    /// Somebody has begun to shut it down.
    shut: AtomicBool,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A configuration's place in the order in which they were in force.
const fn rank(epoch: usize, generation: u64) -> usize {
    epoch * 1_000 + generation as usize
}

impl<K: Kind> Site<K> {
    /// A manager with nothing registered; its background and its pools' configuration are drawn.
    pub fn empty(rules: Rules) -> Arc<Self> {
        Self::with_size(rules, 1 + draw(2))
    }

    /// The same, with pools of this size.
    pub fn with_size(rules: Rules, size: usize) -> Arc<Self> {
        let mut pool = drawn_config(size);
        if K::GOES_ON {
            // A call that blocks cannot be broken off: its instance would be written off, and live on.
            let day = pool.acquire_timeout;
            pool.create_timeout = day;
            pool.validate_timeout = day;
            pool.recycle_timeout = day;
            pool.destroy_timeout = day;
        }
        Self::with(rules, pool)
    }

    fn with(rules: Rules, pool: PoolConfig) -> Arc<Self> {
        let size = pool.max_size;
        let hand = ManualClock::with_seed(draw(1000) as u64);
        let tasks = Tasks::new(&hand, false);
        let (background, runtime): (_, AnyRuntime) = match draw(5) {
            // Where calls block, a caller that says goodbye to another instance and is turned away
            // meanwhile leaves that to the helper thread, which goes on.
            0 if !K::GOES_ON => ("nothing", NoRuntime.into()),
            1 => ("threads", Threads.into()),
            _ => ("tasks", tasks.clone().into()),
        };
        let builder = Manager::builder().clock(Clock::manual(&hand)).pool(pool);
        Arc::new(Self {
            manager: Mutex::new(Some(builder.runtime(runtime).build())),
            rules,
            size,
            background,
            crew: Crew::new(&hand, rules.time),
            hand,
            tasks,
            hall: Arc::default(),
            handle: Mutex::default(),
            floor: AtomicUsize::new(0),
            shut: AtomicBool::new(false),
        })
    }

    /// A manager with the resource registered for everybody, and a handle to it.
    ///
    /// # Panics
    ///
    /// When it is refused.
    pub fn new(rules: Rules) -> Arc<Self> {
        let site = Self::empty(rules);
        let handle = site.registration(1).wait().expect("the first of its key");
        site.keep(handle);
        site.in_force(1, 1);
        site
    }

    /// The resource, about to be registered with a configuration that works.
    pub fn registration(&self, epoch: usize) -> Registration<K> {
        let order = self.hall.order(epoch, None);
        self.manager().register(KEY, K::new(&self.hall), order)
    }

    /// A handle for callers that have one.
    pub fn keep(&self, handle: Handle<K>) {
        let before = lock(&self.handle).replace(Arc::new(handle));
        drop(before);
    }

    pub(crate) fn handle(&self) -> Option<Arc<Handle<K>>> {
        lock(&self.handle).clone()
    }

    /// The manager.
    ///
    /// # Panics
    ///
    /// When the schedule is over.
    pub fn manager(&self) -> Manager {
        lock(&self.manager).clone().expect("it is not over")
    }

    /// How large its pools are.
    pub const fn size(&self) -> usize {
        self.size
    }

    /// Every instance.
    pub fn hall(&self) -> &Arc<Hall> {
        &self.hall
    }

    /// Another configuration.
    pub fn order(&self, epoch: usize, flaw: Option<Flaw>) -> Order {
        self.hall.order(epoch, flaw)
    }

    /// Somebody was told that this is in force: whoever asks from now on gets no older one.
    pub fn in_force(&self, epoch: usize, generation: u64) {
        self.floor.fetch_max(rank(epoch, generation), Relaxed);
    }

    /// What whoever asks now is to get at least.
    pub(crate) fn floor(&self) -> usize {
        self.floor.load(Relaxed)
    }

    /// Notes an instance that is older than what was in force when it was asked for.
    pub(crate) fn check(&self, floor: usize, origin: Origin) {
        if rank(origin.epoch, origin.generation) < floor {
            let fault = format!("{origin:?} was handed out to who asked after {floor}");
            self.hall.ledger().accuse(fault);
        }
    }

    /// Somebody is about to shut the manager down.
    pub fn shutting(&self) {
        self.shut.store(true, Relaxed);
    }

    /// Whether a caller may be told that.
    ///
    /// # Panics
    ///
    /// When it may not.
    pub(crate) fn told(&self, error: &ResourceError) {
        let may = match error {
            ResourceError::UnknownKey { .. } => self.rules.may_vanish,
            ResourceError::NotReady { .. } => self.rules.may_be_cold,
            ResourceError::ShuttingDown { .. } => self.rules.may_shut && self.shut.load(Relaxed),
            _ => false,
        };
        assert!(may, "a caller was told: {error}");
    }

    /// Has `act` done by a thread of its own.
    pub fn thread(self: &Arc<Self>, act: impl FnOnce(&Self) + Send + 'static) {
        let site = Arc::clone(self);
        self.crew.thread(move || act(&site));
    }

    /// Has `act` done by a task of its own.
    pub fn task<A>(self: &Arc<Self>, act: impl FnOnce(Arc<Self>) -> A)
    where
        A: Future<Output = ()> + Send + 'static,
    {
        self.crew.task(act(Arc::clone(self)));
    }

    /// Waits for everybody.
    pub fn join(&self) {
        self.crew.join(|| self.report());
    }

    /// Waits until nothing goes on in the background.
    pub fn settle(&self) {
        let done = || self.tasks.running() == 0 && helpers::alive() == 0;
        self.crew.drive(done, || self.report());
    }

    fn report(&self) -> String {
        let status = lock(&self.manager).as_ref().map(Manager::status);
        let (now, next) = (self.hand.now(), self.hand.next_alarm());
        let background = self.background;
        format!("background: {background}, {status:?}, now {now:?}, next alarm {next:?}")
    }

    /// Shuts the manager down, for a thread.
    ///
    /// # Panics
    ///
    /// When something was left behind.
    pub fn shut_down(&self) -> Arc<ShutdownReport> {
        self.shutting();
        let report = self.manager().shutdown().wait();
        self.check_all_gone(&report);
        report
    }

    /// [`shut_down`](Self::shut_down), for a task.
    ///
    /// # Panics
    ///
    /// Likewise.
    pub async fn shut_down_async(&self) -> Arc<ShutdownReport> {
        self.shutting();
        let report = self.manager().shutdown().await;
        self.check_all_gone(&report);
        report
    }

    /// At the end of a shutdown nothing may be alive, and from then on nothing may be made.
    ///
    /// # Panics
    ///
    /// When something was left behind.
    pub fn check_all_gone(&self, report: &ShutdownReport) {
        if self.rules.time {
            // Bounds may have been over: then something is left, and said so.
            return;
        }
        let alive = self.hall.alive(K::GOES_ON);
        assert!(alive.is_empty(), "{report}, but these live: {alive:?}");
        assert!(report.is_clean(), "{report}");
        self.hall.close();
    }

    /// The end of a schedule.
    ///
    /// # Panics
    ///
    /// When somebody is still waiting, when a newcomer is not served, or when an instance is left
    /// over.
    pub fn finish(self: Arc<Self>) {
        self.join();
        self.settle();
        self.serve_newcomers();
        match draw(4) {
            _ if self.shut.load(Relaxed) => {}
            0 => {}
            1 => self.task(|site| async move {
                site.shut_down_async().await;
            }),
            _ => self.thread(|site| {
                site.shut_down();
            }),
        }
        self.join();
        drop(lock(&self.handle).take());
        let manager = lock(&self.manager).take();
        drop(manager);
        self.settle();
        self.tasks.join();
        let (made, dropped) = self.hall.ledger().counts();
        assert_eq!(made, dropped, "an instance is left over");
        assert_eq!(self.hall.ledger().faults(), Vec::<String>::new());
    }

    /// Whoever comes now is served, if there is anything to be served with.
    fn serve_newcomers(self: &Arc<Self>) {
        let status = self.manager().status();
        let seats = status.resources.iter().map(|there| there.scope.clone());
        let contexts: Vec<_> = seats.map(Context::new).collect();
        self.thread(move |site| {
            for context in &contexts {
                let got = site.manager().acquire_blocking::<K>(KEY, context);
                match got {
                    Ok(guard) => site.check(site.floor(), guard.origin),
                    Err(error) => site.told(&error),
                }
            }
        });
        self.join();
        self.settle();
    }

    /// Everybody's context.
    pub fn everybody() -> Context {
        Context::new(Scope::GLOBAL)
    }

    /// One of `tenants`, drawn.
    ///
    /// # Panics
    ///
    /// Never.
    pub fn tenant(tenants: &[&str]) -> Context {
        Context::new(Scope::tenant(pick(tenants)).expect("a name"))
    }
}

impl<K: Kind> fmt::Debug for Site<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").finish_non_exhaustive()
    }
}
