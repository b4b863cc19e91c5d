//! `jotgate serve`: from settings to traffic, and back.
//!
//! Everything that can fail is done before the first request is answered: settings, data directory,
//! certificates, ports, configuration, sessions. Requests have their own threads; everything else
//! (management, the journal's writer, sweeping, certificates) shares the runtime made here.

mod administration;
mod given;
mod predecessor;
mod served;
mod sockets;
mod traces;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use jotgate_gateway::{
    Leaving, ServerCertificates, Shared, Stores, Workers, check_backends, close_refused_sockets,
    sweep_sessions,
};
use jotgate_keys::{KeyRing, SourceEvent};
use jotgate_manage::{Management, NewSite};
use jotgate_model::entity::ServiceConfig;
use jotgate_model::{People, Snapshot};
use jotgate_observe::{
    AccessLog, AccessLogTarget, Feed, FeedLimits, LogFormat, Metrics, start_logging,
};
use jotgate_policy::admit::OwnNames;
use jotgate_session::Sessions;
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::{Builder, Runtime};

use crate::audit_trail::open_repository;
use crate::certificates::{Certificates, load_pair, names_of, valid_until};
use crate::cluster_key::cluster_key;
use crate::commands::admin::set_up_link;
use crate::commands::now;
use crate::data_directory::{DataDirectory, Listeners};
use crate::exit::{Exit, Failure, print};
use crate::handover::{self, Offer, systemd};
use crate::settings::{self, Database, SessionStore, SettingError, Settings};
use crate::signals::{Asked, Signals};

use administration::{backups, live_side, management_side};
use served::{Served, leaving};
use sockets::Sockets;
use traces::TraceExport;

/// `jotgate serve --check`: whether the settings, and the files that they name, are good.
pub(crate) fn check(settings: &Settings) -> Result<ExitCode, Failure> {
    refuse_unserved(settings)?;
    check_pairs(settings)?;
    print("jotgate: the settings are good\n")?;
    Ok(Exit::Done.into())
}

/// Whether the certificates that settings name can be served: before anything is made or opened.
fn check_pairs(settings: &Settings) -> Result<(), Failure> {
    for pair in &settings.tls {
        load_pair(&pair.certificate, &pair.key)?;
    }
    Ok(())
}

/// `jotgate serve`. `again` reads the settings once more, for SIGHUP.
pub(crate) fn serve(
    settings: &Settings,
    take_over: bool,
    again: impl Fn() -> Result<Settings, SettingError>,
) -> Result<ExitCode, Failure> {
    let gateway = Gateway::start(settings, backend_services(settings), take_over)?;
    tell(&gateway.greeting());
    if let Some(invitation) = gateway.invitation()? {
        tell(&invitation);
    }
    gateway.run(again)
}

/// Says something to whoever started the gateway. That nobody listens is no reason not to serve.
pub(crate) fn tell(text: &str) {
    if let Err(failure) = print(text) {
        tracing::warn!(%failure, "nobody can be told");
    }
}

/// A gateway that serves.
pub(crate) struct Gateway {
    runtime: Runtime,
    pub(crate) directory: DataDirectory,
    pub(crate) certificates: Certificates,
    pub(crate) management: Management,
    pub(crate) listeners: Listeners,
    shared: Arc<Shared>,
    server: Arc<ServerCertificates>,
    workers: Workers,
    sessions: Sessions,
    signals: Signals,
    trace_export: Option<TraceExport>,
    sockets: Sockets,
    /// Where a process asks that is to take over.
    upgrade_socket: Option<UnixListener>,
    served: Served,
    leaving: Leaving,
}

