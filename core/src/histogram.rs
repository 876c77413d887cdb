//! How long callers waited, or held: counted into classes, read as quantiles.
//!
//! Decides the resolution (2 significant digits from 1 µs to 1 h). Knows nothing of clocks, nor of
//! what was measured. It locks, and allocates now and then: not for the fast path.

use std::fmt;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crossbeam_utils::CachePadded;
use hdrhistogram::Histogram;

use crate::primitives::stripe;

/// In microseconds. Shorter spans count as `LOW`, longer ones as `HIGH`.
const LOW: u64 = 1;
const HIGH: u64 = 3_600_000_000;
const DIGITS: u8 = 2;

/// How often something took how long.
///
/// The quantiles are exact to 2 digits, and stop at one hour; `count` and `max` are exact. Where
/// nothing was measured, all are zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaitSummary {
    /// How many were measured.
    pub count: u64,
    /// Half of them took no longer.
    pub p50: Duration,
    /// 90 % of them took no longer.
    pub p90: Duration,
    /// 99 % of them took no longer.
    pub p99: Duration,
    /// The longest.
    pub max: Duration,
}

/// At most so many threads count without getting in each other's way.
const SHARDS: usize = 4;

/// So many spans are kept as they are, before classes are worth their room: most pools of a tenant wait
/// for their first objects and for nothing else.
const FEW: usize = 32;

/// Spans of time that were measured. Costs a few bytes until the first one, then 4 for each up to [`FEW`] of a
/// shard and 13 KiB with more; there are as many shards as processors, and four at most.
#[derive(Default)]
pub(crate) struct WaitHistogram {
    shards: OnceLock<Box<[Shard]>>,
}

type Shard = CachePadded<Mutex<Measured>>;

#[derive(Default)]
struct Measured {
    count: u64,
    max: Duration,
    spans: Spans,
}

/// In microseconds, from [`LOW`] to [`HIGH`].
enum Spans {
    Few(Vec<u32>),
    /// Its total never exceeds `u32::MAX` ([`age`]), so that no class can overflow.
    Many(Box<Histogram<u32>>),
}

impl Default for Spans {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl WaitHistogram {
    /// Counts `span`. Locks; allocates for the first few of a shard, and once more for those after them.
    pub(crate) fn record(&self, span: Duration) {
        let shards = self.shards.get_or_init(shards);
        lock(&shards[stripe() & (shards.len() - 1)]).record(span);
    }

    /// What was counted so far.
    pub(crate) fn summary(&self) -> WaitSummary {
        let Some(shards) = self.shards.get() else {
            return WaitSummary::default();
        };
        let (mut count, mut max, mut classes) = (0_u64, Duration::ZERO, empty());
        for shard in shards {
            let shard = lock(shard);
            count = count.saturating_add(shard.count);
            max = max.max(shard.max);
            if let Some(classes) = &mut classes {
                shard.spans.add_to(classes);
            }
        }
        summary(count, max, classes.as_deref())
    }
}

fn shards() -> Box<[Shard]> {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    // A power of two.
    let count = processors.next_power_of_two().min(SHARDS);
    (0..count).map(|_| Shard::default()).collect()
}

// A poisoned lock still guards counters that are no worse than one lost span.
fn lock(shard: &Shard) -> MutexGuard<'_, Measured> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Measured {
    fn record(&mut self, span: Duration) {
        self.count = self.count.saturating_add(1);
        self.max = self.max.max(span);
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        self.spans.record(micros.clamp(LOW, HIGH));
    }
}

impl Spans {
    fn record(&mut self, micros: u64) {
        if let Self::Few(few) = self {
            if few.len() < FEW {
                few.extend(u32::try_from(micros));
                return;
            }
            let Some(mut classes) = empty() else { return };
            self.add_to(&mut classes);
            *self = Self::Many(classes);
        }
        if let Self::Many(classes) = self {
            if classes.len() >= u64::from(u32::MAX) {
                age(classes);
            }
            classes.saturating_record(micros);
        }
    }

    /// Of several shards that are full, a class stays at its most.
    fn add_to(&self, all: &mut Histogram<u32>) {
        match self {
            Self::Few(few) => few
                .iter()
                .for_each(|&micros| all.saturating_record(micros.into())),
            Self::Many(classes) => classes.iter_recorded().for_each(|class| {
                all.saturating_record_n(class.value_iterated_to(), class.count_at_value());
            }),
        }
    }
}

fn summary(count: u64, max: Duration, classes: Option<&Histogram<u32>>) -> WaitSummary {
    let quantile = |share: f64| {
        let micros = classes.map_or(0, |classes| classes.value_at_quantile(share));
        // A class is named after its upper end, which may lie beyond the longest span.
        Duration::from_micros(micros.min(HIGH)).min(max)
    };
    WaitSummary {
        count,
        p50: quantile(0.5),
        p90: quantile(0.9),
        p99: quantile(0.99),
        max,
    }
}

impl fmt::Debug for WaitHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.summary().fmt(f)
    }
}

/// `None` only where `usize` is too small for the classes; then there are no quantiles.
fn empty() -> Option<Box<Histogram<u32>>> {
    Histogram::new_with_bounds(LOW, HIGH, DIGITS)
        .ok()
        .map(Box::new)
}

