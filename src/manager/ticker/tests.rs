//! Who has a turn when, what is bounded, and what harms nobody else. Time is moved by hand.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};

use nebula_resource_async::runtime::{BlockingJob, Manual, NoRuntime, Runtime, Threads};
use nebula_resource_core::clock::ManualClock;
use nebula_resource_core::park::block_on;

use super::book::MOST_AT_ONCE;
use super::*;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

type Act = Box<dyn Fn(Tick) -> Turn + Send + Sync>;
type Keep = Box<dyn Fn(Job) -> Result<(), Job> + Send + Sync>;

/// Does what the test says, and takes down when.
struct Told {
    act: Act,
    spawn: Keep,
    turns: Mutex<Vec<Tick>>,
}

impl Told {
    fn to(act: impl Fn(Tick) -> Turn + Send + Sync + 'static) -> Arc<Self> {
        Self::on(act, Err)
    }

    fn on(
        act: impl Fn(Tick) -> Turn + Send + Sync + 'static,
        spawn: impl Fn(Job) -> Result<(), Job> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            act: Box::new(act),
            spawn: Box::new(spawn),
            turns: Mutex::default(),
        })
    }

    fn turns(&self) -> Vec<Tick> {
        self.turns.lock().unwrap().clone()
    }

    fn count(&self) -> usize {
        self.turns().len()
    }
}

impl Chore for Told {
    fn turn(self: Arc<Self>, now: Tick) -> Turn {
        self.turns.lock().unwrap().push(now);
        (self.act)(now)
    }

    fn spawn(&self, job: Job) -> Result<(), Job> {
        (self.spawn)(job)
    }
}

fn every(span: Duration) -> impl Fn(Tick) -> Turn {
    move |now| Turn::At(now.after(span))
}

fn hang(_now: Tick) -> Turn {
    Turn::Work {
        work: Box::pin(pending()),
        within: 5 * SECOND,
    }
}

impl Ticker {
    fn have(&self, chore: &Arc<Told>, at: Tick) -> ChoreId {
        let weak = Arc::downgrade(chore);
        self.add(weak, at)
    }
}

struct Stage {
    runtime: Manual,
    ticker: Arc<Ticker>,
    start: Tick,
}

impl Stage {
    fn set() -> Self {
        let runtime = Manual::new();
        Self {
            ticker: Ticker::new(Some(runtime.clone().into()), None),
            start: runtime.clock().now(),
            runtime,
        }
    }

    fn at(&self, seconds: u64) -> Tick {
        self.start.after(Duration::from_secs(seconds))
    }

    fn alarms(&self) -> usize {
        self.runtime.manual_clock().pending_alarms()
    }
}

#[test]
fn with_no_chore_there_is_no_alarm_and_with_many_there_is_one() {
    let stage = Stage::set();
    assert_eq!(stage.alarms(), 0);
    let chores: Vec<_> = (1..=100).map(|_| Told::to(every(SECOND))).collect();
    for (seconds, chore) in (1..).zip(&chores) {
        stage.ticker.have(chore, stage.at(seconds));
    }
    assert_eq!(stage.alarms(), 1);
    stage.runtime.advance(MINUTE);
    assert_eq!(stage.alarms(), 1);
    drop(chores);
    stage.runtime.advance(MINUTE);
    assert_eq!((stage.alarms(), stage.ticker.book().len()), (0, 0));
    let last = Told::to(|_| Turn::Done);
    stage.ticker.have(&last, stage.at(0));
    stage.runtime.advance(MINUTE);
    assert_eq!((last.count(), stage.alarms()), (1, 0));
    assert_eq!(stage.ticker.book().len(), 0, "it is never due again");
}

#[test]
fn each_has_its_turn_at_its_time() {
    let stage = Stage::set();
    let (fast, slow) = (Told::to(every(2 * SECOND)), Told::to(every(3 * SECOND)));
    stage.ticker.have(&slow, stage.at(3));
    stage.ticker.have(&fast, stage.at(2));
    stage.runtime.advance(6 * SECOND);
    assert_eq!(fast.turns(), [2, 4, 6].map(|s| stage.at(s)));
    assert_eq!(slow.turns(), [3, 6].map(|s| stage.at(s)));
}

#[test]
fn after_a_leap_each_has_one_turn() {
    let stage = Stage::set();
    let chore = Told::to(every(SECOND));
    stage.ticker.have(&chore, stage.at(1));
    stage.runtime.manual_clock().leap(MINUTE);
    stage.runtime.run_until_idle();
    assert_eq!(chore.turns(), [stage.at(60)]);
    stage.runtime.advance(SECOND);
    assert_eq!(chore.turns()[1..], [stage.at(61)]);
}

