//! The ports of the process, and what is served on those that are not the gateway's.

use std::net::TcpListener;
use std::sync::Arc;

use jotgate_gateway::{
    GatewayListeners, Shared, administration_config, bind, serve_administration,
    serve_observability,
};
use jotgate_manage::Management;
use jotgate_model::User;
use tokio_util::sync::CancellationToken;

use crate::certificates::{Certificates, administrator_verifier};
use crate::data_directory::Listeners;
use crate::exit::{Exit, Failure};
use crate::settings::Settings;

/// The ports, all of them taken before anything is served.
pub(super) struct Sockets {
    pub(super) gateway: GatewayListeners,
    qrs: TcpListener,
    qps: TcpListener,
    observe: TcpListener,
}

impl Sockets {
    pub(super) fn open(settings: &Settings) -> Result<Self, Failure> {
        let take = |setting, address| {
            bind(setting, address).map_err(|error| {
                Failure::new(
                    if error.taken {
                        Exit::PortTaken
                    } else {
                        Exit::BadSetting
                    },
                    error.to_string(),
                )
            })
        };
        let all = |setting, addresses: &[std::net::SocketAddr]| {
            addresses
                .iter()
                .map(|address| take(setting, *address))
                .collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            gateway: GatewayListeners {
                tls: all("--listen", &settings.listen)?,
                plain: all("--listen-http", &settings.listen_http)?,
            },
            qrs: take("--qrs-listen", settings.qrs_listen)?,
            qps: take("--qps-listen", settings.qps_listen)?,
            observe: take("--observe-listen", settings.observe_listen)?,
        })
    }

    pub(super) fn addresses(&self) -> Result<Listeners, Failure> {
        let of = |socket: &TcpListener| {
            socket.local_addr().map_err(|error| {
                Failure::new(Exit::Fault, format!("a socket has no address ({error})"))
            })
        };
        Ok(Listeners {
            gateway: self.gateway.tls.iter().map(of).collect::<Result<_, _>>()?,
            gateway_http: self
                .gateway
                .plain
                .iter()
                .map(of)
                .collect::<Result<_, _>>()?,
            qrs: of(&self.qrs)?,
            qps: of(&self.qps)?,
            observe: of(&self.observe)?,
        })
    }

    /// Serves QRS and QPS to administrators' certificates.
    pub(super) fn administration(
        &self,
        certificates: &Certificates,
        management: &Management,
        stop: &CancellationToken,
    ) -> Result<(), Failure> {
        let server = certificates.server();
        let tls = administration_config(
            &server.certificate,
            &server.key,
            administrator_verifier(certificates.root())?,
        )
        .map_err(|error| Failure::new(Exit::DataDirectory, error.to_string()))?;
        let qrs = jotgate_api::qrs_router(
            management.clone(),
            jotgate_gateway::timestamp,
            jotgate_api::Build {
                version: jotgate_api::Build::INTERFACE_VERSION,
                date: env!("CARGO_PKG_VERSION"),
            },
        );
        let qps = jotgate_api::qps_router(management.clone(), jotgate_gateway::timestamp);
        // Monitors of the real system name nobody on the QPS port.
        let monitor = User::new("INTERNAL", "certificate");
        let qrs = jotgate_api::certificate_caller(qrs, None);
        let qps = jotgate_api::certificate_caller(qps, Some(monitor));
        for (socket, router) in [(&self.qrs, qrs), (&self.qps, qps)] {
            tokio::spawn(serve_administration(
                listener(socket)?,
                tls.clone(),
                router,
                stop.clone(),
            ));
        }
        Ok(())
    }

    pub(super) fn observability(&self, shared: &Arc<Shared>) -> Result<(), Failure> {
        tokio::spawn(serve_observability(
            listener(&self.observe)?,
            shared.clone(),
        ));
        Ok(())
    }
}

fn listener(socket: &TcpListener) -> Result<tokio::net::TcpListener, Failure> {
    socket
        .try_clone()
        .and_then(tokio::net::TcpListener::from_std)
        .map_err(|error| Failure::new(Exit::Fault, format!("a socket cannot be used ({error})")))
}