/// Halves all classes, so that the young half of four thousand million spans weighs more.
fn age(classes: &mut Box<Histogram<u32>>) {
    let Some(mut younger) = empty() else { return };
    for class in classes.iter_recorded() {
        let half = class.count_at_value() / 2;
        if half > 0 {
            younger.saturating_record_n(class.value_iterated_to().clamp(LOW, HIGH), half);
        }
    }
    *classes = younger;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    const HOUR: Duration = Duration::from_secs(3600);

    /// Equal but for the third digit.
    fn about(measured: Duration, expected: Duration) -> bool {
        measured.abs_diff(expected) <= expected / 100
    }

    #[test]
    fn nothing_measured_is_all_zero_and_costs_no_classes() {
        let waits = WaitHistogram::default();
        assert_eq!(waits.summary(), WaitSummary::default());
        assert!(waits.shards.get().is_none());
    }

    /// The shard in which this thread counts.
    fn own(waits: &WaitHistogram) -> &Shard {
        let shards = waits.shards.get().expect("something was measured");
        &shards[stripe() & (shards.len() - 1)]
    }

    #[test]
    fn what_threads_have_counted_apart_is_told_together() {
        let waits = WaitHistogram::default();
        std::thread::scope(|scope| {
            for seconds in 1..=8 {
                let waits = &waits;
                scope.spawn(move || waits.record(Duration::from_secs(seconds)));
            }
        });
        let summary = waits.summary();
        let longest = Duration::from_secs(8);
        assert_eq!((summary.count, summary.max), (8, longest));
        assert!(about(summary.p50, Duration::from_secs(4)), "{summary:?}");
    }

    #[test]
    fn quantiles_are_exact_to_two_digits_and_max_to_the_nanosecond() {
        let waits = WaitHistogram::default();
        for millis in 1..=1000 {
            waits.record(Duration::from_millis(millis));
        }
        waits.record(Duration::from_nanos(1_000_000_007));
        let summary = waits.summary();
        assert_eq!(summary.count, 1001);
        assert!(
            about(summary.p50, Duration::from_millis(500)),
            "{summary:?}"
        );
        assert!(
            about(summary.p90, Duration::from_millis(900)),
            "{summary:?}"
        );
        assert!(
            about(summary.p99, Duration::from_millis(990)),
            "{summary:?}"
        );
        assert_eq!(summary.max, Duration::from_nanos(1_000_000_007));
    }

    /// The same spans give the same summary, whether or not they were enough for classes.
    #[test]
    fn few_are_kept_without_classes_and_tell_the_same() {
        let (few, many) = (WaitHistogram::default(), WaitHistogram::default());
        let record = |to: &WaitHistogram, spans| {
            (1..=spans).for_each(|micros| to.record(Duration::from_micros(micros * micros)));
        };
        record(&few, FEW as u64);
        assert!(matches!(lock(own(&few)).spans, Spans::Few(ref few) if few.len() == FEW));
        let mut classes = empty().expect("room for the classes");
        lock(own(&few)).spans.add_to(&mut classes);
        record(&many, 1);
        *lock(own(&many)) = Measured {
            count: FEW as u64,
            max: Duration::from_micros((FEW * FEW) as u64),
            spans: Spans::Many(classes),
        };
        assert_eq!(few.summary(), many.summary());
        few.record(HOUR);
        assert!(
            matches!(lock(own(&few)).spans, Spans::Many(ref all) if all.len() == FEW as u64 + 1)
        );
    }

    #[test]
    fn one_span_is_every_quantile_of_itself() {
        for span in [Duration::from_nanos(1), Duration::from_micros(12_345), HOUR] {
            let waits = WaitHistogram::default();
            waits.record(span);
            let summary = waits.summary();
            assert_eq!(summary.p50, summary.p99);
            assert!(
                summary.p99 <= span && about(summary.p99, span),
                "{span:?}: {summary:?}"
            );
        }
    }

    #[test]
    fn spans_out_of_range_are_counted_at_its_ends() {
        let waits = WaitHistogram::default();
        waits.record(Duration::ZERO);
        assert_eq!(
            waits.summary(),
            WaitSummary {
                count: 1,
                ..WaitSummary::default()
            }
        );
        waits.record(Duration::MAX);
        waits.record(Duration::MAX);
        let summary = waits.summary();
        assert_eq!((summary.count, summary.max), (3, Duration::MAX));
        assert_eq!(summary.p50, HOUR);
    }

    #[test]
    fn classes_that_are_full_grow_old_and_never_overflow() {
        let waits = WaitHistogram::default();
        waits.record(HOUR);
        let mut full = empty().expect("room for the classes");
        full.saturating_record_n(HIGH, 1);
        full.saturating_record_n(1000, u32::MAX - 1);
        lock(own(&waits)).spans = Spans::Many(full);
        waits.record(Duration::from_millis(1));
        let total = match &lock(own(&waits)).spans {
            Spans::Many(classes) => classes.len(),
            Spans::Few(few) => few.len() as u64,
        };
        assert_eq!(total, u64::from(u32::MAX / 2) + 1);
        let summary = waits.summary();
        assert!(about(summary.p99, Duration::from_millis(1)), "{summary:?}");
        assert_eq!((summary.count, summary.max), (2, HOUR));
    }

    #[test]
    fn a_poisoned_lock_goes_on_counting() {
        let waits = WaitHistogram::default();
        waits.record(HOUR);
        let poisoned = catch_unwind(AssertUnwindSafe(|| {
            let _held = lock(own(&waits));
            std::panic::resume_unwind(Box::new("poison"));
        }));
        assert!(poisoned.is_err() && own(&waits).is_poisoned());
        waits.record(HOUR);
        assert_eq!(waits.summary().count, 2);
    }

    #[test]
    fn the_classes_take_what_is_documented() {
        let bytes = empty().map(|classes| classes.distinct_values() * size_of::<u32>());
        assert!(bytes.is_some_and(|bytes| bytes <= 13 * 1024), "{bytes:?}");
    }
}
