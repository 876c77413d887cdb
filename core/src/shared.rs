//! A pool's shared part: the engine with a driver, a clock and an ear.
//!
//! Decides when the background is told to look: alarms ring for deadlines, probes, maintenance,
//! and for retired objects that wait to be destroyed. Everything the fast path needs is here
//! and in the engine; nothing here runs a factory.

use std::cell::Cell;
use std::fmt;
use std::sync::{Arc, Weak};
use std::task::{Wake, Waker};
use std::time::Duration;

use crate::Tick;
use crate::alarm::Alarm;
use crate::backend::{Backend, Hopeful};
use crate::burial::Burial;
use crate::clock::Clock;
use crate::driver::Driver;
use crate::engine::Engine;
use crate::entry::Entry;
use crate::guarded::{contained, forget_panic};
use crate::observer::{Event, Observer};
use crate::options::Options;
use crate::pace::Pace;
use crate::primitives::around::thread_local;
use crate::primitives::{AtomicBool, AtomicU64, Ordering};
use crate::retire::RetireReason;
use crate::waiters::Cause;

/// Maintenance that comes so much too late was not just held up: time has leapt. Longer than any
/// scheduler makes a thread wait, shorter than any age an object is retired for by default.
const LEAP: Duration = Duration::from_secs(60);

/// What the handles, guards and background work of one pool have in common.
pub struct Shared<D: Driver> {
    pub(crate) engine: Engine<D::Object>,
    pub(crate) driver: D,
    pub(crate) clock: Clock,
    pub(crate) observer: Option<Arc<dyn Observer>>,
    /// What it shares with other pools, if it does.
    pub(crate) backend: Option<Backend>,
    pub(crate) measures_holds: bool,
    pub(crate) pace: Pace,
    /// When maintenance is next due; `NEVER` until the first object is made.
    pub(crate) next_round: AtomicU64,
    alarm: Alarm,
    /// Somebody has asked for a ring that has not begun yet.
    poked: AtomicBool,
    me: Weak<Self>,
    bell: Waker,
}

thread_local! {
    /// The pool that this thread rings, by its address.
    static RINGING: Cell<usize> = const { Cell::new(0) };
}

/// Rings a pool, if it is still there: called by the clock's thread.
struct Bell<D: Driver>(Weak<Shared<D>>);

impl<D: Driver> Wake for Bell<D> {
    fn wake(self: Arc<Self>) {
        if let Some(shared) = self.0.upgrade() {
            shared.ring();
        }
    }
}

/// Has a pool rung soon: called wherever an object is retired, a guard's `Drop` included.
struct Poke<D: Driver>(Weak<Shared<D>>);

impl<D: Driver> Wake for Poke<D> {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(shared) = self.0.upgrade()
            && shared.driver.can_spawn()
            // ord: AcqRel, pairs with the Release in `ring`: whoever finds it raised has retired
            // before the coming ring drains.
            && !shared.poked.swap(true, Ordering::AcqRel)
        {
            let (clock, now) = (shared.clock.clone(), shared.clock.coarse());
            // Counted: when the last handle or guard goes, nobody else would be left to bury it.
            clock.wake_at(now, Waker::from(shared));
        }
    }
}

impl<D: Driver> Wake for Shared<D> {
    fn wake(self: Arc<Self>) {
        self.ring();
    }
}

impl<D: Driver> Hopeful for Shared<D> {
    fn hasten(&self) {
        let now = self.clock.now();
        if self.engine.hasten(now) {
            self.ring_at(now);
        }
    }
}

impl<D: Driver> Shared<D> {
    pub(crate) fn new(options: Options, ceiling: usize, driver: D, clock: Clock) -> Arc<Self> {
        let backend = options.backend;
        let shared = Arc::new_cyclic(|me: &Weak<Self>| Self {
            engine: Engine::new(
                options.config,
                ceiling,
                Waker::from(Arc::new(Poke(me.clone()))),
            ),
            driver,
            clock,
            observer: options.observer,
            backend: backend.clone(),
            measures_holds: options.measures_holds,
            pace: Pace::default(),
            next_round: AtomicU64::new(Tick::NEVER.as_nanos()),
            alarm: Alarm::default(),
            poked: AtomicBool::new(false),
            me: me.clone(),
            bell: Waker::from(Arc::new(Bell(me.clone()))),
        });
        if let Some(backend) = backend {
            let pool: Weak<Self> = Arc::downgrade(&shared);
            backend.join(pool);
        }
        shared
    }

