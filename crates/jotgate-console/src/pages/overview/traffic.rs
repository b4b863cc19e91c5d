//! What came in during the last hour, how it ended, why it was refused and how fast the answers were.

use std::cmp::Reverse;
use std::time::Duration;

use jotgate_manage::{Counts, Latencies, Minute};

use crate::chart::{Bars, Lines, grouped, percent};
use crate::dates::time_of_day;

/// The shares of requests that the figures on latency are about.
const SHARES: [f64; 3] = [0.5, 0.95, 0.99];

/// The last hour.
pub(super) struct Traffic {
    pub(super) all: String,
    pub(super) good: Share,
    pub(super) turned_away: Share,
    pub(super) failed: Share,
    pub(super) bars: Bars,
    pub(super) lines: Lines,
    /// How long at most the half, 95 of 100 and 99 of 100 requests took.
    pub(super) half: String,
    pub(super) most: String,
    pub(super) nearly_all: String,
    pub(super) reasons: Vec<Refused>,
    /// Those with a request in them, the newest on top.
    pub(super) minutes: Vec<Row>,
    pub(super) begin: String,
    pub(super) middle: String,
}

/// A number, and its part of the whole.
pub(super) struct Share {
    pub(super) count: String,
    pub(super) percent: String,
}

/// A reason, and how often it was one.
pub(super) struct Refused {
    pub(super) id: &'static str,
    pub(super) count: String,
    /// Of the most frequent one, 1 to 100.
    pub(super) length: u64,
}

/// A minute in numbers.
pub(super) struct Row {
    pub(super) at: String,
    pub(super) good: String,
    pub(super) turned_away: String,
    pub(super) failed: String,
    pub(super) times: [String; 3],
}

/// Nothing when no request came.
pub(super) fn traffic(hour: &[Minute]) -> Option<Traffic> {
    let mut sum = Counts::default();
    for minute in hour {
        sum.add(&minute.counts);
    }
    let all = sum.all();
    if all == 0 {
        return None;
    }
    let share = |count: u64| Share {
        count: grouped(count),
        percent: percent(count, all),
    };
    let [half, most, nearly_all] = times(&sum.latencies);
    let rows = hour.iter().rev().filter(|minute| minute.counts.all() > 0);
    let start_of = |at: usize| {
        hour.get(at)
            .map_or_else(String::new, |m| time_of_day(m.start))
    };
    Some(Traffic {
        all: grouped(all),
        good: share(sum.good()),
        turned_away: share(sum.turned_away()),
        failed: share(sum.failed()),
        bars: bars(hour),
        lines: lines(hour),
        half,
        most,
        nearly_all,
        reasons: reasons(&sum),
        minutes: rows.map(row).collect(),
        begin: start_of(0),
        middle: start_of(hour.len() / 2),
    })
}

fn bars(hour: &[Minute]) -> Bars {
    let values = hour.iter().map(|minute| {
        let counts = &minute.counts;
        let parts = [counts.good(), counts.turned_away(), counts.failed()];
        let words = format!(
            "{}: {} served, {} refused, {} failed",
            time_of_day(minute.start),
            parts[0],
            parts[1],
            parts[2]
        );
        (parts, words)
    });
    Bars::new(["s-served", "s-refused", "s-failed"], values)
}

fn lines(hour: &[Minute]) -> Lines {
    let values = hour.iter().map(|minute| {
        let latencies = &minute.counts.latencies;
        let millis = |share| Some(latencies.quantile(share)?.as_secs_f64() * 1000.0);
        Some([millis(SHARES[0])?, millis(SHARES[1])?, millis(SHARES[2])?])
    });
    let values: Vec<_> = values.collect();
    Lines::new(["l-half", "l-most", "l-nearly-all"], &values)
}

fn reasons(sum: &Counts) -> Vec<Refused> {
    let mut found: Vec<_> = sum.refused().collect();
    found.sort_by_key(|(reason, count)| (Reverse(*count), reason.id()));
    let most = found.first().map_or(1, |(_, count)| *count);
    let shown = found.into_iter().map(|(reason, count)| Refused {
        id: reason.id(),
        count: grouped(count),
        length: (u128::from(count) * 100 / u128::from(most)).max(1) as u64,
    });
    shown.collect()
}

fn row(minute: &Minute) -> Row {
    let counts = &minute.counts;
    Row {
        at: time_of_day(minute.start),
        good: grouped(counts.good()),
        turned_away: grouped(counts.turned_away()),
        failed: grouped(counts.failed()),
        times: times(&counts.latencies),
    }
}

fn times(latencies: &Latencies) -> [String; 3] {
    SHARES.map(|share| latencies.quantile(share).map_or_else(String::new, rounded))
}

/// As exact as the classes in which it was counted allow.
fn rounded(took: Duration) -> String {
    let millis = took.as_secs_f64() * 1000.0;
    match millis {
        ..10.0 => format!("{millis:.1}\u{a0}ms"),
        ..1000.0 => format!("{millis:.0}\u{a0}ms"),
        _ => format!("{:.1}\u{a0}s", millis / 1000.0),
    }
}

/// A power of ten of milliseconds.
pub(super) fn level(power: i32) -> String {
    match power {
        ..0 => format!("0.{:0>1$}\u{a0}ms", 1, power.unsigned_abs() as usize),
        0..3 => format!("{}\u{a0}ms", 10_u64.pow(power.unsigned_abs())),
        _ => format!("{}\u{a0}s", 10_u64.saturating_pow(power.unsigned_abs() - 3)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_easily() {
        let of = |micros| rounded(Duration::from_micros(micros));
        assert_eq!(of(420), "0.4\u{a0}ms");
        assert_eq!(of(42_000), "42\u{a0}ms");
        assert_eq!(of(4_200_000), "4.2\u{a0}s");
        let levels = [-2, -1, 0, 2, 3, 5].map(level);
        let read = ["0.01", "0.1", "1", "100", "1", "100"];
        for (level, read) in levels.iter().zip(read) {
            assert!(level.starts_with(&format!("{read}\u{a0}")), "{level}");
        }
    }
}
