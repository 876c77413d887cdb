//! Helper threads: where calls run that may block for long, so that nobody waits on them beyond
//! a deadline.
//!
//! Decides how many threads there are, and which job runs next. Knows nothing of pools, of what
//! a job does, or of how its result gets home.
//!
//! # Counting
//!
//! Jobs, idle threads and living threads are counted under one lock. H1: *a queued job lays claim
//! to an idle thread*, so a new job counts on one only if more are idle than jobs are queued.
//! (Where it is enough that somebody is idle, two jobs that come before that thread has woken up
//! both count on it, and one waits for the other.) H2: a job is queued only while a thread lives,
//! and a thread leaves only while none is queued, so no job is left behind. A thread is started
//! under the lock too: only so does "lives" mean what H2 says it means.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use crate::guarded::contained;
use crate::primitives::around::{
    Condvar, Mutex, MutexGuard, PoisonError, global, thread, wait_while,
};

/// Something to do on a helper thread.
pub type Job = Box<dyn FnOnce() + Send + 'static>;

/// More threads than this would say that something hangs; jobs then wait their turn.
const MOST_THREADS: usize = 512;
/// How long a thread with nothing to do waits for work before it leaves.
const LINGER: Duration = Duration::from_secs(10);

global! {
    static CREW: Crew = Crew::new(MOST_THREADS, LINGER, start);
}
global! {
    /// Threads for work that itself waits for helper threads. With those of one crew all waiting,
    /// none would be left to do what they wait for.
    static WAITING_CREW: Crew = Crew::new(MOST_THREADS, LINGER, start);
}

/// Runs `job` on a helper thread: an idle one, or a new one.
///
/// Threads are shared by the whole process, named `nebula-helper`, and leave after 10 s without
/// work. A job that hangs occupies its own thread and delays no other, up to 512 of them; beyond
/// that jobs wait for a thread, in order. A panic in a job is contained. Jobs that have not ended
/// when the process does are cut off.
///
/// # Examples
///
/// ```
/// use std::sync::mpsc;
/// use nebula_resource_core::helpers;
///
/// let (done, result) = mpsc::channel();
/// let accepted = helpers::run(Box::new(move || done.send(6 * 7).unwrap()));
/// assert!(accepted.is_ok());
/// assert_eq!(result.recv(), Ok(42));
/// ```
///
/// # Errors
///
/// Gives the job back if there is no helper thread at all and none can be started.
///
/// # Blocking
///
/// For as long as it takes to start a thread.
pub fn run(job: Job) -> Result<(), Job> {
    CREW.run(job)
}

/// [`run`] for a job that may wait for other jobs.
pub(crate) fn run_waiting(job: Job) -> Result<(), Job> {
    WAITING_CREW.run(job)
}

/// How many helper threads there are, idle ones included.
#[doc(hidden)]
pub fn alive() -> usize {
    CREW.roll().alive + WAITING_CREW.roll().alive
}

