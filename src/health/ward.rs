//! Who looks after one registered resource: from its registration to its end, through all reloads.
//!
//! Decides nothing by itself; keeps what is known (`chart`), hears what is reported, and sees to it that
//! the resource's life, its pool and its callers go along with what was decided. Knows nothing of types.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::task::Poll;
use std::time::Duration;

use event_listener::EventListener;
use nebula_resource_core::clock::Clock;
use nebula_resource_core::{Backend, Status, Tick, catch};

use super::chart::{Chart, News};
use super::turnstile::{Entering, Turnstile};
use super::{HealthPolicy, HealthState, Impact, ResourceHealth};
use crate::key::Key;
use crate::lifecycle::State;
use crate::manager::Inner;
use crate::manager::erased::{Erased, Registered};
use crate::manager::reports::{Finding, Report, Reports};
use crate::manager::ticker::{ChoreId, Ticker};
use crate::outcome::Severity;
use crate::primitives::{Event, Mutex, MutexGuard, OnceLock, PoisonError};
use crate::quarantine::{Attempt, Hold};
use crate::scope::Scope;

/// Which resource it is, and where it comes from.
pub(crate) struct Patient {
    pub(crate) manager: Weak<Inner>,
    pub(crate) ticker: Arc<Ticker>,
    pub(crate) key: Key,
    pub(crate) scope: Scope,
    pub(crate) backend: Option<Backend>,
}

impl Patient {
    pub(crate) fn of(self, backend: Option<Backend>) -> Self {
        Self { backend, ..self }
    }
}

/// See the module.
pub(crate) struct Ward {
    patient: Patient,
    pub(super) policy: HealthPolicy,
    chore: OnceLock<ChoreId>,
    chart: Mutex<Chart>,
    turnstile: Turnstile,
    /// Those in line are to leave it.
    turned_away: Event,
    /// An instance could not be made.
    not_created: Event,
    /// Held by whoever asks an instance on another thread, also by one that does not come back.
    asking: Arc<()>,
}

impl Ward {
    pub(crate) fn new(patient: Patient, policy: HealthPolicy) -> Arc<Self> {
        let now = patient.ticker.clock().now();
        Arc::new(Self {
            chart: Mutex::new(Chart::new(&policy, now)),
            patient,
            policy,
            chore: OnceLock::new(),
            turnstile: Turnstile::new(),
            turned_away: Event::new(),
            not_created: Event::new(),
            asking: Arc::new(()),
        })
    }

    pub(super) fn chart(&self) -> MutexGuard<'_, Chart> {
        self.chart.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn clock(&self) -> &Clock {
        self.patient.ticker.clock()
    }

    pub(super) fn backend(&self) -> Option<&Backend> {
        self.patient.backend.as_ref()
    }

    pub(super) fn manager(&self) -> Option<Arc<Inner>> {
        self.patient.manager.upgrade()
    }

    /// The resource is registered: the first check comes within an interval.
    pub(crate) fn attend(self: &Arc<Self>) {
        let clock = self.clock();
        let part = (clock.jitter() >> 32) as f64 / f64::from(u32::MAX);
        let first = self.policy.interval_in_force().mul_f64(part);
        let at = self.chart().plan(clock.now().after(first));
        let me: Weak<Self> = Arc::downgrade(self);
        let id = self.patient.ticker.add(me, at);
        if self.chore.set(id).is_err() {
            self.patient.ticker.remove(id);
        }
    }

    /// It was reloaded: whatever was wrong with it, with another configuration it works.
    pub(crate) fn reloaded(&self, entry: &dyn Erased) {
        let now = self.clock().now();
        let news = self.chart().releases(now);
        self.act_on(news, entry);
    }

    /// Looks again as soon as possible, or when the next attempt is due.
    pub(super) fn look_soon(&self) {
        if let Some(id) = self.chore.get() {
            self.patient.ticker.hasten(*id, self.clock().now());
        }
    }

    /// Another that comes from the same backend is back.
    pub(super) fn may_be_back(&self) {
        let now = self.clock().now();
        self.chart().quarantine.hurry(now);
        self.look_soon();
    }

    /// What is registered now.
    pub(super) fn current(&self, manager: &Inner) -> Option<Registered> {
        let found = manager.registered(&self.patient.key, &self.patient.scope)?;
        let is_mine = found
            .entry
            .ward()
            .is_some_and(|ward| std::ptr::eq(&**ward, self));
        is_mine.then_some(found)
    }