impl Gateway {
    /// Starts everything. `node_services` are the backends of a new site. With `take_over` the
    /// gateway that runs on the same data directory is replaced, as the last step.
    pub(crate) fn start(
        settings: &Settings,
        node_services: Vec<ServiceConfig>,
        take_over: bool,
    ) -> Result<Self, Failure> {
        refuse_unserved(settings)?;
        let format = match settings.log_format {
            settings::LogFormat::Json => LogFormat::Json,
            settings::LogFormat::Text => LogFormat::Text,
        };
        start_logging(&settings.log, format)
            .map_err(|error| Failure::new(Exit::BadSetting, format!("--log: {error}")))?;
        check_pairs(settings)?;
        let (mut directory, given, predecessor) = predecessor::find(&settings.data_dir, take_over)?;
        let certificates = Certificates::open(&directory, &settings.public_hosts, now())?;
        let server = ServerCertificates::load(tls_pairs(settings, &certificates))
            .map_err(|error| Failure::new(Exit::BadSetting, error.to_string()))?;
        let sockets = Sockets::open(settings, given)?;
        let listeners = sockets.addresses()?;
        let access_log = AccessLog::open(&access_log_target(settings)).map_err(|error| {
            Failure::new(
                Exit::BadSetting,
                format!("--access-log cannot be written ({error})"),
            )
        })?;

        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("management")
            .enable_all()
            .build()
            .map_err(|error| {
                Failure::new(Exit::Fault, format!("threads cannot be started ({error})"))
            })?;
        let entered = runtime.enter();
        let signals = Signals::listen()?;
        let snapshot = Arc::new(ArcSwap::from_pointee(Snapshot::empty()));
        let metrics = Metrics::default();
        metrics.started.set(now().0);
        let keys = Arc::new(key_ring(&runtime, &metrics));
        let standing = Arc::new(OnceLock::new());
        let (sessions, management) = runtime.block_on(open_stores(
            settings,
            &directory,
            publisher(&snapshot, &keys, &standing),
            node_services,
        ))?;
        drop(standing.set((sessions.clone(), management.people())));
        let revocations = management.use_keys(keys.clone(), jotgate_gateway::timestamp());
        runtime
            .block_on(revocations)
            .map_err(|error| Failure::new(Exit::DataDirectory, error.to_string()))?;
        let feed = feed(settings);
        let (traces, trace_export) = TraceExport::start(settings, &metrics);
        let overlap = runtime.block_on(predecessor.begin_overlap(&sessions, &management))?;
        let cluster_key = *cluster_key(settings.cluster_key.as_ref(), &directory)?;
        let stores = Stores {
            snapshot,
            keys,
            sessions: sessions.clone(),
            management: management_side(&management, &cluster_key),
            cluster_key,
            access_log,
            feed: feed.clone(),
            traces,
            metrics,
        };
        let served = Served {
            metrics: stores.metrics.clone(),
            https_port: listeners.gateway.first().map(SocketAddr::port),
        };
        let shared = Shared::new(
            served.settings(settings),
            stores,
            own_names(settings, &certificates, &served.metrics)?,
            runtime.handle().clone(),
        );
        management.use_live(live_side(&shared, feed));
        let backups = backups(&management, directory.path());
        sockets.administration(&certificates, &management, backups.clone())?;
        if predecessor.is_there() {
            // Whoever asks the sockets that both have must not be told that nobody is ready.
            shared.set_ready();
        }
        sockets.observability(&shared)?;
        runtime.spawn(sweep_sessions(shared.clone()));
        runtime.spawn(check_backends(shared.clone()));
        let workers = Workers::start(&shared, &sockets.gateway, &server).map_err(|error| {
            Failure::new(
                Exit::Fault,
                format!("the gateway's threads cannot be started ({error})"),
            )
        })?;
        runtime.spawn(watch_certificates(
            settings.clone(),
            certificates.clone(),
            server.clone(),
            shared.clone(),
            served.metrics.clone(),
        ));
        directory.write_listeners(&listeners)?;
        predecessor.replace(&mut directory, overlap);
        sockets.control(&directory, &management, backups);
        let upgrade_socket = open_upgrade_socket(&directory);
        drop(entered);
        Ok(Self {
            runtime,
            directory,
            certificates,
            management,
            listeners,
            shared,
            server,
            workers,
            sessions,
            signals,
            trace_export,
            sockets,
            upgrade_socket,
            served,
            leaving: leaving(settings),
        })
    }

    /// Runs `task` on the management runtime and waits for it.
    pub(crate) fn block_on<T>(&self, task: impl Future<Output = T>) -> T {
        self.runtime.block_on(task)
    }

