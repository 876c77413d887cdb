//! What demand has been like, and what follows from it.
//!
//! Decides when a pool should be larger or smaller, by one measurement after the other. Pure: reads no
//! clock and changes no pool; whoever carries a decision out says how that went. The table is in
//! [`autoscale`](super).

use std::time::Duration;

use nebula_resource_core::Tick;

use super::policy::AutoscalePolicy;
use super::why::{Demand, Recommendation, Why};

/// So many measurements in a row may be missing before what was seen counts for nothing.
const GAP: u32 = 3;

/// After failures in a row there is no attempt for twice as long each time, up to this.
const LONGEST_REST: Duration = Duration::from_secs(10 * 60);

/// A pool, as measured at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sample {
    pub(crate) in_use: usize,
    pub(crate) waiting: usize,
    pub(crate) size: usize,
    pub(crate) max: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Zone {
    High,
    Between,
    Low,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Machine {
    zone: Zone,
    /// Since when demand has been in this zone.
    since: Tick,
    /// What was wanted meanwhile: the least while that is much, the most while it is little.
    wanted: usize,
    /// When it was last measured.
    seen: Option<Tick>,
    rests_until: Tick,
    failures: u32,
}

impl Machine {
    pub(crate) const fn new() -> Self {
        Self {
            zone: Zone::Between,
            since: Tick::ZERO,
            wanted: 0,
            seen: None,
            rests_until: Tick::ZERO,
            failures: 0,
        }
    }

    /// What should be done, now that `sample` was measured. `least` is what the pool itself asks for.
    pub(crate) fn look(
        &mut self,
        now: Tick,
        sample: Sample,
        policy: &AutoscalePolicy,
        least: usize,
    ) -> Recommendation {
        self.keep_time(now, policy);
        let wanted = sample.in_use.saturating_add(sample.waiting);
        let (demand, of) = (Demand::new(wanted, sample.max), sample.max);
        let min = policy.min.max(least).min(policy.max);
        if !(min..=policy.max).contains(&of) {
            self.enter(Zone::Between, now, wanted);
            let why = Why::OutOfBounds {
                min,
                max: policy.max,
            };
            let to = of.clamp(min, policy.max);
            // Not for long either: unless the pool has refused it.
            return match self.failures {
                0 => Recommendation { from: of, to, why },
                _ => self.unless_it_rests(now, of, to, why),
            };
        }
        let zone = zone(demand, policy);
        if zone == Zone::High && sample.waiting > 0 && sample.size < of {
            self.enter(Zone::Between, now, wanted);
            let (waiting, size) = (sample.waiting, sample.size);
            return Recommendation::stay(of, Why::RoomUnused { waiting, size, of });
        }
        self.enter(zone, now, wanted);
        let decided = self.judge(now, demand, policy, min);
        if matches!(decided.why, Why::WouldNotLast { .. }) {
            // By what was wanted once: what is wanted from now on may be less.
            self.begin_anew(now);
        }
        decided
    }

    /// Nothing can be measured: what was seen counts for nothing.
    pub(crate) const fn forget(&mut self) {
        self.seen = None;
    }

    /// What was decided was done.
    pub(crate) fn stepped(&mut self, now: Tick, policy: &AutoscalePolicy) {
        self.failures = 0;
        self.begin_anew(now);
        self.rests_until = now.after(policy.cooldown);
    }

    /// What was decided could not be done.
    pub(crate) fn failed(&mut self, now: Tick, policy: &AutoscalePolicy) {
        let first = policy.cooldown.max(policy.every);
        let rest = first.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        self.rests_until = now.after(rest.min(LONGEST_REST.max(first)));
    }

    /// A leap, to either side, is no time during which demand was anything.
    fn keep_time(&mut self, now: Tick, policy: &AutoscalePolicy) {
        let longest = policy.every.saturating_mul(GAP);
        let goes_on = |seen: Tick| seen <= now && now.since(seen) <= longest;
        if !self.seen.is_some_and(goes_on) {
            self.zone = Zone::Between;
        }
        if self.seen.is_some_and(|seen| seen > now) {
            self.rests_until = self.rests_until.min(now.after(policy.cooldown));
        }
        self.seen = Some(now);
    }

    /// Demand is what it is, but not for long yet.
    fn begin_anew(&mut self, now: Tick) {
        self.since = now;
        self.wanted = match self.zone {
            Zone::High => usize::MAX,
            Zone::Between | Zone::Low => 0,
        };
    }

    fn enter(&mut self, zone: Zone, now: Tick, wanted: usize) {
        if self.zone != zone {
            (self.zone, self.since, self.wanted) = (zone, now, wanted);
        }
        self.wanted = match zone {
            Zone::High => self.wanted.min(wanted),
            Zone::Between | Zone::Low => self.wanted.max(wanted),
        };
    }

    fn judge(
        &self,
        now: Tick,
        demand: Demand,
        policy: &AutoscalePolicy,
        min: usize,
    ) -> Recommendation {
        let of = demand.of;
        let long = match self.zone {
            Zone::Between => return Recommendation::stay(of, Why::InBetween { demand }),
            Zone::High => policy.high_for,
            Zone::Low => policy.low_for,
        };
        let lasted = now.since(self.since);
        if lasted < long {
            let left = long.saturating_sub(lasted);
            return Recommendation::stay(of, Why::NotForLong { demand, left });
        }
        let meanwhile = Demand::new(self.wanted, of);
        let (to, limit, why) = match self.zone {
            Zone::High => (
                larger(meanwhile, policy),
                policy.max,
                Why::HighDemand {
                    demand,
                    watermark: policy.high,
                    lasted,
                },
            ),
            _ => (
                smaller(meanwhile, policy, min),
                min,
                Why::LowDemand {
                    demand,
                    watermark: policy.low,
                    lasted,
                },
            ),
        };
        match to == of {
            true if of == limit => Recommendation::stay(of, Why::AtLimit { demand }),
            true => Recommendation::stay(of, Why::WouldNotLast { demand }),
            false => self.unless_it_rests(now, of, to, why),
        }
    }

    fn unless_it_rests(&self, now: Tick, from: usize, to: usize, why: Why) -> Recommendation {
        if now < self.rests_until {
            let left = self.rests_until.since(now);
            return Recommendation::stay(from, Why::Resting { left });
        }
        Recommendation { from, to, why }
    }
}

fn zone(demand: Demand, policy: &AutoscalePolicy) -> Zone {
    if is_high(demand.wanted, demand.of, policy) {
        Zone::High
    } else if is_low(demand.wanted, demand.of, policy) {
        Zone::Low
    } else {
        Zone::Between
    }
}

fn is_high(wanted: usize, of: usize, policy: &AutoscalePolicy) -> bool {
    wanted as f64 >= policy.high * of as f64
}

fn is_low(wanted: usize, of: usize, policy: &AutoscalePolicy) -> bool {
    wanted as f64 <= policy.low * of as f64
}

/// A step up, within the limit, that the same demand would not have taken back: it does not lead to
/// where demand is low.
fn larger(demand: Demand, policy: &AutoscalePolicy) -> usize {
    let Demand { wanted, of } = demand;
    let room = policy.max.saturating_sub(of);
    let lasts = |step| !is_low(wanted, of.saturating_add(step), policy);
    of + longest(policy.step_up.min(room), lasts)
}

/// A step down, likewise.
fn smaller(demand: Demand, policy: &AutoscalePolicy, min: usize) -> usize {
    let Demand { wanted, of } = demand;
    let room = of.saturating_sub(min);
    let lasts = |step| !is_high(wanted, of.saturating_sub(step), policy);
    of - longest(policy.step_down.min(room), lasts)
}

/// The longest step up to `most` that `lasts`, where all shorter ones do if a longer one does.
fn longest(most: usize, lasts: impl Fn(usize) -> bool) -> usize {
    let (mut good, mut beyond) = (0, most + 1);
    while beyond - good > 1 {
        let middle = good + (beyond - good) / 2;
        if lasts(middle) {
            good = middle;
        } else {
            beyond = middle;
        }
    }
    good
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