    pub(crate) fn quarantine(&self, entry: &dyn Erased, why: Arc<str>) -> bool {
        let now = self.clock().now();
        let news = self.chart().holds(now, why);
        self.act_on(news, entry)
    }

    pub(crate) fn release(&self, entry: &dyn Erased) -> bool {
        let now = self.clock().now();
        let news = self.chart().releases(now);
        self.act_on(news, entry)
    }

    fn act_on(&self, news: Option<News>, entry: &dyn Erased) -> bool {
        let Some(news) = news else { return false };
        self.carry_out(&news, entry);
        if let Some(id) = self.chore.get() {
            self.patient.ticker.hasten(*id, news.next);
        }
        self.tell(news, entry);
        true
    }

    /// What the attempt after this one would be, and how long its strategy would wait for it.
    pub(super) fn wait_before_next(&self, now: Tick) -> Option<Duration> {
        let attempt = self.attempt(self.chart().quarantine.upcoming(now));
        let strategy = &self.policy.quarantine.strategy;
        let wait = catch("wait_before", || strategy.wait_before(&attempt));
        wait.unwrap_or_default()
    }

    pub(super) fn attempt(&self, (number, strikes): (u32, u32)) -> Attempt {
        Attempt {
            key: self.patient.key.clone(),
            scope: self.patient.scope.clone(),
            number,
            strikes,
        }
    }

    /// Has life, pool and callers go along with what was decided.
    pub(super) fn carry_out(&self, news: &News, entry: &dyn Erased) {
        if news.is_back {
            let ramp = self.chart().ramp.take();
            self.turnstile.put_up(ramp);
            if let Some(breaker) = entry.breaker() {
                breaker.try_now();
            }
        }
        if news.is_given_up {
            entry.let_all_go();
        }
        loop {
            let phase = self.chart().quarantine.phase();
            let wanted = match (phase.serves(), phase.is_given_up()) {
                (true, _) => State::Ready,
                (_, true) => State::Failed,
                _ => State::Quarantined,
            };
            live(entry, wanted, news.is_back);
            entry.set_paused(!phase.serves() && !phase.is_attempt());
            if !phase.serves() {
                self.turned_away.notify(usize::MAX);
            }
            // Whoever decided otherwise meanwhile may have been carried out before.
            if self.chart().quarantine.phase() == phase {
                return;
            }
        }
    }

    pub(super) fn tell(&self, news: News, entry: &dyn Erased) {
        for event in news.events {
            super::warn::of(&self.patient.key, &self.patient.scope, &event);
            entry.tell(event);
        }
    }

    /// Why callers do not get it, if they do not.
    pub(crate) fn hold(&self) -> Option<Hold> {
        self.chart().hold(self.clock().now())
    }

    /// Waits for an instance, but not in the line of what is kept from callers.
    ///
    /// # Cancel safety
    ///
    /// That of `waiting`.
    pub(crate) async fn unless_held<F: Future>(&self, waiting: F) -> Result<F::Output, Hold> {
        let mut waiting = pin!(waiting);
        loop {
            let mut told = pin!(self.turned_away.listen());
            if let Some(hold) = self.hold() {
                return Err(hold);
            }
            let ended = poll_fn(|cx| match waiting.as_mut().poll(cx) {
                Poll::Ready(ended) => Poll::Ready(Some(ended)),
                Poll::Pending => told.as_mut().poll(cx).map(|()| None),
            });
            if let Some(ended) = ended.await {
                return Ok(ended);
            }
        }
    }

    /// Whether callers have to pass one by one.
    #[inline]
    pub(crate) fn lets_in_slowly(&self) -> bool {
        self.turnstile.is_up()
    }

