//! What a run has measured, scenario by scenario.
//!
//! Decides which rounds a figure is taken from. Knows neither tables nor targets.

use serde::{Serialize, Serializer};

use crate::contender::Contender;
use crate::figures::{Distance, maximum, median, minimum};
use crate::load::Failure;
use crate::scenarios::{Measure, Scenario};

/// One round of one contender; figures in the order of the scenario's measures.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Round {
    pub(crate) distance: Distance,
    /// Nanoseconds that a cache line took to the other processor, before and after.
    pub(crate) crossings: [f64; 2],
    pub(crate) figures: Vec<f64>,
}

/// Which rounds are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    All,
    Only(Distance),
}

impl Which {
    pub(crate) fn includes(self, distance: Distance) -> bool {
        match self {
            Self::All => true,
            Self::Only(one) => one == distance,
        }
    }
}

/// One contender in one scenario.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) contender: &'static Contender,
    pub(crate) rounds: Vec<Round>,
    pub(crate) failed: Option<Failure>,
}

impl Entry {
    /// The figures of measure number `measure`. One that has failed has none: who loses an object is
    /// not fast.
    pub(crate) fn figures(&self, measure: usize, which: Which) -> Vec<f64> {
        let rounds = self.rounds.iter().filter(|_| self.failed.is_none());
        let rounds = rounds.filter(|round| which.includes(round.distance));
        let figure = |round: &Round| round.figures.get(measure).copied();
        // A measure that does not apply is not a number.
        rounds.filter_map(figure).filter(|f| !f.is_nan()).collect()
    }

    pub(crate) fn rounds(&self, which: Which) -> usize {
        let rounds = self.rounds.iter();
        rounds
            .filter(|round| which.includes(round.distance))
            .count()
    }

    pub(crate) fn median(&self, measure: usize, which: Which) -> Option<f64> {
        median(&self.figures(measure, which))
    }

    pub(crate) fn minimum(&self, measure: usize, which: Which) -> Option<f64> {
        minimum(&self.figures(measure, which))
    }

    pub(crate) fn maximum(&self, measure: usize, which: Which) -> Option<f64> {
        maximum(&self.figures(measure, which))
    }
}

/// One scenario.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) scenario: &'static Scenario,
    pub(crate) entries: Vec<Entry>,
    /// Who could be called, but not like this.
    pub(crate) absent: Vec<&'static str>,
}

impl Outcome {
    pub(crate) fn entry(&self, contender: &str) -> Option<&Entry> {
        let mut entries = self.entries.iter();
        entries.find(|entry| entry.contender.name == contender)
    }

    /// How many rounds of the scenario were of this kind, at most.
    pub(crate) fn rounds(&self, which: Which) -> usize {
        let of = |entry: &Entry| entry.rounds(which);
        self.entries.iter().map(of).max().unwrap_or(0)
    }
}

/// What was measured, in its two kinds where it is contended.
#[derive(Serialize)]
struct Summary {
    measure: &'static str,
    unit: &'static str,
    median: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    near: Option<f64>,
    far: Option<f64>,
}

impl Summary {
    fn of(entry: &Entry, number: usize, measure: &Measure) -> Self {
        let median = |which| entry.median(number, which);
        Self {
            measure: measure.name,
            unit: measure.unit,
            median: median(Which::All),
            min: entry.minimum(number, Which::All),
            max: entry.maximum(number, Which::All),
            near: median(Which::Only(Distance::Near)),
            far: median(Which::Only(Distance::Far)),
        }
    }
}

#[derive(Serialize)]
struct EntryInWords<'a> {
    contender: &'static str,
    failed: Option<String>,
    measures: Vec<Summary>,
    rounds: &'a [Round],
}

#[derive(Serialize)]
struct OutcomeInWords<'a> {
    scenario: &'static str,
    callers: &'static str,
    title: &'static str,
    contended: bool,
    entries: Vec<EntryInWords<'a>>,
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let measures = self.scenario.measures;
        let entry = |entry: &'_ Entry| -> Vec<Summary> {
            let numbered = measures.iter().enumerate();
            numbered.map(|(n, m)| Summary::of(entry, n, m)).collect()
        };
        let entries = self.entries.iter().map(|one| EntryInWords {
            contender: one.contender.name,
            failed: one.failed.as_ref().map(ToString::to_string),
            measures: entry(one),
            rounds: &one.rounds,
        });
        let words = OutcomeInWords {
            scenario: self.scenario.id,
            callers: self.scenario.callers.name(),
            title: self.scenario.title,
            contended: self.scenario.contended,
            entries: entries.collect(),
        };
        words.serialize(serializer)
    }
}
