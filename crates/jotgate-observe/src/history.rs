//! The last hour, minute by minute: what came in, how it ended and how long it took.
//!
//! A task looks at the counters every few seconds and keeps what has been added. Requests pay nothing
//! for it, and what is kept is bounded: an hour of numbers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jotgate_model::{Reason, Side, UnixTime};
use parking_lot::Mutex;

use crate::Metrics;
use crate::latency::Latencies;

/// How many minutes are kept.
const MINUTES: usize = 60;
/// Seconds of a minute.
const MINUTE: i64 = 60;
/// How often the counters are looked at.
const INTERVAL: Duration = Duration::from_secs(10);

/// How many requests ended in which way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Without a refusal, by the class of the status: 1xx to 5xx.
    pub served: [u64; 5],
    /// With one, by the place of the reason in [`Reason::ALL`].
    refused: Vec<u64>,
    /// How long all of them took, from the head of the request to the head of its answer.
    pub latencies: Latencies,
}

impl Counts {
    pub(crate) const fn new(served: [u64; 5], refused: Vec<u64>, latencies: Latencies) -> Self {
        Self {
            served,
            refused,
            latencies,
        }
    }

    /// The reasons that occurred, and how often.
    pub fn refused(&self) -> impl Iterator<Item = (Reason, u64)> {
        let all = Reason::ALL
            .iter()
            .copied()
            .zip(self.refused.iter().copied());
        all.filter(|(_, count)| *count > 0)
    }

    /// Requests that got what they asked for, also when the backend said that it is not there.
    #[must_use]
    pub fn good(&self) -> u64 {
        self.served.iter().take(4).sum()
    }

    /// Requests that were turned away because of what the client sent.
    #[must_use]
    pub fn turned_away(&self) -> u64 {
        let refused = self.refused();
        let own = refused.filter(|(reason, _)| reason.side() == Side::Client);
        own.map(|(_, count)| count).sum()
    }

    /// Requests that failed although nothing was wrong with them: a backend or the gateway was at fault.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.all() - self.good() - self.turned_away()
    }

    /// Every request.
    #[must_use]
    pub fn all(&self) -> u64 {
        self.served.iter().chain(&self.refused).sum()
    }

    /// Adds what another one has counted.
    pub fn add(&mut self, other: &Self) {
        let longest = self.refused.len().max(other.refused.len());
        self.refused.resize(longest, 0);
        for (own, more) in self.served.iter_mut().zip(other.served) {
            *own += more;
        }
        for (own, more) in self.refused.iter_mut().zip(&other.refused) {
            *own += more;
        }
        self.latencies.add(&other.latencies);
    }

    /// What has come since an earlier state.
    fn since(mut self, before: &Self) -> Self {
        for (own, earlier) in self.served.iter_mut().zip(before.served) {
            *own = own.saturating_sub(earlier);
        }
        for (own, earlier) in self.refused.iter_mut().zip(&before.refused) {
            *own = own.saturating_sub(*earlier);
        }
        self.latencies = self.latencies.since(&before.latencies);
        self
    }
}

/// What was counted in one minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Minute {
    /// When it began.
    pub start: UnixTime,
    /// What was counted.
    pub counts: Counts,
}

/// What is open at this moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenNow {
    /// Connections of clients.
    pub connections: u64,
    /// WebSockets.
    pub websockets: u64,
}

/// The last hour. Cheap to copy.
#[derive(Clone, Debug)]
pub struct History(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    metrics: Metrics,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// Those in which something was counted, oldest first.
    minutes: VecDeque<Minute>,
    /// The counters when they were looked at last.
    last: Counts,
}

impl History {
    /// An empty one; what is counted from now on is kept.
    #[must_use]
    pub fn new(metrics: Metrics) -> Self {
        let kept = Kept {
            last: metrics.totals(),
            ..Default::default()
        };
        Self(Arc::new(Inner {
            metrics,
            kept: Mutex::new(kept),
        }))
    }

