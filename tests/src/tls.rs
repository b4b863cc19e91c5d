//! TLS as clients of the gateway speak it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Trusts the root in the gateway's certificates, and shows the certificate of that name, if any.
pub(crate) fn config(
    certificates: &Path,
    shown: Option<&str>,
    protocols: &[&str],
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for root in chain(&certificates.join("root.pem")) {
        roots.add(root).expect("a root certificate");
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("TLS versions")
        .with_root_certificates(roots);
    let mut config = match shown {
        None => builder.with_no_client_auth(),
        Some(name) => {
            let key = certificates.join(format!("{name}_key.pem"));
            let key = PrivateKeyDer::from_pem_file(key).expect("a client's key");
            let chain = chain(&certificates.join(format!("{name}.pem")));
            builder
                .with_client_auth_cert(chain, key)
                .expect("a client's certificate")
        }
    };
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    Arc::new(config)
}

/// Encrypts a connection to `name`, which is told to the server (RFC 6066 section 3) unless it is an
/// address.
pub(crate) async fn connect(
    stream: TcpStream,
    config: Arc<ClientConfig>,
    name: &'static str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(name).expect("a name");
    TlsConnector::from(config).connect(name, stream).await
}

fn chain(file: &Path) -> Vec<CertificateDer<'static>> {
    let pem = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<_, _>>()
        .expect("certificates")
}
