//! Two sets of runs of the same contenders, side by side: what one costs more than the other.
//!
//! Decides which figures belong together. Knows nothing of what was changed in between.

use crate::markdown::{Side, figure, ratio, table};
use crate::runs::{Entry, Scenario, Which};

fn row(name: &str, kind: &str, which: Which, (this, base): (&Entry, &Entry)) -> Vec<String> {
    let medians = (this.median(0, which), base.median(0, which));
    let times = medians.0.zip(medians.1).map(|(this, base)| this / base);
    let mut cells = vec![name.to_owned(), kind.to_owned(), this.contender.clone()];
    for (entry, median) in [(this, medians.0), (base, medians.1)] {
        cells.push(figure(median, &entry.measures[0]));
        cells.push(entry.rounds(which).to_string());
    }
    cells.push(ratio(times));
    cells
}

/// A row per scenario, kind of rounds and contender.
///
/// # Errors
///
/// When somebody is in one set only, or has failed.
pub(crate) fn table_of(these: &[Scenario], base: &[Scenario]) -> Result<String, String> {
    let mut rows = Vec::new();
    for this in these {
        let name = this.name();
        let other = base.iter().find(|other| other.name() == name);
        let other = other.ok_or_else(|| format!("the base has no {name}"))?;
        for entry in &this.entries {
            let who = &entry.contender;
            let same = other.entry(who);
            let same = same.ok_or_else(|| format!("the base has no {who} in {name}"))?;
            if let Some(failure) = entry.failed.as_ref().or(same.failed.as_ref()) {
                return Err(format!("{who} in {name}: {failure}"));
            }
            for (kind, which) in this.kinds() {
                rows.push(row(&name, kind, which, (entry, same)));
            }
        }
    }
    let head = [
        "scenario",
        "rounds",
        "contender",
        "these",
        "of",
        "base",
        "of",
        "ratio",
    ];
    Ok(table(&head.map(ToOwned::to_owned), &rows, Side::Right))
}
