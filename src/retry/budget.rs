//! How many retries there may be in all: a share of the calls, and a few besides.
//!
//! Decides whether there is one left. A retry that everybody makes is a storm: when all calls fail,
//! three attempts each are three times the load on a server that has too much already. Knows nothing
//! of what is retried.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nebula_resource_core::{Tick, ValidationError};

/// The most that each number of a budget can be meant to be.
const MOST: u32 = 1_000_000;

/// A retry costs so much, and a call that is not one brings its share of it.
const ONE: u64 = 1_000_000;

/// How large a [`RetryBudget`] is.
///
/// The defaults are Finagle's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryBudgetConfig {
    /// So many retries for each call: 0 to 10. Default: 0.2, one for five.
    pub per_call: f64,
    /// So many retries each second besides, so that they are possible where there are few calls: up
    /// to a million. Default: 10.
    pub per_second: u32,
    /// The most retries that can be saved up: 1 to a million. Default: 100.
    pub at_most: u32,
}

/// Bounds the retries of all who share it, as a share of their calls.
///
/// One for each backend is right: its callers fail together. Clones are the same budget, and all who
/// share one go by one clock.
///
/// # Examples
///
/// ```
/// use nebula_resource::retry::{RetryBudget, RetryBudgetConfig};
///
/// let budget = RetryBudget::new(RetryBudgetConfig::default())?;
/// assert_eq!(budget.left(), 100); // saved up to begin with
///
/// let refused = RetryBudget::new(RetryBudgetConfig {
///     per_call: f64::NAN,
///     ..RetryBudgetConfig::default()
/// });
/// assert_eq!(
///     refused.unwrap_err().to_string(),
///     "retry_budget.per_call must be from 0 to 10, got NaN",
/// );
/// # Ok::<(), nebula_resource::ValidationError>(())
/// ```
#[derive(Clone)]
pub struct RetryBudget(Arc<Mutex<Bucket>>);

/// The tokens themselves, in millionths. Pure: takes the time.
#[derive(Debug)]
struct Bucket {
    tokens: u64,
    full: u64,
    per_call: u64,
    per_second: u64,
    now: Tick,
}

impl Default for RetryBudgetConfig {
    fn default() -> Self {
        Self {
            per_call: 0.2,
            per_second: 10,
            at_most: 100,
        }
    }
}

impl RetryBudgetConfig {
    /// Whether it makes sense.
    ///
    /// # Errors
    ///
    /// About the first field that is out of its limits.
    pub fn validate(&self) -> Result<(), ValidationError> {
        // What is no number is in no range.
        if !(0.0..=10.0).contains(&self.per_call) {
            let field = "retry_budget.per_call";
            return Err(ValidationError::new(field, "from 0 to 10", self.per_call));
        }
        if self.per_second > MOST {
            let constraint = format!("at most {MOST}");
            let field = "retry_budget.per_second";
            return Err(ValidationError::new(field, constraint, self.per_second));
        }
        if !(1..=MOST).contains(&self.at_most) {
            let constraint = format!("from 1 to {MOST}");
            let field = "retry_budget.at_most";
            return Err(ValidationError::new(field, constraint, self.at_most));
        }
        Ok(())
    }
}

impl Bucket {
    fn new(config: RetryBudgetConfig) -> Self {
        let full = u64::from(config.at_most) * ONE;
        Self {
            tokens: full,
            full,
            // At most ten million.
            per_call: (config.per_call * ONE as f64) as u64,
            per_second: u64::from(config.per_second),
            now: Tick::ZERO,
        }
    }

    /// What has been saved up since the last time; time that runs backwards brings nothing.
    fn pass(&mut self, now: Tick) {
        let elapsed = now.since(self.now);
        self.now = self.now.max(now);
        // A millionth is what a retry costs, so it is earned in a microsecond for each in a second.
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        self.earn(micros.saturating_mul(self.per_second));
    }

    fn earn(&mut self, tokens: u64) {
        self.tokens = self.tokens.saturating_add(tokens).min(self.full);
    }

