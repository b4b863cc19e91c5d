//! What can be seen of a running gateway: logs, one access line a request, the live feed, metrics, traces.
//!
//! Nothing here may hold a request up: lines go through a bounded channel and are dropped and counted
//! when it is full. No token, cookie, key or password is ever given to this crate; queries of addresses
//! are left out of the access log because they may hold one.

mod access_log;
mod date;
mod feed;
mod history;
mod json_line;
mod kept;
mod latency;
mod logging;
mod metrics;
mod phase;
mod traces;

pub use access_log::{AccessLog, AccessLogTarget, AccessRecord};
pub use feed::{
    Feed, FeedFilter, FeedLimits, FeedOutcome, RecentRequest, RecentRequests, Subscription,
};
pub use history::{Counts, History, Minute, OpenNow};
pub use latency::Latencies;
pub use logging::{LogFormat, start_logging};
pub use metrics::{Metrics, Outcome};
pub use phase::{Phase, PhaseTimes};
pub use traces::{BadCollector, Collector, TraceSpans, Traces};
