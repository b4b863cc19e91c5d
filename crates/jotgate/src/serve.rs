//! `jotgate serve`: from settings to traffic, and back.
//!
//! Everything that can fail is done before the first request is answered: settings, data directory,
//! certificates, ports, configuration, sessions. Requests have their own threads; everything else
//! (management, the journal's writer, sweeping, certificates) shares the runtime made here.

mod administration;
mod given;
mod key_shelf;
mod names;
mod predecessor;
mod process;
mod served;
mod sockets;
mod stores;
mod traces;

use std::net::SocketAddr;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use jotgate_gateway::{
    Leaving, ServerCertificates, Shared, Stores, Workers, check_backends, sweep_sessions,
};
use jotgate_manage::Management;
use jotgate_model::Snapshot;
use jotgate_model::entity::ServiceConfig;
use jotgate_observe::{
    AccessLog, AccessLogTarget, Feed, FeedLimits, History, LogFormat, Metrics, start_logging,
};
use jotgate_session::Sessions;
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::{Builder, Runtime};

use crate::certificates::{Certificates, Exports, load_pair};
use crate::cluster_key::cluster_key;
use crate::commands::admin::set_up_link;
use crate::commands::now;
use crate::data_directory::{DataDirectory, Listeners};
use crate::exit::{Exit, Failure, print};
use crate::handover::{self, Offer, systemd};
use crate::settings::{self, SessionStore, SettingError, Settings};
use crate::signals::{Asked, Signals};

use administration::{backups, live_side, management_side};
use names::{own_names, tls_pairs, watch_certificates};
use process::{InForce, process_side};
use served::{Served, leaving};
use sockets::Sockets;
use stores::{key_ring, open_stores, publisher};
use traces::TraceExport;

/// `jotgate serve --check`: whether the settings, and the files that they name, are good.
pub(crate) fn check(settings: &Settings) -> Result<ExitCode, Failure> {
    refuse_unserved(settings)?;
    check_pairs(settings)?;
    print("jotgate: the settings are good\n")?;
    Ok(Exit::Done.into())
}

/// A gateway without it serves all the same.
fn use_own_key(management: &Management, certificates: &Certificates) {
    match certificates.own_key() {
        Ok(key) => management.use_own_key(key),
        Err(problem) => tracing::warn!("no token can be made with server_key.pem: {problem}"),
    }
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
    in_force: InForce,
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
        let cluster_key = *cluster_key(settings.cluster_key.as_ref(), &directory)?;
        let (sessions, management) = runtime.block_on(open_stores(
            settings,
            &directory,
            &cluster_key,
            &keys,
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
        let history = History::new(served.metrics.clone());
        runtime.spawn(history.clone().keep(now));
        management.use_live(live_side(&shared, feed, history));
        use_own_key(&management, &certificates);
        let in_force = InForce::new(settings);
        management.use_process(process_side(&in_force, &certificates, &server, &listeners));
        let database_up = served.metrics.database_up.clone();
        management.follow(jotgate_gateway::timestamp, move |up| {
            database_up.set(i64::from(up));
        });
        let backups = backups(&management, directory.path());
        let exports = Exports::of(&directory);
        sockets.administration(&certificates, &management, backups.clone(), exports)?;
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
            in_force,
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
                self.in_force.reloaded(&settings);
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
        let making = self.management.invite(jotgate_gateway::timestamp());
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

/// Settings that are not served without others.
fn refuse_unserved(settings: &Settings) -> Result<(), Failure> {
    let refuse = |sentence: &str| Err(Failure::new(Exit::BadSetting, sentence));
    if matches!(settings.session_store, SessionStore::Redis(_)) && settings.cluster_key.is_none() {
        return refuse(
            "--session-store-url needs --cluster-key-file: a file of at least 32 random bytes that all nodes have",
        );
    }
    Ok(())
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
