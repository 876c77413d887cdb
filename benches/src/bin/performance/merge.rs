//! Several runs put together: of a scenario that is in more than one, all rounds count.
//!
//! Decides when that is honest: the same pools, in the same versions, were measured in each, and so in
//! turns. Anything else is refused.

use std::collections::BTreeSet;

use crate::runs::{Entry, Run, Scenario};

fn contenders(scenario: &Scenario) -> BTreeSet<&str> {
    let entries = scenario.entries.iter();
    entries.map(|entry| entry.contender.as_str()).collect()
}

/// `name 1.2` in its two parts.
fn split(version: &str) -> (&str, &str) {
    version.rsplit_once(' ').unwrap_or((version, ""))
}

/// Pools that two runs had in different versions.
fn different_versions(one: &Run, other: &Run) -> Vec<String> {
    let mut different = Vec::new();
    for (name, version) in one.versions.iter().map(|v| split(v)) {
        let others = other.versions.iter().map(|v| split(v));
        for (_, another) in others.filter(|v| v.0 == name && v.1 != version) {
            let (here, there) = (&one.name, &other.name);
            different.push(format!(
                "{name} is {version} in {here}, {another} in {there}"
            ));
        }
    }
    different
}

fn add(all: &mut Entry, more: &Entry) {
    all.rounds.extend(more.rounds.iter().cloned());
    all.failed = all.failed.take().or_else(|| more.failed.clone());
}

/// Adds the rounds of `more`, or says why they cannot be.
fn join(all: &mut Scenario, more: &Scenario, run: &str) -> Result<(), String> {
    let name = all.name();
    let (here, there) = (contenders(all), contenders(more));
    if here != there {
        let apart: Vec<_> = here.symmetric_difference(&there).copied().collect();
        let apart = apart.join(", ");
        return Err(format!(
            "{name}: not in every run took part: {apart} ({run})"
        ));
    }
    if all.measures() != more.measures() {
        return Err(format!("{name}: {run} measures something else"));
    }
    for entry in &mut all.entries {
        if let Some(more) = more.entry(&entry.contender) {
            add(entry, more);
        }
    }
    Ok(())
}

/// Every scenario of these runs, once.
///
/// # Errors
///
/// With all reasons why rounds cannot be compared.
pub(crate) fn merged(runs: &[Run]) -> Result<Vec<Scenario>, String> {
    let mut all: Vec<Scenario> = Vec::new();
    let mut faults = Vec::new();
    for (number, run) in runs.iter().enumerate() {
        for earlier in &runs[..number] {
            faults.extend(different_versions(earlier, run));
        }
        for more in &run.scenarios {
            match all.iter_mut().find(|known| known.name() == more.name()) {
                Some(known) => faults.extend(join(known, more, &run.name).err()),
                None => all.push(more.clone()),
            }
        }
    }
    if faults.is_empty() {
        Ok(all)
    } else {
        Err(faults.join("\n       "))
    }
}
