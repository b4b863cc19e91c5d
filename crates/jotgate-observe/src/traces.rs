//! OpenTelemetry traces, on request: one span for each recorded request, one below it for the call of
//! the node, handed to a collector in batches.
//!
//! A request never waits for the collector. What it leaves behind is put into a bounded list; a task of
//! the management runtime empties that list, and what has no place is dropped and counted. No token,
//! cookie, query or user is in a span: the reference leads to the line of the access log.

mod collector;
mod export;
mod otlp;

use std::mem::take;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

pub use self::collector::{BadCollector, Collector};
use crate::kept::Kept;
use crate::{AccessRecord, Metrics};

/// Requests that may wait for the collector.
const MAX_WAITING: usize = 4096;
/// Requests that are sent together.
const BATCH: usize = 512;

/// The ids of a request's spans, and what only its beginning knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceSpans {
    /// The trace.
    pub trace_id: [u8; 16],
    /// The span of whoever called.
    pub parent: Option<[u8; 8]>,
    /// The span of the request.
    pub server: [u8; 8],
    /// The span of the call of the node.
    pub client: [u8; 8],
    /// When the request came, in nanoseconds since the Unix epoch.
    pub started: u64,
    /// Whether the client came over TLS.
    pub over_tls: bool,
    /// Version of HTTP, such as `1.1`.
    pub version: &'static str,
}

/// Where traces are left. Cheap to copy.
#[derive(Clone, Debug)]
pub struct Traces(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    per_million: u32,
    waiting: Mutex<Vec<Traced>>,
    full: Notify,
    metrics: Metrics,
}

/// A recorded request.
#[derive(Debug)]
struct Traced {
    spans: TraceSpans,
    request: Kept,
}

impl Traces {
    /// No traces.
    #[must_use]
    pub const fn off() -> Self {
        Self(None)
    }

    /// Records so many in a million of the requests whose caller has not decided about that.
    #[must_use]
    pub fn on(per_million: u32, metrics: Metrics) -> Self {
        Self(Some(Arc::new(Inner {
            per_million,
            waiting: Mutex::default(),
            full: Notify::new(),
            metrics,
        })))
    }

    /// How often to record requests whose caller has not decided; nothing when traces are off.
    #[must_use]
    pub fn per_million(&self) -> Option<u32> {
        self.0.as_ref().map(|inner| inner.per_million)
    }

    /// Leaves a request for the collector. Never waits: what has no place is dropped and counted.
    pub fn record(&self, spans: TraceSpans, record: &AccessRecord<'_>) {
        let Some(inner) = &self.0 else {
            return;
        };
        let mut waiting = inner.waiting.lock();
        if waiting.len() >= MAX_WAITING {
            drop(waiting);
            inner.metrics.traces_dropped.inc();
            return;
        }
        waiting.push(Traced {
            spans,
            request: Kept::new(0, record, String::new()),
        });
        let full = waiting.len() == BATCH;
        drop(waiting);
        if full {
            inner.full.notify_one();
        }
    }
}

impl Inner {
    /// The oldest that wait, at most a batch of them.
    fn next_batch(&self) -> Vec<Traced> {
        let mut waiting = self.waiting.lock();
        if waiting.len() <= BATCH {
            return take(&mut *waiting);
        }
        waiting.drain(..BATCH).collect()
    }
}

#[cfg(test)]
mod tests;
