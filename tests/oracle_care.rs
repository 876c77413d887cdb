//! Whatever is done to a pool, with whatever configuration, however old its objects grow and however
//! often its factory fails: was there a reason for everything that happened to every object?
//!
//! Random histories of every public operation, on both facades, with time moved by hand. Where
//! `oracle.rs` asks who is served, this asks *what* is served: validated, recycled, of an age, used
//! so often, retired for which reason, kept in stock. Nobody waits here: an acquire is tried only
//! where there is room.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "oracle_care/change.rs"]
mod change;
#[path = "oracle_care/factory.rs"]
mod factory;
#[path = "oracle_care/model.rs"]
mod model;
#[path = "oracle_care/world.rs"]
mod world;

use std::time::Duration;

use change::{Change, change};
use factory::{Callback, Did, Fate, Thing};
use model::{Context, Model};
use nebula_resource::{AcquireError, PoolConfig, RetireReason};
use nebula_resource_core::Driver;
use proptest::prelude::{Just, ProptestConfig, any, prop_oneof, proptest};
use proptest::sample::{Index, select};
use proptest::strategy::Strategy as Generator;
use world::{Door, Guard, Release, World};

#[derive(Clone, Debug)]
enum Op {
    Acquire(Door),
    TryAcquire {
        owned: bool,
    },
    Release(Index, Release),
    Discard(Index),
    Detach(Index),
    /// The object says of itself that it is broken, and is dropped.
    Break(Index),
    Clear,
    ThinOut(u64),
    Resize(usize),
    Change(Change),
    PauseAndResume,
    Maintain,
    Advance(u64),
    Plan(Callback, Fate),
    Close,
}

fn op() -> impl Generator<Value = Op> {
    let releases = [
        Release::Drop,
        Release::Drop,
        Release::Await,
        Release::Blocking,
    ];
    let callbacks = [
        Callback::Create,
        Callback::Validate,
        Callback::Recycle,
        Callback::Destroy,
        Callback::IsBroken,
    ];
    prop_oneof![
        12 => select(&Door::ALL[..]).prop_map(Op::Acquire),
        4 => any::<bool>().prop_map(|owned| Op::TryAcquire { owned }),
        12 => (any::<Index>(), select(releases.to_vec())).prop_map(|(index, how)| Op::Release(index, how)),
        1 => any::<Index>().prop_map(Op::Discard),
        1 => any::<Index>().prop_map(Op::Detach),
        1 => any::<Index>().prop_map(Op::Break),
        1 => Just(Op::Clear),
        1 => (1_u64..4).prop_map(Op::ThinOut),
        2 => (1_usize..6).prop_map(Op::Resize),
        4 => change().prop_map(Op::Change),
        1 => Just(Op::PauseAndResume),
        7 => Just(Op::Maintain),
        8 => (1_u64..7).prop_map(|tens| Op::Advance(10_000 * tens)),
        4 => (select(callbacks.to_vec()), select(&[Fate::Fail, Fate::Panic][..]))
            .prop_map(|(callback, fate)| Op::Plan(callback, fate)),
    ]
}

/// A history; one in five closes the pool on the way.
fn history() -> impl Generator<Value = Vec<Op>> {
    let open = proptest::collection::vec(op(), 1..60);
    (open, proptest::option::weighted(0.2, any::<Index>())).prop_map(|(mut ops, close)| {
        if let Some(at) = close {
            ops.insert(at.index(ops.len()), Op::Close);
        }
        ops
    })
}

/// Rounds come when they are asked for, or when the configuration changes: a history is shorter
/// than an hour. Nothing is random.
fn config() -> PoolConfig {
    PoolConfig {
        max_size: 3,
        idle_timeout: Some(Duration::from_secs(120)),
        max_lifetime: Some(Duration::from_secs(300)),
        lifetime_jitter: 0.0,
        validate_after: Some(Duration::from_secs(40)),
        create_backoff: change::backoff(1),
        maintenance_every: Duration::from_secs(3600),
        ..PoolConfig::default()
    }
}

struct Run<D: Driver<Object = Thing>> {
    world: World<D>,
    model: Model,
    guards: Vec<Guard<D>>,
    compared_at: u64,
}

