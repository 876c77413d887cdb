//! Threads that call a pool: the measured loops.

use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use super::{Caller, Failure, Hold, Load, Sample, Threads, work};
use crate::load::handover::Table;
use crate::pool::{Census, Make, SyncPool, Thing};

/// More objects than these are not taken at once.
const MOST: usize = 1_000;

/// Who goes round few pools does so several times between two looks at the clock.
const ROUND: usize = 256;

/// A pool, and what it was filled with.
pub(crate) struct OnThreads<P> {
    pool: P,
    census: Census,
    objects: usize,
    make: Make<P>,
}

/// A pool of `objects`, all of them made.
pub(crate) fn open_threads<P: SyncPool>(
    objects: usize,
    make: Make<P>,
) -> Result<Arc<dyn Threads>, Failure> {
    let census = Census::default();
    let pool = make(objects, &census).map_err(Failure::refused)?;
    let opened = OnThreads {
        pool,
        census,
        objects,
        make,
    };
    opened.all()?;
    Ok(Arc::new(opened))
}

impl<P: SyncPool> OnThreads<P> {
    /// How many are taken when all are.
    fn taken(&self) -> usize {
        self.objects.min(MOST)
    }

    /// Takes everything at once; answers how many were different.
    fn all(&self) -> Result<usize, Failure> {
        let take = |_| self.pool.acquire().map_err(Failure::refused);
        let guards: Vec<_> = (0..self.taken()).map(take).collect::<Result<_, _>>()?;
        let mut ids: Vec<_> = guards.iter().map(|guard| guard.id()).collect();
        ids.sort_unstable();
        ids.dedup();
        Ok(ids.len())
    }

    /// Acquires, has the object used, and gives it back, over and over.
    #[inline]
    fn repeat(&self, load: &Load, using: impl Fn(&mut Thing)) -> Result<Caller, Failure> {
        let mut caller = Caller::beginning();
        let until = caller.began + load.span;
        loop {
            for _ in 0..load.batch {
                let mut guard = self.pool.acquire().map_err(Failure::refused)?;
                using(black_box(&mut *guard));
            }
            caller.ops += load.batch;
            caller.ended = Instant::now();
            if caller.ended >= until {
                return Ok(caller);
            }
        }
    }

    /// The same by one caller alone, with each batch measured: the median batch knows nothing of what
    /// else the machine did.
    #[inline]
    fn batches(&self, load: &Load) -> Result<Caller, Failure> {
        let mut caller = Caller::timed(3);
        let until = caller.began + load.span;
        while caller.ended < until {
            let began = Instant::now();
            for _ in 0..load.batch {
                let mut guard = self.pool.acquire().map_err(Failure::refused)?;
                black_box(&mut *guard);
            }
            caller.ended = Instant::now();
            caller.took(caller.ended - began);
            caller.ops += load.batch;
        }
        Ok(caller)
    }

    /// The same with each wait measured.
    fn repeat_timed(&self, load: &Load, using: impl Fn(&mut Thing)) -> Result<Caller, Failure> {
        let mut caller = Caller::timed(2);
        let until = caller.began + load.span;
        while caller.ended < until {
            let asked = Instant::now();
            let mut guard = self.pool.acquire().map_err(Failure::refused)?;
            caller.took(asked.elapsed());
            using(black_box(&mut *guard));
            drop(guard);
            caller.ops += 1;
            caller.ended = asked;
        }
        Ok(caller)
    }

    fn one_caller(&self, load: &Load) -> Result<Caller, Failure> {
        match load.hold {
            Hold::Nothing if load.timed => self.batches(load),
            Hold::Nothing => self.repeat(load, |_| ()),
            Hold::Work(amount) | Hold::WorkAndYield(amount) => {
                let using = |thing: &mut Thing| {
                    thing.uses = thing.uses.wrapping_add(1);
                    work(amount);
                };
                if load.timed {
                    self.repeat_timed(load, using)
                } else {
                    self.repeat(load, using)
                }
            }
        }
    }

    /// One of the two that pass an object on. Nobody asks again before the other one has it, and nobody
    /// lets go before the other one has had the time to fall asleep.
    fn pass_on(&self, table: &Table, me: usize, span: Duration) -> Result<Caller, Failure> {
        let mut caller = Caller::timed(2);
        let until = caller.began + span;
        while caller.ended < until {
            table.asks(me);
            let guard = self.pool.acquire().map_err(Failure::refused)?;
            if let Some(wait) = table.got(me) {
                caller.took(wait);
                caller.ops += 1;
            }
            if !table.other_sleeps(me, until) {
                break;
            }
            table.lets_go();
            drop(guard);
            caller.ended = Instant::now();
            table.other_has_it(me, until);
        }
        table.leaves(me);
        Ok(caller)
    }
}

/// Starts all callers at once and waits for them.
fn together<F>(callers: usize, one: F) -> Result<Sample, Failure>
where
    F: Fn(usize) -> Result<Caller, Failure> + Sync,
{
    if callers == 1 {
        return Sample::of(vec![one(0)?]);
    }
    let start = Barrier::new(callers);
    let (start, one) = (&start, &one);
    thread::scope(|scope| {
        let spawn = |me| {
            scope.spawn(move || {
                start.wait();
                one(me)
            })
        };
        let threads: Vec<_> = (0..callers).map(spawn).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, Result<Caller, Failure>>| {
            let died = |_| Failure::Refused("a caller panicked".to_owned());
            thread.join().map_err(died)?
        };
        Sample::of(threads.into_iter().map(join).collect::<Result<_, _>>()?)
    })
}

impl<P: SyncPool> Threads for OnThreads<P> {
    fn run(&self, load: &Load) -> Result<Sample, Failure> {
        together(load.callers, |_| self.one_caller(load))
    }

    fn go_round(&self, pools: usize, span: Duration) -> Result<f64, Failure> {
        let more = (0..pools).map(|_| {
            let pool = (self.make)(1, &Census::default()).map_err(Failure::refused)?;
            drop(pool.acquire().map_err(Failure::refused)?);
            Ok(pool)
        });
        let pools: Vec<P> = more.collect::<Result<_, _>>()?;
        let mut caller = Caller::timed(3);
        let until = caller.began + span;
        let rounds = (ROUND / pools.len()).max(1);
        let per_look = rounds * pools.len();
        while caller.ended < until {
            let began = Instant::now();
            for pool in (0..rounds).flat_map(|_| &pools) {
                let mut guard = pool.acquire().map_err(Failure::refused)?;
                black_box(&mut *guard);
            }
            caller.ended = Instant::now();
            caller.took(caller.ended - began);
        }
        Ok(Sample::of(vec![caller])?.median_time()? / per_look as f64)
    }

    fn hand_over(&self, span: Duration) -> Result<Sample, Failure> {
        let table = Table::new();
        together(2, |me| self.pass_on(&table, me, span))
    }

    fn recount(&self, bounded: bool) -> Result<(), Failure> {
        let found = self.all()? + (self.objects - self.taken());
        super::recounted(found, self.census.alive(), self.objects, bounded)
    }
}