    /// Runs `task` beside everything else.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(task);
    }

    /// Serves until the process is told to stop, then drains.
    pub(crate) fn run(
        mut self,
        again: impl Fn() -> Result<Settings, SettingError>,
    ) -> Result<ExitCode, Failure> {
        self.shared.set_ready();
        systemd::ready();
        let handle = self.runtime.handle().clone();
        handle.block_on(async {
            let successor = self.until_told_to_leave(&again).await;
            let plan = match &successor {
                None => {
                    systemd::stopping();
                    self.leaving
                }
                Some(_) => {
                    self.directory.pass_on();
                    self.sockets.stop_everything();
                    self.leaving.beside_another()
                }
            };
            tracing::info!("draining");
            self.sockets.close();
            let stopped_again = async { while self.signals.next().await != Asked::Stop {} };
            let left = async {
                tokio::select! {
                    biased;
                    () = self.shared.leave(plan) => {}
                    // Whoever asks twice does not want to wait.
                    () = stopped_again => self.shared.leave(Leaving::NOW).await,
                }
            };
            let told = async {
                match successor {
                    Some(successor) => Some(handover::say_leaving(successor).await),
                    None => None,
                }
            };
            // In this order: when it is said, connections end with their next answer already.
            let ((), _successor) = tokio::join!(biased; left, told);
            self.sockets.finish_administration().await;
            if let Err(error) = self.sessions.close().await {
                tracing::error!(%error, "the last activity of sessions was not written");
            }
            self.management.close().await;
        });
        self.workers.join();
        self.shared.close_access_log();
        if let Some(export) = self.trace_export {
            handle.block_on(export.finish());
        }
        self.runtime
            .shutdown_timeout(std::time::Duration::from_secs(1));
        Ok(Exit::Done.into())
    }

    /// Serves until a signal asks to stop, or another process has taken over: then gives the
    /// connection to it, which tells it when this one has ended.
    async fn until_told_to_leave(
        &mut self,
        again: &impl Fn() -> Result<Settings, SettingError>,
    ) -> Option<UnixStream> {
        let offer = self.upgrade_socket.take().map(|listener| {
            let offer = self.offer()?;
            Ok::<_, std::io::Error>((offer, listener))
        });
        let taken = async move {
            match offer.transpose() {
                Ok(Some((offer, listener))) => return offer.taken(listener).await,
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "the sockets cannot be offered to another process")
                }
            }
            std::future::pending().await
        };
        let mut taken = Box::pin(taken);
        loop {
            tokio::select! {
                asked = self.signals.next() => match asked {
                    Asked::Reload => self.reload(again),
                    Asked::Stop => return None,
                },
                successor = &mut taken => return Some(successor),
            }
        }
    }

    /// What another process gets that is to take over.
    fn offer(&self) -> std::io::Result<Offer> {
        Ok(Offer {
            lock: self.directory.lock()?,
            sockets: self.sockets.copies()?,
            sessions: self.sessions.clone(),
            management: self.management.clone(),
        })
    }

    /// SIGHUP: certificates, limits, timeouts and trusted proxies are read again. What is wrong is
    /// said in the log, and what was there before goes on.
    fn reload(&mut self, again: &impl Fn() -> Result<Settings, SettingError>) {
        systemd::reloading();
        match self.server.reload() {
            Ok(()) => tracing::info!("the certificates have been read again"),
            Err(error) => {
                self.served.metrics.certificate_reload_failures.inc();
                tracing::error!(%error, "the certificate is not served; the one before goes on");
            }
        }
        match again() {
            Ok(settings) => {
                self.leaving = leaving(&settings);
                self.shared.set_settings(self.served.settings(&settings));
                tracing::info!(
                    "limits, timeouts and trusted proxies have been read again; other settings need a restart"
                );
            }
            Err(error) => tracing::error!(%error, "the settings are not used; those before go on"),
        }
        systemd::ready();
    }

    /// The address of the gateway on this machine.
    pub(crate) fn base(&self) -> String {
        let port = self
            .listeners
            .gateway
            .first()
            .map_or(8443, SocketAddr::port);
        format!("https://localhost:{port}")
    }

    /// While there is no administrator: the link that makes one. Each start makes a new one.
    fn invitation(&self) -> Result<Option<String>, Failure> {
        if !self.management.needs_administrator() {
            return Ok(None);
        }
        let making = self
            .management
            .make_set_up_secret(jotgate_gateway::timestamp());
        let secret = self
            .block_on(making)
            .map_err(|error| Failure::new(Exit::DataDirectory, error.to_string()))?;
        let link = set_up_link(&self.base(), secret.expose());
        Ok(Some(format!(
            "There is no administrator yet. This link makes one, once, within an hour:\n{link}\n"
        )))
    }

    /// Where it serves.
    fn greeting(&self) -> String {
        let certificates = self.directory.certificates();
        let gateway: Vec<String> = self
            .listeners
            .gateway
            .iter()
            .map(|address| format!("https://{address}"))
            .collect();
        format!(
            "Jotgate serves {gateway}\n\
             QRS: https://{qrs}/qrs/ for {certificates}/client.pem\n\
             Health and metrics: http://{observe}/readyz\n",
            gateway = gateway.join(", "),
            qrs = self.listeners.qrs,
            observe = self.listeners.observe,
            certificates = certificates.display(),
        )
    }
}

/// Without it everything works but `--take-over`.
fn open_upgrade_socket(directory: &DataDirectory) -> Option<UnixListener> {
    let path = DataDirectory::upgrade_socket(directory.path());
    handover::listen(&path)
        .inspect_err(|error| {
            let path = path.display();
            tracing::warn!(%error, %path, "no other process can take over from this one");
        })
        .ok()
}

