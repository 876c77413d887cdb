//! What one round has counted.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::Failure;

/// Longer than any round.
const LONGEST_WAIT: u64 = 120_000_000_000;

/// What one caller has done.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    pub(crate) ops: u64,
    /// Of each wait, or of each batch, in nanoseconds, where they were measured.
    pub(crate) times: Option<Histogram<u64>>,
}

impl Caller {
    /// Measures no times.
    pub(crate) fn beginning() -> Self {
        let now = Instant::now();
        Self {
            began: now,
            ended: now,
            ops: 0,
            times: None,
        }
    }

    /// Measures times, to so many digits.
    pub(crate) fn timed(digits: u8) -> Self {
        let times = Histogram::new_with_bounds(1, LONGEST_WAIT, digits).ok();
        Self {
            times,
            ..Self::beginning()
        }
    }

    pub(crate) fn took(&mut self, time: Duration) {
        if let Some(times) = &mut self.times {
            let nanos = u64::try_from(time.as_nanos()).unwrap_or(LONGEST_WAIT);
            times.saturating_record(nanos);
        }
    }
}

/// What all callers of a round have done.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) callers: Vec<u64>,
    pub(crate) elapsed: Duration,
    pub(crate) times: Option<Histogram<u64>>,
}

impl Sample {
    pub(crate) fn of(callers: Vec<Caller>) -> Result<Self, Failure> {
        let began = callers.iter().map(|caller| caller.began).min();
        let ended = callers.iter().map(|caller| caller.ended).max();
        let (Some(began), Some(ended)) = (began, ended) else {
            return Err(Failure::Refused("nobody took part".to_owned()));
        };
        let counts = callers.iter().map(|caller| caller.ops).collect();
        let mut times: Option<Histogram<u64>> = None;
        for one in callers.into_iter().filter_map(|caller| caller.times) {
            match &mut times {
                None => times = Some(one),
                Some(all) => all.add(one).map_err(Failure::refused)?,
            }
        }
        Ok(Self {
            callers: counts,
            elapsed: ended.duration_since(began),
            times,
        })
    }

    pub(crate) fn ops(&self) -> u64 {
        self.callers.iter().sum()
    }

    pub(crate) fn per_second(&self) -> f64 {
        self.ops() as f64 / self.elapsed.as_secs_f64()
    }

    /// Of wall time, over all callers.
    pub(crate) fn nanos_per_op(&self) -> f64 {
        1e9 / self.per_second()
    }

    /// The median of the times that were measured, in nanoseconds.
    pub(crate) fn median_time(&self) -> Result<f64, Failure> {
        let times = self.times.as_ref().filter(|times| !times.is_empty());
        let times = times.ok_or_else(|| Failure::refused("no times were measured"))?;
        Ok(times.value_at_quantile(0.5) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_are_summed_over_the_whole_time() {
        let began = Instant::now();
        let caller = |from: u64, to: u64, ops| Caller {
            began: began + Duration::from_millis(from),
            ended: began + Duration::from_millis(to),
            ops,
            times: None,
        };
        let sample = Sample::of(vec![caller(1, 90, 600), caller(0, 100, 400)]).expect("callers");
        assert_eq!(sample.ops(), 1_000);
        assert_eq!(sample.elapsed, Duration::from_millis(100));
        assert!((sample.nanos_per_op() - 100_000.0).abs() < 1.0);
        assert!(Sample::of(Vec::new()).is_err());
    }

    #[test]
    fn times_are_put_together() {
        let mut one = Caller::timed(2);
        one.took(Duration::from_millis(5));
        let mut other = Caller::timed(2);
        other.took(Duration::from_micros(1));
        other.took(Duration::from_micros(2));
        let sample = Sample::of(vec![one, other]).expect("callers");
        let median = sample.median_time().expect("they were timed");
        assert!((1_900.0..2_100.0).contains(&median), "{median}");
        let times = sample.times.expect("they were timed");
        assert_eq!(times.len(), 3);
        assert!(times.max() >= 4_900_000, "{}", times.max());
        let untimed = Sample::of(vec![Caller::beginning()]).expect("a caller");
        assert!(untimed.median_time().is_err());
    }
}
