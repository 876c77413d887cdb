//! Is what concurrent callers of a pool see what they would see if they came one after the other?
//!
//! Histories of real threads, of tokio tasks and of both on one pool, on both facades, with every
//! strategy and both kinds of fairness, each checked against the sequential pool of
//! `nebula-resource-histories`, which says what is claimed. `NEBULA_ROUNDS` asks for more of them,
//! `NEBULA_SEED` for other ones.

#![cfg(feature = "tokio")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "linearizable/line.rs"]
mod line;
#[path = "linearizable/program.rs"]
mod program;
#[path = "linearizable/round.rs"]
mod round;
#[path = "linearizable/subject.rs"]
mod subject;

use nebula_resource_histories::mutants::{Mutation, mutants};
use nebula_resource_histories::{Fault, History, check, shrunk};
use round::{Round, Side, asked, played};
use subject::Lie;

/// What is wrong with a history, for a human; nothing if it is linearizable.
fn fault(round: &Round, side: Side, history: &History) -> Option<String> {
    let spec = round.spec(side);
    let fault = check(history, &spec).err()?;
    let core = match fault {
        Fault::NotLinearizable { .. } => shrunk(history, &spec).to_string(),
        ref other => other.to_string(),
    };
    Some(format!(
        "{round:?} {side:?} {spec:?}\nshrunk:\n{core}\nwhole:\n{history}"
    ))
}

fn rounds(side: Side, callers: &[(usize, usize)]) {
    let (mut calls, count) = (0, asked("NEBULA_ROUNDS", 400));
    let mut overlapping = 0;
    for number in 0..count {
        let round = Round::new(number, callers);
        let history = played(&round, side, Lie::Nothing);
        calls += history.len();
        overlapping += overlaps(&history);
        if let Some(fault) = fault(&round, side, &history) {
            panic!("not linearizable\n{fault}");
        }
    }
    println!("{side:?}: {count} rounds, {calls} calls, {overlapping} of them beside another");
    assert!(calls as u64 > 20 * count, "rounds in which nothing happens");
    assert!(2 * overlapping > calls / 4, "rounds in which nothing meets");
}

/// How many calls were under way together with one of another caller.
fn overlaps(history: &History) -> usize {
    let all = history.operations();
    let beside = all.iter().filter(|one| {
        let others = all.iter().filter(|other| other.actor != one.actor);
        others.filter(|other| other.overlaps(one)).count() > 0
    });
    beside.count()
}

const MIXED: [(usize, usize); 3] = [(3, 2), (2, 3), (1, 4)];

#[test]
fn tasks_on_the_async_facade() {
    rounds(Side::Async, &[(0, 4), (0, 5)]);
}

#[test]
fn threads_and_tasks_on_the_async_facade() {
    rounds(Side::Async, &MIXED);
}

#[test]
fn threads_and_tasks_without_a_runtime() {
    rounds(Side::Bare, &MIXED);
}

#[test]
fn threads_on_the_blocking_facade() {
    rounds(Side::Blocking, &[(4, 0), (5, 0)]);
}

#[test]
fn threads_and_tasks_on_the_blocking_facade() {
    rounds(Side::Blocking, &MIXED);
}

/// The same path, end to end: rounds until one is found out.
fn found_out(lie: Lie) {
    for number in 0..400 {
        let round = Round::new(number, &MIXED);
        let history = played(&round, Side::Bare, lie);
        let verdict = check(&history, &round.spec(Side::Bare));
        if let Err(found) = verdict {
            let linearizable = matches!(found, Fault::NotLinearizable { .. });
            assert!(linearizable, "{found}");
            let text = fault(&round, Side::Bare, &history).unwrap();
            println!("{lie:?} after {number} rounds:\n{text}");
            assert!(text.contains("seed") && text.contains("shrunk"), "{text}");
            return;
        }
    }
    panic!("{lie:?} is not noticed");
}

mod a_pool_is_found_out_that {
    use super::{Lie, found_out};

    #[test]
    fn shares_an_object() {
        found_out(Lie::SharesOne);
    }

    #[test]
    fn ignores_the_close() {
        found_out(Lie::IgnoresClose);
    }

    #[test]
    fn revives_what_is_gone() {
        found_out(Lie::RevivesTheGone);
    }

    #[test]
    fn makes_too_many() {
        found_out(Lie::MakesTooMany);
    }

    #[test]
    fn hides_an_object() {
        found_out(Lie::HidesOne);
    }
}

/// Histories of a real pool, made wrong: not one of them passes.
#[test]
fn mutants_of_real_histories_are_rejected() {
    let mut made = 0;
    for number in 0..12 {
        let round = Round::new(number, &MIXED);
        let (history, spec) = (
            played(&round, Side::Bare, Lie::Nothing),
            round.spec(Side::Bare),
        );
        for mutation in Mutation::ALL {
            for mutant in mutants(&history, &spec, mutation) {
                made += 1;
                let t0 = std::time::Instant::now();
                let verdict = check(&mutant, &spec);
                let dt = t0.elapsed();
                if dt.as_millis() > 300 {
                    println!("{mutation:?} {dt:?} {round:?} {spec:?}\n{mutant}");
                }
                let rejected = matches!(verdict, Err(Fault::NotLinearizable { .. }));
                assert!(rejected, "{mutation:?} {round:?} {verdict:?}\n{mutant}");
            }
        }
    }
    println!("{made} mutants");
    assert!(made > 300, "{made} mutants only");
}
