//! Small histories, each of which shows one thing that a pool can do, or cannot.

use nebula_resource_histories::Call::{
    Acquire, Close, Detach, Discard, Pause, Release, Resize, Resume, TryAcquire,
};
use nebula_resource_histories::Reply::{
    Cancelled, Changed, Closed, Done, Got, Nothing, Paused, TimedOut,
};
use nebula_resource_histories::{Call, Fault, History, Operation, Reply, Spec, check};

type Line = (usize, Call, (u64, u64), Reply);

fn history(lines: &[Line]) -> History {
    let lines = lines.iter();
    History::new(
        lines
            .map(|(actor, call, span, reply)| Operation::new(*actor, *call, *span, *reply))
            .collect(),
    )
}

/// A pool that creates one at a time.
fn spec(limit: usize) -> Spec {
    Spec {
        creates_at_once: 1,
        ..Spec::new(limit)
    }
}

#[track_caller]
fn possible(limit: usize, lines: &[Line]) {
    check(&history(lines), &spec(limit)).expect("it can happen");
}

#[track_caller]
fn impossible(limit: usize, lines: &[Line]) {
    let fault = check(&history(lines), &spec(limit)).expect_err("it cannot happen");
    assert!(matches!(fault, Fault::NotLinearizable { .. }), "{fault}");
}

#[test]
fn one_object_goes_round() {
    possible(
        1,
        &[
            (0, Acquire, (1, 2), Got(1)),
            (0, Release(1), (3, 6), Done),
            (1, Acquire, (4, 5), Got(1)),
            (1, Release(1), (7, 8), Done),
        ],
    );
    impossible(
        1,
        &[
            (0, Acquire, (1, 2), Got(1)),
            (1, Acquire, (3, 4), Got(1)),
            (0, Release(1), (5, 6), Done),
        ],
    );
}

#[test]
fn a_waiter_may_have_waited_for_long() {
    possible(
        1,
        &[
            (0, Acquire, (1, 4), Got(1)),
            (1, Acquire, (2, 8), Got(1)),
            (0, Release(1), (5, 6), Done),
        ],
    );
}

#[test]
fn the_limit_holds() {
    possible(
        2,
        &[(0, Acquire, (1, 3), Got(1)), (1, Acquire, (2, 4), Got(2))],
    );
    impossible(
        1,
        &[(0, Acquire, (1, 3), Got(1)), (1, Acquire, (2, 4), Got(2))],
    );
    // The discard may already have made room, or not yet.
    possible(
        1,
        &[
            (0, Acquire, (1, 2), Got(1)),
            (0, Discard(1), (3, 6), Done),
            (1, Acquire, (4, 5), Got(2)),
        ],
    );
    impossible(
        1,
        &[
            (0, Acquire, (1, 2), Got(1)),
            (1, Acquire, (3, 4), Got(2)),
            (0, Detach(1), (5, 6), Done),
        ],
    );
}

#[test]
fn what_was_let_go_is_gone() {
    for going in [Discard(1), Detach(1)] {
        impossible(
            2,
            &[
                (0, Acquire, (1, 2), Got(1)),
                (0, going, (3, 4), Done),
                (1, Acquire, (5, 6), Got(1)),
            ],
        );
    }
    impossible(1, &[(0, Release(1), (1, 2), Done)]);
}

#[test]
fn nobody_is_let_in_after_close() {
    let beginning = [(0, Acquire, (1, 2), Got(1)), (0, Release(1), (3, 4), Done)];
    let ends = |span, reply| {
        [
            &beginning[..],
            &[(1, Close, (5, 8), Done), (2, Acquire, span, reply)],
        ]
        .concat()
    };
    possible(1, &ends((6, 7), Got(1)));
    possible(1, &ends((6, 7), Closed));
    possible(1, &ends((9, 10), Closed));
    impossible(1, &ends((9, 10), Got(1)));
    impossible(2, &ends((9, 10), Got(2)));
    // Refused before anybody closes.
    impossible(1, &[(2, Acquire, (1, 2), Closed), (1, Close, (3, 4), Done)]);
}

/// It saw the pool open, was held up, and took what somebody was just putting back.
#[test]
fn who_was_let_in_before_close_may_take_later() {
    let lines = |released| {
        [
            (0, Acquire, (1, 2), Got(1)),
            (2, Acquire, (3, 9), Got(1)),
            (1, Close, (4, 5), Done),
            (0, Release(1), (6, released), Done),
        ]
    };
    possible(1, &lines(8));
    // Let in, and taken by then.
    possible(
        1,
        &[
            (0, Acquire, (1, 2), Got(1)),
            (0, Release(1), (3, 4), Done),
            (2, Acquire, (5, 9), Got(1)),
            (1, Close, (6, 7), Done),
        ],
    );
    // The release had returned: nothing was left before it began to look.
    impossible(
        1,
        &[
            (0, Acquire, (1, 2), Got(1)),
            (1, Close, (3, 4), Done),
            (2, Acquire, (5, 9), Got(1)),
            (0, Release(1), (6, 8), Done),
        ],
    );
}

#[test]
fn a_paused_pool_lets_nobody_in() {
    possible(
        1,
        &[
            (0, Pause, (1, 2), Changed(true)),
            (0, Pause, (3, 4), Changed(false)),
            (1, Acquire, (5, 8), Got(1)),
            (0, Resume, (6, 7), Changed(true)),
            (2, TryAcquire, (9, 10), Nothing),
        ],
    );
    possible(
        1,
        &[
            (0, Pause, (1, 2), Changed(true)),
            (1, Acquire, (3, 4), Paused),
        ],
    );
    impossible(1, &[(1, Acquire, (1, 2), Paused)]);
    impossible(
        1,
        &[
            (0, Pause, (1, 2), Changed(true)),
            (1, Acquire, (3, 4), Got(1)),
        ],
    );
    impossible(1, &[(0, Pause, (1, 2), Changed(false))]);
}

