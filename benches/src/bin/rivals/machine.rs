//! Whether the machine did anything besides.
//!
//! Decides when it counts as busy. Knows nothing of what was measured; answers nothing where there is no
//! `/proc`.

use std::fs;

use serde::Serialize;

/// A share of the processors' time that others may have without a word.
const QUIET: f64 = 0.05;

/// Ticks of processor time, since the machine began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Ticks {
    all: u64,
    /// In which some process ran.
    busy: u64,
    /// In which the host let another guest run.
    stolen: u64,
    /// In which this process ran.
    own: u64,
}

/// The first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal …
fn of_all(stat: &str) -> Option<Ticks> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let fields: Vec<u64> = line
        .split_whitespace()
        .map_while(|field| field.parse().ok())
        .collect();
    let of = |at: usize| fields.get(at).copied().unwrap_or(0);
    let busy = of(0) + of(1) + of(2) + of(5) + of(6);
    Some(Ticks {
        all: busy + of(3) + of(4) + of(7),
        busy,
        stolen: of(7),
        own: 0,
    })
}

/// utime and stime in `/proc/self/stat`, counted from behind the name, which may hold anything.
fn of_self(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn now() -> Option<Ticks> {
    let mut ticks = of_all(&fs::read_to_string("/proc/stat").ok()?)?;
    ticks.own = of_self(&fs::read_to_string("/proc/self/stat").ok()?)?;
    Some(ticks)
}

/// What the machine did while something was measured.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Machine {
    pub(crate) processors: usize,
    /// Shares of the processors' time; absent where they are not known.
    pub(crate) others: Option<f64>,
    pub(crate) stolen: Option<f64>,
}

impl Machine {
    /// Whether the figures are to be doubted, and why.
    pub(crate) fn doubts(&self) -> Option<String> {
        let (others, stolen) = (self.others?, self.stolen?);
        if others + stolen <= QUIET {
            return None;
        }
        Some(format!(
            "THE MACHINE WAS BUSY: other processes had {:.0} % of its {} processors, other guests {:.0} %",
            others * 100.0,
            self.processors,
            stolen * 100.0
        ))
    }
}

/// Watches from when it is made.
#[derive(Debug)]
pub(crate) struct Watch(Option<Ticks>);

impl Watch {
    pub(crate) fn begin() -> Self {
        Self(now())
    }

    pub(crate) fn end(&self) -> Machine {
        let processors = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        let shares = self.0.zip(now()).map(|(from, to)| shares(from, to));
        Machine {
            processors,
            others: shares.map(|(others, _)| others),
            stolen: shares.map(|(_, stolen)| stolen),
        }
    }
}

/// What other processes had, and what other guests had.
fn shares(from: Ticks, to: Ticks) -> (f64, f64) {
    let all = to.all.saturating_sub(from.all).max(1) as f64;
    let busy = to.busy.saturating_sub(from.busy);
    let own = to.own.saturating_sub(from.own);
    let stolen = to.stolen.saturating_sub(from.stolen);
    (busy.saturating_sub(own) as f64 / all, stolen as f64 / all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_read() {
        let all = of_all("cpu  10 1 5 100 2 3 4 7 0 0\ncpu0 1 1\n").expect("a line");
        assert_eq!((all.all, all.busy, all.stolen), (132, 23, 7));
        assert_eq!(of_all("intr 5"), None);
        let own = of_self("42 (a b) c) S 1 1 1 0 -1 4194560 100 0 0 0 31 11 0 0 20");
        assert_eq!(own, Some(42));
    }

    #[test]
    fn what_we_used_ourselves_is_not_others() {
        let from = Ticks::default();
        let to = Ticks {
            all: 200,
            busy: 120,
            stolen: 10,
            own: 100,
        };
        let (others, stolen) = shares(from, to);
        assert!((others - 0.1).abs() < 1e-9 && (stolen - 0.05).abs() < 1e-9);
        let machine = Machine {
            processors: 2,
            others: Some(others),
            stolen: Some(stolen),
        };
        let doubts = machine.doubts().expect("busy");
        assert!(
            doubts.contains("10 %") && doubts.contains("5 %"),
            "{doubts}"
        );
    }

    #[test]
    fn a_quiet_machine_is_not_doubted() {
        let quiet = Machine {
            processors: 2,
            others: Some(0.01),
            stolen: Some(0.02),
        };
        assert_eq!(quiet.doubts(), None);
        assert_eq!(Machine::default().doubts(), None, "not known");
    }
}
