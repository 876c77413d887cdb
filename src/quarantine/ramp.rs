//! How much of a resource is handed out just after it came back.
//!
//! Decides that those who waited for it do not bring it down again. Pure; knows nothing of callers.

use std::time::Duration;

use nebula_resource_core::Tick;

/// From a tenth to all, in even steps over some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ramp {
    began: Tick,
    over: Duration,
}

/// In so many steps.
const STEPS: u32 = 10;

impl Ramp {
    /// None, if it takes no time.
    pub(crate) fn new(began: Tick, over: Duration) -> Option<Self> {
        (!over.is_zero()).then_some(Self { began, over })
    }

    /// How many of `all` may be out at `now`; `None` when it is over.
    pub(crate) fn limit(&self, now: Tick, all: usize) -> Option<usize> {
        let step = now.since(self.began).as_nanos() * u128::from(STEPS) / self.over.as_nanos();
        let step = usize::try_from(step).unwrap_or(usize::MAX);
        let steps = STEPS as usize;
        (step < steps).then(|| (all.saturating_mul(step + 1) / steps).max(1))
    }

    /// When more may be out than at `now`.
    pub(crate) fn next_step(&self, now: Tick) -> Tick {
        let step = self.over / STEPS;
        let passed = now.since(self.began).as_nanos() / step.as_nanos().max(1);
        let next = u32::try_from(passed + 1).unwrap_or(u32::MAX);
        self.began.after(step.saturating_mul(next))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_goes_up_by_tenths() {
        let began = Tick::ZERO.after(Duration::from_secs(100));
        let ramp = Ramp::new(began, Duration::from_secs(10)).unwrap();
        let limit = |seconds| ramp.limit(began.after(Duration::from_secs(seconds)), 20);
        assert_eq!((limit(0), limit(1), limit(9)), (Some(2), Some(4), Some(20)));
        assert_eq!(limit(10), None);
        assert_eq!(ramp.limit(began, 1), Some(1));
        assert_eq!(Ramp::new(began, Duration::ZERO), None);
    }

    proptest! {
        #[test]
        fn it_never_goes_down_and_ends(
            over in 1_u64..5_000_000, all in 1_usize..10_000,
            times in prop::collection::vec(0_u64..6_000_000, 2..20),
        ) {
            let micros = |micros| Tick::ZERO.after(Duration::from_micros(micros));
            let ramp = Ramp::new(micros(0), Duration::from_micros(over)).unwrap();
            let mut times = times;
            times.sort_unstable();
            let limits: Vec<_> = times.iter().map(|at| ramp.limit(micros(*at), all)).collect();
            for (at, limit) in times.iter().zip(&limits) {
                prop_assert_eq!(limit.is_none(), *at >= over);
                prop_assert!(limit.is_none_or(|limit| (1..=all).contains(&limit)));
                prop_assert!(ramp.next_step(micros(*at)) > micros(*at));
            }
            let shown = |limit: Option<usize>| limit.unwrap_or(usize::MAX);
            prop_assert!(limits.windows(2).all(|two| shown(two[0]) <= shown(two[1])));
        }
    }
}
