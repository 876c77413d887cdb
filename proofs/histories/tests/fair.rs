//! The order in line, in histories written by hand.

use nebula_resource_histories::fairness::{Policy, check};
use nebula_resource_histories::{Call, History, Operation, Reply};

/// A waiter for the object that somebody holds, and a newcomer that gets it first.
fn overtaken(looked: &[u64]) -> History {
    let mut waiter = Operation::new(1, Call::Acquire, (3, 14), Reply::Got(1));
    waiter.looked = looked.to_vec();
    History::new(vec![
        Operation::new(0, Call::Acquire, (1, 2), Reply::Got(1)),
        waiter,
        Operation::new(0, Call::Release(1), (5, 6), Reply::Done),
        Operation::new(2, Call::Acquire, (8, 9), Reply::Got(1)),
        Operation::new(2, Call::Release(1), (12, 13), Reply::Done),
    ])
}

#[test]
fn strict_lets_nobody_pass() {
    assert!(
        check(&overtaken(&[]), Policy::Strict).is_ok(),
        "not known to wait"
    );
    assert!(
        check(&overtaken(&[10]), Policy::Strict).is_ok(),
        "it came later"
    );
    let error = check(&overtaken(&[4]), Policy::Strict).expect_err("it stood in line");
    assert_eq!((error.waiter.actor, error.by.actor), (1, 2));
}

#[test]
fn bounded_lets_one_pass() {
    assert!(check(&overtaken(&[4]), Policy::Bounded).is_ok());
    assert!(check(&overtaken(&[4, 10]), Policy::Bounded).is_ok());
    assert!(
        check(&overtaken(&[4, 7]), Policy::Bounded).is_err(),
        "woken in vain before"
    );
}

/// It may have had its object in hand for long when it was polled.
#[test]
fn served_is_not_overtaken() {
    let mut history = overtaken(&[4]).operations().to_vec();
    history.retain(|one| one.actor != 2);
    history.push(Operation::new(2, Call::Acquire, (8, 9), Reply::Got(2)));
    assert!(check(&History::new(history), Policy::Strict).is_ok());
}

#[test]
fn who_waits_for_ever_was_overtaken() {
    let mut waiter = Operation::pending(1, Call::Acquire, 3);
    waiter.looked = vec![4];
    let newcomer = Operation::new(2, Call::Acquire, (8, 9), Reply::Got(1));
    let history = History::new(vec![waiter, newcomer]);
    assert!(check(&history, Policy::Strict).is_err());
    assert!(check(&history, Policy::Bounded).is_ok());
}
