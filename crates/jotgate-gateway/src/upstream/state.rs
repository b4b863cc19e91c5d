//! What the workers know together of each backend: its health, its load, its connections.
//!
//! A node that was edited is another node: nothing is held against it, and nothing of the old one is
//! used for it.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Instant;

use hashbrown::HashMap;
use jotgate_model::{Node, Service, Timestamp};
use jotgate_observe::Metrics;
use jotgate_policy::health::{Failure, Health, Verdict, WHOLE};
use jotgate_policy::select::Standing;
use parking_lot::Mutex;
use rustls::ClientConfig;
use tokio::sync::Notify;

use super::places::Places;
use super::roots;

/// A service, and what is known of it.
type KnownState = (Weak<Service>, Arc<BackendState>);

/// What connections to backends of all workers share.
pub(crate) struct Backends {
    /// By the address of the service, which no other service can have while the weak reference is here.
    states: Mutex<HashMap<usize, KnownState>>,
    /// Told when somebody waits for a connection that another worker may keep idle.
    pub(super) hungry: Notify,
    started: Instant,
    workers: usize,
}

/// One service of one node.
pub(crate) struct BackendState {
    /// [`Verdict`], where requests read it without a lock.
    down_until: AtomicU64,
    back_since: AtomicU64,
    /// Whether a good answer must be noted.
    suspect: AtomicBool,
    known: Mutex<Known>,
    /// Requests and WebSockets of each worker.
    load: Box<[Slot]>,
    pub(super) places: Places,
    tls: OnceLock<Result<Arc<ClientConfig>, String>>,
}

/// A counter that shares its cache line with nothing.
#[derive(Default)]
#[repr(align(128))]
struct Slot(AtomicI32);

struct Known {
    health: Health,
    /// When it was first asked.
    first: Timestamp,
    /// When it was last found down.
    down_since: Timestamp,
    last_error: Option<Box<str>>,
}

/// A backend's health for those who administer it.
pub(super) struct Described {
    pub(super) verdict: Verdict,
    pub(super) first: Timestamp,
    pub(super) down_since: Timestamp,
    pub(super) last_error: Option<String>,
}

impl Backends {
    /// For that many workers.
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            states: Mutex::default(),
            hungry: Notify::new(),
            started: Instant::now(),
            workers: workers.max(1),
        }
    }

    /// Milliseconds, from 1, for [`Health`].
    pub(super) fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).map_or(u64::MAX, |now| now + 1)
    }

    /// The state of that service. Workers keep it: this takes a lock.
    pub(super) fn state(&self, node: &Node, service: &Arc<Service>) -> Arc<BackendState> {
        let mut states = self.states.lock();
        let key = Arc::as_ptr(service).addr();
        if let Some((_, state)) = states.get(&key) {
            return state.clone();
        }
        states.retain(|_, (service, _)| service.strong_count() > 0);
        let state = Arc::new(BackendState::new(node, self.workers));
        states.insert(key, (Arc::downgrade(service), state.clone()));
        state
    }
}

impl BackendState {
    fn new(node: &Node, workers: usize) -> Self {
        Self {
            down_until: AtomicU64::new(0),
            back_since: AtomicU64::new(0),
            suspect: AtomicBool::new(false),
            known: Mutex::new(Known {
                health: Health::default(),
                first: crate::timestamp(),
                down_since: Timestamp::NEVER,
                last_error: None,
            }),
            load: (0..workers).map(|_| Slot::default()).collect(),
            places: Places::new(node.max_connections),
            tls: OnceLock::new(),
        }
    }

    /// How TLS connections are made, with a memory of TLS sessions of its own: what was agreed with
    /// one client certificate is never resumed with another.
    pub(super) fn tls(&self, node: &Node) -> Result<Arc<ClientConfig>, String> {
        self.tls
            .get_or_init(|| roots::client_config(&node.tls))
            .clone()
    }

