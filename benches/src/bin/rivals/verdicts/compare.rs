//! Figures of a run, looked up by name, and a bound laid against one.
//!
//! Decides what "met" means. Knows no target.

use super::Verdict;
use crate::contenders::DEFAULT;
use crate::figures::Distance;
use crate::outcome::{Outcome, Which};
use crate::report::times_as_good;
use crate::scenarios::Callers;

/// What a figure is held to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Bound {
    AtMost(f64),
    Below(f64),
    AtLeast(f64),
    Above(f64),
}

impl Bound {
    pub(super) fn holds(self, figure: f64) -> bool {
        match self {
            Self::AtMost(most) => figure <= most,
            Self::Below(bound) => figure < bound,
            Self::AtLeast(least) => figure >= least,
            Self::Above(bound) => figure > bound,
        }
    }

    fn words(self, unit: &str) -> String {
        match self {
            Self::AtMost(most) => format!("≤ {most}{unit}"),
            Self::Below(bound) => format!("< {bound}{unit}"),
            Self::AtLeast(least) => format!("≥ {least}{unit}"),
            Self::Above(bound) => format!("> {bound}{unit}"),
        }
    }
}

/// A scenario, named.
pub(super) type Where = (&'static str, Callers);

/// What was measured.
#[derive(Debug)]
pub(super) struct Run<'a>(&'a [Outcome]);

impl<'a> Run<'a> {
    pub(super) const fn new(outcomes: &'a [Outcome]) -> Self {
        Self(outcomes)
    }

    pub(super) fn outcome(&self, (id, callers): Where) -> Option<&'a Outcome> {
        let mut outcomes = self.0.iter();
        outcomes.find(|o| o.scenario.id == id && o.scenario.callers == callers)
    }

    /// Whether ours came through every scenario that it took part in.
    pub(super) fn came_through(&self) -> Vec<Verdict> {
        let judged = |outcome: &Outcome| {
            let ours = outcome.entry(DEFAULT)?;
            let failure = ours.failed.as_ref().map(ToString::to_string);
            Some(Verdict {
                row: format!(
                    "{} {}",
                    outcome.scenario.id,
                    outcome.scenario.callers.name()
                ),
                rounds: "all",
                target: "comes to its end, nothing lost".to_owned(),
                met: failure.is_none(),
                measured: failure.unwrap_or_else(|| "nothing lost".to_owned()),
            })
        };
        self.0.iter().filter_map(judged).collect()
    }

    /// The median of a contender's rounds; of all of them where the scenario has only one kind.
    pub(super) fn figure(
        &self,
        place: Where,
        who: &str,
        measure: usize,
        which: Which,
    ) -> Option<f64> {
        let outcome = self.outcome(place)?;
        let which = if outcome.scenario.contended {
            which
        } else {
            Which::All
        };
        outcome.entry(who)?.median(measure, which)
    }

    /// How many times as good as `rival` ours is, in a scenario's first measure.
    pub(super) fn against(&self, place: Where, rival: &str, which: Which) -> Option<f64> {
        let ours = self.figure(place, DEFAULT, 0, which)?;
        let theirs = self.figure(place, rival, 0, which)?;
        let measure = self.outcome(place)?.scenario.measures.first()?;
        Some(times_as_good(ours, theirs, measure))
    }

    /// The sound rival that comes closest, and how many times as good ours is.
    pub(super) fn against_the_best(
        &self,
        place: Where,
        which: Which,
    ) -> Option<(&'static str, f64)> {
        let entries = self.outcome(place)?.entries.iter();
        let rivals = entries.filter(|entry| entry.contender.is_sound_rival());
        let names = rivals.map(|entry| entry.contender.name);
        names
            .filter_map(|name| Some((name, self.against(place, name, which)?)))
            .min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// The kinds of rounds that this scenario is judged in: near and far, or whatever there was.
    pub(super) fn kinds(&self, place: Where) -> Vec<(&'static str, Which)> {
        let Some(outcome) = self.outcome(place) else {
            return Vec::new();
        };
        if !outcome.scenario.contended {
            return vec![("all", Which::All)];
        }
        let sorted = [
            ("near", Which::Only(Distance::Near)),
            ("far", Which::Only(Distance::Far)),
        ];
        let kinds = sorted.into_iter();
        let kinds: Vec<_> = kinds.filter(|k| outcome.rounds(k.1) > 0).collect();
        if kinds.is_empty() && outcome.rounds(Which::All) > 0 {
            return vec![("between", Which::All)];
        }
        kinds
    }
}