/// Starts one more thread for `crew`.
type Start = fn(&'static Crew) -> io::Result<()>;

struct Crew {
    roll: Mutex<Roll>,
    /// Signalled once for each job that is queued.
    work: Condvar,
    most: usize,
    linger: Duration,
    start: Start,
}

/// Who is there, and what there is to do; see "Counting".
struct Roll {
    queue: VecDeque<Job>,
    /// Threads that wait for work, those included that have been signalled and not yet woken.
    idle: usize,
    /// Threads that have been started and have not decided to leave.
    alive: usize,
}

impl Crew {
    const fn new(most: usize, linger: Duration, start: Start) -> Self {
        Self {
            roll: Mutex::new(Roll {
                queue: VecDeque::new(),
                idle: 0,
                alive: 0,
            }),
            work: Condvar::new(),
            most,
            linger,
            start,
        }
    }

    fn run(&'static self, job: Job) -> Result<(), Job> {
        let mut roll = self.roll();
        let spare = roll.idle > roll.queue.len(); // H1
        if !spare && roll.alive < self.most && (self.start)(self).is_ok() {
            roll.alive += 1;
        }
        if roll.alive == 0 {
            return Err(job); // H2
        }
        roll.queue.push_back(job);
        drop(roll);
        self.work.notify_one();
        Ok(())
    }

    fn work(&self) {
        while let Some(job) = self.next_job() {
            contained(job);
        }
    }

    /// The next job, waited for if need be; `None` once this thread has been struck off the roll.
    fn next_job(&self) -> Option<Job> {
        let mut roll = self.roll();
        if roll.queue.is_empty() {
            roll.idle += 1;
            roll = wait_while(&self.roll, &self.work, roll, self.linger, |roll| {
                roll.queue.is_empty()
            });
            roll.idle -= 1;
        }
        let job = roll.queue.pop_front();
        if job.is_none() {
            roll.alive -= 1; // H2: nothing is queued, and the lock is held
        }
        job
    }

    /// No job runs under this lock, so a poisoned one is as good as any.
    fn roll(&self) -> MutexGuard<'_, Roll> {
        self.roll.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn start(crew: &'static Crew) -> io::Result<()> {
    let builder = thread::Builder::new().name("nebula-helper".into());
    builder.spawn(move || crew.work()).map(drop)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
    use std::sync::mpsc::{self, Receiver};
    use std::sync::{Arc, Barrier};
    use std::thread::ThreadId;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn crew(most: usize, linger: Duration, start: Start) -> &'static Crew {
        Box::leak(Box::new(Crew::new(most, linger, start)))
    }

    /// Has `work` accepted, whatever it returns.
    fn accept<R>(crew: &'static Crew, work: impl FnOnce() -> R + Send + 'static) {
        let job = Box::new(move || drop(work()));
        assert!(crew.run(job).is_ok());
    }

    /// Runs a job that tells which thread it ran on.
    fn ask(crew: &'static Crew) -> Receiver<ThreadId> {
        let (tell, told) = mpsc::channel();
        accept(crew, move || tell.send(thread::current().id()));
        told
    }

    fn wait_until(what: &str, crew: &Crew, holds: impl Fn(&Roll) -> bool) {
        let begun = std::time::Instant::now();
        while !holds(&crew.roll()) {
            assert!(begun.elapsed() < LONG, "{what}");
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn an_idle_thread_is_used_again() {
        let crew = crew(8, LONG, start);
        let first = ask(crew).recv_timeout(LONG).unwrap();
        wait_until("idle", crew, |roll| roll.idle == 1);
        assert_eq!(ask(crew).recv_timeout(LONG).unwrap(), first);
        assert_eq!(crew.roll().alive, 1);
    }

    #[test]
    fn two_jobs_never_count_on_the_same_idle_thread() {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let crew = crew(8, LONG, |_| {
            STARTED.fetch_add(1, Ordering::Relaxed);
            Ok(())
        });
        // As if one thread were idle, and had been signalled but not woken between the two.
        (crew.roll().idle, crew.roll().alive) = (1, 1);
        accept(crew, || ());
        assert_eq!(STARTED.load(Ordering::Relaxed), 0);
        accept(crew, || ());
        assert_eq!(STARTED.load(Ordering::Relaxed), 1);
        assert_eq!(crew.roll().alive, 2);
    }

    #[test]
    fn two_jobs_at_once_run_side_by_side() {
        for _ in 0..100 {
            let crew = crew(8, Duration::from_millis(100), start);
            ask(crew).recv_timeout(LONG).unwrap();
            // Both jobs end only if neither waits for the other's thread.
            let meet = Arc::new(Barrier::new(2));
            let (tell, told) = mpsc::channel();
            for _ in 0..2 {
                let (meet, tell) = (Arc::clone(&meet), tell.clone());
                accept(crew, move || {
                    meet.wait();
                    tell.send(())
                });
            }
            told.recv_timeout(LONG).unwrap();
            told.recv_timeout(LONG).unwrap();
        }
    }

    #[test]
    fn at_the_cap_jobs_wait_their_turn_in_order() {
        let crew = crew(1, LONG, start);
        let (open, gate) = mpsc::channel::<()>();
        accept(crew, move || gate.recv());
        let (tell, told) = mpsc::channel();
        for number in 0..5 {
            let tell = tell.clone();
            accept(crew, move || tell.send(number));
        }
        assert_eq!(crew.roll().alive, 1);
        assert!(told.try_recv().is_err());
        drop(open);
        let order: Vec<i32> = (0..5).map(|_| told.recv_timeout(LONG).unwrap()).collect();
        assert_eq!(order, [0, 1, 2, 3, 4]);
    }

    /// Thrown in a panic, and panics when it is dropped.
    struct Grenade;

    impl Drop for Grenade {
        fn drop(&mut self) {
            panic!("from the destructor of what was thrown");
        }
    }

    #[test]
    fn a_panicking_job_costs_no_thread() {
        let crew = crew(1, LONG, start);
        accept(crew, || panic!("a job"));
        accept(crew, || std::panic::panic_any(Grenade));
        ask(crew).recv_timeout(LONG).unwrap();
        wait_until("idle", crew, |roll| roll.idle == 1 && roll.alive == 1);
    }

    #[test]
    fn a_hanging_job_delays_no_other() {
        let crew = crew(8, LONG, start);
        let (_open, gate) = mpsc::channel::<()>();
        accept(crew, move || gate.recv());
        ask(crew).recv_timeout(LONG).unwrap();
    }

    #[test]
    fn without_any_thread_the_job_comes_back_unharmed() {
        let crew = crew(8, LONG, |_| Err(io::ErrorKind::WouldBlock.into()));
        let (tell, told) = mpsc::channel();
        let Err(job) = crew.run(Box::new(move || tell.send(1).unwrap())) else {
            panic!("accepted with nobody to run it");
        };
        job();
        assert_eq!(told.recv(), Ok(1));
        assert_eq!(crew.roll().alive, 0);
    }

    #[test]
    fn with_one_thread_and_no_more_to_be_had_jobs_wait_for_it() {
        static TAKEN: AtomicBool = AtomicBool::new(false);
        let crew = crew(8, LONG, |crew| match TAKEN.swap(true, Ordering::Relaxed) {
            false => start(crew),
            true => Err(io::ErrorKind::WouldBlock.into()),
        });
        let (open, gate) = mpsc::channel::<()>();
        accept(crew, move || gate.recv());
        let told = ask(crew);
        drop(open);
        told.recv_timeout(LONG).unwrap();
        assert_eq!(crew.roll().alive, 1);
    }

    #[test]
    fn idle_threads_leave_and_others_can_be_hired() {
        let crew = crew(8, Duration::from_millis(1), start);
        for _ in 0..3 {
            ask(crew).recv_timeout(LONG).unwrap();
            wait_until("gone", crew, |roll| roll.alive == 0 && roll.idle == 0);
        }
    }

    #[test]
    fn no_job_is_lost_to_a_thread_that_is_leaving() {
        let crew = crew(4, Duration::from_micros(50), start);
        for round in 0..2_000_u64 {
            let told = ask(crew);
            thread::sleep(Duration::from_micros(round % 200));
            told.recv_timeout(LONG).unwrap();
        }
    }

    #[test]
    fn the_crew_of_the_process_takes_jobs() {
        let (tell, told) = mpsc::channel();
        let job = move || {
            tell.send(thread::current().name().map(str::to_owned))
                .unwrap();
        };
        assert!(run(Box::new(job)).is_ok());
        assert_eq!(
            told.recv_timeout(LONG).unwrap().as_deref(),
            Some("nebula-helper")
        );
        assert!(alive() >= 1);
    }

    #[test]
    fn both_crews_are_counted() {
        let gates: Vec<_> = [run, run_waiting]
            .into_iter()
            .map(|run| {
                let (open, gate) = mpsc::channel::<()>();
                let job = move || {
                    let _closed = gate.recv();
                };
                assert!(run(Box::new(job)).is_ok());
                open
            })
            .collect();
        assert!(alive() >= 2);
        drop(gates);
    }
}
