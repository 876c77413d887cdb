//! A pool with its clock, its factory and its callers, and what must hold when all is over.
//!
//! Decides when a schedule has passed: everybody was answered, the books balance, a newcomer is
//! served, and once the pool is gone every object is gone. Knows nothing of what callers do.

use std::fmt::{self, Write};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use nebula_resource_core::clock::ManualClock;
use nebula_resource_core::{Audit, PoolConfig, Shared, helpers};

use crate::callers::{End, Outcome, Way};
use crate::crew::Crew;
use crate::explore::{draw, one_in, pick};
use crate::facade::{Facade, Setup, drawn_config};
use crate::factory::{Manners, Script};
use crate::runtime::Tasks;
use crate::thing::Ledger;

/// What a scenario is played on, apart from what is drawn.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// How many objects there may be.
    pub max_size: usize,
    /// How the factory behaves.
    pub manners: Manners,
    /// Whether somebody moves the clock while the callers are at it. If not, whoever is not
    /// served is a deadlock.
    pub time: bool,
}

impl Terms {
    /// A well-behaved factory, and no time.
    pub const fn calm(max_size: usize) -> Self {
        Self {
            max_size,
            manners: Manners::GOOD,
            time: false,
        }
    }

    /// Factory and runtime misbehave, and time passes.
    pub const fn rough(max_size: usize, manners: Manners) -> Self {
        Self {
            max_size,
            manners,
            time: true,
        }
    }
}

