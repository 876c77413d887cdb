//! The scenarios: what is measured, of whom, and in comparison with whom.
//!
//! Each file defines one of them, for threads, for tasks, or for both. Knows nothing of rounds and
//! tables.

pub(crate) mod growth;
mod players;
mod s1;
mod s2;
mod s3;
mod s3w;
pub(crate) mod s4;
mod s5;
pub(crate) mod s6;
mod s7;
mod s8;
pub(crate) mod s9;

use std::sync::Arc;
use std::time::Duration;

use crate::contender::Contender;
use crate::load::Failure;

pub(crate) use players::Player;

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Callers {
    Threads,
    Tasks,
}

impl Callers {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Threads => "threads",
            Self::Tasks => "tasks",
        }
    }
}

/// One figure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measure {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) digits: usize,
    /// Whether less is better, so that a ratio is this one's figure to the base's, or the other way
    /// round.
    pub(crate) less_is_better: bool,
}

/// Wall time per acquire and release, over all callers.
pub(crate) const NANOS: Measure = Measure {
    name: "time",
    unit: "ns",
    digits: 1,
    less_is_better: true,
};

/// One of them in one scenario, ready to play; `None` where it cannot take part.
pub(crate) type Opened = Result<Option<Arc<dyn Player>>, Failure>;

/// A scenario, for one kind of callers.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) id: &'static str,
    pub(crate) callers: Callers,
    pub(crate) title: &'static str,
    /// The first one is what ratios are made of.
    pub(crate) measures: &'static [Measure],
    /// With whom everybody is compared.
    pub(crate) bases: &'static [&'static str],
    /// Whether several processors meet, so that it matters how far apart they are.
    pub(crate) contended: bool,
    /// A round lasts so many times as long as others.
    pub(crate) stretch: u32,
    /// Rounds, where it is not as many as were asked for.
    pub(crate) rounds: Option<usize>,
    pub(crate) open: fn(&Contender) -> Opened,
}

impl Scenario {
    pub(crate) fn span(&self, span: Duration) -> Duration {
        span * self.stretch
    }
}

/// Every scenario, in the order of the tables.
pub(crate) static ALL: [&Scenario; 20] = [
    &s1::THREADS,
    &s1::TASKS,
    &s2::THREADS,
    &s2::TASKS,
    &s3::THREADS,
    &s3::TASKS,
    &s3w::TASKS,
    &s4::THREADS,
    &s4::TASKS,
    &s5::THREADS,
    &s5::TASKS,
    &s6::TASKS,
    &s7::TASKS,
    &s8::TASKS,
    &s9::TASKS,
    &growth::SIZE,
    &growth::POOLS,
    &growth::HISTORY,
    &growth::THREADS,
    &growth::WAITERS,
];

/// Those that were asked for.
///
/// # Errors
///
/// With all names, when nothing is called so.
pub(crate) fn chosen(asked: &[String]) -> Result<Vec<&'static Scenario>, String> {
    for one in asked {
        if !ALL.iter().any(|scenario| is(scenario, one)) {
            let mut all: Vec<_> = ALL.iter().map(|scenario| scenario.id).collect();
            all.dedup();
            let all = all.join(", ");
            return Err(format!("there is no scenario {one}; there are: {all}"));
        }
    }
    let takes_part = |s: &&&Scenario| asked.is_empty() || asked.iter().any(|one| is(s, one));
    Ok(ALL.iter().filter(takes_part).copied().collect())
}

/// By its number, or its number and callers ("S4-tasks"); in any case.
fn is(scenario: &Scenario, name: &str) -> bool {
    let full = format!("{}-{}", scenario.id, scenario.callers.name());
    scenario.id.eq_ignore_ascii_case(name) || full.eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen_of(asked: &str) -> Result<Vec<&'static Scenario>, String> {
        let asked: Vec<_> = asked.split(',').map(ToOwned::to_owned).collect();
        chosen(&asked)
    }

    #[test]
    fn scenarios_are_found_by_number_and_callers() {
        assert_eq!(chosen_of("S1").expect("it exists").len(), 2);
        let one = chosen_of("s4-tasks").expect("it exists");
        assert_eq!((one.len(), one[0].callers), (1, Callers::Tasks));
        assert_eq!(chosen(&[]).expect("all").len(), ALL.len());
        let error = chosen_of("S1,S99").expect_err("no such scenario");
        assert!(error.contains("S99") && error.contains("S3W"), "{error}");
    }
}
