//! The ports of the process, and what is served on those that are not the gateway's.

use std::net::TcpListener;
use std::sync::Arc;

use axum::Router;
use jotgate_gateway::{
    GatewayListeners, Shared, administration_config, serve_administration, serve_control,
    serve_observability,
};
use jotgate_manage::Management;
use jotgate_model::User;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::given::Given;
use crate::certificates::{Certificates, Exports, administrator_verifier};
use crate::data_directory::{DataDirectory, Listeners};
use crate::exit::{Exit, Failure};
use crate::handover::Role;
use crate::settings::Settings;

use super::administration::{native_router, note_refused_certificates, qrs_router};

/// The ports, all of them taken before anything is served.
pub(super) struct Sockets {
    pub(super) gateway: GatewayListeners,
    others: Vec<(Role, TcpListener)>,
    stop_administration: CancellationToken,
    stop_observability: CancellationToken,
    serving: TaskTracker,
}

impl Sockets {
    /// Opens what the settings name, but for the sockets that are there already.
    pub(super) fn open(settings: &Settings, given: Given) -> Result<Self, Failure> {
        let mut given = given;
        let gateway = GatewayListeners {
            tls: given.all(Role::Gateway, "--listen", &settings.listen)?,
            plain: given.all(Role::GatewayHttp, "--listen-http", &settings.listen_http)?,
        };
        let qrs = given.one(Role::Qrs, "--qrs-listen", settings.qrs_listen)?;
        let qps = given.one(Role::Qps, "--qps-listen", settings.qps_listen)?;
        let observe = given.one(Role::Observe, "--observe-listen", settings.observe_listen)?;
        given.end()?;
        Ok(Self {
            gateway,
            others: vec![(Role::Qrs, qrs), (Role::Qps, qps), (Role::Observe, observe)],
            stop_administration: CancellationToken::new(),
            stop_observability: CancellationToken::new(),
            serving: TaskTracker::new(),
        })
    }

    fn all(&self) -> impl Iterator<Item = (Role, &TcpListener)> {
        let tls = self
            .gateway
            .tls
            .iter()
            .map(|socket| (Role::Gateway, socket));
        let plain = self.gateway.plain.iter();
        let plain = plain.map(|socket| (Role::GatewayHttp, socket));
        let others = self.others.iter().map(|(role, socket)| (*role, socket));
        tls.chain(plain).chain(others)
    }

    /// Every socket once more.
    pub(super) fn copies(&self) -> std::io::Result<Vec<(Role, TcpListener)>> {
        self.all()
            .map(|(role, socket)| Ok((role, socket.try_clone()?)))
            .collect()
    }

    /// Leaves the sockets to those that serve them: a connection is refused once they have stopped.
    pub(super) fn close(&mut self) {
        self.gateway = GatewayListeners::default();
        self.others.clear();
    }

    /// Another process serves: nothing new is accepted here, on the ports of administrators either.
    pub(super) fn stop_everything(&self) {
        self.stop_administration.cancel();
        self.stop_observability.cancel();
    }

    /// Ends the ports of administrators, and lets what has begun there finish.
    pub(super) async fn finish_administration(&self) {
        self.stop_administration.cancel();
        self.serving.close();
        self.serving.wait().await;
    }

    pub(super) fn addresses(&self) -> Result<Listeners, Failure> {
        let of = |wanted: Role| {
            self.all()
                .filter(|(role, _)| *role == wanted)
                .map(|(_, socket)| socket.local_addr())
                .collect::<std::io::Result<Vec<_>>>()
                .map_err(|error| {
                    Failure::new(Exit::Fault, format!("a socket has no address ({error})"))
                })
        };
        let one = |wanted: Role| {
            let missing = || Failure::new(Exit::Fault, format!("{} has no socket", wanted.name()));
            of(wanted)?.first().copied().ok_or_else(missing)
        };
        Ok(Listeners {
            gateway: of(Role::Gateway)?,
            gateway_http: of(Role::GatewayHttp)?,
            qrs: one(Role::Qrs)?,
            qps: one(Role::Qps)?,
            observe: one(Role::Observe)?,
        })
    }

    /// Serves QRS and QPS to administrators' certificates.
    pub(super) fn administration(
        &self,
        certificates: &Certificates,
        management: &Management,
        backups: Router,
        exports: Exports,
    ) -> Result<(), Failure> {
        let server = certificates.server();
        let tls = administration_config(
            &server.certificate,
            &server.key,
            administrator_verifier(certificates.root())?,
        )
        .map_err(|error| Failure::new(Exit::DataDirectory, error.to_string()))?;
        let native = native_router(management).merge(backups);
        let qrs = native.fallback_service(qrs_router(management, Some(Arc::new(exports))));
        let qps = jotgate_api::qps_router(management.clone(), jotgate_gateway::timestamp);
        // Monitors of the real system name nobody on the QPS port.
        let monitor = User::new("INTERNAL", "certificate");
        let qrs = jotgate_api::certificate_caller(qrs, None);
        let qps = jotgate_api::certificate_caller(qps, Some(monitor));
        for (role, router) in [(Role::Qrs, qrs), (Role::Qps, qps)] {
            self.serving.spawn(serve_administration(
                self.listener(role)?,
                tls.clone(),
                router,
                note_refused_certificates(management),
                self.stop_administration.clone(),
            ));
        }
        Ok(())
    }

    /// Serves the command line on this machine. A file system without sockets is no reason not to
    /// serve traffic.
    pub(super) fn control(
        &self,
        directory: &DataDirectory,
        management: &Management,
        backups: Router,
    ) {
        let router = native_router(management).merge(backups);
        match directory.bind_control() {
            Ok(listener) => {
                let router = jotgate_api::local_caller(router);
                let stop = self.stop_administration.clone();
                self.serving.spawn(serve_control(listener, router, stop));
            }
            Err(error) => tracing::warn!(
                %error,
                "the socket of the command line cannot be made; use --server and a certificate"
            ),
        }
    }

    pub(super) fn observability(&self, shared: &Arc<Shared>) -> Result<(), Failure> {
        tokio::spawn(serve_observability(
            self.listener(Role::Observe)?,
            shared.clone(),
            self.stop_observability.clone(),
        ));
        Ok(())
    }

    fn listener(&self, wanted: Role) -> Result<tokio::net::TcpListener, Failure> {
        let failed = |error: std::io::Error| {
            Failure::new(
                Exit::Fault,
                format!("the socket {} cannot be used ({error})", wanted.name()),
            )
        };
        let found = self.others.iter().find(|(role, _)| *role == wanted);
        let (_, socket) = found.ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))?;
        socket
            .try_clone()
            .and_then(tokio::net::TcpListener::from_std)
            .map_err(failed)
    }
}
