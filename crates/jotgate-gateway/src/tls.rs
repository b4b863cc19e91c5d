//! The gateway's own certificates: chosen by the name that a client asks for, read again when their
//! files change.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::client::verify_server_name;
use rustls::crypto::aws_lc_rs;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};

/// How often the files are looked at.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// A certificate cannot be served: one sentence that names the file.
#[derive(Debug, thiserror::Error)]
#[error("{}: {what}", path.display())]
pub struct TlsError {
    path: PathBuf,
    what: String,
}

/// The certificates of the gateway.
pub struct ServerCertificates {
    pairs: Vec<(PathBuf, PathBuf)>,
    config: ArcSwap<ServerConfig>,
}

impl ServerCertificates {
    /// Reads pairs of certificate chain and key, in PEM files. The first one serves clients that ask
    /// for a name which no certificate has, or for none.
    ///
    /// # Errors
    /// A file cannot be read, or a key does not belong to its certificate.
    pub fn load(pairs: Vec<(PathBuf, PathBuf)>) -> Result<Arc<Self>, TlsError> {
        let config = server_config(&pairs)?;
        Ok(Arc::new(Self {
            pairs,
            config: ArcSwap::from_pointee(config),
        }))
    }

    /// What new connections use.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        self.config.load_full()
    }

    /// Reads the files again. On an error what was there before goes on serving.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn reload(&self) -> Result<(), TlsError> {
        self.config.store(Arc::new(server_config(&self.pairs)?));
        Ok(())
    }

    /// Reads the files again whenever one of them changes, for ever; calls `changed` after each
    /// success. A pair that does not fit (files change one after the other) is tried again.
    pub async fn watch(&self, changed: impl Fn()) {
        let mut served = self.stamps();
        let mut complained = None;
        loop {
            tokio::time::sleep(LOOK_INTERVAL).await;
            let stamps = self.stamps();
            if stamps == served {
                continue;
            }
            match self.reload() {
                Ok(()) => {
                    tracing::info!("the changed certificates are served from now on");
                    served = stamps;
                    changed();
                }
                Err(error) if complained.as_ref() != Some(&stamps) => {
                    tracing::error!(%error, "the changed certificate is not served; the one before goes on");
                    complained = Some(stamps);
                }
                Err(_) => {}
            }
        }
    }

    fn stamps(&self) -> Vec<Option<SystemTime>> {
        let stamp = |path: &PathBuf| {
            std::fs::metadata(path)
                .and_then(|data| data.modified())
                .ok()
        };
        self.pairs
            .iter()
            .flat_map(|(certificate, key)| [stamp(certificate), stamp(key)])
            .collect()
    }
}

/// Paths only.
impl fmt::Debug for ServerCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerCertificates")
            .field("pairs", &self.pairs)
            .finish_non_exhaustive()
    }
}

/// TLS for the administration ports: one certificate, and `verifier` decides who may come in.
///
/// # Errors
/// As [`ServerCertificates::load`].
pub fn administration_config(
    certificate: &Path,
    key: &Path,
    verifier: Arc<dyn ClientCertVerifier>,
) -> Result<Arc<ServerConfig>, TlsError> {
    let resolver = Arc::new(Resolver(vec![certified_key(certificate, key)?]));
    let mut config = builder(certificate)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn server_config(pairs: &[(PathBuf, PathBuf)]) -> Result<ServerConfig, TlsError> {
    let keys = pairs
        .iter()
        .map(|(certificate, key)| certified_key(certificate, key))
        .collect::<Result<_, _>>()?;
    let path = pairs
        .first()
        .map(|(certificate, _)| certificate.as_path())
        .unwrap_or(Path::new("--tls-certificate"));
    let mut config = builder(path)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Resolver(keys)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = aws_lc_rs::Ticketer::new().map_err(|error| TlsError {
        path: path.into(),
        what: error.to_string(),
    })?;
    Ok(config)
}

fn builder(
    path: &Path,
) -> Result<rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier>, TlsError> {
    ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError {
            path: path.into(),
            what: error.to_string(),
        })
}

fn certified_key(certificate: &Path, key: &Path) -> Result<Arc<CertifiedKey>, TlsError> {
    let wrong = |path: &Path, what: String| TlsError {
        path: path.into(),
        what,
    };
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| wrong(certificate, format!("no certificate can be read: {error}")))?;
    if chain.is_empty() {
        return Err(wrong(certificate, "contains no certificate".to_owned()));
    }
    let private = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| wrong(key, format!("no private key can be read: {error}")))?;
    let signing = aws_lc_rs::sign::any_supported_type(&private).map_err(|_| {
        wrong(
            key,
            "the private key is of a kind that cannot be used".to_owned(),
        )
    })?;
    let certified = CertifiedKey::new(chain, signing);
    certified.keys_match().map_err(|_| {
        wrong(
            key,
            format!(
                "the key does not belong to the certificate {}",
                certificate.display()
            ),
        )
    })?;
    Ok(Arc::new(certified))
}

/// Certificates in the order of their settings.
#[derive(Debug)]
struct Resolver(Vec<Arc<CertifiedKey>>);

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let first = self.0.first();
        if self.0.len() < 2 {
            return first.cloned();
        }
        let name = hello
            .server_name()
            .and_then(|name| ServerName::try_from(name.to_owned()).ok());
        let fits = |key: &&Arc<CertifiedKey>| {
            name.as_ref().is_some_and(|name| {
                key.end_entity_cert()
                    .and_then(ParsedCertificate::try_from)
                    .is_ok_and(|certificate| verify_server_name(&certificate, name).is_ok())
            })
        };
        self.0.iter().find(fits).or(first).cloned()
    }
}