#[test]
fn growth_makes_room() {
    let lines = |grown| {
        [
            (0, Acquire, (1, 2), Got(1)),
            (1, Resize(2), (3, grown), Done),
            (2, Acquire, (5, 6), Got(2)),
        ]
    };
    possible(1, &lines(4));
    possible(1, &lines(7));
}

/// To ask for the limit that is in force does something if another one comes in between.
#[test]
fn limits_that_are_set_at_once_come_in_either_order() {
    // The pool is full and everything is out, so that nothing can come late.
    let then = |limit| {
        [
            (0, Acquire, (1, 2), Got(1)),
            (1, Acquire, (3, 4), Got(2)),
            (2, Resize(limit), (5, 8), Done),
            (3, Resize(3 - limit), (6, 7), Done),
            (0, Release(1), (9, 10), Done),
            (1, Release(2), (11, 12), Done),
            (0, Acquire, (13, 14), Got(1)),
            (1, Acquire, (15, 16), Got(2)),
        ]
    };
    possible(2, &then(1));
    possible(2, &then(2));
}

#[test]
fn a_smaller_pool_keeps_less() {
    let full = [
        (0, Acquire, (1, 2), Got(1)),
        (1, Acquire, (3, 4), Got(2)),
        (1, Resize(1), (5, 6), Done),
        (0, Release(1), (7, 10), Done),
    ];
    // It may be taken between being put back and being retired, but not after.
    possible(2, &[&full[..], &[(2, Acquire, (8, 9), Got(1))]].concat());
    impossible(2, &[&full[..], &[(2, Acquire, (11, 12), Got(1))]].concat());
    impossible(2, &[&full[..], &[(2, Acquire, (11, 12), Got(3))]].concat());
    // One of two idle ones stays, and no claim is made which.
    let idle = [
        &full[..2],
        &[
            (0, Release(1), (5, 6), Done),
            (1, Release(2), (7, 8), Done),
            (1, Resize(1), (9, 10), Done),
        ],
    ]
    .concat();
    possible(2, &[&idle[..], &[(0, Acquire, (11, 12), Got(1))]].concat());
    possible(2, &[&idle[..], &[(0, Acquire, (11, 12), Got(2))]].concat());
    impossible(
        2,
        &[
            &idle[..],
            &[
                (0, Acquire, (11, 14), Got(1)),
                (1, Acquire, (12, 13), Got(2)),
            ],
        ]
        .concat(),
    );
}

/// A creation that was under way when the limit was lowered comes out above it; a second did not
/// exist.
#[test]
fn a_creation_under_way_may_come_late() {
    let lines = [
        (0, Acquire, (1, 2), Got(1)),
        (1, Acquire, (3, 20), Got(2)),
        (2, Resize(1), (4, 5), Done),
        (3, Acquire, (6, 7), Got(3)),
    ];
    possible(3, &lines);
    impossible(
        3,
        &[
            &lines[..],
            &[(4, Acquire, (8, 9), Got(4)), (5, Acquire, (21, 22), Got(5))],
        ]
        .concat(),
    );
    // Nothing was under way: everything that could be was known.
    impossible(
        2,
        &[
            (0, Acquire, (1, 2), Got(1)),
            (1, Acquire, (3, 4), Got(2)),
            (2, Resize(1), (5, 6), Done),
            (3, Acquire, (7, 8), Got(3)),
        ],
    );
}

#[test]
fn who_does_not_wait_finds_what_is_idle() {
    let idle = [(0, Acquire, (1, 2), Got(1)), (0, Release(1), (3, 4), Done)];
    let then = |more: &[Line]| [&idle[..], more].concat();
    impossible(1, &then(&[(1, TryAcquire, (5, 6), Nothing)]));
    impossible(1, &then(&[(1, Acquire, (5, 6), TimedOut)]));
    // Another taker only takes.
    possible(
        1,
        &then(&[
            (1, TryAcquire, (5, 7), Nothing),
            (2, TryAcquire, (6, 8), Got(1)),
        ]),
    );
    impossible(
        1,
        &then(&[
            (1, TryAcquire, (5, 7), Nothing),
            (2, TryAcquire, (6, 8), Nothing),
        ]),
    );
    // Somebody who waits may have a right to it.
    possible(
        1,
        &then(&[
            (1, TryAcquire, (5, 7), Nothing),
            (2, Acquire, (6, 8), Cancelled),
        ]),
    );
    let lazy = Spec {
        checks_wait: true,
        ..spec(1)
    };
    check(&history(&then(&[(1, TryAcquire, (5, 6), Nothing)])), &lazy).expect("being checked");
}

/// A caller that goes away holds for a moment what was already handed to it.
#[test]
fn who_goes_away_gives_back() {
    let lines = |gone| {
        [
            (0, Acquire, (1, 2), Got(1)),
            (1, Acquire, (3, 4), Got(2)),
            (2, Acquire, (5, gone), Cancelled),
            (1, Release(2), (6, 7), Done),
            (3, Resize(1), (8, 9), Done),
            (4, Acquire, (10, 11), Got(2)),
        ]
    };
    possible(2, &lines(12));
    impossible(2, &lines(8));
}