    fn call(&mut self, now: Tick) {
        self.pass(now);
        self.earn(self.per_call);
    }

    fn retry(&mut self, now: Tick) -> bool {
        self.pass(now);
        let left = self.tokens.checked_sub(ONE);
        self.tokens = left.unwrap_or(self.tokens);
        left.is_some()
    }
}

impl RetryBudget {
    /// A budget that is full.
    ///
    /// # Errors
    ///
    /// About the first setting that is out of its limits.
    pub fn new(config: RetryBudgetConfig) -> Result<Self, ValidationError> {
        config.validate()?;
        Ok(Self(Arc::new(Mutex::new(Bucket::new(config)))))
    }

    /// How many retries are left, as of the last call or retry.
    pub fn left(&self) -> u64 {
        self.bucket().tokens / ONE
    }

    /// A call that is no retry.
    pub(super) fn call(&self, now: Tick) {
        self.bucket().call(now);
    }

    /// Takes one retry, if there is one left.
    pub(super) fn retry(&self, now: Tick) -> bool {
        self.bucket().retry(now)
    }

    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for RetryBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryBudget")
            .field("left", &self.left())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fault_23_hostile_settings_are_refused_by_name() {
        let fine = RetryBudgetConfig::default();
        let per_call = |per_call| RetryBudgetConfig { per_call, ..fine };
        for hostile in [f64::NAN, f64::INFINITY, -0.1, 10.1] {
            let refused = per_call(hostile).validate().unwrap_err();
            assert_eq!(refused.field, "retry_budget.per_call");
        }
        for at_most in [0, u32::MAX] {
            let refused = RetryBudgetConfig { at_most, ..fine }.validate();
            assert_eq!(refused.unwrap_err().field, "retry_budget.at_most");
        }
        let per_second = u32::MAX;
        let refused = RetryBudgetConfig { per_second, ..fine }.validate();
        assert_eq!(refused.unwrap_err().field, "retry_budget.per_second");
    }

    #[derive(Clone, Copy, Debug)]
    enum Deed {
        Wait(u64),
        Back(u64),
        Call,
        Retry,
    }

    fn deed() -> impl Strategy<Value = Deed> {
        prop_oneof![
            2 => (0_u64..2_000).prop_map(Deed::Wait),
            1 => (0_u64..2_000).prop_map(Deed::Back),
            4 => Just(Deed::Call),
            8 => Just(Deed::Retry),
        ]
    }

    proptest! {
        /// However it is asked, and whatever the clock says: never more retries than were saved up,
        /// and brought by calls and by time. And none is refused that was earned.
        #[test]
        fn there_are_as_many_retries_as_were_earned(
            per_call in 0_u32..20,
            per_second in 0_u32..20,
            at_most in 1_u32..20,
            deeds in proptest::collection::vec(deed(), 0..300),
        ) {
            let per_call = f64::from(per_call) / 10.0;
            let config = RetryBudgetConfig { per_call, per_second, at_most };
            let mut bucket = Bucket::new(config);
            let start = Tick::from_nanos(3_600_000_000_000);
            bucket.pass(start);
            let (mut now, mut latest) = (start, start);
            let (mut calls, mut retries) = (0_u32, 0_u32);
            for deed in deeds {
                match deed {
                    Deed::Wait(millis) => now = now.after(Duration::from_millis(millis)),
                    Deed::Back(millis) => now = now.before(Duration::from_millis(millis)),
                    Deed::Call => {
                        bucket.call(now);
                        calls += 1;
                        latest = latest.max(now);
                    }
                    Deed::Retry => {
                        let had = bucket.tokens;
                        let granted = bucket.retry(now);
                        prop_assert!(granted || had < ONE, "one was left");
                        retries += u32::from(granted);
                        latest = latest.max(now);
                    }
                }
                let by_time = latest.since(start).as_secs_f64() * f64::from(per_second);
                let earned = f64::from(at_most) + f64::from(calls) * per_call + by_time;
                prop_assert!(f64::from(retries) <= earned + 1e-6);
                prop_assert!(bucket.tokens <= u64::from(at_most) * ONE);
            }
        }
    }
}
