//! The line as a data structure: order, counts, and what becomes of a place.

use std::time::Duration;

use proptest::prelude::*;

use super::{Place, Queue, Standing, Wish};
use crate::Tick;

fn wish(objects: u32) -> Wish {
    Wish {
        objects,
        since: Tick::ZERO,
        deadline: Tick::NEVER,
        returning: false,
        races: true,
    }
}

#[test]
fn served_in_the_order_of_joining() {
    let mut queue = Queue::new();
    let places: Vec<Place> = (0..3).map(|_| queue.join(wish(1))).collect();
    for (place, object) in places.iter().zip(10..) {
        assert_eq!(queue.first(), Some(*place));
        queue.grant(*place, object);
        assert_eq!(queue.leave(*place).hand, Some(object));
    }
    assert_eq!((queue.len(), queue.lacking(), queue.first()), (0, 0, None));
}

#[test]
fn who_returns_goes_to_the_head_and_is_not_raced() {
    let mut queue: Queue<()> = Queue::new();
    let older = queue.join(wish(1));
    let back = queue.join(Wish {
        returning: true,
        ..wish(1)
    });
    assert_eq!(queue.first(), Some(back));
    assert_eq!(queue.waiter(back).standing, Standing::Lost);
    assert_eq!(queue.lost(), 1);
    queue.leave(back);
    assert_eq!((queue.first(), queue.lost()), (Some(older), 0));
}

#[test]
fn who_was_woken_is_counted_until_it_goes() {
    let mut queue = Queue::new();
    let places: Vec<Place> = (0..3).map(|_| queue.join(wish(1))).collect();
    for place in &places {
        queue.stand(*place, Standing::Woken);
    }
    assert_eq!((queue.woken(), queue.lost()), (3, 0));
    queue.grant(places[0], ());
    assert_eq!((queue.woken(), queue.lost()), (2, 0));
    queue.stand(places[1], Standing::Lost);
    assert_eq!((queue.woken(), queue.lost()), (1, 1));
    queue.leave(places[1]);
    queue.leave(places[2]);
    assert_eq!((queue.woken(), queue.lost(), queue.len()), (0, 0, 0));
}

#[test]
fn several_objects_are_collected_before_the_waiter_is_served() {
    let mut queue = Queue::new();
    let place = queue.join(wish(3));
    for object in 0..2 {
        queue.grant(place, object);
        assert_eq!(queue.waiter(place).standing, Standing::Lost);
    }
    assert_eq!((queue.len(), queue.lacking()), (1, 1));
    queue.grant(place, 2);
    assert_eq!((queue.len(), queue.lacking()), (0, 0));
    let served = queue.leave(place);
    assert_eq!((served.hand, served.more), (Some(0), vec![1, 2]));
}

#[test]
fn who_leaves_with_half_its_wish_takes_it_along() {
    let mut queue = Queue::new();
    let place = queue.join(wish(2));
    queue.grant(place, 7);
    let left = queue.leave(place);
    assert_eq!((left.hand, queue.lacking(), queue.lost()), (Some(7), 0, 0));
}

#[test]
fn only_those_whose_time_is_up_expire() {
    let mut queue: Queue<()> = Queue::new();
    let soon = Tick::ZERO.after(Duration::from_secs(1));
    let late = queue.join(wish(1));
    let due = queue.join(Wish {
        deadline: soon,
        ..wish(1)
    });
    assert_eq!(queue.earliest_deadline(), soon);
    queue.expire(soon);
    assert_eq!(queue.waiter(due).standing, Standing::Expired);
    assert_eq!(queue.waiter(late).standing, Standing::Waiting);
    assert_eq!(queue.earliest_deadline(), Tick::NEVER);
    queue.leave(due);
    assert_eq!((queue.len(), queue.lacking()), (1, 1));
}

#[test]
fn what_is_not_fetched_is_reclaimed_and_counts_until_then() {
    let mut queue = Queue::new();
    let soon = Tick::ZERO.after(Duration::from_secs(1));
    let hasty = |objects| Wish {
        deadline: soon,
        ..wish(objects)
    };
    let (served, half) = (queue.join(hasty(1)), queue.join(hasty(2)));
    let patient = queue.join(wish(1));
    for (place, object) in [(served, 1), (half, 2), (patient, 3)] {
        queue.grant(place, object);
    }
    assert_eq!(queue.earliest_deadline(), soon);
    assert!(queue.reclaim(|_| false).is_empty());
    queue.expire(soon);
    assert_eq!(queue.earliest_deadline(), soon, "theirs are not fetched");
    assert_eq!(queue.reclaim(|waiter| waiter.deadline <= soon), [1, 2]);
    assert_eq!(queue.waiter(served).standing, Standing::Expired);
    assert_eq!(queue.earliest_deadline(), Tick::NEVER);
    assert_eq!(queue.leave(served).hand, None);
    assert_eq!(queue.leave(half).hand, None);
    assert_eq!(queue.leave(patient).hand, Some(3));
    assert!(queue.reclaim(|_| true).is_empty(), "nobody is left");
}

/// What a random history does to the line, and to a plain list beside it.
#[derive(Clone, Debug)]
enum Step {
    Join { objects: u32, returning: bool },
    Grant,
    Wake,
    Lose,
    Leave(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (1..3_u32, any::<bool>())
            .prop_map(|(objects, returning)| Step::Join { objects, returning }),
        Just(Step::Grant),
        Just(Step::Wake),
        Just(Step::Lose),
        (0..8_usize).prop_map(Step::Leave),
    ]
}

proptest! {
    #[test]
    fn counts_and_order_agree_with_a_plain_list(steps in prop::collection::vec(step(), 1..200)) {
        let mut queue: Queue<()> = Queue::new();
        let mut list: Vec<(Place, u32)> = Vec::new();
        for step in steps {
            match step {
                Step::Join { objects, returning } => {
                    let place = queue.join(Wish { returning, ..wish(objects) });
                    let at = if returning { 0 } else { list.len() };
                    list.insert(at, (place, objects));
                }
                Step::Grant => {
                    if let Some((place, lacks)) = list.first_mut() {
                        queue.grant(*place, ());
                        *lacks -= 1;
                        if *lacks == 0 {
                            let (place, _) = list.remove(0);
                            prop_assert_eq!(queue.waiter(place).standing, Standing::Served);
                            queue.leave(place);
                        }
                    }
                }
                Step::Wake => {
                    if let Some(place) = queue.first_asleep() {
                        queue.stand(place, Standing::Woken);
                    }
                }
                Step::Lose => {
                    if let Some(place) = queue.find(|w| w.standing == Standing::Woken) {
                        queue.stand(place, Standing::Lost);
                    }
                }
                Step::Leave(which) if which < list.len() => {
                    let (place, _) = list.remove(which);
                    queue.leave(place);
                }
                Step::Leave(_) => {}
            }
            prop_assert_eq!(queue.first(), list.first().map(|(place, _)| *place));
            prop_assert_eq!(queue.len(), list.len());
            prop_assert_eq!(queue.lacking(), list.iter().map(|(_, n)| *n as usize).sum::<usize>());
            let count = |queue: &mut Queue<()>, standing| {
                let places = list.iter().map(|(place, _)| *place);
                places.filter(|place| queue.waiter(*place).standing == standing).count()
            };
            prop_assert_eq!(queue.woken(), count(&mut queue, Standing::Woken));
            prop_assert_eq!(queue.lost(), count(&mut queue, Standing::Lost));
        }
    }
}
