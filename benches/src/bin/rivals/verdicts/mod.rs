//! Whether what was to be reached was reached.
//!
//! Each target is one comparison of figures of this run; `targets` lists them. Nothing here knows an
//! answer.

mod compare;
mod targets;

use serde::Serialize;

use crate::outcome::Outcome;

/// One target, judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Verdict {
    pub(crate) row: String,
    /// Of which rounds: near, far, or all.
    pub(crate) rounds: &'static str,
    pub(crate) target: String,
    pub(crate) measured: String,
    pub(crate) met: bool,
}

/// Every target that these outcomes can answer.
pub(crate) fn all(outcomes: &[Outcome]) -> Vec<Verdict> {
    targets::judged(&compare::Run::new(outcomes))
}
