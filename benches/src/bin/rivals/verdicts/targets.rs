//! The targets, row by row. Ours is the default strategy with a borrowed guard, where no other is named.

use super::Verdict;
use super::compare::Bound::{Above, AtLeast, AtMost, Below};
use super::compare::{Bound, Run, Where, judge};
use crate::contenders::{DEFAULT, DEFAULT_OWNED, FLOOR, FLOOR_OWNED, MUTEX, SEMAPHORE};
use crate::figures::{maximum, minimum};
use crate::outcome::Which;
use crate::scenarios::Callers::{Tasks, Threads};
use crate::scenarios::Scenario;
use crate::scenarios::s4::{JAIN, LONGEST};
use crate::scenarios::{growth, s6, s9};

const S1_SYNC: Where = ("S1", Threads);
const S1_ASYNC: Where = ("S1", Tasks);
const S2_SYNC: Where = ("S2", Threads);
const S2_ASYNC: Where = ("S2", Tasks);
const S3_SYNC: Where = ("S3", Threads);
const S3_ASYNC: Where = ("S3", Tasks);
const S3W: Where = ("S3W", Tasks);
const S4_SYNC: Where = ("S4", Threads);
const S4_ASYNC: Where = ("S4", Tasks);
const S5_SYNC: Where = ("S5", Threads);
const S5_ASYNC: Where = ("S5", Tasks);
const S6: Where = ("S6", Tasks);
const S7: Where = ("S7", Tasks);
const S9: Where = ("S9", Tasks);

/// The verdicts that there are figures for.
pub(super) fn judged(run: &Run<'_>) -> Vec<Verdict> {
    let rows = [
        s1, owned, s2, s3, s3w, s4_threads, s4_tasks, s5, s6, s7, growth,
    ];
    let figures = rows.iter().flat_map(|row| row(run)).flatten();
    figures.chain(lost(run)).collect()
}

/// What stands in no table: that it failed, and in the storm that it did not.
fn lost(run: &Run<'_>) -> impl Iterator<Item = Verdict> {
    let verdicts = run.came_through().into_iter();
    verdicts.filter(|verdict| !verdict.met || verdict.row.starts_with("S7"))
}

type Verdicts = Vec<Option<Verdict>>;

/// How many times as fast as this rival, in rounds of each kind.
fn against(run: &Run<'_>, row: &str, place: Where, rival: &str, bound: Bound) -> Verdicts {
    let each = |(rounds, which)| {
        let figure = run.against(place, rival, which);
        let what = format!("as good as {rival}:");
        judge((row, rounds), &what, (figure, "×"), bound)
    };
    run.kinds(place).into_iter().map(each).collect()
}

/// The same with the best of those that are sound.
fn against_the_best(run: &Run<'_>, row: &str, place: Where, bound: Bound) -> Verdicts {
    let each = |(rounds, which)| {
        let (rival, figure) = run.against_the_best(place, which)?;
        let what = format!("as good as the best sound rival ({rival}):");
        judge((row, rounds), &what, (Some(figure), "×"), bound)
    };
    run.kinds(place).into_iter().map(each).collect()
}

/// A figure of ours by itself, in rounds of each kind.
fn by_itself(
    run: &Run<'_>,
    (row, place): (&str, Where),
    what: &str,
    (measure, unit): (usize, &str),
    bound: Bound,
) -> Verdicts {
    let each = |(rounds, which)| {
        let figure = run.figure(place, DEFAULT, measure, which);
        judge((row, rounds), what, (figure, unit), bound)
    };
    run.kinds(place).into_iter().map(each).collect()
}

fn s1(run: &Run<'_>) -> Verdicts {
    let to_the_floor = |row, place, most| {
        let ours = run.figure(place, DEFAULT, 0, Which::All);
        let floor = run.figure(S1_SYNC, FLOOR, 0, Which::All);
        let ratio = ours.zip(floor).map(|(ours, floor)| ours / floor);
        judge(
            (row, "all"),
            "to the bare ring:",
            (ratio, "×"),
            AtMost(most),
        )
    };
    let (sync, wait) = ("S1 sync", "S1 async");
    let mut verdicts = vec![to_the_floor(sync, S1_SYNC, 1.6)];
    verdicts.extend(against(run, sync, S1_SYNC, MUTEX, Above(1.0)));
    verdicts.extend(against(run, sync, S1_SYNC, "r2d2", AtLeast(9.0)));
    verdicts.push(to_the_floor(wait, S1_ASYNC, 2.5));
    verdicts.extend(against(run, wait, S1_ASYNC, "deadpool", AtLeast(6.0)));
    verdicts.extend(against(run, wait, S1_ASYNC, "bb8", AtLeast(6.0)));
    verdicts.extend(against(run, wait, S1_ASYNC, "asyncband", AtLeast(4.0)));
    verdicts.extend(against_the_best(run, wait, S1_ASYNC, Above(1.0)));
    verdicts
}

/// What an owned guard costs more, held against what it costs the bare ring.
fn owned(run: &Run<'_>) -> Verdicts {
    let figure = |place, who| run.figure(place, who, 0, Which::All);
    let extra = |place, owned, borrowed| Some(figure(place, owned)? - figure(place, borrowed)?);
    let pair = extra(S1_SYNC, FLOOR_OWNED, FLOOR);
    let judged = |(row, place)| {
        let ours = extra(place, DEFAULT_OWNED, DEFAULT);
        // To a hundredth: that is what is shown.
        let pair = (pair? * 100.0).round() / 100.0;
        let what = "owned guard, in excess of a borrowed one:";
        judge((row, "all"), what, (ours, " ns"), AtMost(pair))
    };
    let rows = [("owned sync", S1_SYNC), ("owned async", S1_ASYNC)];
    rows.into_iter().map(judged).collect()
}

