//! Every row of the fault matrix has tests, or the issue that will bring them; and they exist.
//!
//! Knows names, not what the tests do. A name stands for all tests that begin with it.

use std::fs;
use std::path::Path;

/// Which rows there are: the matrix is not part of this repository.
const ROWS: std::ops::RangeInclusive<usize> = 1..=32;

enum Held {
    By(&'static [&'static str]),
    /// The tests there are, and what the rest waits for.
    PartlyBy(&'static [&'static str], &'static str),
    Awaits(&'static str),
}

use Held::{Awaits, By, PartlyBy};

const HELD: &[(usize, Held)] = &[
    (
        1,
        By(&["fault_01_create_panics", "fault_01_create_keeps_panicking"]),
    ),
    (
        2,
        By(&[
            "fault_02_create_hangs",
            "fault_02_others_are_served_while_create_hangs",
        ]),
    ),
    (
        3,
        By(&[
            "fault_03_validate_goes_wrong",
            "fault_03_validate_lies_once",
        ]),
    ),
    (
        4,
        By(&["fault_04_recycle_goes_wrong", "fault_04_destroy_goes_wrong"]),
    ),
    (
        5,
        By(&[
            "fault_05_dropped_while_inside",
            "fault_05_many_dropped_half_way",
        ]),
    ),
    (
        6,
        By(&[
            "fault_06_cancelled_when_woken_by_an_object",
            "cancel_passes_the_turn_on",
        ]),
    ),
    (
        7,
        By(&[
            "fault_07_dropped_during_unwind",
            "fault_07_dropped_on_another_thread",
        ]),
    ),
    (
        8,
        By(&["fault_08_forgotten", "a_leak_is_reported_once_each_time"]),
    ),
    (
        9,
        By(&[
            "fault_09_last_handle_dropped_with_guards_out",
            "fault_09_nothing_outlives",
        ]),
    ),
    (
        10,
        By(&[
            "fault_10_close_while",
            "fault_10_shrink_while",
            "fault_10_retain_while",
        ]),
    ),
    (
        11,
        By(&[
            "fault_11_retain_predicate_panics",
            "fault_11_observer_panics",
        ]),
    ),
    (
        12,
        By(&[
            "fault_12_an_outage_under_load",
            "fault_12_probes_are_jittered",
        ]),
    ),
    (
        13,
        By(&[
            "fault_13_one_dead_object_makes_the_older_ones_suspect",
            "fault_13_what_was_held_over_a_restart_is_suspect",
            "fault_13_nobody_sees_a_restart",
        ]),
    ),
    (
        14,
        By(&[
            "fault_14_a_black_hole",
            "fault_14_a_connect_that_hangs",
            "fault_14_what_hangs_is_bounded",
        ]),
    ),
    (
        15,
        By(&[
            "fault_15_overload_while",
            "fault_15_who_is_late_to_look_is_passed_over",
        ]),
    ),
    (16, By(&["fault_16_"])),
    (
        17,
        By(&[
            "fault_17_strict_nobody_overtakes",
            "fault_17_bounded_",
            "fault_17_jain_index",
        ]),
    ),
    (18, By(&["fault_18_"])),
    (
        19,
        By(&[
            "fault_19_a_leap_expires_nobody",
            "fault_19_no_age_is_ever_negative",
        ]),
    ),
    (
        20,
        By(&[
            "fault_20_the_stock_is_replaced_before_it_expires",
            "fault_20_at_the_limit",
            "fault_20_nothing_is_handed_out_beyond_its_lifetime",
            "lifetimes_end_one_by_one",
            "a_lifetime_is_settled_at_birth",
        ]),
    ),
    (
        21,
        By(&[
            "fault_21_an_idle_pool_keeps_its_stock_without_churn",
            "fault_21_a_burst",
        ]),
    ),
    (
        22,
        PartlyBy(
            &[
                "fault_22_a_thousand_pools_and_ten_thousand_objects",
                "fault_22_no_thread_for_each_pool",
                "fault_22_a_thousand_resources_of_one_manager",
            ],
            "issue 5: one maintenance task per manager",
        ),
    ),
    (
        23,
        PartlyBy(
            &[
                "fault_23_hostile_configurations_build_no_pool",
                "fault_23_hostile_changes",
                "fault_23_hostile_configurations_register_nothing",
            ],
            "issue 5: files and environment",
        ),
    ),
    (
        24,
        By(&[
            "fault_24_a_pool_formats_neither_factory_nor_object",
            "fault_24_secrets_",
            "fault_24_the_manager_shows_no_secret_anywhere",
        ]),
    ),
    (
        25,
        By(&[
            "fault_25_lookup_never_leaves_the_way_up",
            "fault_25_another_tenants_resource_is_refused",
            "fault_25_a_tenants_hook",
            "fault_25_a_tenants_subscriber",
        ]),
    ),
    (
        26,
        By(&[
            "fault_26_killed_and_restarted_under_load",
            "fault_26_frozen_and_thawed",
        ]),
    ),
    (27, By(&["fault_27_spike"])),
    (
        28,
        By(&["fault_28_one_deadline", "fault_28_steps_do_not_add_up"]),
    ),
    (
        29,
        By(&[
            "fault_29_moved_at_every_step",
            "fault_29_moved_between_tasks",
        ]),
    ),
    (
        30,
        By(&[
            "fault_30_several_pools_one_dead_backend",
            "fault_30_one_probe_for_all",
        ]),
    ),
    (
        31,
        By(&[
            "fault_31_panics_anywhere_async",
            "fault_31_panics_anywhere_blocking",
        ]),
    ),
    (32, By(&["fault_32_dirty_session_"])),
];

