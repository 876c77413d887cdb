//! What is known of one resource's health, and what follows when something new is.
//!
//! Decides what is said, and when the next check is; puts together the parts that decide the rest. Pure:
//! takes the time and random numbers. Knows nothing of how checks are run, or of who is told.

use std::sync::Arc;
use std::time::Duration;

use nebula_resource_core::Tick;

use super::ejection::Ejections;
use super::history::{Entry, History};
use super::opinion::Opinion;
use super::policy::HealthPolicy;
use super::tally::Tally;
use super::{HealthState, ResourceHealth};
use crate::events::EventKind;
use crate::quarantine::{Evidence, Hold, Phase, Quarantine, Ramp, Step, spread};

/// Before a check that follows on one that failed, at most so long passes.
const CONFIRM_WITHIN: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub(crate) struct Chart {
    pub(crate) quarantine: Quarantine,
    opinion: Opinion,
    history: History,
    pub(crate) tally: Tally,
    pub(crate) ejections: Ejections,
    pub(crate) ramp: Option<Ramp>,
    /// Since when a check goes on, and whether that is an attempt to bring the resource back.
    pub(crate) checking: Option<Tick>,
    /// When the next check is.
    next: Tick,
    interval: Duration,
    confirm: Duration,
    over: Duration,
    /// Instances that could not be made since the beginning, and why the last one could not.
    pub(crate) not_created: (u64, Option<Arc<str>>),
}

/// What is to be told, and when the next check is.
#[derive(Debug)]
pub(crate) struct News {
    pub(crate) events: Vec<EventKind>,
    pub(crate) next: Tick,
    pub(crate) is_back: bool,
    pub(crate) is_given_up: bool,
}

impl Chart {
    pub(crate) fn new(policy: &HealthPolicy, now: Tick) -> Self {
        let interval = policy.interval_in_force();
        // The looks that confirm a failure fit into a tenth of the interval.
        let looks = policy.quarantine.after.max(policy.degraded_after);
        let confirm = interval / 10 / looks.saturating_sub(1).max(1);
        Self {
            quarantine: Quarantine::new(&policy.quarantine, now),
            opinion: Opinion::new(policy.degraded_after, policy.healthy_after),
            history: History::new(policy.history),
            tally: Tally::new(policy.reports_after),
            ejections: Ejections::new(policy.max_ejection_percent, interval),
            ramp: None,
            checking: None,
            next: now,
            interval,
            confirm: confirm.min(CONFIRM_WITHIN),
            over: policy.quarantine.ramp,
            not_created: (0, None),
        }
    }

    /// What is said of it.
    pub(crate) const fn said(&self) -> &HealthState {
        self.opinion.said()
    }

    pub(crate) fn plan(&mut self, next: Tick) -> Tick {
        self.next = next;
        next
    }

    /// A check ended. `wait` is how long its strategy would wait before another attempt.
    pub(crate) fn concludes(
        &mut self,
        now: Tick,
        seen: HealthState,
        wait: Option<Duration>,
        random: [u64; 2],
    ) -> News {
        let began = self.checking.take().unwrap_or(now);
        self.history.add(Entry {
            at: now,
            took: now.since(began),
            state: seen.clone(),
        });
        let reported = self.tally.look();
        let step = self.quarantine.saw(now, evidence(&seen), wait, random[0]);
        let mut news = self.follow(now, step);
        if self.quarantine.phase().serves() && seen.is_served() {
            // Several have reported the same: that need not be seen again.
            let is_certain = news.is_back || reported > seen;
            let seen = seen.or_worse(reported);
            let from = match is_certain && seen.name() != self.said().name() {
                true => Some(self.opinion.say(now, seen)),
                false => self.opinion.saw(now, seen),
            };
            news.events.extend(from.map(|from| self.changed(from)));
        }
        news.next = self.plan_next(now, random[1]);
        news
    }

    /// Quarantined by hand.
    pub(crate) fn holds(&mut self, now: Tick, why: Arc<str>) -> Option<News> {
        let is_shut = self.quarantine.phase() == Phase::Shut;
        let step = self.quarantine.hold(now, why);
        (!is_shut).then(|| self.by_hand(now, step))
    }

    /// Released by hand.
    pub(crate) fn releases(&mut self, now: Tick) -> Option<News> {
        let is_free = self.quarantine.phase().serves();
        let step = self.quarantine.release(now);
        (!is_free).then(|| self.by_hand(now, step))
    }