/// Lays `bound` against `figure`; nothing where there is none.
pub(super) fn judge(
    (row, rounds): (&str, &'static str),
    what: &str,
    (figure, unit): (Option<f64>, &str),
    bound: Bound,
) -> Option<Verdict> {
    let figure = figure?;
    let digits = if figure.abs() < 10.0 { 2 } else { 1 };
    // An index near one is told from another by what comes later.
    let digits = if unit.is_empty() { 4 } else { digits };
    Some(Verdict {
        row: row.to_owned(),
        rounds,
        target: format!("{what} {}", bound.words(unit)),
        measured: format!("{figure:.digits$}{unit}"),
        met: bound.holds(figure),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contenders;
    use crate::outcome::{Entry, Round};
    use crate::scenarios;

    fn entry(name: &str, figures: &[(Distance, f64)]) -> Entry {
        let round = |&(distance, figure)| Round {
            distance,
            crossings: [0.0; 2],
            figures: vec![figure],
        };
        Entry {
            contender: contenders::named(name).expect("a contender"),
            rounds: figures.iter().map(round).collect(),
            failed: None,
        }
    }

    fn outcome(scenario: &str, entries: Vec<Entry>) -> Outcome {
        let scenario = scenarios::chosen(&[scenario.to_owned()]).expect("a scenario")[0];
        Outcome {
            scenario,
            entries,
            absent: Vec::new(),
        }
    }

    const S2: Where = ("S2", Callers::Tasks);

    #[test]
    fn a_bound_is_laid_against_what_was_measured() {
        assert!(Bound::AtMost(1.6).holds(1.6) && !Bound::AtMost(1.6).holds(1.61));
        assert!(Bound::AtLeast(9.0).holds(9.0) && !Bound::AtLeast(9.0).holds(8.9));
        assert!(!Bound::Above(1.0).holds(1.0) && !Bound::Below(1.0).holds(1.0));
        let verdict = judge(
            ("S1", "all"),
            "to ring",
            (Some(1.7), "×"),
            Bound::AtMost(1.6),
        );
        let verdict = verdict.expect("a figure");
        assert_eq!(verdict.target, "to ring ≤ 1.6×");
        assert_eq!(verdict.measured, "1.70×");
        assert!(!verdict.met);
        assert_eq!(judge(("", ""), "", (None, ""), Bound::Above(0.0)), None);
    }

    #[test]
    fn near_is_compared_with_near_and_the_best_rival_counts() {
        use Distance::{Far, Near};
        let outcomes = [outcome(
            "S2-tasks",
            vec![
                entry(DEFAULT, &[(Near, 10.0), (Near, 12.0), (Far, 20.0)]),
                entry("bb8", &[(Near, 110.0), (Far, 800.0)]),
                entry("asyncband", &[(Near, 33.0), (Far, 900.0)]),
                entry("qp", &[(Near, 1.0), (Far, 1.0)]),
            ],
        )];
        let run = Run::new(&outcomes);
        let near = Which::Only(Near);
        assert_eq!(run.against(S2, "bb8", near), Some(10.0));
        assert_eq!(run.against_the_best(S2, near), Some(("asyncband", 3.0)));
        assert_eq!(
            run.against_the_best(S2, Which::Only(Far)),
            Some(("bb8", 40.0)),
            "one that is flawed need not be beaten"
        );
        assert_eq!(run.against(S2, "mobc", near), None, "it took no part");
        let kinds: Vec<_> = run.kinds(S2).into_iter().map(|k| k.0).collect();
        assert_eq!(kinds, ["near", "far"]);
    }

    #[test]
    fn rounds_of_neither_kind_are_judged_together() {
        let between = [(Distance::Between, 10.0)];
        let outcomes = [outcome("S2-tasks", vec![entry(DEFAULT, &between)])];
        let kinds = Run::new(&outcomes).kinds(S2);
        assert_eq!(kinds, [("between", Which::All)]);
    }
}
