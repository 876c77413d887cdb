//! How long each phase of a shutdown may take, and how much of that is left.
//!
//! Decides when a phase is out of time. Knows nothing of what is waited for.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use nebula_resource_core::clock::Clock;

use crate::context::Cancellation;

/// How long a shutdown may take, phase by phase.
///
/// The defaults add up to 25 s: an orchestrator that asks a process to end kills it after 30 s as
/// a rule, and there is more to end than resources.
///
/// # Examples
///
/// ```
/// use nebula_resource::manager::shutdown::ShutdownBudget;
/// use std::time::Duration;
///
/// assert_eq!(ShutdownBudget::default().total(), Duration::from_secs(25));
///
/// let short = ShutdownBudget::within(Duration::from_secs(10));
/// assert_eq!(short.drain, Duration::from_secs(6));
/// assert_eq!(short.total(), Duration::from_secs(10));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownBudget {
    /// How long guards are waited for, of all resources together. Default: 15 s.
    pub drain: Duration,
    /// How long objects are cleaned up, of all resources together. Default: 8 s.
    pub clean_up: Duration,
    /// How long the objects of one resource are cleaned up, within the above. Default: 5 s.
    pub clean_up_each: Duration,
    /// How long is waited for what was broken off to end; after a second call, all the time that
    /// there is. Default: 2 s.
    pub force: Duration,
}

impl ShutdownBudget {
    /// `total`, divided as the default is.
    pub fn within(total: Duration) -> Self {
        let default = Self::default();
        let share = total.as_secs_f64() / default.total().as_secs_f64();
        let of = |span: Duration| Duration::try_from_secs_f64(span.as_secs_f64() * share);
        let [drain, clean_up] =
            [default.drain, default.clean_up].map(|span| of(span).unwrap_or(total));
        Self {
            drain,
            clean_up,
            clean_up_each: of(default.clean_up_each).unwrap_or(total),
            force: total.saturating_sub(drain).saturating_sub(clean_up),
        }
    }

    /// The most that a shutdown takes.
    pub fn total(&self) -> Duration {
        let phases = self.drain.saturating_add(self.clean_up);
        phases.saturating_add(self.force)
    }
}

impl Default for ShutdownBudget {
    fn default() -> Self {
        Self {
            drain: Duration::from_secs(15),
            clean_up: Duration::from_secs(8),
            clean_up_each: Duration::from_secs(5),
            force: Duration::from_secs(2),
        }
    }
}

/// The time that a shutdown has.
pub(super) struct Time {
    pub(super) clock: Clock,
    hurry: Cancellation,
    drain: Purse,
    clean_up: Purse,
    force: Purse,
}

/// The time of one phase, for all that is waited for in it.
struct Purse {
    left: Duration,
    spent: Duration,
}

impl Time {
    pub(super) const fn new(clock: Clock, hurry: Cancellation, budget: &ShutdownBudget) -> Self {
        Self {
            clock,
            hurry,
            drain: Purse::new(budget.drain),
            clean_up: Purse::new(budget.clean_up),
            force: Purse::new(budget.force),
        }
    }

    /// Waits for guards; for none that are out, once somebody is in a hurry.
    pub(super) async fn drain<T>(&mut self, back: impl Future<Output = T>) -> Option<T> {
        let calm = unless(back, self.hurry.cancelled());
        self.drain.spend(&self.clock, calm).await.flatten()
    }

    /// Waits for clean-ups, in a hurry on the time that is there to force them.
    pub(super) async fn clean_up<T>(&mut self, ended: impl Future<Output = T>) -> Option<T> {
        let mut ended = pin!(ended);
        let calm = unless(ended.as_mut(), self.hurry.cancelled());
        match self.clean_up.spend(&self.clock, calm).await.flatten() {
            None if self.hurry.is_cancelled() => self.force(ended).await,
            in_time => in_time,
        }
    }

    /// Waits for what was broken off.
    pub(super) async fn force<T>(&mut self, ended: impl Future<Output = T>) -> Option<T> {
        self.force.spend(&self.clock, ended).await
    }

