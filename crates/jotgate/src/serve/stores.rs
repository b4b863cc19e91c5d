//! What a gateway keeps, where the settings say: keys, configuration, sessions.

use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use jotgate_gateway::close_refused_sockets;
use jotgate_keys::{KeyRing, SourceEvent};
use jotgate_manage::{Management, NewSite};
use jotgate_model::entity::ServiceConfig;
use jotgate_model::{People, Snapshot};
use jotgate_observe::Metrics;
use jotgate_session::{Sessions, SharedStore};
use tokio::runtime::Runtime;

use crate::audit_trail::open_repository;
use crate::commands::now;
use crate::data_directory::DataDirectory;
use crate::exit::{Exit, Failure};
use crate::fleet;
use crate::serve::key_shelf::KeyShelf;
use crate::settings::{Database, SessionStore, Settings};

/// The keys, and what is counted about their sources.
pub(super) fn key_ring(runtime: &Runtime, metrics: &Metrics) -> KeyRing {
    let metrics = metrics.clone();
    KeyRing::new(runtime.handle().clone(), move |event| match *event {
        SourceEvent::Fetched {
            source,
            outcome,
            last_success,
            keys,
        } => metrics.key_set_fetched(source, outcome, last_success, keys),
        SourceEvent::Removed { source } => metrics.key_set_removed(source),
    })
}

/// The sessions, and the users of whom more is known.
pub(super) type Standing = OnceLock<(Sessions, Arc<ArcSwap<People>>)>;

/// What every new snapshot goes through: its keys are compiled, it is served, and sockets of users
/// whom it does not let in are closed.
pub(super) fn publisher(
    snapshot: &Arc<ArcSwap<Snapshot>>,
    keys: &Arc<KeyRing>,
    standing: &Arc<Standing>,
) -> impl Fn(Arc<Snapshot>) + Send + Sync + 'static {
    let (snapshot, keys, standing) = (snapshot.clone(), keys.clone(), standing.clone());
    move |next| {
        keys.prepare(&next);
        snapshot.store(next.clone());
        if let Some((sessions, people)) = standing.get() {
            close_refused_sockets(sessions, &next, &people.load());
        }
    }
}

/// Configuration and sessions, each in the place that the settings name.
pub(super) async fn open_stores(
    settings: &Settings,
    directory: &DataDirectory,
    cluster_key: &[u8; 32],
    keys: &KeyRing,
    publish: impl Fn(Arc<Snapshot>) + Send + Sync + 'static,
    node_services: Vec<ServiceConfig>,
) -> Result<(Sessions, Management), Failure> {
    let in_directory = |sentence: String| Failure::new(Exit::DataDirectory, sentence);
    let (repository, proxy) = match &settings.database {
        Database::DataDirectory => (open_repository(directory.path()).await?, None),
        Database::Postgres(url) => {
            let joined = fleet::join(directory.path(), url, cluster_key).await?;
            (joined.repository, Some(joined.proxy))
        }
    };
    let sessions = match &settings.session_store {
        SessionStore::Memory => Sessions::open(&directory.path().join("sessions.db"), now()).await,
        SessionStore::Redis(url) => {
            Sessions::open_shared(&SharedStore {
                url: String::from_utf8_lossy(url.expose()).into_owned().into(),
                ca: settings.session_store_ca.clone(),
                cluster_key: cluster_key.to_vec().into(),
                lease: settings.session_lease,
            })
            .await
        }
    };
    let sessions = sessions.map_err(|error| in_directory(error.to_string()))?;
    if sessions.is_shared() {
        keys.share(Arc::new(KeyShelf(sessions.clone())));
    }
    let site = NewSite {
        host_name: settings
            .public_hosts
            .first()
            .cloned()
            .unwrap_or_else(|| "localhost".to_owned()),
        node_services,
        now: jotgate_gateway::timestamp(),
        proxy,
    };
    let management = Management::start(repository, sessions.clone(), publish, site)
        .await
        .map_err(|error| in_directory(error.to_string()))?;
    Ok((sessions, management))
}
