//! How long requests took, counted in classes.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::{MetricType, TypedMetric};

/// Upper bounds of the classes, in seconds; what took longer is in one more class.
const SECONDS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
];
/// How many classes there are.
const CLASSES: usize = SECONDS.len() + 1;

/// How many requests took how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latencies([u64; CLASSES]);

impl Latencies {
    /// How many requests there are in all.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// How long at most `share` of the requests took (0 to 1): within the class where the answer is, times are taken to be spread
    /// evenly. What is beyond the last bound counts as that bound. Nothing when there is no request.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let rank = share.clamp(0.0, 1.0) * count as f64;
        let (mut below, mut from) = (0.0, 0.0);
        for (bound, in_class) in SECONDS.iter().zip(self.0) {
            let in_class = in_class as f64;
            if in_class > 0.0 && below + in_class >= rank {
                let part = ((rank - below) / in_class).clamp(0.0, 1.0);
                return Some(Duration::from_secs_f64(from + (bound - from) * part));
            }
            below += in_class;
            from = *bound;
        }
        Some(Duration::from_secs_f64(from))
    }

    /// Adds what another one has counted.
    pub fn add(&mut self, other: &Self) {
        for (own, more) in self.0.iter_mut().zip(other.0) {
            *own += more;
        }
    }

    /// What has come since an earlier state.
    pub(crate) fn since(mut self, before: &Self) -> Self {
        for (own, earlier) in self.0.iter_mut().zip(before.0) {
            *own = own.saturating_sub(earlier);
        }
        self
    }
}

/// A histogram that workers write to without a lock. Cheap to copy.
#[derive(Clone, Default)]
pub(crate) struct LatencyHistogram(Arc<Inner>);

#[derive(Default)]
struct Inner {
    classes: [AtomicU64; CLASSES],
    micros: AtomicU64,
}

impl LatencyHistogram {
    pub(crate) fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let class = SECONDS.partition_point(|bound| *bound < seconds);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.0.classes[class].fetch_add(1, Ordering::Relaxed);
        self.0.micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Latencies {
        let classes = self.0.classes.each_ref();
        Latencies(classes.map(|class| class.load(Ordering::Relaxed)))
    }
}

impl fmt::Debug for LatencyHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LatencyHistogram")
            .field(&self.read())
            .finish()
    }
}

impl TypedMetric for LatencyHistogram {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for LatencyHistogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        let read = self.read();
        let sum = self.0.micros.load(Ordering::Relaxed) as f64 / 1e6;
        let bounds = SECONDS.into_iter().chain([f64::INFINITY]);
        let classes: Vec<_> = bounds.zip(read.0).collect();
        encoder.encode_histogram::<NoLabelSet>(sum, read.count(), &classes, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(millis: &[f64]) -> Latencies {
        let histogram = LatencyHistogram::default();
        for one in millis {
            histogram.observe(Duration::from_secs_f64(one / 1000.0));
        }
        histogram.read()
    }

    fn millis(latencies: &Latencies, share: f64) -> f64 {
        let found = latencies.quantile(share).unwrap().as_secs_f64() * 1000.0;
        (found * 1000.0).round() / 1000.0
    }

    #[test]
    fn quantiles_lie_in_the_class_of_their_request() {
        assert_eq!(Latencies::default().quantile(0.5), None);
        let one = of(&[3.0]);
        assert_eq!((millis(&one, 0.0), millis(&one, 1.0)), (2.5, 5.0));
        let mixed = of(&[0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 80.0]);
        assert_eq!(millis(&mixed, 0.9), 0.5);
        assert_eq!(millis(&mixed, 0.95), 75.0);
        assert_eq!(millis(&of(&[90_000.0]), 0.5), 30_000.0);
    }

    #[test]
    fn a_bound_belongs_to_its_class() {
        assert_eq!(of(&[0.5]), of(&[0.1]));
        assert_ne!(of(&[0.5]), of(&[0.6]));
        assert_eq!(of(&[0.5, 1e9]).count(), 2);
    }
}