impl<D: Driver<Object = Thing>> Run<D> {
    fn step(&mut self, op: &Op) {
        match op {
            Op::Acquire(door) => self.acquire(*door),
            Op::TryAcquire { owned } => self.try_acquire(*owned),
            Op::Release(index, _) | Op::Discard(index) | Op::Detach(index) | Op::Break(index) => {
                if !self.guards.is_empty() {
                    let guard = self.guards.remove(index.index(self.guards.len()));
                    self.end_use(op, guard);
                }
            }
            Op::Clear => {
                self.model.clear();
                self.world.pool.clear();
                self.compare(Context::default());
            }
            Op::ThinOut(every) => self.thin_out(*every),
            Op::Resize(limit) => self.change(&Change::MaxSize(*limit), true),
            Op::Change(change) => self.change(change, false),
            Op::PauseAndResume => self.pause_and_resume(),
            Op::Maintain => {
                self.world.finish(self.world.pool.run_maintenance());
                self.compare(Context {
                    round: true,
                    whole_round: true,
                });
            }
            Op::Advance(millis) => {
                self.world.advance(*millis);
                self.compare(Context::default());
            }
            Op::Plan(callback, fate) => self.world.books.plan(*callback, *fate),
            Op::Close => {
                self.model.closed = true;
                drop(self.world.pool.close());
                self.compare(Context::default());
            }
        }
    }

    /// Whether one that blocks this thread can end: nobody else would run what it waits for.
    fn may_block(&self) -> bool {
        let plans = [Callback::Create, Callback::Validate, Callback::Recycle];
        let planned = plans
            .iter()
            .any(|callback| self.world.books.expects(*callback));
        !self.world.has_runtime() && !self.model.shaky && !planned
    }

    fn acquire(&mut self, door: Door) {
        let door = if self.may_block() {
            door
        } else {
            door.without_blocking()
        };
        if self.model.out() + door.wants() > self.model.config.max_size {
            return;
        }
        let shaky = self.model.shaky;
        let acquired = self.world.acquire(door);
        let did = self.read(Context::default());
        match acquired {
            Ok(guards) => {
                assert_eq!(guards.len(), door.wants());
                guards.into_iter().for_each(|guard| self.hold(guard));
            }
            Err(AcquireError::Closed) => assert!(self.model.closed),
            Err(AcquireError::CreateFailed(_)) => {
                assert!(self.model.config.fail_fast && (shaky || self.model.shaky));
            }
            Err(error) => panic!("{error}"),
        }
        self.compare_rest(&did, Context::default());
    }

    fn hold(&mut self, mut guard: Guard<D>) {
        let (id, info) = (guard.thing().id, guard.info());
        assert_eq!(info.id, id);
        self.model.hand_out(id);
        assert!(guard.held_for() <= Duration::from_millis(1));
        self.guards.push(guard);
    }

    fn try_acquire(&mut self, owned: bool) {
        let (idle, before) = (self.model.idle(), self.model.retired);
        let taken = self.world.try_acquire(owned);
        self.world.settle();
        let did = self.read(Context::default());
        let missed = taken.is_none();
        taken.into_iter().for_each(|guard| self.hold(guard));
        self.compare_rest(&did, Context::default());
        // What it found was no good, or is being looked at elsewhere.
        let lost = self.model.retired > before || self.world.helped && !did.is_empty();
        let nothing = idle == 0 || self.model.closed || lost;
        assert!(!missed || nothing, "there was one to be had");
    }

    fn end_use(&mut self, op: &Op, mut guard: Guard<D>) {
        let id = guard.thing().id;
        match op {
            Op::Discard(_) => {
                self.model.suspect_all();
                self.model.doom(id, RetireReason::Broken);
                guard.discard();
            }
            Op::Detach(_) => {
                self.model.detach(id);
                assert_eq!(guard.detach().id, id);
            }
            Op::Release(_, how) => self.release(id, guard, *how),
            _ => {
                guard.thing().broken = true;
                self.release(id, guard, Release::Drop);
            }
        }
        self.compare(Context::default());
    }

    fn release(&mut self, id: u64, mut guard: Guard<D>, how: Release) {
        let broken = guard.thing().broken;
        let fate = self.world.books.next_look();
        self.model.put_back(id);
        if fate == Fate::Panic {
            self.model.doom(id, RetireReason::Panicked);
        } else if broken || fate == Fate::Fail {
            self.model.doom(id, RetireReason::Broken);
            self.model.suspect_all();
        }
        self.world.release(guard, how);
    }

