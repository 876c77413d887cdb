//! Running a check: in its turn, within its time, and whatever the user's code in it does.
//!
//! Decides what it means that a check hangs, panics or was cut off: that it failed. What follows from
//! that, the `chart` decides.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use nebula_resource_core::clock::Clock;
use nebula_resource_core::{Job, Tick, catch};

use super::lanes::Pass;
use super::stage::{Connectivity, Examination, Stage};
use super::{HealthState, Ward};
use crate::lifecycle::State;
use crate::manager::Inner;
use crate::manager::erased::{Erased, Registered};
use crate::manager::ticker::{Chore, Turn};

/// When a backend is being tried by another, whoever waits looks again after this.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What a check that is about to begin is for.
struct Errand {
    is_attempt: bool,
    /// The one before did not end.
    was_cut_off: bool,
    _pass: Pass,
}

impl Chore for Ward {
    fn turn(self: Arc<Self>, now: Tick) -> Turn {
        let Some(manager) = self.manager() else {
            return Turn::Done;
        };
        let Some(current) = self.current(&manager) else {
            return Turn::Done;
        };
        match current.entry.about().life.state() {
            State::Draining | State::Cleanup | State::Terminated => return Turn::Done,
            // Still being warmed up.
            State::Created | State::Initializing => return Turn::At(now.after(LOOK_AGAIN)),
            _ => {}
        }
        let errand = match self.begin(&manager, now) {
            Ok(errand) => errand,
            Err(later) => return Turn::At(later),
        };
        let examination = examination(&manager, &current, self.limit());
        // It ends by itself, in time, unless it blocks its thread.
        let within = self.longest();
        let work = Box::pin(async move { self.check(&current, examination, errand).await });
        Turn::Work { work, within }
    }

    fn spawn(&self, job: Job) -> Result<(), Job> {
        match self.manager().and_then(|manager| self.current(&manager)) {
            Some(current) => current.entry.spawn(job),
            None => Err(job),
        }
    }
}

impl Ward {
    /// Begins a check, or says when there is one.
    fn begin(self: &Arc<Self>, manager: &Inner, now: Tick) -> Result<Errand, Tick> {
        let mut chart = self.chart();
        let was_cut_off = chart.checking.is_some();
        let phase = chart.quarantine.phase();
        if phase.serves() || was_cut_off && phase.is_attempt() {
            chart.checking = chart.checking.or(Some(now));
            return Ok(Errand {
                is_attempt: phase.is_attempt(),
                was_cut_off,
                _pass: Pass::free(),
            });
        }
        let due = chart.quarantine.due();
        if now < due {
            return Err(due);
        }
        drop(chart);
        let pass = manager
            .lanes
            .enter(self)
            .ok_or_else(|| now.after(LOOK_AGAIN))?;
        let mut chart = self.chart();
        match chart.quarantine.begin(now) {
            None => Err(chart.quarantine.due()),
            Some(is_attempt) => {
                chart.checking = Some(now);
                Ok(Errand {
                    is_attempt,
                    was_cut_off: false,
                    _pass: pass,
                })
            }
        }
    }

    /// An instance is asked for a little less than the whole check may take.
    fn limit(&self) -> Duration {
        self.policy.timeout_in_force().mul_f64(0.9)
    }

    async fn check(
        self: Arc<Self>,
        current: &Registered,
        examination: Examination,
        errand: Errand,
    ) -> Tick {
        let seen = match errand.was_cut_off {
            true => HealthState::unhealthy("the last check did not come to its end"),
            false => {
                self.look(&*current.entry, &examination, errand.is_attempt)
                    .await
            }
        };
        let manager = self.manager();
        let by_now = manager.as_ref().and_then(|manager| self.current(manager));
        let (seen, entry) = match &by_now {
            // It was reloaded: what was seen was another.
            Some(other) if !other.is(current) => (HealthState::Unknown, &*other.entry),
            _ => (seen, &*current.entry),
        };
        let clock = self.clock();
        let now = clock.now();
        let wait = self.wait_before_next(now);
        let random = [clock.jitter(), clock.jitter()];
        let news = self.chart().concludes(now, seen, wait, random);
        let (next, is_back) = (news.next, news.is_back);
        self.carry_out(&news, entry);
        self.tell(news, entry);
        if is_back && let Some(manager) = manager {
            let others = manager.lanes.others_of(&self);
            others.iter().for_each(|other| other.may_be_back());
        }
        next
    }

    /// Looks at everything, within the check's time.
    async fn look(
        &self,
        entry: &dyn Erased,
        examination: &Examination,
        is_attempt: bool,
    ) -> HealthState {
        let at = Mutex::new(String::new());
        let put =
            |name: &str| name.clone_into(&mut at.lock().unwrap_or_else(PoisonError::into_inner));
        let looking = async {
            if is_attempt {
                put("repair");
                let attempt = self.attempt(self.chart().quarantine.under_way());
                let repaired = self.policy.quarantine.strategy.repair(&attempt).await;
                if let Err(error) = repaired {
                    return HealthState::unhealthy(format!("it cannot be repaired: {error}"));
                }
                entry.set_paused(false);
            }
            let connectivity: Arc<dyn Stage> = Arc::new(Connectivity);
            let first = examination.go_through(&[connectivity], put).await;
            if !first.is_served() {
                return first;
            }
            first.or_worse(examination.go_through(&self.policy.stages, put).await)
        };
        match within(self.clock(), self.policy.timeout_in_force(), looking).await {
            Ok(seen) => seen,
            Err(why) => {
                let at = at.lock().unwrap_or_else(PoisonError::into_inner);
                HealthState::unhealthy(format!("{at}: {why}"))
            }
        }
    }
}

/// What is known of a resource before it is asked.
fn examination(manager: &Inner, current: &Registered, limit: Duration) -> Examination {
    let about = current.entry.about();
    let (pool, oldest_waiter) = current.entry.standing();
    let needs = about.needs.iter().map(|need| {
        let state = manager.health_of(need, &about.scope);
        (need.clone(), state)
    });
    Examination {
        key: about.key.clone(),
        scope: about.scope.clone(),
        pool,
        oldest_waiter,
        needs: needs.collect(),
        asking: Mutex::new(Some(Arc::clone(&current.entry).probe(limit))),
        probed: Mutex::new(None),
    }
}

/// What `future` answers within `limit`, or why it does not.
async fn within<F: Future>(clock: &Clock, limit: Duration, future: F) -> Result<F::Output, String> {
    let mut future = Box::pin(future);
    let mut enough = pin!(clock.sleep(limit));
    let ended = poll_fn(|cx| {
        match catch("check", || future.as_mut().poll(cx)) {
            Ok(Poll::Ready(seen)) => return Poll::Ready(Ok(seen)),
            Err(panic) => return Poll::Ready(Err(panic.to_string())),
            Ok(Poll::Pending) => {}
        }
        let late = enough.as_mut().poll(cx);
        late.map(|()| Err(format!("it did not end within {limit:?}")))
    });
    let ended = ended.await;
    // Its drop is foreign code too.
    let _contained = catch("check", move || drop(future));
    ended
}