/// How much more work two callers do than one.
fn scaling(run: &Run<'_>, row: &str, one: Where, two: Where) -> Verdicts {
    let each = |(rounds, which)| {
        let alone = run.figure(one, DEFAULT, 0, which);
        let both = run.figure(two, DEFAULT, 0, which);
        let times = alone.zip(both).map(|(alone, both)| alone / both);
        let what = "the work of one caller, by two:";
        judge((row, rounds), what, (times, "×"), AtLeast(1.6))
    };
    run.kinds(two).into_iter().map(each).collect()
}

fn s2(run: &Run<'_>) -> Verdicts {
    let mut verdicts = against(run, "S2 sync", S2_SYNC, MUTEX, AtLeast(2.5));
    verdicts.extend(scaling(run, "S2 sync", S1_SYNC, S2_SYNC));
    verdicts.extend(against_the_best(run, "S2 async", S2_ASYNC, AtLeast(2.5)));
    verdicts.extend(scaling(run, "S2 async", S1_ASYNC, S2_ASYNC));
    verdicts
}

fn s3(run: &Run<'_>) -> Verdicts {
    let mut verdicts = against(run, "S3 sync", S3_SYNC, MUTEX, Above(1.0));
    verdicts.extend(against_the_best(run, "S3 async", S3_ASYNC, Above(1.0)));
    verdicts
}

fn s3w(run: &Run<'_>) -> Verdicts {
    let mut verdicts = against(run, "S3W", S3W, "asyncband", AtLeast(1.0));
    verdicts.extend(against(run, "S3W", S3W, "deadpool", AtLeast(1.0)));
    verdicts.extend(against(run, "S3W", S3W, "bb8", AtLeast(1.3)));
    verdicts
}

fn s4_threads(run: &Run<'_>) -> Verdicts {
    let row = ("S4 threads", S4_SYNC);
    let mut verdicts = against(run, row.0, row.1, "r2d2", AtLeast(1.0));
    let jain = by_itself(run, row, "Jain", (JAIN, ""), AtLeast(0.97));
    verdicts.extend(jain);
    let longest = "the longest wait of a round, in the median round:";
    let longest = by_itself(run, row, longest, (LONGEST, " µs"), Below(50_000.0));
    verdicts.extend(longest);
    verdicts
}

fn s4_tasks(run: &Run<'_>) -> Verdicts {
    let row = ("S4 async", S4_ASYNC);
    let mut verdicts = against(run, row.0, row.1, "deadpool", AtLeast(1.1));
    let jain = by_itself(run, row, "Jain", (JAIN, ""), AtLeast(0.999));
    verdicts.extend(jain);
    let mixed = ("S4 mixed (S9)", S9);
    let off = "each kind of caller off its share by";
    let off = by_itself(run, mixed, off, (s9::DEVIATION, " %"), AtMost(10.0));
    verdicts.extend(off);
    verdicts
}

fn s5(run: &Run<'_>) -> Verdicts {
    let each = |(row, place, base, most)| {
        let ratio = move |(rounds, which)| {
            let ours = run.figure(place, DEFAULT, 0, which);
            let theirs = run.figure(place, base, 0, which);
            let ratio = ours.zip(theirs).map(|(ours, theirs)| ours / theirs);
            judge(
                (row, rounds),
                &format!("to {base}:"),
                (ratio, "×"),
                AtMost(most),
            )
        };
        run.kinds(place).into_iter().map(ratio)
    };
    let rows = [
        ("S5 async", S5_ASYNC, SEMAPHORE, 1.4),
        ("S5 threads", S5_SYNC, MUTEX, 1.0),
    ];
    rows.into_iter().flat_map(each).collect()
}

fn s6(run: &Run<'_>) -> Verdicts {
    let row = ("S6", S6);
    let parts = [
        ("an object beyond itself:", s6::OBJECT, " B", 128.0),
        ("an empty pool of 10:", s6::EMPTY, " B", 2_048.0),
        ("allocations per acquire:", s6::IDLE, "", 0.0),
        ("allocations per wait:", s6::WAITING, "", 1.0),
        (
            "1000 waiters with 50 ms, the last:",
            s6::LATEST,
            " ms",
            55.0,
        ),
    ];
    let judged =
        |(what, measure, unit, most)| by_itself(run, row, what, (measure, unit), AtMost(most));
    parts.into_iter().flat_map(judged).collect()
}

fn s7(run: &Run<'_>) -> Verdicts {
    against_the_best(run, "S7", S7, AtLeast(1.0))
}

/// How much the dearest point of a curve may cost more than the cheapest, and still count as the same.
const THE_SAME: f64 = 1.2;

/// Whether an acquire costs the same wherever on the curve.
fn growth(run: &Run<'_>) -> Verdicts {
    let curve = |(with, scenario): (&str, &'static Scenario)| {
        let place = (scenario.id, scenario.callers);
        let point = |measure| run.figure(place, DEFAULT, measure, Which::All);
        let points: Vec<_> = (0..scenario.measures.len()).filter_map(point).collect();
        let ratio = maximum(&points)
            .zip(minimum(&points))
            .map(|(most, least)| most / least);
        let what = format!("cost does not depend on {with}:");
        judge((scenario.id, "all"), &what, (ratio, "×"), AtMost(THE_SAME))
    };
    let curves = [
        ("max_size", &growth::SIZE),
        ("the number of pools", &growth::POOLS),
        ("the waiters there were", &growth::HISTORY),
    ];
    curves.into_iter().map(curve).collect()
}
