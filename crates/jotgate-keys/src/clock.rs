//! The wall clock, for what people and metrics are told. Decisions get their time as an argument.

use std::time::{SystemTime, UNIX_EPOCH};

use jotgate_model::UnixTime;

/// Seconds since the Unix epoch; 0 for a clock that is set before it.
pub(crate) fn now() -> UnixTime {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixTime(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
