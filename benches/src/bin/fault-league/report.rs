//! What was played, as tables: for a terminal, for a document, for another program.

use comfy_table::{Table, TableStyle, presets};
use serde_json::{Value, json};

use crate::cases::Played;
use crate::contender::Entrant;
use crate::rows::outage::{ATTEMPTS, FIRST, LAST, PEAK, RATE, SERVED};
use crate::verdict::Ended;

/// The lock file that this program was built with knows the versions.
const LOCK: &str = include_str!("../../../../Cargo.lock");

/// The version of a package in our lock file.
fn version(lock: &str, package: &str) -> String {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name).skip(1);
    let version = lines
        .next()
        .and_then(|line| line.strip_prefix("version = "));
    version.unwrap_or("unknown").trim_matches('"').to_owned()
}

/// All results of one run.
pub(crate) struct Report {
    played: Vec<Played>,
}

impl Report {
    pub(crate) const fn new(played: Vec<Played>) -> Self {
        Self { played }
    }

    fn entrants(&self) -> Vec<&'static dyn Entrant> {
        let mut entrants: Vec<&'static dyn Entrant> = Vec::new();
        for played in &self.played {
            let entrant = played.case.entrant;
            if entrants.iter().all(|e| e.name() != entrant.name()) {
                entrants.push(entrant);
            }
        }
        entrants
    }

    fn rows(&self) -> Vec<(&'static str, &'static str)> {
        let mut rows: Vec<_> = self
            .played
            .iter()
            .map(|p| (p.case.row.id, p.case.row.title))
            .collect();
        rows.dedup();
        rows
    }

    fn of(&self, row: &str, entrant: &str) -> Option<&Played> {
        let mut played = self.played.iter();
        played.find(|p| p.case.row.id == row && p.case.entrant.name() == entrant)
    }

    /// What these pools failed, in words.
    pub(crate) fn failures(&self, of: &[String]) -> Vec<String> {
        let failed = |p: &&Played| {
            let named = of.iter().any(|name| name == p.case.entrant.name());
            named && p.outcome.ended == Ended::Failed
        };
        self.played.iter().filter(failed).map(described).collect()
    }

    pub(crate) fn versions(&self) -> String {
        let one = |e: &dyn Entrant| format!("{} {}", e.name(), version(LOCK, e.package()));
        let entrants = self.entrants();
        entrants.into_iter().map(one).collect::<Vec<_>>().join(", ")
    }

    /// Which row who passes.
    pub(crate) fn table(&self, style: TableStyle) -> Table {
        let entrants = self.entrants();
        let mut table = Table::new();
        table.load_style(style);
        let names = entrants.iter().map(|e| e.name().to_owned());
        let head = ["#".to_owned(), "fault".to_owned()];
        table.set_header(head.into_iter().chain(names));
        for (id, title) in self.rows() {
            let cells = entrants.iter().map(|e| {
                let ended = self.of(id, e.name()).map(|p| p.outcome.ended);
                mark(ended).to_owned()
            });
            table.add_row([id.to_owned(), title.to_owned()].into_iter().chain(cells));
        }
        table.add_row(self.sums(&entrants));
        table
    }

    /// The last line: rows passed, of those that could be asked.
    fn sums(&self, entrants: &[&'static dyn Entrant]) -> Vec<String> {
        let sum = |e: &&dyn Entrant| {
            let of = |ended| {
                let ends = self
                    .played
                    .iter()
                    .filter(|p| p.case.entrant.name() == e.name());
                ends.filter(|p| p.outcome.ended == ended).count()
            };
            let passed = of(Ended::Passed);
            format!("{passed}/{}", passed + of(Ended::Failed))
        };
        let head = [String::new(), "passed".to_owned()];
        head.into_iter().chain(entrants.iter().map(sum)).collect()
    }

    /// Why each that failed did, and what others cannot be asked: a line for each row, and one
    /// reason for all that share it.
    pub(crate) fn notes(&self) -> Vec<String> {
        let rows = self.rows().into_iter();
        rows.filter_map(|(id, title)| {
            let reasons = self.reasons(id);
            (!reasons.is_empty()).then(|| format!("{id} ({title}): {}", reasons.join("; ")))
        })
        .collect()
    }

    fn reasons(&self, row: &str) -> Vec<String> {
        let noted = |p: &&Played| p.case.row.id == row && p.outcome.ended != Ended::Passed;
        let mut reasons: Vec<(Vec<&str>, String)> = Vec::new();
        for played in self.played.iter().filter(noted) {
            let (name, reason) = (played.case.entrant.name(), reason(played));
            match reasons.iter_mut().find(|(_, known)| *known == reason) {
                Some((names, _)) => names.push(name),
                None => reasons.push((vec![name], reason)),
            }
        }
        let line = |(names, reason): (Vec<&str>, String)| format!("{} {reason}", names.join(", "));
        reasons.into_iter().map(line).collect()
    }

    /// What an outage came to: only of the rows that measure one.
    pub(crate) fn outages(&self, row: &str, style: TableStyle) -> Option<Table> {
        let mut table = Table::new();
        table.load_style(style);
        let names = [ATTEMPTS, PEAK, RATE, FIRST, LAST, SERVED];
        let heads = names.map(|name| match name {
            RATE => "per second, 2nd half".to_owned(),
            FIRST | LAST => format!("{name}, s after recovery"),
            SERVED => "callers served of 64".to_owned(),
            _ => name.to_owned(),
        });
        table.set_header(["pool".to_owned()].into_iter().chain(heads));
        let mut any = false;
        for played in self.played.iter().filter(|p| p.case.row.id == row) {
            let measures = &played.outcome.measures;
            any |= !measures.is_empty();
            let cell = |name| match measures.get(name) {
                None => "never".to_owned(),
                Some(value) if name == FIRST || name == LAST => format!("{value:.2}"),
                Some(value) => format!("{value:.0}"),
            };
            let cells = names.into_iter().map(cell);
            table.add_row(
                [played.case.entrant.name().to_owned()]
                    .into_iter()
                    .chain(cells),
            );
        }
        any.then_some(table)
    }

    pub(crate) fn json(&self) -> Value {
        let one = |p: &Played| {
            json!({
                "row": p.case.row.id,
                "title": p.case.row.title,
                "contender": p.case.entrant.name(),
                "version": version(LOCK, p.case.entrant.package()),
                "ended": p.outcome.ended,
                "why": p.outcome.why,
                "measures": p.outcome.measures,
                "seconds": p.took.as_secs_f64(),
            })
        };
        self.played.iter().map(one).collect()
    }

    /// For a person at a terminal.
    pub(crate) fn print(&self) {
        println!("{}", self.versions());
        println!("{}", self.table(presets::UTF8_FULL_CONDENSED));
        for note in self.notes() {
            println!("{note}");
        }
        for (row, title) in OUTAGES {
            if let Some(table) = self.outages(row, presets::UTF8_FULL_CONDENSED) {
                println!("\n{title}\n{table}");
            }
        }
    }

    /// For a document.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!(
            "{}\n\n{}\n",
            self.versions(),
            self.table(presets::ASCII_MARKDOWN)
        );
        for (row, title) in OUTAGES {
            if let Some(table) = self.outages(row, presets::ASCII_MARKDOWN) {
                text += &format!("\n### {title}\n\n{table}\n");
            }
        }
        text += "\n### Why\n\n";
        for note in self.notes() {
            text += &format!("- {note}\n");
        }
        text
    }
}

