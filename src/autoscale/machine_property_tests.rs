//! What holds for every history: limits, pace, and that it settles.

use proptest::prelude::*;

use super::super::super::policy::Mode;
use super::*;

fn policies() -> impl Strategy<Value = AutoscalePolicy> {
    let sizes = (1_usize..40, 0_usize..60, 1_usize..20, 1_usize..20);
    let watermarks = (0.01_f64..0.98, 0.005_f64..0.5);
    let spans = (1_u64..20, 0_u64..60, 0_u64..400, 0_u64..100);
    (sizes, watermarks, spans).prop_map(|(sizes, watermarks, spans)| {
        let (min, more, step_up, step_down) = sizes;
        let (low, gap) = watermarks;
        let (every, high, long, cooldown) = spans;
        AutoscalePolicy {
            min,
            max: min + more,
            high: (low + gap).min(1.0),
            high_for: Duration::from_secs(every + high),
            step_up,
            low,
            low_for: Duration::from_secs(every + long),
            step_down,
            cooldown: Duration::from_secs(cooldown),
            every: Duration::from_secs(every),
            mode: Mode::Act,
        }
    })
}

/// As a rule a measurement after the other, now and then a leap to either side.
fn spans() -> impl Strategy<Value = (bool, Duration)> {
    prop_oneof![
        20 => (1_u64..40).prop_map(|seconds| (true, Duration::from_secs(seconds))),
        1 => (any::<bool>(), any::<u64>()).prop_map(|(later, nanos)| (later, Duration::from_nanos(nanos))),
    ]
}

/// As a rule what a pool of this size may meet, now and then anything.
fn demands() -> impl Strategy<Value = (usize, usize)> {
    prop_oneof![
        10 => (0_usize..3, Just(0)),
        10 => (50_usize..120, 0_usize..9),
        1 => (any::<usize>(), any::<usize>()),
    ]
}

fn start(policy: &AutoscalePolicy, part: f64) -> usize {
    policy.min + ((policy.max - policy.min) as f64 * part) as usize
}

proptest! {
    /// Whatever is measured, and whenever; and whether or not the pool does it.
    #[test]
    fn no_history_leads_beyond_the_limits(
        policy in policies(),
        part in 0.0_f64..=1.0,
        least in 0_usize..50,
        history in prop::collection::vec((spans(), demands(), any::<bool>(), 0..8), 0..300),
    ) {
        let (mut machine, mut max) = (Machine::new(), start(&policy, part));
        let mut now = Tick::ZERO.after(Duration::from_secs(3600));
        for ((later, span), (in_use, waiting), has_room, luck) in history {
            now = if later { now.after(span) } else { now.before(span) };
            let size = if has_room { max / 2 } else { max };
            let sample = Sample { in_use, waiting, size, max };
            let decided = machine.look(now, sample, &policy, least);
            prop_assert_eq!(decided.from, max);
            prop_assert!((policy.min..=policy.max).contains(&decided.to), "{decided}");
            prop_assert!(!decided.to_string().is_empty());
            match (decided.is_change(), luck) {
                (false, _) => {}
                (true, 0) => machine.failed(now, &policy),
                (true, _) => { max = decided.to; machine.stepped(now, &policy); }
            }
        }
    }

    /// A size that suits is found, and kept.
    #[test]
    fn under_constant_demand_it_settles(
        policy in policies(), part in 0.0_f64..=1.0, wanted in 0_usize..120,
    ) {
        let max = start(&policy, part);
        let mut toy = Toy::of(max, policy);
        let long = toy.policy.low_for.max(toy.policy.high_for).max(toy.policy.cooldown);
        let steps = (long.as_secs() / toy.policy.every.as_secs() + 2) as usize;
        toy.ticks(wanted, steps * 61);
        prop_assert_eq!(toy.turns(), 0, "{:?}", toy.steps);
        let before = toy.steps.len();
        toy.ticks(wanted, steps * 3);
        prop_assert_eq!(toy.steps.len(), before, "it has settled: {:?}", toy.steps);
    }

    /// Between two changes there is the cooldown, and as much time as demand must have lasted.
    #[test]
    fn changes_keep_their_distance(
        policy in policies(), part in 0.0_f64..=1.0,
        waves in prop::collection::vec((0_usize..120, 1_usize..100), 1..40),
    ) {
        let mut toy = Toy::of(start(&policy, part), policy);
        for (wanted, length) in waves {
            toy.ticks(wanted, length);
        }
        for pair in toy.steps.windows(2) {
            let (apart, rises) = (pair[1].0.since(pair[0].0), pair[1].2 > pair[1].1);
            let lasted = if rises { toy.policy.high_for } else { toy.policy.low_for };
            prop_assert!(apart >= toy.policy.cooldown.max(lasted), "{pair:?}");
        }
    }

    /// A square wave that is quicker than what counts as long, to either side, is followed to one side at
    /// most. A slower one is followed, and no half of it sees a change to and fro.
    #[test]
    fn on_a_square_wave_it_does_not_swing(
        policy in policies(), part in 0.0_f64..=1.0,
        (one, other) in (0_usize..120, 0_usize..120), half in 1_u64..1000, begins in 0_u64..1000,
    ) {
        let mut toy = Toy::of(start(&policy, part), policy);
        let every = toy.policy.every.as_secs();
        // What is quicker than it is measured cannot be told from what is slow.
        let half = half.max(every);
        for n in 0..2000 {
            let is_one = ((begins + n * every) / half).is_multiple_of(2);
            toy.tick(if is_one { one } else { other });
        }
        let long = toy.policy.low_for.max(toy.policy.high_for);
        let most = if Duration::from_secs(half + every) < long { 0 } else { 2000 * every / half + 1 };
        prop_assert!(toy.turns() as u64 <= most, "{} of {most}: {:?}", toy.turns(), toy.steps);
    }
}