    /// Waits for one's turn, at a resource that is just back.
    pub(crate) async fn let_in(&self, pool: impl Fn() -> Status) -> Entering<'_> {
        self.turnstile.pass(self.clock(), pool).await
    }

    /// What callers are told whose time was up before their turn came.
    pub(crate) fn slowness(&self) -> Hold {
        let since = self.chart().quarantine.since();
        Hold {
            why: "it has just come back, and is handed out little by little".into(),
            since: self.clock().now().since(since),
            next_attempt: Some(Duration::ZERO),
            attempts: 0,
            given_up: false,
            by_hand: false,
        }
    }

    /// Whether one more instance may be let go because of its health; it counts as gone then.
    pub(super) fn may_eject(&self, alive: usize) -> bool {
        let now = self.clock().now();
        self.chart().ejections.admit(now, alive)
    }

    /// Held by whoever asks an instance on another thread.
    pub(super) fn asks(&self) -> Arc<()> {
        Arc::clone(&self.asking)
    }

    pub(super) fn is_still_asking(&self) -> bool {
        Arc::strong_count(&self.asking) > 1
    }

    pub(super) fn listen_to_creations(&self) -> EventListener {
        self.not_created.listen()
    }

    /// How many instances could not be made so far.
    pub(super) fn not_created(&self) -> u64 {
        self.chart().not_created.0
    }

    pub(super) fn why_not_created(&self) -> Arc<str> {
        let why = self.chart().not_created.1.clone();
        why.unwrap_or_else(|| "no instance can be made".into())
    }

    /// How it is, for those who need it or choose among several.
    pub(crate) fn said(&self) -> HealthState {
        self.chart().said().clone()
    }

    pub(crate) fn health(&self) -> ResourceHealth {
        let (key, scope) = (self.patient.key.clone(), self.patient.scope.clone());
        let mut health = ResourceHealth::unknown(key, scope);
        let now = self.clock().now();
        let chart = self.chart();
        chart.tell(now, &mut health);
        health.checking_for = chart.checking.map(|since| now.since(since));
        let overdue = health.checking_for.filter(|long| *long > self.longest());
        if let Some(long) = overdue {
            let reason = format!("its check has blocked its thread for {long:?}");
            let state = HealthState::degraded_by(reason, Impact::HALF);
            health.state = health.state.or_worse(state);
        }
        health
    }

    /// So long a check may take, with all that cutting it off takes.
    pub(super) fn longest(&self) -> Duration {
        self.policy.timeout_in_force() * 2 + Duration::from_secs(1)
    }
}

impl Drop for Ward {
    fn drop(&mut self) {
        if let Some(id) = self.chore.get() {
            self.patient.ticker.remove(*id);
        }
    }
}

/// Goes on with its life until it is where it is wanted, or has gone elsewhere. What has failed before
/// anybody looked after it does not come back by that.
fn live(entry: &dyn Erased, wanted: State, is_back: bool) {
    // No way is longer.
    for _ in 0..3 {
        let state = entry.about().life.state();
        let next = match (wanted, state) {
            (State::Ready, State::Quarantined | State::Initializing) => State::Ready,
            (State::Ready, State::Failed) if is_back => State::Initializing,
            (State::Quarantined, State::Failed) => State::Initializing,
            (State::Quarantined, _) if state.serves() || state == State::Initializing => wanted,
            (State::Failed, State::Quarantined | State::Initializing) => State::Failed,
            (State::Failed, _) if state.serves() => State::Failed,
            _ => return,
        };
        entry.advance(next);
    }
}

impl Reports for Ward {
    fn hear(&self, report: &Report<'_>) {
        let mut chart = self.chart();
        let is_called_for = match report.finding {
            Finding::Failed {
                severity: Severity::Transient | Severity::Fatal,
                error,
                ..
            } => chart.tally.failed(said(error)),
            Finding::CreateFailed { error } => {
                chart.not_created.0 += 1;
                chart.not_created.1 = Some(said(error));
                // Who looks already has made them try.
                chart.checking.is_none() && chart.tally.not_made()
            }

            Finding::Worked
            | Finding::Failed {
                severity: Severity::Harmless,
                ..
            } => {
                chart.tally.worked();
                false
            }
            _ => false,
        };
        drop(chart);
        if matches!(report.finding, Finding::CreateFailed { .. }) {
            self.not_created.notify(usize::MAX);
        }
        if is_called_for {
            self.look_soon();
        }
    }
}

/// As it shows itself to users.
fn said(error: &(dyn std::error::Error + 'static)) -> Arc<str> {
    error.to_string().into()
}

impl fmt::Debug for Ward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ward")
            .field("key", &self.patient.key)
            .field("scope", &self.patient.scope)
            .finish_non_exhaustive()
    }
}
