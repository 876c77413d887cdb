//! A table per scenario, and who and what was measured.
//!
//! Decides the columns.

use crate::contents::{self, OURS};
use crate::markdown::{NONE, Side, figure, ratio, table};
use crate::runs::{Distance, Entry, Machine, Measure, Run, Scenario, Which};

/// `time ns`, `Jain`.
fn words(measure: &Measure) -> String {
    format!("{} {}", measure.measure, measure.unit)
        .trim()
        .to_owned()
}

fn bases(scenario: &Scenario) -> &'static [&'static str] {
    contents::scenario(&scenario.name()).map_or(&[], |wanted| wanted.bases)
}

/// The contender, and in place of its first figure how it has failed.
fn headed(entry: &Entry, mut cells: Vec<String>) -> Vec<String> {
    if let (Some(_), Some(cell)) = (&entry.failed, cells.first_mut()) {
        "failed".clone_into(cell);
    }
    let name = &entry.contender;
    let name = if name == OURS {
        format!("**{name}**")
    } else {
        name.clone()
    };
    cells.insert(0, name);
    cells
}

/// Ratios to the scenario's bases, in the first measure.
fn ratios(scenario: &Scenario, entry: &Entry, which: Which) -> Vec<String> {
    let ours = entry.median(0, which);
    let one = |base: &&str| {
        let base = scenario.entry(base)?.median(0, which)?;
        Some(entry.measures.first()?.times_as_good(ours?, base))
    };
    bases(scenario)
        .iter()
        .map(|base| ratio(one(base)))
        .collect()
}

/// A median, and the minimum beside it.
fn with_minimum(entry: &Entry, measure: &Measure, which: Which) -> String {
    let median = figure(entry.median(0, which), measure);
    match entry.minimum(0, which) {
        Some(least) => format!("{median} ({})", figure(Some(least), measure)),
        None => median,
    }
}

/// One measure: the kinds of rounds beside each other.
fn single(scenario: &Scenario, measure: &Measure) -> String {
    let kinds = scenario.kinds();
    let mut head = vec!["contender".to_owned()];
    for (kind, _) in &kinds {
        let title = format!("{kind} {} (min)", words(measure));
        head.push(title.trim().to_owned());
        head.extend(bases(scenario).iter().map(|base| format!("× {base}")));
    }
    let row = |entry: &Entry| {
        let cells = kinds.iter().flat_map(|(_, which)| {
            let median = with_minimum(entry, measure, *which);
            [median].into_iter().chain(ratios(scenario, entry, *which))
        });
        headed(entry, cells.collect())
    };
    let rows: Vec<_> = scenario.entries.iter().map(row).collect();
    table(&head, &rows, Side::Right)
}

/// Several measures, in rounds of one kind; ratios are those of the first one.
fn multiple(scenario: &Scenario, which: Which) -> String {
    let mut head = vec!["contender".to_owned()];
    head.extend(scenario.measures().iter().map(words));
    let first = scenario.measures().first().map_or("", |m| &m.measure);
    let ratio = |base: &&str| format!("{first} × {base}");
    head.extend(bases(scenario).iter().map(ratio));
    let row = |entry: &Entry| {
        let measures = entry.measures.iter().enumerate();
        let medians = measures.map(|(n, measure)| figure(entry.median(n, which), measure));
        let cells = medians.chain(ratios(scenario, entry, which));
        headed(entry, cells.collect())
    };
    let rows: Vec<_> = scenario.entries.iter().map(row).collect();
    table(&head, &rows, Side::Right)
}

/// `one thread` as `One thread`.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

/// Of which kind the rounds were.
fn rounds(scenario: &Scenario) -> String {
    let of = |which| scenario.rounds(which);
    if scenario.contended {
        format!(
            "{} near, {} between, {} far (at most, per contender)",
            of(Some(Distance::Near)),
            of(Some(Distance::Between)),
            of(Some(Distance::Far))
        )
    } else {
        of(None).to_string()
    }
}

/// One scenario: the name of its block, and the block.
pub(crate) fn block(scenario: &Scenario) -> (String, String) {
    let title = sentence(&scenario.title);
    let mut text = format!("{title}. Rounds: {}.\n", rounds(scenario));
    if let [measure] = scenario.measures() {
        text += &format!("\n{}", single(scenario, measure));
    } else {
        for (kind, which) in scenario.kinds() {
            let title = if kind.is_empty() {
                String::new()
            } else {
                format!("\n{kind}:\n")
            };
            text += &format!("{title}\n{}", multiple(scenario, which));
        }
    }
    let failed = scenario.entries.iter().filter_map(|entry| {
        let failure = entry.failed.as_ref()?;
        Some(format!("- {}: {failure}\n", entry.contender))
    });
    let failed: String = failed.collect();
    if !failed.is_empty() {
        text += &format!("\n{failed}");
    }
    (scenario.name(), text)
}

/// What others had of the machine.
pub(crate) fn shares(machine: &Machine) -> String {
    let percent = |share: Option<f64>| match share {
        Some(share) => format!("{:.0} %", share * 100.0),
        None => NONE.to_owned(),
    };
    format!(
        "{} processors, of which other processes had {}, other guests of the host {}{}",
        machine.processors,
        percent(machine.others),
        percent(machine.stolen),
        if machine.was_busy() {
            " (**busy**)"
        } else {
            ""
        }
    )
}

/// Who took part, and what else the machine did, run by run.
pub(crate) fn machine(runs: &[Run], about: &str) -> String {
    let mut versions: Vec<_> = runs.iter().flat_map(|run| &run.versions).collect();
    versions.sort_unstable();
    versions.dedup();
    let versions: Vec<_> = versions.into_iter().map(String::as_str).collect();
    let mut text = String::new();
    if !about.is_empty() {
        text += &format!("{about}.\n\n");
    }
    text += &format!("{}.\n\n", versions.join(", "));
    for (number, run) in runs.iter().enumerate() {
        text += &format!("- Run {}: {}.\n", number + 1, shares(&run.machine));
    }
    text
}