/// Settings that are understood but not served yet.
fn refuse_unserved(settings: &Settings) -> Result<(), Failure> {
    let refuse = |sentence: &str| Err(Failure::new(Exit::BadSetting, sentence));
    if matches!(settings.database, Database::Postgres(_)) {
        return refuse(
            "--database-url: PostgreSQL is not supported yet; leave it out to use SQLite in the data directory",
        );
    }
    if matches!(settings.session_store, SessionStore::Redis(_)) {
        return refuse(
            "--session-store-url: Redis is not supported yet; leave it out to keep sessions in memory and in the data directory",
        );
    }
    Ok(())
}

/// The keys, and what is counted about their sources.
fn key_ring(runtime: &Runtime, metrics: &Metrics) -> KeyRing {
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
type Standing = OnceLock<(Sessions, Arc<ArcSwap<People>>)>;

/// What every new snapshot goes through: its keys are compiled, it is served, and sockets of users
/// whom it does not let in are closed.
fn publisher(
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

async fn open_stores(
    settings: &Settings,
    directory: &DataDirectory,
    publish: impl Fn(Arc<Snapshot>) + Send + Sync + 'static,
    node_services: Vec<ServiceConfig>,
) -> Result<(Sessions, Management), Failure> {
    let in_directory = |sentence: String| Failure::new(Exit::DataDirectory, sentence);
    let repository = open_repository(directory.path()).await?;
    let sessions = Sessions::open(&directory.path().join("sessions.db"), now())
        .await
        .map_err(|error| in_directory(error.to_string()))?;
    let site = NewSite {
        host_name: settings
            .public_hosts
            .first()
            .cloned()
            .unwrap_or_else(|| "localhost".to_owned()),
        node_services,
        now: jotgate_gateway::timestamp(),
    };
    let management = Management::start(repository, sessions.clone(), publish, site)
        .await
        .map_err(|error| in_directory(error.to_string()))?;
    Ok((sessions, management))
}

/// The node of a new default virtual proxy, when `--backend` names one.
fn backend_services(settings: &Settings) -> Vec<ServiceConfig> {
    let service = |uri: &String| ServiceConfig {
        path: "/".to_owned(),
        uri: uri.clone(),
        ..Default::default()
    };
    settings.backend.iter().map(service).collect()
}

fn tls_pairs(
    settings: &Settings,
    certificates: &Certificates,
) -> Vec<(std::path::PathBuf, std::path::PathBuf)> {
    let own = certificates.server();
    let given = settings
        .tls
        .iter()
        .map(|pair| (pair.certificate.clone(), pair.key.clone()));
    let mut pairs: Vec<_> = given.collect();
    if pairs.is_empty() {
        pairs.push((own.certificate, own.key));
    }
    pairs
}

/// The names in the served certificates and the configured ones. Also notes when the certificates end.
fn own_names(
    settings: &Settings,
    certificates: &Certificates,
    metrics: &Metrics,
) -> Result<OwnNames, Failure> {
    let mut names = settings.public_hosts.clone();
    for (certificate, key) in tls_pairs(settings, certificates) {
        let (chain, _) = load_pair(&certificate, &key)?;
        let Some(first) = chain.first() else { continue };
        names.extend(names_of(first));
        metrics.certificate_served(certificate.display().to_string(), valid_until(first)?);
    }
    Ok(OwnNames::new(names))
}

async fn watch_certificates(
    settings: Settings,
    certificates: Certificates,
    server: Arc<ServerCertificates>,
    shared: Arc<Shared>,
    metrics: Metrics,
) {
    let tried = |served: bool| {
        if !served {
            metrics.certificate_reload_failures.inc();
            return;
        }
        match own_names(&settings, &certificates, &metrics) {
            Ok(names) => shared.set_own_names(names),
            Err(error) => {
                tracing::error!(%error, "the names of the changed certificates cannot be read")
            }
        }
    };
    server.watch(tried).await;
}

fn access_log_target(settings: &Settings) -> AccessLogTarget {
    match &settings.access_log {
        settings::AccessLog::File(path) => AccessLogTarget::File(path.clone()),
        settings::AccessLog::Off => AccessLogTarget::Off,
        settings::AccessLog::StandardOutput => AccessLogTarget::StandardOutput,
    }
}

fn feed(settings: &Settings) -> Feed {
    let limits = FeedLimits {
        entries: size(settings.feed_entries),
        bytes: size(settings.feed_bytes),
    };
    Feed::new(limits, settings.worker_threads)
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