    /// How long each phase took so far.
    pub(super) const fn spent(&self) -> [Duration; 3] {
        [self.drain.spent, self.clean_up.spent, self.force.spent]
    }
}

impl Purse {
    const fn new(left: Duration) -> Self {
        let spent = Duration::ZERO;
        Self { left, spent }
    }

    /// Waits until `work` has ended, but no longer than there is time. Out of time, it still gets
    /// one look.
    async fn spend<T>(&mut self, clock: &Clock, work: impl Future<Output = T>) -> Option<T> {
        let began = clock.now();
        let ended = unless(work, clock.sleep(self.left)).await;
        let spent = clock.now().since(began);
        self.left = self.left.saturating_sub(spent);
        self.spent += spent;
        ended
    }
}

/// What `work` answers, unless `stop` ends first. Of two that are ready together it is the work.
pub(super) async fn unless<T>(
    work: impl Future<Output = T>,
    stop: impl Future<Output = ()>,
) -> Option<T> {
    let (mut work, mut stop) = (pin!(work), pin!(stop));
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => stop.as_mut().poll(cx).map(|()| None),
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use nebula_resource_async::runtime::{Manual, Runtime};

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn the_defaults_leave_an_orchestrator_no_reason_to_kill() {
        let budget = ShutdownBudget::default();
        assert_eq!(budget.total(), SECOND * 25);
        assert!(budget.clean_up_each <= budget.clean_up);
    }

    #[test]
    fn any_total_is_divided_without_rest() {
        for total in [0, 1, 7, 1_000, 25_000, u64::MAX].map(Duration::from_millis) {
            let budget = ShutdownBudget::within(total);
            assert_eq!(budget.total(), total);
            assert!(budget.clean_up_each <= budget.clean_up);
        }
        assert_eq!(ShutdownBudget::within(Duration::MAX).total(), Duration::MAX);
        assert_eq!(
            ShutdownBudget::within(SECOND * 25),
            ShutdownBudget::default()
        );
    }

    fn time(runtime: &Manual) -> (Time, Cancellation) {
        let hurry = Cancellation::new();
        let budget = ShutdownBudget {
            drain: SECOND * 3,
            clean_up: SECOND * 2,
            clean_up_each: SECOND,
            force: SECOND,
        };
        (Time::new(runtime.clock(), hurry.clone(), &budget), hurry)
    }

    #[test]
    fn levels_share_the_time_of_a_phase() {
        let runtime = Manual::new();
        let (mut time, _calm) = time(&runtime);
        let mut drain = |span| runtime.run(time.drain(runtime.sleep(span))).is_some();
        assert!(drain(SECOND * 2));
        assert!(!drain(SECOND * 2), "there is only one second left");
        assert!(!drain(SECOND));
        assert!(drain(Duration::ZERO), "no time, but a look");
        let cleaned_up = runtime.run(time.clean_up(runtime.sleep(SECOND)));
        assert_eq!(cleaned_up, Some(()));
        assert_eq!(runtime.run(time.force(pending::<()>())), None);
        assert_eq!(time.spent(), [SECOND * 3, SECOND, SECOND]);
    }

    #[test]
    fn in_a_hurry_there_is_only_the_time_to_force() {
        let runtime = Manual::new();
        let (mut time, hurry) = time(&runtime);
        let cleaned_up = runtime.run(time.clean_up(async {
            runtime.sleep(SECOND).await;
            hurry.cancel();
            pending::<()>().await;
        }));
        assert_eq!(cleaned_up, None);
        assert_eq!(runtime.run(time.drain(pending::<()>())), None);
        assert_eq!(
            runtime.run(time.drain(ready(7))),
            Some(7),
            "what is back is back"
        );
        assert_eq!(runtime.run(time.clean_up(pending::<()>())), None);
        assert_eq!(time.spent(), [Duration::ZERO, SECOND, SECOND]);
    }
}
