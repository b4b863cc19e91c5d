//! Dates as pages show them.

use jotgate_model::{Timestamp, UnixTime};

/// To the minute, in UTC: `2026-11-25 13:40`.
pub(crate) fn minute(date: Timestamp) -> String {
    let cut: String = date.to_string().chars().take(16).collect();
    cut.replace('T', " ")
}

/// The same for a time in seconds.
pub(crate) fn minute_of(time: UnixTime) -> String {
    minute(Timestamp::from_millis(time.0.saturating_mul(1000)))
}

/// The time of day to the minute, in UTC: `13:40`.
pub(crate) fn time_of_day(time: UnixTime) -> String {
    minute_of(time).split_off(11)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_cut_to_the_minute() {
        assert_eq!(minute_of(UnixTime(1_790_000_099)), "2026-09-21 14:14");
        assert_eq!(minute(Timestamp::from_millis(i64::MAX)), "1753-01-01 00:00");
        assert_eq!(time_of_day(UnixTime(1_790_000_099)), "14:14");
        minute_of(UnixTime(i64::MAX));
        minute_of(UnixTime(i64::MIN));
    }
}
