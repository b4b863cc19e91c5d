//! Metrics in the Prometheus text form. Labels are bounded: virtual proxies, nodes, reasons and
//! classes of statuses; never a user, a path or a host that a client chose.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jotgate_model::{Reason, UnixTime};
use parking_lot::RwLock;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::history::Counts;
use crate::latency::{Latencies, LatencyHistogram};

/// How many virtual proxies have series of their own; what comes after them is counted together. Each
/// takes some twenty series, and whoever stores them pays for each.
const MAX_VIRTUAL_PROXIES: usize = 1000;
/// Names those together; no prefix has such characters.
const OTHERS: &str = "(others)";

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

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CauseLabels {
    cause: &'static str,
}

/// An address or an issuer that an administrator configured.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct SourceLabels {
    source: String,
}

/// The file of a certificate, as the settings name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CertificateLabels {
    file: String,
}

/// A service of a node: what an administrator configured.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct NodeLabels {
    node: String,
    service: String,
}

impl NodeLabels {
    fn new(node: &str, service: &str) -> Self {
        Self {
            node: node.to_owned(),
            service: service.to_owned(),
        }
    }
}

/// Everything that is counted. Cheap to copy.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<ProxyLabels, LatencyHistogram>,
    connections_refused: Family<CauseLabels, Counter>,
    /// What is counted for each virtual proxy, so that a request makes no labels.
    counted: Arc<RwLock<HashMap<Box<str>, Counted>>>,
    /// Refusals of all virtual proxies, by the place of their reason in [`Reason::ALL`].
    refused: Arc<[AtomicU64; Reason::ALL.len()]>,
    key_fetches: Family<OutcomeLabels, Counter>,
    key_set_fetched: Family<SourceLabels, Gauge>,
    key_set_keys: Family<SourceLabels, Gauge>,
    /// When the process started, in seconds since the Unix epoch.
    pub started: Gauge<i64, AtomicI64>,
    /// Requests whose answer has not begun.
    pub in_flight: Gauge,
    node_up: Family<NodeLabels, Gauge>,
    node_ejections: Family<NodeLabels, Counter>,
    /// Connections of clients that are open.
    pub connections: Gauge,
    /// WebSockets that are open.
    pub tunnels: Gauge,
    /// Sessions that are known.
    pub sessions: Gauge<i64, AtomicI64>,
    /// Whether sessions can be opened: 1, or 0 while their journal or shared store fails.
    pub session_store_up: Gauge<i64, AtomicI64>,
    /// Sessions that were opened.
    pub sessions_opened: Counter,
    /// Sign-ins that were not noted among the users, because too many came at once.
    pub sign_ins_not_noted: Counter,
    /// TLS handshakes that failed.
    pub handshakes_failed: Counter,
    /// Changed certificates that could not be served.
    pub certificate_reload_failures: Counter,
    certificate_expiry: Family<CertificateLabels, Gauge>,
    /// Panics of tasks that served a connection: each one is a defect.
    pub panics: Counter,
    /// Lines of the access log that were dropped.
    pub access_lines_dropped: Counter<u64, AtomicU64>,
    /// Requests whose trace the collector has taken.
    pub traces_sent: Counter,
    /// Requests whose trace was dropped.
    pub traces_dropped: Counter,
    /// 1 while the database of the configuration answers, else 0.
    pub database_up: Gauge<i64, AtomicI64>,
    /// The revision of the configuration that is served.
    pub revision: Gauge<i64, AtomicI64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("jotgate");
        let metrics = Self {
            registry: Arc::default(),
            requests: Family::default(),
            seconds: Family::default(),
            connections_refused: Family::default(),
            counted: Arc::default(),
            refused: Arc::new([const { AtomicU64::new(0) }; Reason::ALL.len()]),
            key_fetches: Family::default(),
            key_set_fetched: Family::default(),
            key_set_keys: Family::default(),
            started: Gauge::default(),
            in_flight: Gauge::default(),
            node_up: Family::default(),
            node_ejections: Family::default(),
            connections: Gauge::default(),
            tunnels: Gauge::default(),
            sessions: Gauge::default(),
            session_store_up: Gauge::default(),
            sessions_opened: Counter::default(),
            sign_ins_not_noted: Counter::default(),
            handshakes_failed: Counter::default(),
            certificate_reload_failures: Counter::default(),
            certificate_expiry: Family::default(),
            panics: Counter::default(),
            access_lines_dropped: Counter::default(),
            traces_sent: Counter::default(),
            traces_dropped: Counter::default(),
            database_up: Gauge::default(),
            revision: Gauge::default(),
        };
        let m = &metrics;
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "The version that runs", version);
        registry.register(
            "process_start_time_seconds",
            "When the process started, in seconds since the Unix epoch",
            m.started.clone(),
        );
        registry.register(
            "requests_in_flight",
            "Requests whose answer has not begun",
            m.in_flight.clone(),
        );
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
            "key_fetches",
            "Attempts to fetch a key set",
            m.key_fetches.clone(),
        );
        registry.register(
            "key_set_fetched_timestamp_seconds",
            "When a key set was last fetched well, in seconds since the Unix epoch",
            m.key_set_fetched.clone(),
        );
        registry.register(
            "key_set_keys",
            "Keys of a key set that are in use",
            m.key_set_keys.clone(),
        );
        registry.register(
            "node_up",
            "1 while a service of a node gets requests, 0 while it is passed over",
            m.node_up.clone(),
        );
        registry.register(
            "node_ejections",
            "How often a service of a node was passed over for its traffic",
            m.node_ejections.clone(),
        );
        registry.register(
            "connections",
            "Open connections of clients",
            m.connections.clone(),
        );
        registry.register(
            "connections_refused",
            "Connections that were turned away, or ended because of what the client sent",
            m.connections_refused.clone(),
        );
        registry.register("websockets", "Open WebSockets", m.tunnels.clone());
        registry.register("sessions", "Known sessions", m.sessions.clone());
        registry.register(
            "session_store_up",
            "Whether sessions can be opened and ended",
            m.session_store_up.clone(),
        );
        registry.register(
            "sessions_opened",
            "Sessions that were opened",
            m.sessions_opened.clone(),
        );
        registry.register(
            "sign_ins_not_noted",
            "Sign-ins that were not noted among the users",
            m.sign_ins_not_noted.clone(),
        );
        registry.register(
            "tls_handshakes_failed",
            "TLS handshakes that failed",
            m.handshakes_failed.clone(),
        );
        registry.register(
            "certificate_reload_failures",
            "Changed certificates that could not be served; those before go on",
            m.certificate_reload_failures.clone(),
        );
        registry.register(
            "certificate_expiry_timestamp_seconds",
            "When a served certificate ends, in seconds since the Unix epoch",
            m.certificate_expiry.clone(),
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
            "traces_sent",
            "Requests whose trace the collector has taken",
            m.traces_sent.clone(),
        );
        registry.register(
            "traces_dropped",
            "Requests whose trace was dropped because the collector did not take it",
            m.traces_dropped.clone(),
        );
        registry.register(
            "database_up",
            "1 while the database of the configuration answers, else 0",
            m.database_up.clone(),
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
        let mut name = outcome.virtual_proxy;
        {
            let all = self.counted.read();
            if let Some(counted) = all.get(name) {
                return self.count_in(counted, name, outcome);
            }
            if all.len() >= MAX_VIRTUAL_PROXIES {
                name = OTHERS;
                if let Some(counted) = all.get(name) {
                    return self.count_in(counted, name, outcome);
                }
            }
        }
        let labels = ProxyLabels {
            virtual_proxy: name.to_owned(),
        };
        let counted = Counted {
            seconds: self.seconds.get_or_create_owned(&labels),
            served: Default::default(),
        };
        // Of two threads that come here at once, the first one's counters stay.
        self.counted.write().entry(name.into()).or_insert(counted);
        if let Some(counted) = self.counted.read().get(name) {
            self.count_in(counted, name, outcome);
        }
    }

    fn count_in(&self, counted: &Counted, virtual_proxy: &str, outcome: &Outcome<'_>) {
        counted.seconds.observe(outcome.total);
        let class = Class::of(outcome.status);
        let counter = || {
            self.requests.get_or_create_owned(&RequestLabels {
                virtual_proxy: virtual_proxy.to_owned(),
                status: class.name(),
                reason: outcome.reason.map_or("", Reason::id),
            })
        };
        match outcome.reason {
            None => counted.served[class as usize].get_or_init(counter).inc(),
            Some(reason) => {
                self.refused[reason as usize].fetch_add(1, Ordering::Relaxed);
                counter().inc()
            }
        };
    }

    /// Notes until when the served certificate of that file is valid.
    pub fn certificate_served(&self, file: String, valid_until: UnixTime) {
        self.certificate_expiry
            .get_or_create(&CertificateLabels { file })
            .set(valid_until.0);
    }

    /// Counts a connection that was turned away, or ended because of what its client sent. `cause` is
    /// one word of a short list.
    pub fn connection_refused(&self, cause: &'static str) {
        let labels = CauseLabels { cause };
        self.connections_refused.get_or_create(&labels).inc();
    }

    /// Counts an attempt to fetch the key set of `source`. `outcome` is one word of a short list;
    /// `last_success` is when it last went well, and `keys` how many keys of it are in use.
    pub fn key_set_fetched(
        &self,
        source: &str,
        outcome: &'static str,
        last_success: Option<UnixTime>,
        keys: usize,
    ) {
        let outcome = OutcomeLabels { outcome };
        self.key_fetches.get_or_create(&outcome).inc();
        let source = SourceLabels {
            source: source.to_owned(),
        };
        // 0 is older than any alert's limit: never fetched.
        let last_success = last_success.map_or(0, |time| time.0);
        let fetched = self.key_set_fetched.get_or_create(&source);
        fetched.set(last_success);
        drop(fetched);
        let count = self.key_set_keys.get_or_create(&source);
        count.set(i64::try_from(keys).unwrap_or(i64::MAX));
    }

    /// Forgets a source of keys that no virtual proxy uses any more.
    pub fn key_set_removed(&self, source: &str) {
        let source = SourceLabels {
            source: source.to_owned(),
        };
        self.key_set_fetched.remove(&source);
        self.key_set_keys.remove(&source);
    }

    /// Shows whether a service of a node gets requests.
    pub fn node_is_up(&self, node: &str, service: &str, up: bool) {
        let labels = NodeLabels::new(node, service);
        self.node_up.get_or_create(&labels).set(i64::from(up));
    }

    /// Counts that a service of a node is passed over for some time.
    pub fn node_ejected(&self, node: &str, service: &str) {
        let labels = NodeLabels::new(node, service);
        self.node_ejections.get_or_create(&labels).inc();
    }

    /// Forgets a service that is not configured any more.
    pub fn node_removed(&self, node: &str, service: &str) {
        let labels = NodeLabels::new(node, service);
        self.node_up.remove(&labels);
        self.node_ejections.remove(&labels);
    }

    /// What has been counted of requests since the start, over all virtual proxies.
    pub(crate) fn totals(&self) -> Counts {
        let mut served = [0; 5];
        let mut latencies = Latencies::default();
        for counted in self.counted.read().values() {
            latencies.add(&counted.seconds.read());
            for (sum, counter) in served.iter_mut().zip(&counted.served) {
                *sum += counter.get().map_or(0, Counter::get);
            }
        }
        let refused = self.refused.iter().map(|one| one.load(Ordering::Relaxed));
        Counts::new(served, refused.collect(), latencies)
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

/// The counters of one virtual proxy.
#[derive(Debug)]
struct Counted {
    seconds: LatencyHistogram,
    /// Requests without a reason, by the class of their status.
    served: [OnceLock<Counter>; 5],
}

/// The class of a status.
#[derive(Clone, Copy, Debug)]
enum Class {
    Information,
    Success,
    Redirection,
    ClientError,
    ServerError,
}

impl Class {
    const fn of(status: u16) -> Self {
        match status {
            100..=199 => Self::Information,
            200..=299 => Self::Success,
            300..=399 => Self::Redirection,
            400..=499 => Self::ClientError,
            _ => Self::ServerError,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Information => "1xx",
            Self::Success => "2xx",
            Self::Redirection => "3xx",
            Self::ClientError => "4xx",
            Self::ServerError => "5xx",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_public() {
        insta::assert_snapshot!(sampled().text());
    }

    /// Metrics of which each has a sample.
    fn sampled() -> Metrics {
        let metrics = Metrics::default();
        metrics.count(&Outcome {
            virtual_proxy: "jwt",
            status: 401,
            reason: Some(Reason::TokenExpired),
            total: Duration::from_millis(3),
        });
        metrics.key_set_fetched(
            "https://a.example.com/jwks",
            "changed",
            Some(UnixTime(5)),
            2,
        );
        metrics.key_set_fetched("https://b.example.com/jwks", "changed", None, 0);
        metrics.connection_refused("total");
        metrics.key_set_removed("https://b.example.com/jwks");
        metrics.certificate_served("server.pem".to_owned(), UnixTime(7));
        metrics.node_is_up("engine-1", "/app", true);
        metrics.node_ejected("engine-1", "/app");
        metrics.node_is_up("engine-2", "/app", false);
        metrics.node_removed("engine-2", "/app");
        metrics
    }

    #[test]
    fn virtual_proxies_beyond_a_number_are_counted_together() {
        let metrics = Metrics::default();
        let names: Vec<String> = (0..MAX_VIRTUAL_PROXIES + 50)
            .map(|n| format!("p{n}"))
            .collect();
        for name in names.iter().chain(&names) {
            metrics.count(&Outcome {
                virtual_proxy: name,
                status: 200,
                reason: None,
                total: Duration::ZERO,
            });
        }
        let text = metrics.text();
        let requests = |line: &&str| line.starts_with("jotgate_requests_total{");
        let lines: Vec<&str> = text.lines().filter(requests).collect();
        assert_eq!(lines.len(), MAX_VIRTUAL_PROXIES + 1);
        let others = lines.iter().find(|line| line.contains("(others)")).unwrap();
        assert!(others.ends_with(" 100"), "{others}");
    }

    /// Names and types, in the order of the text.
    fn families(text: &str) -> Vec<(String, String)> {
        let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        types
            .filter_map(|line| line.split_once(' '))
            .map(|(name, kind)| (name.to_owned(), kind.to_owned()))
            .collect()
    }

    #[test]
    fn the_manual_explains_every_metric() {
        let manual = include_str!("../../../docs/manual/metrics.md");
        let rows = manual.lines().filter_map(|line| {
            let mut cells = line.split('|').map(str::trim).skip(1);
            let name = cells.next()?.strip_prefix('`')?.strip_suffix('`')?;
            Some((name.to_owned(), cells.next()?.to_owned()))
        });
        let mut explained: Vec<_> = rows.collect();
        let mut real = families(&sampled().text());
        explained.sort();
        real.sort();
        assert_eq!(explained, real);
    }
}
