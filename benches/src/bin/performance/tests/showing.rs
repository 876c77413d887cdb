//! Tables and curves, word by word.

use serde_json::{Value, json};

use super::{complete, entry, read, run, scenario, scenarios};
use crate::compare::table_of;
use crate::contents::{CURVES, OURS, ROWS};
use crate::{curves, draw, markdown, short, tables, verdicts};

/// Three contenders in near and far rounds; one has failed.
fn two_threads() -> Value {
    let mut hung = entry("bb8|x", &[("near", 1.0)]);
    hung["failed"] = json!("hung");
    let entries = [
        entry("ring", &[("near", 10.0), ("near", 14.0), ("far", 200.0)]),
        entry("mutex", &[("near", 48.0), ("far", 60.0)]),
        entry(OURS, &[("near", 8.0), ("far", 8.0)]),
        hung,
    ];
    scenario("S2-threads", true, &entries)
}

#[test]
fn a_table_has_medians_minima_and_ratios_of_each_kind() {
    let all = scenarios(&run(&[two_threads()]));
    let (name, block) = tables::block(&all[0]);
    assert_eq!(name, "S2-threads");
    let expected = "\
What happens in S2. Rounds: 2 near, 0 between, 1 far (at most, per contender).

| contender | near time ns (min) | × ring | × mutex | far time ns (min) | × ring | × mutex |
|---|--:|--:|--:|--:|--:|--:|
| ring | 12 (10) | 1.00 | 4.00 | 200 (200) | 1.00 | 0.30 |
| mutex | 48 (48) | 0.25 | 1.00 | 60 (60) | 3.33 | 1.00 |
| **ours-affine** | 8 (8) | 1.50 | 6.00 | 8 (8) | 25.00 | 7.50 |
| bb8\\|x | failed | – | – | – | – | – |

- bb8|x: hung
";
    assert_eq!(block, expected);
}

#[test]
fn rounds_that_are_neither_are_shown_together() {
    let entries = [entry(OURS, &[("near", 10.0), ("between", 20.0)])];
    let all = scenarios(&run(&[scenario("S9-tasks", true, &entries)]));
    let (_, block) = tables::block(&all[0]);
    assert!(
        block.contains("| near time ns (min) | all time ns (min) |"),
        "{block}"
    );
    assert!(block.contains("| 10 (10) | 15 (10) |"), "{block}");
}

#[test]
fn of_an_amount_per_second_more_is_better() {
    let unit = |unit: &str| crate::runs::Measure {
        measure: String::new(),
        unit: unit.to_owned(),
    };
    assert!((unit("Mop/s").times_as_good(3.0, 2.0) - 1.5).abs() < 1e-9);
    assert!((unit("ns").times_as_good(3.0, 1.5) - 0.5).abs() < 1e-9);
    let shown = [
        (9.54, "ns"),
        (10.26, "ns"),
        (100.4, "ns"),
        (38.04, "ns"),
        (387.6, "ns"),
        (0.97961, ""),
        (128.4, "B"),
    ];
    let shown = shown.map(|(figure, unit)| markdown::shown(figure, unit));
    assert_eq!(
        shown,
        ["9.54", "10.3", "100", "38.0", "388", "0.9796", "128"]
    );
}

#[test]
fn the_best_of_a_line_is_bold() {
    let mut all = complete();
    let line = super::within(&mut all, "S4-threads");
    line["entries"][1]["rounds"][0]["figures"] = json!([11.5, 40.0]);
    let block = short::block(&scenarios(&all));
    let lines: Vec<_> = block.lines().collect();
    assert_eq!(
        lines[0],
        "|  | ours | by hand | r2d2 | deadpool | bb8 | asyncband | mobc |"
    );
    let throughput = "| 16 threads, 4 objects, Mop/s | 10 | 10 | **11.5** | – | – | – | – |";
    let longest = "| the longest wait among them, µs | **20** | **20** | 40 | – | – | – | – |";
    assert!(
        lines.contains(&throughput) && lines.contains(&longest),
        "{block}"
    );
    assert_eq!(lines.len(), 2 + crate::contents::SHORT.len(), "{block}");
}

#[test]
fn a_line_is_of_rounds_that_everybody_has_figures_of() {
    let of = |base: &[(&str, f64)]| {
        let entries = [
            entry(OURS, &[("near", 5.0), ("far", 9.0)]),
            entry("mutex", base),
        ];
        let all = scenarios(&run(&[scenario("S3-threads", true, &entries)]));
        short::block(&all)
    };
    let near = of(&[("near", 6.0), ("far", 2.0)]);
    assert!(near.contains("8 objects, near, ns | **5** | 6 |"), "{near}");
    let far = of(&[("far", 2.0)]);
    assert!(far.contains("8 objects, far, ns | 9 | **2** |"), "{far}");
    // Neither kind has both.
    let any = of(&[("between", 6.0)]);
    assert!(any.contains("8 objects, all, ns | 7 | **6** |"), "{any}");
}

#[test]
fn rounds_that_there_were_none_of_are_named() {
    let far = scenario("S3-tasks", true, &[entry(OURS, &[("far", 1.0)])]);
    let alone = scenario("S1-tasks", false, &[entry(OURS, &[("near", 1.0)])]);
    let all = scenarios(&run(&[two_threads(), far, alone]));
    let block = verdicts::block(&[], &all);
    assert!(
        block.ends_with("\n\nWithout near rounds: S3-tasks.\n"),
        "{block}"
    );
}

fn verdict(row: &str, measured: &str, met: bool) -> Value {
    let target = "to the bare ring: ≤ 1.6×";
    json!({"row": row, "rounds": "all", "target": target, "measured": measured, "met": met})
}

