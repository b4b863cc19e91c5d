//! What administrators are told of this process: its settings, and the certificates that it shows.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use jotgate_gateway::ServerCertificates;
use jotgate_manage::{ProcessSetting, ProcessSide, SettingOrigin, TlsCertificate};
use rustls_pki_types::CertificateDer;

use crate::certificates::{Certificates, certificates, describe};
use crate::data_directory::Listeners;
use crate::settings::{Settings, Source, Told, ToldSetting};

/// The settings that are in force, as administrators are told of them.
#[derive(Clone)]
pub(super) struct InForce(Arc<ArcSwap<Told>>);

impl InForce {
    pub(super) fn new(settings: &Settings) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(settings.told.clone())))
    }

    /// SIGHUP has found these.
    pub(super) fn reloaded(&self, settings: &Settings) {
        let next = self.0.load().followed_by(&settings.told);
        self.0.store(Arc::new(next));
    }
}

/// What the use cases ask. The ports of QRS and QPS show the certificate that is in the data directory now.
pub(super) fn process_side(
    in_force: &InForce,
    own: &Certificates,
    server: &Arc<ServerCertificates>,
    listeners: &Listeners,
) -> ProcessSide {
    let in_force = in_force.clone();
    let mut always = administration(own, listeners);
    always.push(Place {
        certificate: own.root().clone(),
        file: own.root_file().display().to_string(),
        listeners: Vec::new(),
        is_fallback: false,
    });
    let (server, addresses) = (server.clone(), listeners.gateway.clone());
    ProcessSide {
        settings: Box::new(move || in_force.0.load().0.iter().map(setting).collect()),
        certificates: Box::new(move || told(traffic(&server, &addresses).chain(always.clone()))),
    }
}

fn setting(told: &ToldSetting) -> ProcessSetting {
    ProcessSetting {
        heading: told.setting.heading,
        name: told.setting.name,
        variable: told.setting.variable(),
        help: told.setting.help,
        values: told.values.clone(),
        default: told.default.to_owned(),
        origin: match &told.source {
            None | Some(Source::Default(_)) => SettingOrigin::Default,
            Some(Source::Flag(_)) => SettingOrigin::Flag,
            Some(Source::Variable(_)) => SettingOrigin::Environment,
            Some(Source::Key { file, .. }) => SettingOrigin::File(file.display().to_string()),
        },
        is_read_again: told.is_read_again(),
        waiting: told.waiting.clone(),
    }
}

/// A certificate, and where it is shown.
#[derive(Clone)]
struct Place {
    certificate: CertificateDer<'static>,
    file: String,
    listeners: Vec<String>,
    is_fallback: bool,
}

/// What clients of the gateway are shown, as it was read last: a file that is bad now is not served.
fn traffic(
    server: &ServerCertificates,
    addresses: &[SocketAddr],
) -> impl Iterator<Item = Place> + use<> {
    let listeners: Vec<_> = addresses.iter().map(|at| format!("gateway {at}")).collect();
    let served = server.served().into_iter().enumerate();
    served.map(move |(number, (file, certificate))| Place {
        certificate,
        file: file.display().to_string(),
        listeners: listeners.clone(),
        is_fallback: number == 0,
    })
}

/// What clients of QRS and QPS are shown: read once, as the ports do.
fn administration(own: &Certificates, listeners: &Listeners) -> Vec<Place> {
    let file = own.server().certificate;
    let place = |certificate: &CertificateDer<'static>| Place {
        certificate: certificate.clone(),
        file: file.display().to_string(),
        listeners: vec![
            format!("QRS {}", listeners.qrs),
            format!("QPS {}", listeners.qps),
        ],
        is_fallback: false,
    };
    first(&file).as_ref().map(place).into_iter().collect()
}

fn first(file: &Path) -> Option<CertificateDer<'static>> {
    // It could be read a moment ago, when the ports were opened.
    certificates(file).ok()?.into_iter().next()
}

/// Each certificate once, with all the places where it is shown.
fn told(places: impl Iterator<Item = Place>) -> Vec<TlsCertificate> {
    let mut all: Vec<TlsCertificate> = Vec::new();
    for place in places {
        let Some(described) = describe(&place.certificate) else {
            continue;
        };
        let same = all
            .iter_mut()
            .find(|known| known.fingerprint == described.fingerprint);
        match same {
            Some(known) => known.listeners.extend(place.listeners),
            None => all.push(TlsCertificate {
                file: Some(place.file),
                listeners: place.listeners,
                is_fallback: place.is_fallback,
                ..described
            }),
        }
    }
    all
}
