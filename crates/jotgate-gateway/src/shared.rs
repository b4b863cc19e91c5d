//! What all workers share.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use http::HeaderValue;
use jotgate_keys::KeyRing;
use jotgate_model::{Identity, Network, People, Snapshot};
use jotgate_observe::{AccessLog, Feed, Metrics, Traces};
use jotgate_policy::admit::OwnNames;
use jotgate_policy::csrf::CsrfKey;
use jotgate_policy::sign_in::StateKey;
use jotgate_session::Sessions;
use tokio::runtime::Handle;

use crate::anonymous::Passers;
use crate::api_key::ApiKeyHandler;
use crate::drain::{Drain, Leaving};
use crate::local_sign_in::LocalSignIn;
use crate::management_side::{ManagementSide, RefusedUser};
use crate::occupancy::Occupancy;
use crate::prefixed_administration::AdministrationHandler;
use crate::rates::Rates;
use crate::sign_ins::SignIns;
use crate::upstream::Backends;

/// The settings of the process that concern requests.
#[derive(Clone, Debug)]
pub struct GatewaySettings {
    /// How long the head of a request may take: then 408.
    pub header_timeout: Duration,
    /// How long a body may pause: then 408.
    pub body_timeout: Duration,
    /// How long a backend may take to answer: then 504.
    pub response_timeout: Duration,
    /// How long a connection to a backend may take, TLS included: then 504.
    pub connect_timeout: Duration,
    /// How long a connection may wait for its next request: then it is closed.
    pub idle_timeout: Duration,
    /// The largest head of a request: then 431.
    pub max_header_bytes: usize,
    /// The largest body of a request; nothing for any size: then 413.
    pub max_body_bytes: Option<u64>,
    /// Connections of clients in all: then they are closed at once.
    pub max_connections: usize,
    /// Connections of one address; nothing for any number.
    pub max_connections_per_address: Option<usize>,
    /// Whose `X-Forwarded-*` count.
    pub trusted_proxies: Vec<Network>,
    /// Whether connections of trusted proxies begin with a PROXY header.
    pub proxy_protocol: bool,
    /// How many workers there are.
    pub workers: usize,
    /// The `Strict-Transport-Security` of every answer over TLS.
    pub strict_transport: Option<HeaderValue>,
    /// The port of the HTTPS addresses to which requests over plain HTTP are sent; nothing: they
    /// are served.
    pub https_port: Option<u16>,
}

/// What the request path asks.
pub struct Stores {
    /// The configuration.
    pub snapshot: Arc<ArcSwap<Snapshot>>,
    /// The keys.
    pub keys: Arc<KeyRing>,
    /// The sessions.
    pub sessions: Sessions,
    /// What the management side answers for.
    pub management: ManagementSide,
    /// The key that CSRF tokens and sign-in states are made with; the fleet shares it.
    pub cluster_key: [u8; 32],
    /// The access log.
    pub access_log: AccessLog,
    /// The live feed.
    pub feed: Feed,
    /// The traces.
    pub traces: Traces,
    /// The metrics.
    pub metrics: Metrics,
}

/// Everything that requests of all workers use.
pub struct Shared {
    settings: ArcSwap<GatewaySettings>,
    pub(crate) snapshot: Arc<ArcSwap<Snapshot>>,
    pub(crate) keys: Arc<KeyRing>,
    pub(crate) sessions: Sessions,
    pub(crate) people: Arc<ArcSwap<People>>,
    pub(crate) signed_in: Box<dyn Fn(&Identity) -> bool + Send + Sync>,
    pub(crate) local: Box<dyn LocalSignIn>,
    pub(crate) refused_administration: Box<RefusedUser>,
    pub(crate) administration: Box<AdministrationHandler>,
    pub(crate) api_keys: Box<ApiKeyHandler>,
    pub(crate) sign_ins: SignIns,
    pub(crate) passers: Passers,
    pub(crate) rates: Rates,
    pub(crate) occupancy: Occupancy,
    pub(crate) csrf: CsrfKey,
    pub(crate) states: StateKey,
    pub(crate) own_names: ArcSwap<OwnNames>,
    pub(crate) backends: Backends,
    pub(crate) access_log: AccessLog,
    pub(crate) feed: Feed,
    pub(crate) traces: Traces,
    pub(crate) metrics: Metrics,
    /// The runtime for what must not hold a worker up, or must be finished when its client has gone.
    pub(crate) background: Handle,
    pub(crate) drain: Drain,
    ready: AtomicBool,
}

impl Shared {
    /// Puts the data plane together. `background` is the runtime of the management side.
    #[must_use]
    pub fn new(
        settings: GatewaySettings,
        stores: Stores,
        own_names: OwnNames,
        background: Handle,
    ) -> Arc<Self> {
        Arc::new(Self {
            backends: Backends::new(settings.workers),
            settings: ArcSwap::from_pointee(settings),
            snapshot: stores.snapshot,
            keys: stores.keys,
            sessions: stores.sessions,
            people: stores.management.people,
            signed_in: stores.management.signed_in,
            local: stores.management.local,
            refused_administration: stores.management.refused,
            administration: stores.management.administration,
            api_keys: stores.management.api_keys,
            sign_ins: SignIns::default(),
            passers: Passers::default(),
            rates: Rates::default(),
            occupancy: Occupancy::default(),
            csrf: CsrfKey::new(&stores.cluster_key),
            states: StateKey::new(&stores.cluster_key),
            own_names: ArcSwap::from_pointee(own_names),
            access_log: stores.access_log,
            feed: stores.feed,
            traces: stores.traces,
            metrics: stores.metrics,
            background,
            drain: Drain::default(),
            ready: AtomicBool::new(false),
        })
    }

    /// What holds now. Not to be kept while something is awaited.
    pub(crate) fn settings(&self) -> Guard<Arc<GatewaySettings>> {
        self.settings.load()
    }

    /// Replaces the settings. Requests and connections that have begun keep theirs; the number of
    /// workers does not change.
    pub fn set_settings(&self, settings: GatewaySettings) {
        self.settings.store(Arc::new(settings));
    }

    /// From now on `/readyz` answers 200.
    pub fn set_ready(&self) {
        self.ready.store(true, Ordering::Release);
    }

    /// Whether requests are served and no drain has begun.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire) && !self.drain.is_leaving()
    }

    /// Replaces the gateway's own names, after a certificate has changed.
    pub fn set_own_names(&self, names: OwnNames) {
        self.own_names.store(Arc::new(names));
    }

    /// Writes the last lines of the access log. To be called when nothing is served any more.
    pub fn close_access_log(&self) {
        self.access_log.close();
    }

    /// Leaves as `plan` says. To be called again to make haste: the call before is to be dropped.
    pub async fn leave(&self, plan: Leaving) {
        self.drain.leave(plan).await;
    }
}

/// Nothing of it is for a log.
impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