#[test]
fn it_can_be_hastened_and_never_put_off() {
    let stage = Stage::set();
    let chore = Told::to(|_| Turn::At(Tick::NEVER));
    let id = stage.ticker.have(&chore, stage.at(50));
    stage.ticker.hasten(id, stage.at(10));
    stage.ticker.hasten(id, stage.at(20));
    stage.runtime.advance(MINUTE);
    assert_eq!(chore.turns(), [stage.at(10)]);
    assert_eq!(stage.alarms(), 0, "until it is hastened");
    stage.ticker.hasten(id, stage.at(0));
    stage.runtime.run_until_idle();
    assert_eq!(chore.turns()[1..], [stage.at(60)]);
    stage.ticker.remove(id);
    stage.ticker.hasten(id, stage.at(0));
    stage.runtime.advance(MINUTE);
    assert_eq!(chore.count(), 2);
}

#[test]
fn one_that_hastens_itself_does_not_keep_a_round_from_its_end() {
    let stage = Stage::set();
    let chore = Told::to(Turn::At);
    stage.ticker.have(&chore, stage.at(1));
    stage.runtime.advance(2 * SECOND);
    assert!((2..=101).contains(&chore.count()), "{}", chore.count());
}

#[test]
fn a_chore_is_at_work_once_however_often_it_is_wanted() {
    let stage = Stage::set();
    let chore = Told::to(hang);
    let id = stage.ticker.have(&chore, stage.at(0));
    for _ in 0..4 {
        stage.ticker.hasten(id, stage.at(0));
        stage.runtime.advance(SECOND);
    }
    assert_eq!(chore.count(), 1);
    // However much it is wanted, it catches its breath.
    stage.runtime.advance(SECOND + SECOND / 100);
    assert_eq!(chore.count(), 2, "wanted while it was at work");
    stage.runtime.advance(5 * SECOND + SECOND);
    assert_eq!(chore.count(), 2, "and then it rests");
    stage.runtime.advance(4 * SECOND);
    assert_eq!(chore.count(), 3);
}

#[test]
fn who_panics_or_hangs_harms_nobody_else() {
    let stage = Stage::set();
    let turn = Told::to(|_| panic!("in a turn"));
    let work = Told::to(|_| Turn::Work {
        work: Box::pin(async { panic!("in its work") }),
        within: SECOND,
    });
    let (hangs, good) = (Told::to(hang), Told::to(every(SECOND)));
    for chore in [&turn, &work, &hangs, &good] {
        stage.ticker.have(chore, stage.at(1));
    }
    stage.runtime.advance(MINUTE);
    assert_eq!(good.count(), 60);
    assert!((30..=60).contains(&turn.count()) && (30..=60).contains(&work.count()));
    assert_eq!(hangs.count(), 6, "5 s at work, then 5 s of rest");
}

#[test]
fn so_many_are_at_work_at_once_and_the_others_come_in_order() {
    let stage = Stage::set();
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let clock = stage.ticker.clock().clone();
    let chores: Vec<_> = (0..100)
        .map(|_| {
            let (now, most, clock) = (Arc::clone(&now), Arc::clone(&most), clock.clone());
            Told::to(move |_| {
                let (now, most, clock) = (Arc::clone(&now), Arc::clone(&most), clock.clone());
                let work = async move {
                    let at_once = now.fetch_add(1, Ordering::Relaxed) + 1;
                    most.fetch_max(at_once, Ordering::Relaxed);
                    clock.sleep(SECOND).await;
                    now.fetch_sub(1, Ordering::Relaxed);
                    Tick::NEVER
                };
                Turn::Work {
                    work: Box::pin(work),
                    within: MINUTE,
                }
            })
        })
        .collect();
    for chore in &chores {
        stage.ticker.have(chore, stage.at(1));
    }
    stage.runtime.advance(MINUTE);
    assert_eq!(most.load(Ordering::Relaxed), MOST_AT_ONCE);
    let seconds: Vec<_> = chores.iter().map(|chore| chore.turns()).collect();
    let expected: Vec<_> = (0..100)
        .map(|n: u64| vec![stage.at(1 + n / MOST_AT_ONCE as u64)])
        .collect();
    assert_eq!(seconds, expected);
}

