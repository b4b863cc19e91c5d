//! Metrics in the Prometheus text form. Labels are bounded: virtual proxies, nodes, reasons and
//! classes of statuses; never a user, a path or a host that a client chose.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use jotgate_model::Reason;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Upper bounds of the latency classes, in seconds.
const SECONDS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
];

/// How a request ended, for its counter.
#[derive(Clone, Debug)]
pub struct Outcome<'a> {
    /// The prefix of the virtual proxy; empty for the default one and for none.
    pub virtual_proxy: &'a str,
    /// The status of the answer.
    pub status: u16,
    /// Why it was refused.
    pub reason: Option<Reason>,
    /// How long it took.
    pub total: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    virtual_proxy: String,
    status: &'static str,
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ProxyLabels {
    virtual_proxy: String,
}

/// Everything that is counted. Cheap to copy.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<ProxyLabels, Histogram, fn() -> Histogram>,
    /// Connections of clients that are open.
    pub connections: Gauge,
    /// WebSockets that are open.
    pub tunnels: Gauge,
    /// Sessions that are known.
    pub sessions: Gauge<i64, AtomicI64>,
    /// Sessions that were opened.
    pub sessions_opened: Counter,
    /// TLS handshakes that failed.
    pub handshakes_failed: Counter,
    /// Panics of tasks that served a connection: each one is a defect.
    pub panics: Counter,
    /// Lines of the access log that were dropped.
    pub access_lines_dropped: Counter<u64, AtomicU64>,
    /// The revision of the configuration that is served.
    pub revision: Gauge<i64, AtomicI64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("jotgate");
        let metrics = Self {
            registry: Arc::default(),
            requests: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            connections: Gauge::default(),
            tunnels: Gauge::default(),
            sessions: Gauge::default(),
            sessions_opened: Counter::default(),
            handshakes_failed: Counter::default(),
            panics: Counter::default(),
            access_lines_dropped: Counter::default(),
            revision: Gauge::default(),
        };
        let m = &metrics;
        registry.register(
            "requests",
            "Requests that were answered",
            m.requests.clone(),
        );
        registry.register(
            "request_seconds",
            "Time from the head of a request to the head of its answer",
            m.seconds.clone(),
        );
        registry.register(
            "connections",
            "Open connections of clients",
            m.connections.clone(),
        );
        registry.register("websockets", "Open WebSockets", m.tunnels.clone());
        registry.register("sessions", "Known sessions", m.sessions.clone());
        registry.register(
            "sessions_opened",
            "Sessions that were opened",
            m.sessions_opened.clone(),
        );
        registry.register(
            "tls_handshakes_failed",
            "TLS handshakes that failed",
            m.handshakes_failed.clone(),
        );
        registry.register(
            "panics",
            "Panics while serving a connection",
            m.panics.clone(),
        );
        registry.register(
            "access_log_dropped",
            "Access log lines that were dropped",
            m.access_lines_dropped.clone(),
        );
        registry.register(
            "configuration_revision",
            "Revision of the configuration that is served",
            m.revision.clone(),
        );
        Self {
            registry: Arc::new(registry),
            ..metrics
        }
    }
}

impl Metrics {
    /// Counts a request.
    pub fn count(&self, outcome: &Outcome<'_>) {
        let labels = RequestLabels {
            virtual_proxy: outcome.virtual_proxy.to_owned(),
            status: class(outcome.status),
            reason: outcome.reason.map_or("", Reason::id),
        };
        self.requests.get_or_create(&labels).inc();
        let labels = ProxyLabels {
            virtual_proxy: labels.virtual_proxy,
        };
        self.seconds
            .get_or_create(&labels)
            .observe(outcome.total.as_secs_f64());
    }

    /// The text that Prometheus reads.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        encode(&mut text, &self.registry).unwrap_or_default();
        text
    }
}

const fn class(status: u16) -> &'static str {
    match status {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_public() {
        let metrics = Metrics::default();
        metrics.count(&Outcome {
            virtual_proxy: "jwt",
            status: 401,
            reason: Some(Reason::TokenExpired),
            total: Duration::from_millis(3),
        });
        insta::assert_snapshot!(metrics.text());
    }
}