    /// Looks at the counters every few seconds, for ever. Between two looks a request may be counted in the minute after its own.
    pub async fn keep(self, clock: fn() -> UnixTime) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.look(clock());
        }
    }

    /// The last hour until `now`: sixty minutes, oldest first, also those without a request. The last
    /// one is not over yet.
    #[must_use]
    pub fn hour(&self, now: UnixTime) -> Vec<Minute> {
        self.look(now);
        let kept = self.0.kept.lock();
        let newest = start_of(now);
        let starts = (0..MINUTES as i64)
            .rev()
            .map(|back| newest.plus(-back * MINUTE));
        let minutes = starts.map(|start| {
            let found = kept.minutes.iter().find(|minute| minute.start == start);
            found.cloned().unwrap_or_else(|| Minute {
                start,
                counts: Counts::default(),
            })
        });
        minutes.collect()
    }

    /// What is open at this moment.
    #[must_use]
    pub fn open_now(&self) -> OpenNow {
        let number = |gauge: i64| u64::try_from(gauge).unwrap_or(0);
        OpenNow {
            connections: number(self.0.metrics.connections.get()),
            websockets: number(self.0.metrics.tunnels.get()),
        }
    }

    /// Keeps what has been counted since the last look.
    fn look(&self, now: UnixTime) {
        let mut kept = self.0.kept.lock();
        let totals = self.0.metrics.totals();
        let new = totals.clone().since(&kept.last);
        kept.last = totals;
        if new.all() == 0 {
            return;
        }
        let start = start_of(now);
        match kept.minutes.back_mut() {
            // A clock that was put back does not open a minute again.
            Some(newest) if newest.start >= start => newest.counts.add(&new),
            _ => {
                if kept.minutes.len() == MINUTES {
                    kept.minutes.pop_front();
                }
                kept.minutes.push_back(Minute { start, counts: new });
            }
        }
    }
}

fn start_of(time: UnixTime) -> UnixTime {
    UnixTime(time.0 - time.0.rem_euclid(MINUTE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;

    fn count(metrics: &Metrics, status: u16, reason: Option<Reason>) {
        metrics.count(&Outcome {
            virtual_proxy: "jwt",
            status,
            reason,
            total: Duration::from_millis(3),
        });
    }

    #[test]
    fn what_is_counted_is_kept_for_an_hour_by_its_minute() {
        let metrics = Metrics::default();
        count(&metrics, 200, None);
        let history = History::new(metrics.clone());
        let began = UnixTime(1_790_000_040);
        assert!(history.hour(began).iter().all(|m| m.counts.all() == 0));
        count(&metrics, 200, None);
        count(&metrics, 404, None);
        count(&metrics, 502, None);
        count(&metrics, 401, Some(Reason::TokenExpired));
        count(&metrics, 502, Some(Reason::NodeFailed));
        let hour = history.hour(began.plus(30));
        assert_eq!(hour.len(), MINUTES);
        let newest = hour.last().unwrap();
        assert_eq!(newest.start, began);
        let counts = &newest.counts;
        assert_eq!(
            (
                counts.all(),
                counts.good(),
                counts.turned_away(),
                counts.failed()
            ),
            (5, 2, 1, 2)
        );
        assert_eq!(counts.latencies.count(), 5);
        let refused: Vec<_> = counts.refused().collect();
        assert!(refused.contains(&(Reason::TokenExpired, 1)));

        count(&metrics, 200, None);
        let later = history.hour(began.plus(2 * MINUTE));
        let found: Vec<_> = later.iter().map(|m| m.counts.all()).collect();
        assert_eq!(found[57..], [5, 0, 1]);
        let gone = history.hour(began.plus(60 * MINUTE));
        assert_eq!(gone.iter().map(|m| m.counts.all()).sum::<u64>(), 1);
    }

    #[test]
    fn what_is_kept_is_bounded_and_a_clock_may_go_back() {
        let metrics = Metrics::default();
        let history = History::new(metrics.clone());
        for minute in 0..200 {
            count(&metrics, 200, None);
            history.look(UnixTime(minute * MINUTE));
        }
        count(&metrics, 200, None);
        history.look(UnixTime(7));
        let kept = history.0.kept.lock();
        assert_eq!(kept.minutes.len(), MINUTES);
        assert_eq!(kept.minutes.back().unwrap().counts.all(), 2);
    }
}