#[test]
fn a_target_is_met_when_every_run_says_so() {
    let mut one = run(&[]);
    one["verdicts"] = json!([
        verdict("S1 async", "2.00×", false),
        verdict("S1 sync", "1.50×", true),
        verdict("owned sync", "9 ns", true),
    ]);
    let mut other = run(&[]);
    other["verdicts"] = json!([
        verdict("S1 async", "3.00×", false),
        verdict("S1 sync", "1.70×", false),
        verdict("S8 tasks", "lost one", false),
    ]);
    let block = verdicts::block(&[read(&one), read(&other)], &[]);
    let expected = "\
| S1 sync | all | to the bare ring: ≤ 1.6× | 1.50×, 1.70× | **met in 1 of 2 runs** |
| S1 async | all | to the bare ring: ≤ 1.6× | 2.00×, 3.00× | **not met** |
| owned sync | all | to the bare ring: ≤ 1.6× | 9 ns | met |
| owned async | – | – | nothing | **not met** |
";
    assert!(block.contains(expected), "{block}");
    assert!(
        block.ends_with("| S8 tasks | all | to the bare ring: ≤ 1.6× | lost one | **not met** |\n")
    );
    let rows = ROWS.len() + 1;
    assert!(block.starts_with(&format!("1 of {rows} met.\n")), "{block}");
}

#[test]
fn who_took_part_is_said_once_and_a_busy_machine_by_run() {
    let quiet = run(&[]);
    let mut busy = run(&[]);
    busy["machine"]["others"] = json!(0.2);
    let text = tables::machine(&[read(&quiet), read(&busy)], "today");
    let expected = "\
today.

bb8 0.9.1, nebula-resource 0.1.0.

- Run 1: 2 processors, of which other processes had 1 %, other guests of the host 2 %.
- Run 2: 2 processors, of which other processes had 20 %, other guests of the host 2 % (**busy**).
";
    assert_eq!(text, expected);
}

/// How high the points stand, from above.
fn heights(svg: &str) -> Vec<i32> {
    let circles = svg.split("<circle").skip(1);
    let heights = circles.map(|circle| {
        let (_, height) = circle.split_once("cy=\"").expect("a height");
        let (height, _) = height.split_once('"').expect("its end");
        height.parse().expect("a number")
    });
    heights.collect()
}

#[test]
fn a_curve_is_drawn_of_us_and_the_rivals_in_each_kind_of_rounds() {
    let mut all = complete();
    let threads = super::within(&mut all, "GT-threads");
    let far = json!({"distance": "far", "crossings": [0, 0], "figures": [50.0, null]});
    let rounds = threads["entries"][0]["rounds"].as_array_mut();
    rounds.expect("rounds").push(far);
    let mut fifo = threads["entries"][1].clone();
    fifo["contender"] = json!("ours-fifo");
    threads["entries"]
        .as_array_mut()
        .expect("entries")
        .push(fifo);
    let curve = CURVES.iter().find(|c| c.scenario == "GT-threads");
    let graph = curves::graph(curve.expect("a curve"), &scenarios(&all)).expect("a graph");
    assert_eq!(graph.points, ["1", "10"]);
    let panels: Vec<_> = graph
        .panels
        .iter()
        .map(|p| (p.title.as_str(), p.lines.len()))
        .collect();
    assert_eq!(panels, [("near processors", 2), ("far processors", 1)]);
    assert_eq!(graph.panels[1].lines[0].figures, [Some(50.0), None]);
    let svg = draw::svg(&graph).expect("a drawing");
    assert!(
        svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"),
        "{svg}"
    );
    for (word, times) in [
        ("mutex", 2),
        (OURS, 1),
        ("ours-fifo", 0),
        ("near processors", 1),
    ] {
        assert_eq!(svg.matches(word).count(), times, "{word} in {svg}");
    }
    // Two lines with two points, and one with one; dearer is higher, and nothing leaves the picture.
    let heights = heights(&svg);
    let [cheap, dear, same, too, far] = heights[..] else {
        panic!("five points: {svg}");
    };
    assert_eq!((cheap, dear), (same, too), "{svg}");
    assert!(
        370 > cheap && cheap > dear && dear > far && far > 50,
        "{heights:?}"
    );
    let ours = "stroke=\"#C8141E\" stroke-width=\"4\"";
    assert_eq!(svg.matches(ours).count(), 1, "ours stands out: {svg}");
    assert!(
        svg.contains("\n20\n") && svg.contains("width=\"1280\""),
        "{svg}"
    );
    assert_eq!(draw::svg(&graph), Ok(svg), "the same of the same");
}

#[test]
fn two_sets_of_runs_are_laid_side_by_side() {
    let one = scenarios(&run(&[two_threads()]));
    let error = table_of(&one, &one).expect_err("one has failed");
    assert!(error.contains("bb8|x in S2-threads: hung"), "{error}");
    let of = |near, far| {
        let ours = entry(OURS, &[("near", near), ("far", far)]);
        scenarios(&run(&[scenario("S2-tasks", true, &[ours])]))
    };
    let table = table_of(&of(11.0, 30.0), &of(10.0, 30.0)).expect("the same");
    assert!(
        table.contains("| S2-tasks | near | ours-affine | 11 | 1 | 10 | 1 | 1.10 |"),
        "{table}"
    );
    assert!(
        table.contains("| S2-tasks | far | ours-affine | 30 | 1 | 30 | 1 | 1.00 |"),
        "{table}"
    );
    let error = table_of(&of(1.0, 1.0), &[]).expect_err("nothing to compare with");
    assert!(error.contains("S2-tasks"), "{error}");
}
