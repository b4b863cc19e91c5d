//! The one place that reads the clock for the request path.

use std::time::{SystemTime, UNIX_EPOCH};

use jotgate_model::{Timestamp, UnixTime};

/// Seconds since the Unix epoch; 0 for a clock that is set before it.
#[must_use]
pub fn now() -> UnixTime {
    UnixTime(timestamp().as_millis().div_euclid(1000))
}

/// Milliseconds since the Unix epoch.
#[must_use]
pub fn timestamp() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Nanoseconds since the Unix epoch, for traces.
pub(crate) fn nanoseconds() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