    fn by_hand(&mut self, now: Tick, step: Step) -> News {
        let mut news = self.follow(now, step);
        if news.is_back {
            let from = self.opinion.say(now, HealthState::Unknown);
            news.events.push(self.changed(from));
        }
        news.next = self.plan(match news.is_back {
            // Somebody thinks that it is well: see whether that is so.
            true => now.after(self.confirm),
            false => self.quarantine.due(),
        });
        news
    }

    /// What a step of the quarantine means for those who are told.
    fn follow(&mut self, now: Tick, step: Step) -> News {
        let why = Arc::clone(self.quarantine.why());
        let next_in = self.next_attempt(now);
        let mut events = Vec::new();
        let (mut is_ill, mut is_back, mut is_given_up) = (false, false, false);
        match step {
            Step::Nothing => {}
            Step::Entered => {
                is_ill = true;
                events.push(EventKind::Quarantined { why, next_in });
            }
            Step::Missed { attempt } => events.push(EventKind::RecoveryFailed {
                attempt,
                error: why,
                next_in,
            }),
            Step::GaveUp { attempts } => {
                (is_ill, is_given_up) = (true, true);
                events.push(EventKind::Escalated {
                    why,
                    attempts,
                    next_in,
                });
            }
            Step::Freed { after, attempts } => {
                is_back = true;
                self.ramp = Ramp::new(now, self.over);
                events.push(EventKind::Recovered { after, attempts });
            }
        }
        if is_ill {
            let from = self.opinion.say(now, self.illness());
            if from.name() != self.said().name() {
                events.push(self.changed(from));
            }
        }
        let next = self.next;
        News {
            events,
            next,
            is_back,
            is_given_up,
        }
    }

    fn illness(&self) -> HealthState {
        let why = Arc::clone(self.quarantine.why());
        HealthState::Unhealthy {
            reason: why,
            recoverable: !self.quarantine.phase().is_given_up(),
        }
    }

    fn changed(&self, from: HealthState) -> EventKind {
        EventKind::HealthChanged {
            from,
            to: self.said().clone(),
        }
    }

    fn plan_next(&mut self, now: Tick, random: u64) -> Tick {
        let next = match self.quarantine.phase() {
            Phase::Free if self.opinion.is_sure() => {
                now.after(spread(self.interval.mul_f64(0.9), random))
            }
            Phase::Free | Phase::Suspect => now.after(self.confirm),
            _ => self.quarantine.due(),
        };
        self.plan(next)
    }

    fn next_attempt(&self, now: Tick) -> Option<Duration> {
        let due = self.quarantine.due();
        (due < Tick::NEVER).then(|| due.since(now))
    }

    /// What callers are told, while they do not get it.
    pub(crate) fn hold(&self, now: Tick) -> Option<Hold> {
        let phase = self.quarantine.phase();
        if phase.serves() {
            return None;
        }
        let next_attempt = match phase.is_attempt() {
            true => Some(Duration::ZERO),
            false => self.next_attempt(now),
        };
        Some(Hold {
            why: Arc::clone(self.quarantine.why()),
            since: now.since(self.quarantine.since()),
            next_attempt,
            attempts: self.quarantine.attempts(),
            given_up: phase.is_given_up(),
            by_hand: phase == Phase::Shut,
        })
    }

    /// Fills in what is known of its health.
    pub(crate) fn tell(&self, now: Tick, into: &mut ResourceHealth) {
        into.state = self.said().clone();
        into.score = self.history.score();
        into.hold = self.hold(now);
        into.strikes = self.quarantine.strikes(now);
        into.next_check = (self.next < Tick::NEVER).then(|| self.next.since(now));
        into.history = self
            .history
            .newest_first()
            .map(|entry| super::Checked {
                ago: now.since(entry.at),
                took: entry.took,
                state: entry.state.clone(),
            })
            .collect();
    }
}

fn evidence(seen: &HealthState) -> Evidence {
    match seen {
        HealthState::Healthy | HealthState::Degraded { .. } => Evidence::Well,
        HealthState::Unknown => Evidence::Nothing,
        HealthState::Unhealthy {
            reason,
            recoverable,
        } => Evidence::Ill {
            why: Arc::clone(reason),
            is_fatal: !recoverable,
        },
    }
}