    /// The facade's part.
    pub const fn driver(&self) -> &D {
        &self.driver
    }

    /// The pool's clock.
    pub const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// A counted reference; none once the last one is going.
    pub(crate) fn arc(&self) -> Option<Arc<Self>> {
        self.me.upgrade()
    }

    /// Has `ring` called at `at` or before, from the clock's thread. `false`: it rang within the call.
    pub(crate) fn ring_at(&self, at: Tick) -> bool {
        self.alarm.set(&self.clock, at, &self.bell)
    }

    /// The alarm: passes over waiters whose time is up, has probes started, objects destroyed and
    /// maintenance done, and sets the next alarm. Runs no user code itself except wakers.
    pub(crate) fn ring(&self) {
        // Where an alarm goes off within the call that sets it, ringing would set off itself.
        let me = std::ptr::from_ref(self).addr();
        let outer = RINGING.with(|ringing| ringing.replace(me));
        if outer == me {
            return;
        }
        self.ring_once();
        while self.poked.load(Ordering::Acquire) {
            self.ring_once();
        }
        RINGING.with(|ringing| ringing.set(outer));
    }

    fn ring_once(&self) {
        // ord: Release, pairs with the AcqRel in `Poke`.
        self.poked.store(false, Ordering::Release);
        let now = self.clock.now();
        let mut next = self.engine.sweep(now).unwrap_or(Tick::NEVER);
        if self.driver.can_spawn() {
            self.bury_retired();
            self.start_round(now);
            next = next.min(self.start_restocking(now)).min(self.round_due());
        }
        if next < Tick::NEVER {
            self.ring_at(next);
        }
    }

    fn round_due(&self) -> Tick {
        if self.engine.permits.state().closed() {
            return Tick::NEVER;
        }
        Tick::from_nanos(self.next_round.load(Ordering::Relaxed))
    }

    /// Stock that was retired, or soon will be for its age, is replaced at once, not with the next
    /// round; while creations fail, as soon as one may be tried. Answers when to look again.
    pub(crate) fn start_restocking(&self, now: Tick) -> Tick {
        if self.round_due() == Tick::NEVER {
            return Tick::NEVER;
        }
        if let Some(until) = self.engine.stocked_until(now) {
            return until;
        }
        let refill_at = self.engine.refill_at();
        if let (true, Some(shared)) = (now >= refill_at, self.arc()) {
            let restock = Box::pin(async move {
                let settings = shared.engine.settings();
                crate::maintenance::restock(&shared, &settings.config).await;
            });
            drop(self.driver.spawn(restock));
            return Tick::NEVER;
        }
        refill_at
    }

    /// Has the next round done now: the configuration has changed.
    pub(crate) fn reschedule(&self, now: Tick) {
        if self.next_round.load(Ordering::Relaxed) != Tick::NEVER.as_nanos() {
            self.next_round.store(now.as_nanos(), Ordering::Relaxed);
            self.ring_at(now);
        }
    }

