//! What the request path gets of the settings, at the start and after SIGHUP.

use http::HeaderValue;
use jotgate_gateway::{GatewaySettings, Leaving};
use jotgate_observe::Metrics;

use crate::settings::{HttpRedirect, Settings};

/// What stays as it is while settings change.
pub(super) struct Served {
    pub(super) metrics: Metrics,
    /// The port of the first HTTPS address, as it was really taken.
    pub(super) https_port: Option<u16>,
}

impl Served {
    /// The settings of the request path.
    pub(super) fn settings(&self, settings: &Settings) -> GatewaySettings {
        let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        GatewaySettings {
            header_timeout: settings.header_timeout,
            body_timeout: settings.body_timeout,
            response_timeout: settings.response_timeout,
            connect_timeout: settings.connect_timeout,
            idle_timeout: settings.idle_timeout,
            max_header_bytes: size(settings.max_header_bytes),
            max_body_bytes: settings.max_body_bytes,
            max_connections: size(settings.max_connections),
            max_connections_per_address: settings.max_connections_per_address.map(size),
            trusted_proxies: settings.trusted_proxies.clone(),
            proxy_protocol: settings.proxy_protocol,
            workers: settings.worker_threads,
            strict_transport: strict_transport(settings.hsts.as_secs()),
            https_port: match settings.http_redirect {
                HttpRedirect::Off => None,
                HttpRedirect::FirstListener => self.https_port,
                HttpRedirect::Port(port) => Some(port),
            },
        }
    }
}

/// How the process leaves when it is told to stop.
pub(super) const fn leaving(settings: &Settings) -> Leaving {
    Leaving {
        delay: settings.drain_delay,
        timeout: settings.drain_timeout,
        keep_sockets: false,
    }
}

fn strict_transport(seconds: u64) -> Option<HeaderValue> {
    (seconds > 0)
        .then(|| HeaderValue::try_from(format!("max-age={seconds}")).ok())
        .flatten()
}