/// See the module.
pub struct World<F: Facade> {
    pool: Mutex<Option<F>>,
    shared: Weak<Shared<F::Driver>>,
    background: bool,
    hand: Arc<ManualClock>,
    script: Arc<Script>,
    ledger: Arc<Ledger>,
    tasks: Tasks,
    crew: Crew,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<F: Facade> World<F> {
    /// A pool on `terms`, with the rest drawn.
    pub fn new(terms: Terms) -> Arc<Self> {
        let mut config = drawn_config(terms.max_size);
        if terms.time {
            config.min_idle = draw(2).min(terms.max_size);
            config.keepalive_every = pick(&[None, Some(Duration::from_secs(1))]);
            config.maintenance_every = pick(&[
                Duration::from_millis(250),
                Duration::from_secs(2),
                Duration::from_secs(3600),
            ]);
        }
        Self::with(terms, config)
    }

    /// A pool on `terms` whose objects last: nothing is retired unless somebody says so.
    pub fn plain(terms: Terms) -> Arc<Self> {
        let mut config = drawn_config(terms.max_size);
        (config.validate_after, config.max_uses) = (None, None);
        Self::with(terms, config)
    }

    fn with(terms: Terms, config: PoolConfig) -> Arc<Self> {
        let hand = ManualClock::with_seed(draw(1000) as u64);
        let ledger = Arc::<Ledger>::default();
        let setup = Setup {
            config,
            tasks: Tasks::new(&hand, terms.time),
            background: !one_in(4),
            script: Script::new(terms.manners, &hand, &ledger),
            hand,
        };
        if std::env::var_os("SHUTTLE_REPLAY").is_some() {
            eprintln!("background: {}, {:?}", setup.background, setup.config);
        }
        let pool = F::build(&setup);
        let shared = Arc::downgrade(pool.core().shared());
        let Setup {
            background,
            tasks,
            script,
            hand,
            ..
        } = setup;
        script.peek_by(peeking(&shared));
        Arc::new(Self {
            pool: Mutex::new(Some(pool)),
            shared,
            background,
            crew: Crew::new(&hand, terms.time),
            hand,
            script,
            ledger,
            tasks,
        })
    }

    /// Whether the pool has a background.
    pub fn has_background(&self) -> bool {
        self.background
    }

    /// A handle to the pool, unless the world has let go of it.
    pub fn pool(&self) -> Option<F> {
        lock(&self.pool).clone()
    }

    /// Lets go of the world's own handle.
    pub fn let_go(&self) {
        let pool = lock(&self.pool).take();
        drop(pool);
    }

    /// Has `act` done by a thread of its own.
    pub fn thread(self: &Arc<Self>, act: impl FnOnce(&Self) + Send + 'static) {
        let world = Arc::clone(self);
        self.crew.thread(move || act(&world));
    }

    /// Has `act` done by a task of its own.
    pub fn task<A>(self: &Arc<Self>, act: impl FnOnce(Arc<Self>) -> A)
    where
        A: Future<Output = ()> + Send + 'static,
    {
        self.crew.task(act(Arc::clone(self)));
    }

    /// The end of a schedule.
    ///
    /// # Panics
    ///
    /// When somebody is still waiting, when the books do not balance, when a newcomer is not
    /// served, or when an object is left over.
    pub fn finish(self: Arc<Self>) {
        self.join();
        self.script.calm_down();
        self.settle();
        self.check_books();
        self.serve_newcomers();
        self.close();
        self.settle();
        self.tasks.join();
        assert!(self.shared.upgrade().is_none(), "something holds the pool");
        let (made, dropped) = self.ledger.counts();
        assert_eq!(made, dropped, "an object is left over");
        assert_eq!(self.ledger.faults(), Vec::<String>::new());
    }

    /// Waits for all parties.
    pub fn join(&self) {
        self.crew.join(|| self.report());
    }

    /// Waits until nothing goes on in the background.
    fn settle(&self) {
        let done = || self.tasks.running() == 0 && helpers::alive() == 0;
        self.crew.drive(done, || self.report());
    }

    fn report(&self) -> String {
        let pool = self.pool();
        let audit = pool.as_ref().map(|pool| pool.core().audit());
        let objects = pool.map(|pool| pool.core().objects());
        let (now, next) = (self.hand.now(), self.hand.next_alarm());
        format!("{audit:?}, {objects:?}, now {now:?}, next alarm {next:?}")
    }

    /// The books, when nothing moves.
    fn check_books(&self) {
        let Some(pool) = self.pool() else {
            return;
        };
        let audit: Audit = pool.core().audit();
        assert!(audit.balanced(), "the books do not balance: {audit:?}");
        let moving = (audit.waiting, audit.creating, audit.out, audit.checking);
        assert_eq!(moving, (0, 0, 0, 0), "{audit:?}");
    }

    /// Whoever comes now is served, at both doors, or told that the pool is closed.
    fn serve_newcomers(self: &Arc<Self>) {
        let Some(pool) = self.pool() else {
            return;
        };
        pool.core().resume();
        let expected = match pool.core().is_closed() {
            true => Outcome::Closed,
            false => Outcome::Served,
        };
        self.task(|world| async move {
            assert_eq!(world.visit(Way::Wait, End::Give).await, expected);
        });
        self.thread(move |world| {
            assert_eq!(world.visit_blocking(Way::Wait, End::Give), expected);
        });
        drop(pool);
        self.join();
        self.settle();
        self.check_books();
    }

    /// Closes the pool in one of the ways there are, and waits until it says that all is gone.
    fn close(self: &Arc<Self>) {
        let Some(pool) = self.pool() else {
            return;
        };
        self.let_go();
        match draw(3) {
            0 => drop(pool),
            1 => {
                let closing = pool.core().close();
                self.task(|world| async move {
                    closing.await;
                    world.check_all_said_goodbye();
                });
            }
            _ => {
                let closing = pool.core().close();
                self.thread(|world| {
                    closing.wait();
                    world.check_all_said_goodbye();
                });
            }
        }
        self.join();
    }

    /// What a [`Closing`](nebula_resource_core::Closing) promises.
    fn check_all_said_goodbye(&self) {
        if self.crew.has_time() && F::LENDS_UNSEEN {
            return;
        }
        let seen = self.ledger.seen();
        assert_eq!(seen, 0, "the pool said that all objects are gone");
    }
}

/// What user code does to a pool whenever it likes: it looks how it stands, which takes its locks.
fn peeking<D: nebula_resource_core::Driver>(
    shared: &Weak<Shared<D>>,
) -> impl Fn() + Send + Sync + 'static {
    struct Nowhere;
    impl Write for Nowhere {
        fn write_str(&mut self, _: &str) -> fmt::Result {
            Ok(())
        }
    }
    let shared = Weak::clone(shared);
    move || {
        if let Some(shared) = shared.upgrade() {
            let _written = write!(Nowhere, "{shared:?}");
        }
    }
}

impl<F: Facade> fmt::Debug for World<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}
