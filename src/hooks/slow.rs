//! Who had to wait for long.
//!
//! Decides what is long; what is done about it is for whoever is told.

use std::fmt;
use std::time::Duration;

use super::{Call, Hook, Operation, Outcome};

/// A hook that tells a function of every acquire that took too long, whether it succeeded or not.
///
/// # Examples
///
/// ```
/// use nebula_resource::hooks::{Hooks, SlowAcquire};
/// use std::time::Duration;
///
/// let hooks = Hooks::new();
/// hooks.attach(SlowAcquire::over(Duration::from_secs(2), |slow| eprintln!("{slow}")));
/// ```
pub struct SlowAcquire<F> {
    threshold: Duration,
    sink: F,
}

impl<F: Fn(&SlowAcquired<'_>) + Send + Sync + 'static> SlowAcquire<F> {
    /// Tells `sink` of each acquire that took at least `threshold`.
    pub const fn over(threshold: Duration, sink: F) -> Self {
        Self { threshold, sink }
    }
}

impl<F: Fn(&SlowAcquired<'_>) + Send + Sync + 'static> Hook for SlowAcquire<F> {
    fn name(&self) -> &str {
        "slow acquire"
    }

    fn after(&self, call: &Call<'_>, outcome: &Outcome<'_>) {
        if call.operation() == Operation::Acquire && outcome.took() >= self.threshold {
            (self.sink)(&SlowAcquired {
                call: *call,
                outcome: *outcome,
                threshold: self.threshold,
            });
        }
    }
}

impl<F> fmt::Debug for SlowAcquire<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlowAcquire")
            .field("threshold", &self.threshold)
            .finish_non_exhaustive()
    }
}

/// An acquire that took too long.
///
/// Shown, it reads `acquiring "main_db" took 3.1s (slow is 2s)`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SlowAcquired<'a> {
    /// What was acquired, and by whom.
    pub call: Call<'a>,
    /// How it ended.
    pub outcome: Outcome<'a>,
    /// What counts as slow.
    pub threshold: Duration,
}

impl fmt::Display for SlowAcquired<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, took) = (self.call.key(), self.outcome.took());
        write!(
            f,
            "acquiring {key:?} took {took:?} (slow is {:?})",
            self.threshold
        )?;
        if let Some(error) = self.outcome.error() {
            write!(f, " and failed: {error}")?;
        }
        Ok(())
    }
}
