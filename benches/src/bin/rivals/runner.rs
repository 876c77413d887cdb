//! Plays the rounds: everybody once, then everybody again, so that what the machine does meanwhile
//! happens to all of them.
//!
//! Decides the order, and when somebody counts as hung. Knows nothing of what a round measures.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::contender::Contender;
use crate::figures::Distance;
use crate::load::Failure;
use crate::outcome::{Entry, Outcome, Round};
use crate::ping;
use crate::scenarios::{Player, Scenario};

/// How long after its end a round may still go on.
const OVERTIME: Duration = Duration::from_secs(5);

/// How long it may take to fill the largest pool.
const OPENING: Duration = Duration::from_secs(30);

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) rounds: usize,
    pub(crate) span: Duration,
}

/// Runs `work` on a thread of its own. Where it does not come back, the thread stays behind.
fn watched<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let (sender, receiver) = channel();
    let started = thread::Builder::new()
        .name("contender".to_owned())
        .spawn(move || drop(sender.send(work())));
    started.map_err(Failure::refused)?;
    match receiver.recv_timeout(limit) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => Err(Failure::Hung),
        Err(RecvTimeoutError::Disconnected) => Err(Failure::refused("it panicked")),
    }
}

/// A contender in this scenario.
struct Seat {
    entry: Entry,
    /// `None` once it has failed. Then the player stays where it is: its drop might hang too.
    player: Option<Arc<dyn Player>>,
}

impl Seat {
    fn fail(&mut self, failure: Failure) {
        self.entry.failed = Some(failure);
        if let Some(player) = self.player.take() {
            std::mem::forget(player);
        }
    }

    /// One round; answers its figures if it came to an end.
    fn play(&mut self, span: Duration) -> Option<Vec<f64>> {
        let player = Arc::clone(self.player.as_ref()?);
        match watched(span + OVERTIME, move || player.play(span)) {
            Ok(figures) => Some(figures),
            Err(failure) => {
                self.fail(failure);
                None
            }
        }
    }

    fn finish(mut self) -> Entry {
        if let Some(player) = self.player.clone()
            && let Err(failure) = watched(OVERTIME, move || player.finish())
        {
            // Nothing there to be acquired is what a lost object looks like.
            let lost = || Failure::Lost("not all can be had at once".to_owned());
            let hung = failure == Failure::Hung;
            self.fail(if hung { lost() } else { failure });
        }
        if let Some(player) = self.player.take() {
            let dropped = watched(OVERTIME, move || {
                drop(player);
                Ok(())
            });
            self.entry.failed = dropped.err();
        }
        self.entry
    }
}

fn seat(scenario: &'static Scenario, contender: &'static Contender) -> Option<Seat> {
    let opened = watched(OPENING, move || (scenario.open)(contender));
    let (player, failed) = match opened {
        Ok(player) => (Some(player?), None),
        Err(failure) => (None, Some(failure)),
    };
    let entry = Entry {
        contender,
        rounds: Vec::new(),
        failed,
    };
    Some(Seat { entry, player })
}

fn rounds(scenario: &Scenario, plan: Plan) -> usize {
    scenario.rounds.unwrap_or(plan.rounds)
}

fn play(scenario: &'static Scenario, seats: &mut [Seat], plan: Plan, bar: &ProgressBar) {
    let span = scenario.span(plan.span);
    for round in 0..=rounds(scenario, plan) {
        for seat in &mut *seats {
            bar.set_message(format!(
                "{} {}: {}",
                scenario.id,
                scenario.callers.name(),
                seat.entry.contender.name
            ));
            let ping = || {
                let asked = scenario.contended && round > 0;
                if asked { ping::crossing() } else { 0.0 }
            };
            let before = ping();
            let figures = seat.play(span);
            let crossings = [before, ping()];
            // The first one only warms up.
            if let Some(figures) = figures.filter(|_| round > 0) {
                let distance = Distance::of(crossings[0], crossings[1]);
                seat.entry.rounds.push(Round {
                    distance,
                    crossings,
                    figures,
                });
            }
            bar.inc(1);
        }
    }
}

/// How many rounds there are in all, at most: not everybody takes part everywhere.
fn most_rounds(scenarios: &[&Scenario], contenders: usize, plan: Plan) -> u64 {
    let of = |scenario: &&Scenario| (rounds(scenario, plan) + 1) * contenders;
    scenarios.iter().map(of).sum::<usize>() as u64
}

/// Who has a door for the callers of a scenario, but cannot do what it asks.
fn absent(
    scenario: &Scenario,
    contenders: &[&'static Contender],
    entries: &[Entry],
) -> Vec<&'static str> {
    // Where nobody is compared, nobody is missed.
    let compared = !scenario.bases.is_empty();
    let missed = |one: &&&'static Contender| {
        let seated = entries.iter().any(|e| e.contender.name == one.name);
        compared && !seated && !one.only_alone && one.has_door_for(scenario.callers)
    };
    contenders
        .iter()
        .filter(missed)
        .map(|one| one.name)
        .collect()
}

/// Plays all `scenarios`.
pub(crate) fn run(
    scenarios: &[&'static Scenario],
    contenders: &[&'static Contender],
    plan: Plan,
) -> Vec<Outcome> {
    let bar = ProgressBar::new(most_rounds(scenarios, contenders.len(), plan));
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} {eta:>4} {msg}") {
        bar.set_style(style);
    }
    let mut outcomes = Vec::new();
    for scenario in scenarios.iter().copied() {
        let seats = contenders.iter().filter_map(|one| seat(scenario, one));
        let mut seats: Vec<_> = seats.collect();
        let missing = contenders.len() - seats.len();
        bar.dec_length((missing * (rounds(scenario, plan) + 1)) as u64);
        play(scenario, &mut seats, plan, &bar);
        let entries: Vec<_> = seats.into_iter().map(Seat::finish).collect();
        outcomes.push(Outcome {
            scenario,
            absent: absent(scenario, contenders, &entries),
            entries,
        });
    }
    bar.finish_and_clear();
    outcomes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_does_not_come_back_is_left_behind() {
        let (keep, never) = channel::<()>();
        let hung = watched(Duration::from_millis(20), move || {
            never.recv().map_err(Failure::refused)
        });
        assert_eq!(hung, Err(Failure::Hung));
        drop(keep);
    }

    #[test]
    fn a_panic_and_a_result_come_back() {
        let long = Duration::from_secs(60);
        let panicked = watched(long, || -> Result<(), Failure> { panic!("on purpose") });
        assert!(matches!(panicked, Err(Failure::Refused(_))));
        assert_eq!(watched(long, || Ok(7)), Ok(7));
    }
}