    /// Begins with maintenance, once there is something to maintain.
    pub(crate) fn begin_rounds(&self, first: Tick) {
        let begun = self.next_round.compare_exchange(
            Tick::NEVER.as_nanos(),
            first.as_nanos(),
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if begun.is_ok() && self.driver.can_spawn() {
            self.ring_at(first);
        }
    }

    fn start_round(&self, now: Tick) {
        let due = self.next_round.load(Ordering::Relaxed);
        if now.as_nanos() < due || self.engine.permits.state().closed() {
            return;
        }
        let next = now.after(self.engine.settings().config.maintenance_every);
        // One of several that ring at once starts the round.
        let mine = self.next_round.compare_exchange(
            due,
            next.as_nanos(),
            Ordering::Relaxed,
            Ordering::Relaxed,
        );
        if let (Ok(_), Some(shared)) = (mine, self.arc()) {
            let late = now.since(Tick::from_nanos(due));
            if late >= LEAP {
                self.engine.missed.note(late);
            }
            let round = Box::pin(async move {
                crate::create::until_closed(&shared, crate::maintenance::round(&shared)).await;
            });
            // Refused, the round is skipped: the runtime is going away.
            drop(self.driver.spawn(round));
        }
    }

    fn bury_retired(&self) {
        for entry in self.engine.retired.drain() {
            let Some(shared) = self.arc() else {
                return;
            };
            let burial = Box::pin(Burial::new(shared, entry).perform());
            if let Err(burial) = self.driver.spawn(burial) {
                // Dropping the job drops the object, which is all that is left to do; not on this
                // thread, which keeps time for everybody.
                let drop_it = Box::new(move || contained(move || drop(burial)));
                drop(crate::helpers::run(drop_it));
            }
        }
    }

    /// Destroys all that is retired, here and now.
    pub(crate) async fn bury_all(self: &Arc<Self>) {
        let retired = self.engine.retired.drain();
        let burials: Vec<_> = retired
            .map(|entry| Burial::new(Arc::clone(self), entry))
            .collect();
        for burial in burials {
            burial.perform().await;
        }
    }

    /// Lets an object go for good; it is destroyed in the background.
    #[cold]
    pub(crate) fn retire(&self, entry: Box<Entry<D::Object>>, reason: RetireReason) {
        if reason == RetireReason::Broken {
            // What broke this one may have broken the others.
            self.suspect_all();
        }
        self.engine.retire(entry, reason);
    }

    /// Tells the observer, if there is one.
    pub(crate) fn tell<'e>(&self, event: impl FnOnce() -> Event<'e>) {
        if let Some(observer) = &self.observer {
            contained(|| observer.observe(&event()));
        }
    }

    /// Takes back what a guard held. Never blocks, allocates or panics; takes the line's lock only
    /// when somebody waits.
    #[inline]
    pub(crate) fn release(&self, mut entry: Box<Entry<D::Object>>) {
        let now = self.clock.coarse();
        if self.measures_holds {
            self.measure_hold(&entry);
        }
        match self.reason_to_retire(&entry) {
            None => {
                self.engine.put_aside(&mut entry, now);
                self.engine.give(entry);
            }
            Some(reason) => self.retire(entry, reason),
        }
    }

    #[inline]
    pub(crate) fn reason_to_retire(&self, entry: &Entry<D::Object>) -> Option<RetireReason> {
        if std::thread::panicking() {
            return Some(RetireReason::Tainted);
        }
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            self.driver.is_broken(&entry.object)
        })) {
            Ok(false) => {}
            Ok(true) => return Some(RetireReason::Broken),
            Err(payload) => {
                forget_panic(payload);
                return Some(RetireReason::Panicked);
            }
        }
        if entry.is_used_up() {
            return Some(RetireReason::MaxUses);
        }
        let stamp = self.engine.stamp.read();
        (!entry.stamp.same_clear(stamp)).then_some(RetireReason::Cleared)
    }

    #[cold]
    fn measure_hold(&self, entry: &Entry<D::Object>) {
        self.engine
            .stats
            .held(self.clock.now().since(entry.record.since()));
    }

    /// The moment to write down when an object is handed out: precise where holds are measured.
    #[inline]
    pub(crate) fn taking_time(&self) -> Tick {
        if self.measures_holds {
            self.clock.now()
        } else {
            self.clock.coarse()
        }
    }

    /// An object that was made for somebody was no good: counts as a creation that failed.
    #[cold]
    pub(crate) fn stillborn(&self, cause: Cause) {
        let (now, random) = (self.clock.now(), self.clock.jitter());
        let retry_at = self.engine.stillborn(now, cause, random);
        self.ring_at(retry_at);
    }

    /// An object turned out broken: those proven before it are suspect.
    pub(crate) fn suspect_all(&self) {
        self.engine.stamp.suspect();
    }

    /// The configured bound of a callback.
    pub(crate) fn validate_bound(&self) -> Duration {
        self.engine.settings().config.validate_timeout
    }
}

impl<D: Driver> fmt::Debug for Shared<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("status", &self.engine.status())
            .finish_non_exhaustive()
    }
}