    fn verdict(&self) -> Verdict {
        Verdict {
            down_until: self.down_until.load(Ordering::Relaxed),
            back_since: self.back_since.load(Ordering::Relaxed),
        }
    }

    /// What select needs to know; the load only `with_load`. The clock is read only while something
    /// is or was against it.
    pub(super) fn standing(&self, backends: &Backends, with_load: bool) -> Standing {
        let verdict = self.verdict();
        let load = if with_load { self.load() } else { 0 };
        if verdict == Verdict::default() {
            return Standing {
                down: false,
                share: WHOLE,
                load,
            };
        }
        let now = backends.now();
        Standing {
            down: verdict.is_down(now),
            share: verdict.share(now),
            load,
        }
    }

    fn load(&self) -> u32 {
        let sum = self.load.iter().fold(0_i32, |sum, slot| {
            sum.wrapping_add(slot.0.load(Ordering::Relaxed))
        });
        u32::try_from(sum).unwrap_or(0)
    }

    /// Counts a request of that worker, by `step`.
    pub(super) fn add_load(&self, worker: usize, step: i32) {
        self.load[worker % self.load.len()]
            .0
            .fetch_add(step, Ordering::Relaxed);
    }

    /// Notes that a request was answered well.
    pub(super) fn note_success(&self) {
        if self.suspect.load(Ordering::Relaxed) {
            let mut known = self.known.lock();
            known.health.succeeded();
            self.publish(&known.health);
        }
    }

    /// Notes that a request failed.
    pub(super) fn note_failure(
        &self,
        (node, service): (&Node, &Service),
        failure: Failure,
        error: &str,
        backends: &Backends,
        metrics: &Metrics,
    ) {
        let mut known = self.known.lock();
        known.last_error = Some(shortened(error));
        let now = backends.now();
        let ejected = known.health.failed(failure, now);
        if ejected {
            known.down_since = crate::timestamp();
        }
        self.publish(&known.health);
        let passed_over = known.health.verdict().down_until.saturating_sub(now);
        drop(known);
        if ejected {
            metrics.node_ejected(&node.name, service_label(service));
            tracing::warn!(
                node = &*node.name,
                service = service_label(service),
                error,
                milliseconds = passed_over,
                "a node is passed over"
            );
        }
    }

    /// Notes a check: nothing, or why it did not pass.
    pub(super) fn note_check(
        &self,
        (node, service): (&Node, &Service),
        result: Result<(), &str>,
        backends: &Backends,
    ) {
        let mut known = self.known.lock();
        if let Err(error) = result {
            known.last_error = Some(shortened(error));
        }
        let changed = known.health.checked(result.is_ok(), backends.now());
        if changed && result.is_err() {
            known.down_since = crate::timestamp();
        }
        self.publish(&known.health);
        drop(known);
        let (name, path) = (&*node.name, service_label(service));
        match result {
            Ok(()) if changed => tracing::info!(node = name, service = path, "a node is up again"),
            Err(error) if changed => {
                tracing::warn!(
                    node = name,
                    service = path,
                    error,
                    "a node fails its checks"
                );
            }
            _ => {}
        }
    }

    fn publish(&self, health: &Health) {
        let verdict = health.verdict();
        self.down_until.store(verdict.down_until, Ordering::Relaxed);
        self.back_since.store(verdict.back_since, Ordering::Relaxed);
        self.suspect.store(health.is_suspect(), Ordering::Relaxed);
    }

    pub(super) fn describe(&self) -> Described {
        let known = self.known.lock();
        Described {
            verdict: known.health.verdict(),
            first: known.first,
            down_since: known.down_since,
            last_error: known.last_error.as_deref().map(str::to_owned),
        }
    }
}

/// The path of a service as administrators write it.
pub(super) fn service_label(service: &Service) -> &str {
    if service.path.is_empty() {
        "/"
    } else {
        &service.path
    }
}

/// Errors are sentences; what is longer came from elsewhere.
fn shortened(error: &str) -> Box<str> {
    error.chars().take(500).collect()
}