    fn thin_out(&mut self, every: u64) {
        let mut refused = Vec::new();
        let count = self.world.pool.retain(|thing, info| {
            assert_eq!(thing.id, info.id);
            let keep = thing.id % every != 0;
            refused.extend((!keep).then_some(thing.id));
            keep
        });
        assert_eq!(count, refused.len());
        refused
            .iter()
            .for_each(|id| self.model.doom(*id, RetireReason::NotRetained));
        self.compare(Context::default());
    }

    fn change(&mut self, change: &Change, resize: bool) {
        let mut config = self.model.config.clone();
        change.apply(&mut config);
        let valid = config.validate_with_ceiling(32).is_ok();
        let pool = self.world.pool;
        let changed = match change {
            Change::MaxSize(limit) if resize => pool.resize(*limit),
            _ => pool.reconfigure(|config| change.apply(config)),
        };
        assert_eq!(changed.is_ok(), valid, "{changed:?}");
        if valid {
            self.model.config = config;
        }
        assert_eq!(pool.config(), self.model.config);
        // A round is done at once, as soon as there is something to be done one for.
        let round = valid && self.world.has_runtime();
        self.compare(Context {
            round,
            whole_round: round && self.model.made > 0,
        });
    }

    fn pause_and_resume(&mut self) {
        let pool = self.world.pool;
        assert!(pool.pause() && pool.status().paused && !pool.pause());
        assert!(pool.try_acquire().is_none());
        assert!(pool.resume() && !pool.status().paused && !pool.resume());
        self.compare(Context::default());
    }

    /// What the factory did meanwhile, as the model sees it.
    fn read(&mut self, context: Context) -> Vec<Did> {
        self.world.settle();
        self.model.now = self.world.now;
        let did = self.world.books.did();
        self.model.read(&did, context);
        did
    }

    fn compare(&mut self, context: Context) {
        let did = self.read(context);
        self.compare_rest(&did, context);
    }

    fn compare_rest(&mut self, did: &[Did], context: Context) {
        let pool = self.world.pool;
        let elapsed = self.world.now - std::mem::replace(&mut self.compared_at, self.world.now);
        self.model.compare(&pool.objects(), elapsed, context);
        self.model.bury(did);
        let (model, status, totals) = (&self.model, pool.status(), pool.stats());
        let seen = (status.idle, status.in_use, status.size, status.waiting);
        let (idle, out) = (model.idle(), model.out());
        assert_eq!(seen, (idle, out, idle + out, 0));
        assert_eq!(
            (status.max_size, status.closed),
            (model.config.max_size, model.closed)
        );
        assert_eq!(pool.is_closed(), model.closed);
        let counted = (
            totals.created,
            totals.acquired,
            totals.retired,
            totals.detached,
        );
        let expected = (model.made, model.acquired, model.retired, model.detached);
        assert_eq!(counted, expected, "created, acquired, retired, detached");
        assert_eq!(pool.oldest_waiter(), None);
        let audit = pool.audit();
        assert!(audit.balanced(), "{audit:?}");
    }

    /// The end: everything is given back, and is destroyed once the pool is closed.
    fn end(mut self) {
        self.world.books.forget_plans();
        while let Some(mut guard) = self.guards.pop() {
            self.release(guard.thing().id, guard, Release::Drop);
            self.compare(Context::default());
        }
        self.model.closed = true;
        let closing = self.world.pool.close();
        if self.world.has_runtime() {
            self.world.finish(closing);
        } else {
            assert!(closing.wait_timeout(Duration::from_secs(60)));
            self.world.pool.close().wait();
        }
        self.compare(Context::default());
        assert_eq!(self.world.books.alive(), 0);
        assert_eq!(self.world.books.made(), self.model.made);
    }
}

fn follow<D: Driver<Object = Thing>>(world: World<D>, history: &[Op]) {
    let mut run = Run {
        model: Model::new(config()),
        world,
        guards: Vec::new(),
        compared_at: 0,
    };
    history.iter().for_each(|op| run.step(op));
    run.end();
}

fn cases(usual: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok();
    ProptestConfig {
        cases: asked.and_then(|cases| cases.parse().ok()).unwrap_or(usual),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn cared_for_async(history in history()) {
        follow(world::on_manual(config()), &history);
    }

    #[test]
    fn cared_for_without_a_runtime(history in history()) {
        follow(world::on_nothing(config()), &history);
    }
}

proptest! {
    #![proptest_config(cases(150))]

    #[test]
    fn cared_for_blocking(history in history()) {
        follow(world::blocking(config()), &history);
    }
}