#[test]
fn work_that_blocks_is_written_off() {
    let stage = Stage::set();
    let kept = Arc::new(Mutex::new(Vec::new()));
    let blocked: Vec<_> = (0..MOST_AT_ONCE)
        .map(|_| {
            // As if its thread never came back from the first poll.
            let kept = Arc::clone(&kept);
            Told::on(hang, move |job| {
                kept.lock().unwrap().push(job);
                Ok(())
            })
        })
        .collect();
    for chore in &blocked {
        stage.ticker.have(chore, stage.at(1));
    }
    let good = Told::to(every(SECOND));
    stage.ticker.have(&good, stage.at(2));
    stage.runtime.advance(5 * SECOND);
    assert_eq!(good.count(), 0, "so many are at work");
    stage.runtime.advance(MINUTE);
    assert_eq!(good.turns()[0], stage.at(6));
    assert!(good.count() >= 59);
    assert!(blocked.iter().all(|chore| chore.count() == 1));
    drop(std::mem::take(&mut *kept.lock().unwrap()));
    stage.runtime.advance(6 * SECOND);
    assert!(blocked.iter().all(|chore| chore.count() == 2));
}

/// A runtime that drops what it is given, as one that shuts down does, so many times.
struct Dying {
    runtime: Manual,
    drops: AtomicUsize,
}

impl Runtime for Dying {
    fn spawn(&self, job: Job) -> Result<(), Job> {
        let left = |left: usize| left.checked_sub(1);
        let dies = self
            .drops
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, left);
        match dies {
            Ok(_) => {
                drop(job);
                Ok(())
            }
            Err(_) => self.runtime.spawn(job),
        }
    }

    fn spawn_blocking(&self, work: BlockingJob) -> Result<(), BlockingJob> {
        self.runtime.spawn_blocking(work)
    }

    fn clock(&self) -> Clock {
        self.runtime.clock()
    }
}

#[test]
fn what_a_runtime_drops_puts_itself_back() {
    let runtime = Manual::new();
    let start = runtime.clock().now();
    let dying = Dying {
        runtime: runtime.clone(),
        drops: AtomicUsize::new(3),
    };
    let ticker = Ticker::new(Some(dying.into()), None);
    let chore = Told::to(|now| Turn::Work {
        work: Box::pin(async move { now.after(MINUTE) }),
        within: SECOND,
    });
    ticker.have(&chore, start);
    runtime.advance(2 * SECOND);
    assert_eq!(chore.count(), 0, "dropped at 0, 1 and 3 s");
    runtime.advance(5 * SECOND);
    assert_eq!(chore.turns(), [start.after(7 * SECOND)]);
    runtime.advance(MINUTE);
    assert_eq!(chore.count(), 2);
}

#[test]
fn with_no_runtime_rounds_are_run_by_hand() {
    let hand = ManualClock::new();
    let ticker = Ticker::new(Some(NoRuntime.into()), Some(Clock::manual(&hand)));
    let (done, heard) = mpsc::channel();
    let clock = ticker.clock().clone();
    let chore = Told::to(move |now| {
        let (done, clock) = (done.clone(), clock.clone());
        Turn::Work {
            work: Box::pin(async move {
                done.send(clock.now()).unwrap();
                now.after(SECOND)
            }),
            within: SECOND,
        }
    });
    ticker.have(&chore, hand.now());
    hand.advance(MINUTE);
    assert_eq!((chore.count(), hand.pending_alarms()), (0, 0));
    block_on(ticker.round());
    assert_eq!(heard.try_iter().count(), 1);
    block_on(ticker.round());
    assert_eq!(heard.try_iter().count(), 0, "it is not due");
    hand.advance(SECOND);
    block_on(ticker.round());
    assert_eq!(heard.try_iter().count(), 1);
}

#[test]
fn it_works_outside_of_any_runtime() {
    let ticker = Ticker::new(Some(Threads.into()), None);
    let (done, heard) = mpsc::channel();
    let chore = Told::to(move |now| {
        let _gone = done.send(());
        Turn::At(now.after(Duration::from_millis(1)))
    });
    ticker.have(&chore, ticker.clock().now());
    for _ in 0..3 {
        heard.recv_timeout(MINUTE).unwrap();
    }
}

#[test]
fn a_ticker_that_goes_takes_its_alarm_along() {
    let stage = Stage::set();
    let chore = Told::to(every(SECOND));
    stage.ticker.have(&chore, stage.at(1));
    let Stage {
        runtime, ticker, ..
    } = stage;
    drop(ticker);
    assert_eq!(runtime.manual_clock().pending_alarms(), 0);
}
