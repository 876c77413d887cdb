//! Who is turned away, and when a line stands.

use std::time::Duration;

use proptest::prelude::*;

use super::overload::{INTERVAL, Overload, Sight, Verdict};
use crate::Tick;
use crate::config::PoolConfig;

const TARGET: Duration = Duration::from_millis(5);

fn bounds(max_waiting: Option<usize>, shed_after: Option<Duration>) -> Box<Overload> {
    let bounds = Overload::new(&PoolConfig {
        max_waiting,
        shed_after,
        ..PoolConfig::default()
    });
    bounds.expect("a bound")
}

fn sight(waiting: usize, at: Duration) -> Sight {
    Sight {
        waiting,
        all_made: true,
        now: Tick::ZERO.after(at),
    }
}

#[test]
fn without_bounds_nobody_is_turned_away() {
    assert_eq!(Overload::new(&PoolConfig::default()), None);
}

#[test]
fn the_line_has_room_for_so_many() {
    let mut two = bounds(Some(2), None);
    let judged = [0, 1, 2, 3].map(|waiting| two.judge(sight(waiting, Duration::ZERO)));
    let (waits, turned) = (Verdict::Waits, Verdict::TurnedAway);
    assert_eq!(judged, [waits, waits, turned, turned]);
}

#[test]
fn a_line_stands_when_it_was_not_empty_for_an_interval() {
    let mut line = bounds(None, Some(TARGET));
    let ms = Duration::from_millis;
    assert_eq!(line.judge(sight(0, ms(1000))), Verdict::Waits);
    assert_eq!(line.judge(sight(9, ms(1099))), Verdict::Waits);
    assert_eq!(line.judge(sight(9, ms(1100))), Verdict::AllWaitFor(TARGET));
    assert_eq!(line.judge(sight(9, ms(1100))), Verdict::WaitsFor(TARGET));
    assert_eq!(line.judge(sight(0, ms(1200))), Verdict::Waits, "empty");
    assert_eq!(line.judge(sight(1, ms(1299))), Verdict::Waits);
    assert_eq!(line.judge(sight(1, ms(1300))), Verdict::AllWaitFor(TARGET));
}

#[test]
fn who_waits_for_what_is_still_to_be_made_does_not_stand() {
    let mut line = bounds(None, Some(TARGET));
    let cold = |at| Sight {
        all_made: false,
        ..sight(9, at)
    };
    for seconds in 0..10 {
        let judged = line.judge(cold(Duration::from_secs(seconds)));
        assert_eq!(judged, Verdict::Waits);
    }
    let soon = Duration::from_secs(9) + INTERVAL / 2;
    assert_eq!(line.judge(sight(9, soon)), Verdict::Waits);
}

#[test]
fn a_patient_bound_makes_a_patient_interval() {
    let second = Duration::from_secs(1);
    let mut line = bounds(None, Some(second));
    line.judge(sight(0, Duration::ZERO));
    assert_eq!(line.judge(sight(1, INTERVAL)), Verdict::Waits);
    assert_eq!(line.judge(sight(1, second)), Verdict::AllWaitFor(second));
}

#[test]
fn a_new_bound_holds_for_those_who_stand_there_too() {
    let mut line = bounds(None, Some(TARGET));
    line.judge(sight(0, Duration::ZERO));
    assert_eq!(line.judge(sight(1, INTERVAL)), Verdict::AllWaitFor(TARGET));
    line = bounds(None, Some(TARGET / 5));
    assert_eq!(line.judge(sight(1, INTERVAL)), Verdict::Waits, "as if new");
    let judged = line.judge(sight(1, INTERVAL * 2));
    assert_eq!(judged, Verdict::AllWaitFor(TARGET / 5));
}

proptest! {
    /// Nobody is hurried within an interval of an empty line; whatever the clock does, nothing panics.
    #[test]
    fn a_burst_is_waited_for(steps in prop::collection::vec((0_usize..3, any::<bool>(), 0_u64..60), 1..200)) {
        let mut line = bounds(None, Some(TARGET));
        let (mut now, mut short_at) = (Tick::ZERO, Tick::ZERO);
        line.judge(sight(0, Duration::ZERO));
        for (waiting, all_made, millis) in steps {
            now = now.after(Duration::from_millis(millis));
            let judged = line.judge(Sight { waiting, all_made, now });
            if waiting == 0 || !all_made {
                short_at = now;
            }
            prop_assert_eq!(judged == Verdict::Waits, now.since(short_at) < INTERVAL);
        }
    }
}
