//! Whom the gateway believes about a backend's identity: the roots of this machine and those of the
//! node. There is no way to believe nobody and connect all the same.

mod witness;

use std::sync::{Arc, LazyLock};

use jotgate_model::TlsMaterial;
use rustls::client::{WantsClientCert, WebPkiServerVerifier};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

pub(super) use witness::Witness;

/// The roots of this machine, read once.
static SYSTEM_ROOTS: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a root certificate of this machine cannot be read");
    }
    roots.add_parsable_certificates(found.certs);
    Arc::new(roots)
});

/// How TLS connections to a node are made.
pub(crate) fn client_config(material: &TlsMaterial) -> Result<Arc<ClientConfig>, String> {
    let roots = roots(material)?;
    finish(material, builder()?.with_root_certificates(roots))
}

/// The same judge, with somebody who remembers what it refused.
pub(super) fn witnessed(
    material: &TlsMaterial,
) -> Result<(Arc<ClientConfig>, Arc<Witness>), String> {
    let roots = Arc::new(roots(material)?);
    let provider = Arc::new(aws_lc_rs::default_provider());
    let judge = WebPkiServerVerifier::builder_with_provider(roots, provider)
        .build()
        .map_err(|error| error.to_string())?;
    let witness = Arc::new(Witness::beside(judge));
    let builder = builder()?
        .dangerous()
        .with_custom_certificate_verifier(witness.clone());
    Ok((finish(material, builder)?, witness))
}

fn roots(material: &TlsMaterial) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::clone(&SYSTEM_ROOTS);
    for certificate in CertificateDer::pem_slice_iter(material.ca_certificate.as_bytes()) {
        let certificate =
            certificate.map_err(|error| format!("caCertificate cannot be read: {error}"))?;
        roots
            .add(certificate)
            .map_err(|error| format!("caCertificate is no root: {error}"))?;
    }
    Ok(roots)
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, String> {
    ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())
}

/// With the certificate that the gateway shows, if any.
fn finish(
    material: &TlsMaterial,
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
) -> Result<Arc<ClientConfig>, String> {
    let config = if material.client_certificate.is_empty() {
        builder.with_no_client_auth()
    } else {
        let chain = CertificateDer::pem_slice_iter(material.client_certificate.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| format!("clientCertificate cannot be read: {error}"))?;
        let key = PrivateKeyDer::from_pem_slice(material.client_key.as_bytes())
            .map_err(|_| "clientKey cannot be read".to_owned())?;
        builder
            .with_client_auth_cert(chain, key)
            .map_err(|error| format!("clientCertificate: {error}"))?
    };
    Ok(Arc::new(config))
}
