//! What is printed.

use std::time::Duration;

/// The value that `percent` of them do not exceed.
pub(crate) fn percentile(times: &[Duration], percent: usize) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    let rank = (times.len() * percent).div_ceil(100).max(1);
    times.get(rank - 1).copied().unwrap_or_default()
}

/// A line for each kind: how many, and how long they took.
pub(crate) fn times(rows: &[(&str, Vec<Duration>)]) {
    println!(
        "{:<44} {:>8} {:>10} {:>10} {:>10}",
        "milliseconds", "count", "median", "p99", "most"
    );
    for (name, times) in rows {
        let at = |percent| percentile(times, percent).as_secs_f64() * 1e3;
        println!(
            "{name:<44} {:>8} {:>10.1} {:>10.1} {:>10.1}",
            times.len(),
            at(50),
            at(99),
            at(100)
        );
    }
}
