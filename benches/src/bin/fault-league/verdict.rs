//! How a case ends: the row held, it did not, or it cannot be asked of this pool.
//!
//! Knows nothing of rows and pools.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What was measured on the way, by name; only some rows measure anything.
pub(crate) type Measures = BTreeMap<String, f64>;

/// Why a row did not simply hold.
#[derive(Debug)]
pub(crate) enum Judgement {
    Fails(String, Measures),
    NotApplicable(&'static str),
}

/// What a row answers.
pub(crate) type Verdict = Result<Measures, Judgement>;

pub(crate) fn fails(why: impl Into<String>) -> Judgement {
    Judgement::Fails(why.into(), Measures::new())
}

/// Fails the row with these words unless `condition` holds.
macro_rules! must {
    ($condition:expr, $($words:tt)+) => {
        if !$condition {
            return Err($crate::verdict::fails(format!($($words)+)));
        }
    };
}
pub(crate) use must;

/// How a case ended, as its process tells the league.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) ended: Ended,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) measures: Measures,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ended {
    Passed,
    Failed,
    NotApplicable,
}

impl Outcome {
    pub(crate) fn failed(why: impl Into<String>) -> Self {
        Self {
            ended: Ended::Failed,
            why: Some(why.into()),
            measures: Measures::new(),
        }
    }
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Ok(measures) => Self {
                ended: Ended::Passed,
                why: None,
                measures,
            },
            Err(Judgement::Fails(why, measures)) => Self {
                measures,
                ..Self::failed(why)
            },
            Err(Judgement::NotApplicable(why)) => Self {
                ended: Ended::NotApplicable,
                why: Some(why.to_owned()),
                measures: Measures::new(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(even: u32) -> Verdict {
        must!(even.is_multiple_of(2), "{even} is odd");
        Ok(Measures::new())
    }

    #[test]
    fn an_outcome_survives_the_way_to_the_league() {
        let outcomes = [
            Outcome::from(asks(2)),
            Outcome::from(asks(3)),
            Outcome::from(Err(Judgement::NotApplicable("no such thing"))),
            Outcome::from(Err(Judgement::Fails(
                "late".to_owned(),
                Measures::from([("first served".to_owned(), 1.5)]),
            ))),
        ];
        for outcome in &outcomes {
            let text = serde_json::to_string(outcome).expect("plain data");
            let back: Outcome = serde_json::from_str(&text).expect("what was written");
            assert_eq!(&back, outcome);
        }
        let ended = outcomes.map(|outcome| outcome.ended);
        let [passed, odd, missing, late] = ended;
        assert_eq!(passed, Ended::Passed);
        assert_eq!((odd, late), (Ended::Failed, Ended::Failed));
        assert_eq!(missing, Ended::NotApplicable);
    }
}