impl Held {
    fn tests(&self) -> &'static [&'static str] {
        match self {
            By(tests) | PartlyBy(tests, _) => tests,
            Awaits(_) => &[],
        }
    }

    /// Neither a test nor an issue holds nothing.
    fn is_something(&self) -> bool {
        match self {
            By(tests) => !tests.is_empty(),
            PartlyBy(tests, issue) => !tests.is_empty() && issue.starts_with("issue "),
            Awaits(issue) => issue.starts_with("issue "),
        }
    }
}

/// Every Rust file under `folder`, but not this one, in which every name stands.
fn sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, text);
        } else if path.extension().is_some_and(|kind| kind == "rs") && !path.ends_with(file!()) {
            text.push_str(&fs::read_to_string(path).unwrap_or_default());
        }
    }
}

/// Whether a test of which this is the beginning is there: a function, a module of tests, or named
/// in a macro.
fn exists(beginning: &str, text: &str) -> bool {
    let starts = ["fn ", "mod ", "!("];
    let mut rests = starts.iter().flat_map(|start| text.split(start).skip(1));
    rests.any(|rest| rest.trim_start().starts_with(beginning))
}

/// What is wrong with the list.
fn gaps(held: &[(usize, Held)], text: &str) -> Vec<String> {
    let unlisted = ROWS.filter(|row| held.iter().filter(|(listed, _)| listed == row).count() != 1);
    let mut gaps: Vec<_> = unlisted
        .map(|row| format!("row {row}: listed once"))
        .collect();
    for (row, held) in held {
        if !held.is_something() {
            gaps.push(format!("row {row}: neither a test nor an issue"));
        }
        let missing = held.tests().iter().filter(|test| !exists(test, text));
        gaps.extend(missing.map(|test| format!("row {row}: no test `{test}…`")));
    }
    gaps
}

#[test]
fn every_row_of_the_fault_matrix_is_held() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    for folder in ["tests", "loom-tests/tests"] {
        sources(&root.join(folder), &mut text);
    }
    for driver in fs::read_dir(root.join("drivers"))
        .into_iter()
        .flatten()
        .flatten()
    {
        sources(&driver.path().join("tests"), &mut text);
    }
    let gaps = gaps(HELD, &text);
    assert!(gaps.is_empty(), "{gaps:#?}");
}

#[test]
fn a_gap_is_noticed() {
    let text = "on_every_runtime!(fault_01_create_panics: body);\nfn fault_02_hangs() {}";
    assert!(exists("fault_01_create", text) && exists("fault_02_hangs", text));
    assert!(!exists("fault_02_hangs_not", text) && !exists("create_panics", text));
    let list = [
        (1, By(&["fault_01_create_panics"])),
        (2, By(&["fault_02_gone"])),
        (3, Awaits("someday")),
        (4, By(&[])),
        (5, Awaits("issue 5")),
        (5, Awaits("issue 5")),
    ];
    let gaps = gaps(&list, text);
    let rows = |wrong: &str| gaps.iter().filter(|gap| gap.contains(wrong)).count();
    assert_eq!(rows("listed once"), ROWS.count() - 4);
    assert_eq!((rows("no test"), rows("neither")), (1, 2), "{gaps:#?}");
}
