//! The certificates that are served, and the names that are the gateway's own with them.

use std::sync::Arc;

use jotgate_gateway::{ServerCertificates, Shared};
use jotgate_observe::Metrics;
use jotgate_policy::admit::OwnNames;

use crate::certificates::{Certificates, load_pair, names_of, valid_until};
use crate::exit::Failure;
use crate::settings::Settings;

/// Certificates and their keys: those that the settings name, or else the data directory's own.
pub(super) fn tls_pairs(
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
pub(super) fn own_names(
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

/// Serves certificates again when their files change, under the names that they then have.
pub(super) async fn watch_certificates(
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
