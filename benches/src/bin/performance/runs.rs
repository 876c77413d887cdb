//! What `rivals` has written, read back: scenarios, contenders, rounds, verdicts.
//!
//! Decides which rounds a figure is taken from, as `rivals` does. Knows neither tables nor curves.

use nebula_resource_benches::figures;
use serde::Deserialize;

/// A share of the processors' time that others may have without a word, as in `rivals`.
const QUIET: f64 = 0.05;

/// How far apart the two processors were in a round.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Distance {
    Near,
    Between,
    Far,
}

/// Which rounds are meant: those of one distance, or all.
pub(crate) type Which = Option<Distance>;

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Round {
    pub(crate) distance: Distance,
    /// In the order of the measures; nothing where one does not apply.
    pub(crate) figures: Vec<Option<f64>>,
}

#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Measure {
    pub(crate) measure: String,
    pub(crate) unit: String,
}

impl Measure {
    /// Of amounts per second more is better, of times and bytes less.
    pub(crate) fn less_is_better(&self) -> bool {
        !self.unit.ends_with("/s")
    }

    /// How many times as good as the base: above one is better than it.
    pub(crate) fn times_as_good(&self, figure: f64, base: f64) -> f64 {
        if self.less_is_better() {
            base / figure
        } else {
            figure / base
        }
    }
}

/// One contender in one scenario.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Entry {
    pub(crate) contender: String,
    pub(crate) failed: Option<String>,
    pub(crate) measures: Vec<Measure>,
    pub(crate) rounds: Vec<Round>,
}

impl Entry {
    /// The figures of measure number `measure`. One that has failed has none.
    fn figures(&self, measure: usize, which: Which) -> Vec<f64> {
        let rounds = self.rounds.iter().filter(|_| self.failed.is_none());
        let rounds = rounds.filter(|round| which.is_none_or(|which| round.distance == which));
        rounds
            .filter_map(|round| *round.figures.get(measure)?)
            .collect()
    }

    pub(crate) fn rounds(&self, which: Which) -> usize {
        let rounds = self.rounds.iter();
        rounds
            .filter(|round| which.is_none_or(|which| round.distance == which))
            .count()
    }

    pub(crate) fn median(&self, measure: usize, which: Which) -> Option<f64> {
        figures::median(&self.figures(measure, which))
    }

    pub(crate) fn minimum(&self, measure: usize, which: Which) -> Option<f64> {
        figures::minimum(&self.figures(measure, which))
    }
}

/// One scenario, for one kind of callers.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Scenario {
    scenario: String,
    callers: String,
    pub(crate) title: String,
    pub(crate) contended: bool,
    pub(crate) entries: Vec<Entry>,
}

impl Scenario {
    /// As `rivals --only` takes it: `S4-tasks`.
    pub(crate) fn name(&self) -> String {
        format!("{}-{}", self.scenario, self.callers)
    }

    pub(crate) fn entry(&self, contender: &str) -> Option<&Entry> {
        self.entries.iter().find(|e| e.contender == contender)
    }

    /// What is measured, the same of everybody.
    pub(crate) fn measures(&self) -> &[Measure] {
        let first = self.entries.first();
        first.map_or(&[], |entry| &entry.measures)
    }

    /// How many rounds of the scenario were of this kind, at most.
    pub(crate) fn rounds(&self, which: Which) -> usize {
        let of = |entry: &Entry| entry.rounds(which);
        self.entries.iter().map(of).max().unwrap_or(0)
    }

    /// The kinds of rounds that are shown apart, and what they are called: near and far, and all of them
    /// where a quarter or more was neither.
    pub(crate) fn kinds(&self) -> Vec<(&'static str, Which)> {
        if !self.contended {
            return vec![("", None)];
        }
        let apart = [("near", Some(Distance::Near)), ("far", Some(Distance::Far))];
        let mut kinds: Vec<_> = apart
            .into_iter()
            .filter(|(_, which)| self.rounds(*which) > 0)
            .collect();
        let count = |which| -> usize { self.entries.iter().map(|e| e.rounds(which)).sum() };
        if count(Some(Distance::Between)) * 4 >= count(None) {
            kinds.push(("all", None));
        }
        kinds
    }
}

/// One target, judged.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Verdict {
    pub(crate) row: String,
    pub(crate) rounds: String,
    pub(crate) target: String,
    pub(crate) measured: String,
    pub(crate) met: bool,
}

/// What the machine did besides.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Machine {
    pub(crate) processors: usize,
    pub(crate) others: Option<f64>,
    pub(crate) stolen: Option<f64>,
}

impl Machine {
    /// Whether the figures are to be doubted.
    pub(crate) fn was_busy(&self) -> bool {
        self.others.unwrap_or(0.0) + self.stolen.unwrap_or(0.0) > QUIET
    }
}

/// One run.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Run {
    /// Where it came from.
    #[serde(skip)]
    pub(crate) name: String,
    pub(crate) machine: Machine,
    pub(crate) versions: Vec<String>,
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) verdicts: Vec<Verdict>,
}

impl Run {
    /// # Errors
    ///
    /// When `text` is not what `rivals` writes.
    pub(crate) fn read(name: &str, text: &str) -> Result<Self, String> {
        let run: Self = serde_json::from_str(text).map_err(|error| format!("{name}: {error}"))?;
        Ok(Self {
            name: name.to_owned(),
            ..run
        })
    }
}
