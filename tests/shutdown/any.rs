//! Whatever depends on what, is held for how long and says goodbye how: it ends in time, in order,
//! and the report adds up.

use std::time::Duration;

use nebula_resource::manager::ShutdownReport;
use proptest::prelude::*;

use crate::world::{Goodbye, Guard, QUICK, SECOND, World};

/// Longer than any shutdown takes, in seconds.
const LATER: u64 = 30;

#[derive(Clone, Debug)]
struct Part {
    /// Which of those before it it needs.
    needs: u8,
    goodbye: Goodbye,
    idle: usize,
    /// When its guards come back, from the beginning of the shutdown.
    held_until: Vec<Duration>,
}

/// Seconds, and so many milliseconds. Goodbyes take whole seconds, guards come back a quarter past
/// and a hurry comes at half past: so nothing comes back in the very moment in which it is given up
/// for one of these.
fn moments(past: u64) -> impl Strategy<Value = Duration> {
    (0..LATER).prop_map(move |seconds| Duration::from_millis(seconds * 1_000 + past))
}

fn name(at: usize) -> String {
    format!("part {at}")
}

fn goodbye() -> impl Strategy<Value = Goodbye> {
    prop_oneof![
        3 => Just(QUICK),
        3 => (1_u64..7).prop_map(|seconds| Goodbye::Takes(SECOND * seconds as u32)),
        1 => Just(Goodbye::Hangs),
        1 => Just(Goodbye::Panics),
    ]
}

fn part() -> impl Strategy<Value = Part> {
    let guards = prop::collection::vec(moments(250), 0..3);
    (any::<u8>(), goodbye(), 0_usize..3, guards).prop_map(|(needs, goodbye, idle, held_until)| {
        Part {
            needs,
            goodbye,
            idle,
            held_until,
        }
    })
}

/// What is due, and when.
enum Due {
    Return(Guard),
    Hurry,
}

fn set_up(world: &World, parts: &[Part]) -> Vec<(Duration, Due)> {
    let mut due = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let is_needed = |need: &usize| part.needs >> need & 1 == 1;
        let needs: Vec<String> = (0..at).filter(is_needed).map(name).collect();
        let needs: Vec<&str> = needs.iter().map(String::as_str).collect();
        world.register(&name(at), &needs, part.goodbye);
        let all = (0..part.idle + part.held_until.len()).map(|_| world.acquire(&name(at)));
        let mut guards: Vec<Guard> = all.collect();
        let held = guards.split_off(part.idle).into_iter();
        due.extend(
            part.held_until
                .iter()
                .zip(held)
                .map(|(at, guard)| (*at, Due::Return(guard))),
        );
    }
    due
}

fn check_order(lines: &[String], parts: &[Part]) {
    let first = |line: String| lines.iter().position(|logged| *logged == line);
    for (at, part) in parts.iter().enumerate() {
        // A guard may come back at any time; only who has none is sure to be done by then.
        if !part.held_until.is_empty() {
            continue;
        }
        for need in (0..at).filter(|need| part.needs >> need & 1 == 1) {
            let begins = first(format!("{} begins", name(need))).unwrap_or(lines.len());
            let gone = format!("{} dropped", name(at));
            let before = lines[..begins].iter().filter(|line| **line == gone).count();
            assert_eq!(before, part.idle, "{} is still there: {lines:?}", name(at));
        }
    }
}

fn check_counts(report: &ShutdownReport, parts: &[Part], ended_at: Duration) {
    for (at, part) in parts.iter().enumerate() {
        let stopped = report
            .resources
            .iter()
            .find(|stopped| *stopped.key == name(at));
        let stopped = stopped.expect("everything is in the report");
        // What comes back in the very moment of the report may be in it or not.
        let out = stopped.guards_out.len();
        let held = |still: fn(&Duration, &Duration) -> bool| {
            let guards = part.held_until.iter();
            guards.filter(|until| still(until, &ended_at)).count()
        };
        assert!(
            (held(Duration::gt)..=held(Duration::ge)).contains(&out),
            "{report}"
        );
        let counted = stopped.cleaned_up + stopped.failed + stopped.abandoned;
        let late = part.idle + part.held_until.len() - out - counted;
        assert!(
            late + out <= part.held_until.len(),
            "some are missing: {report}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 192,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_shutdown_ends_in_time_in_order_and_tells_what_is_left(
        parts in prop::collection::vec(part(), 1..6),
        hurry in prop::option::of(moments(500)),
    ) {
        let world = World::new();
        let mut due = set_up(&world, &parts);
        due.extend(hurry.map(|at| (at, Due::Hurry)));
        due.sort_by_key(|(at, _)| *at);

        let shutting_down = world.manager.shutdown();
        let mut now = Duration::ZERO;
        for (at, due) in due {
            world.runtime.advance(at - now);
            now = at;
            match due {
                Due::Return(guard) => drop(guard),
                Due::Hurry => drop(world.manager.shutdown()),
            }
            world.runtime.run_until_idle();
        }
        let report = world.runtime.run(shutting_down);

        prop_assert!(report.elapsed <= SECOND * 25, "{report}");
        if let (true, Some(at)) = (report.hurried, hurry) {
            prop_assert!(report.elapsed <= at + SECOND * 2, "{report}");
        } else {
            check_order(&world.log.lines(), &parts);
        }
        check_counts(&report, &parts, report.elapsed);

        // Late or not, all say goodbye, once, and are gone.
        world.runtime.advance(SECOND * LATER as u32);
        for (at, part) in parts.iter().enumerate() {
            let made = part.idle + part.held_until.len();
            prop_assert_eq!(world.log.count(&format!("{} dropped", name(at))), made);
            let begun = world.log.count(&format!("{} begins", name(at)));
            prop_assert!(begun <= made, "{} said goodbye twice", name(at));
        }
    }
}