/// The rows that measure an outage, and what their tables are called.
const OUTAGES: [(&str, &str); 2] = [
    (
        "12",
        "Row 12: 64 callers, ten objects, the server down for 4 s",
    ),
    (
        "30",
        "Row 30: two pools, 32 callers each, one server, down for 2 s",
    ),
];

const fn mark(ended: Option<Ended>) -> &'static str {
    match ended {
        Some(Ended::Passed) => "✓",
        Some(Ended::Failed) => "✗",
        Some(Ended::NotApplicable) => "n/a",
        None => "",
    }
}

fn reason(played: &Played) -> String {
    let mark = mark(Some(played.outcome.ended));
    let why = played.outcome.why.as_deref().unwrap_or("");
    format!("{mark} {why}")
}

fn described(played: &Played) -> String {
    let (id, name) = (played.case.row.id, played.case.entrant.name());
    format!("{id} {name} {}", reason(played))
}

/// `document` with `text` between the markers; `None` where it has none.
pub(crate) fn between_markers(document: &str, text: &str) -> Option<String> {
    const BEGIN: &str = "<!-- league: begin -->\n";
    const END: &str = "<!-- league: end -->";
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{text}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::cases::Case;
    use crate::verdict::{Measures, Outcome};
    use crate::{contenders, rows};

    fn played(row: &str, entrant: &str, outcome: Outcome) -> Played {
        Played {
            case: Case {
                row: rows::named(row).expect("a row"),
                entrant: contenders::named(entrant).expect("a pool"),
            },
            outcome,
            took: Duration::ZERO,
        }
    }

    #[test]
    fn a_failure_is_shown_and_counted() {
        let measures = Measures::from([(ATTEMPTS.to_owned(), 7.0)]);
        let good = Outcome::from(Ok(measures));
        let report = Report::new(vec![
            played("12", "bb8", good),
            played("12", "r2d2", Outcome::failed("6.2 s late")),
            played("12", "mobc", Outcome::failed("6.2 s late")),
        ]);
        let of = |name: &str| report.failures(&[name.to_owned()]);
        assert_eq!(of("r2d2"), ["12 r2d2 ✗ 6.2 s late"]);
        assert!(of("bb8").is_empty());
        let text = report.markdown();
        assert!(text.contains("1/1") && text.contains("0/1"), "{text}");
        assert!(text.contains("never"), "nobody was served: {text}");
        let note = "12 (server down and back): r2d2, mobc ✗ 6.2 s late";
        assert_eq!(report.notes(), [note]);
        assert!(report.outages("30", presets::NOTHING).is_none());
    }

    #[test]
    fn versions_come_from_the_lock_file() {
        let lock = "[[package]]\nname = \"bb8\"\nversion = \"0.9.1\"\n";
        assert_eq!(version(lock, "bb8"), "0.9.1");
        assert_eq!(version(lock, "mobc"), "unknown");
        for entrant in contenders::ALL {
            assert_ne!(version(LOCK, entrant.package()), "unknown");
        }
    }

    #[test]
    fn only_what_is_between_the_markers_is_replaced() {
        let document = "a\n<!-- league: begin -->\nold\n<!-- league: end -->\nz\n";
        let new = between_markers(document, "new\n").expect("markers");
        assert_eq!(new, document.replace("old", "new"));
        assert_eq!(between_markers("none", "new"), None);
    }
}
