//! What the checker answers where a history is unfinished, absurd, too long, or wrong.

use nebula_resource_histories::Call::{Acquire, Close, Release, TryAcquire};
use nebula_resource_histories::Reply::{Closed, Done, Got, Nothing, TimedOut};
use nebula_resource_histories::{
    Call, Fault, History, Operation, Reply, Spec, check, check_within, shrunk,
};

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

#[test]
fn a_pending_call_may_have_happened_or_not() {
    let pending = |call| Operation::pending(9, call, 3);
    let with = |call, lines: &[Line]| {
        let mut operations = history(lines).operations().to_vec();
        operations.push(pending(call));
        check(&History::new(operations), &spec(1))
    };
    let first = (0, Acquire, (1, 2), Got(1));
    assert!(with(Release(1), &[first, (1, Acquire, (4, 5), Got(1))]).is_ok());
    assert!(with(Release(1), &[first, (1, TryAcquire, (4, 5), Nothing)]).is_ok());
    assert!(
        with(
            Close,
            &[
                first,
                (1, Acquire, (4, 5), Closed),
                (0, Release(1), (6, 7), Done)
            ]
        )
        .is_ok()
    );
    assert!(with(Acquire, &[first, (0, Release(1), (4, 5), Done)]).is_ok());
    assert!(with(Acquire, &[first, (1, Acquire, (4, 5), Got(1))]).is_err());
}

#[test]
fn nonsense_is_no_history() {
    let fault = check(&history(&[(0, Release(1), (1, 2), Nothing)]), &spec(1));
    assert!(matches!(fault, Err(Fault::Malformed(_))), "{fault:?}");
    let many = (0..200).map(|n| (0, Acquire, (2 * n + 1, 2 * n + 2), Got(n)));
    let fault = check(&history(&many.collect::<Vec<_>>()), &spec(200));
    assert_eq!(fault, Err(Fault::TooManyObjects));
}

#[test]
fn a_search_that_is_cut_short_is_no_pass() {
    let lines: Vec<Line> = (0..8)
        .map(|n| (n, Acquire, (n as u64 + 1, 20 + n as u64), Got(n as u64)))
        .collect();
    let fault = check_within(&history(&lines), &spec(8), 3);
    assert_eq!(fault, Err(Fault::Undecided { visited: 3 }));
    assert!(check(&history(&lines), &spec(8)).is_ok());
}

#[test]
fn a_fault_is_cut_down_to_its_core() {
    let history = history(&[
        (0, Acquire, (1, 2), Got(1)),
        (0, Release(1), (3, 4), Done),
        (1, Acquire, (5, 6), Got(1)),
        (2, TryAcquire, (7, 8), Nothing),
        (3, Acquire, (9, 10), Got(1)),
        (1, Release(1), (11, 12), Done),
        (2, Acquire, (13, 14), TimedOut),
    ]);
    let core = shrunk(&history, &spec(1));
    let moments: Vec<u64> = core.operations().iter().map(|one| one.invoked).collect();
    assert_eq!(moments, [5, 9], "\n{core}");
    assert!(check(&core, &spec(1)).is_err());
}
