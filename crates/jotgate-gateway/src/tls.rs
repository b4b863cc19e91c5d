//! The gateway's own certificates: chosen by the name that a client asks for, read again when their
//! files change.
//!
//! TLS 1.2 and 1.3 with the suites of aws-lc-rs: forward secrecy and authenticated encryption only.
//! There is no renegotiation and no compression in rustls, and no early data (RFC 8446 section 8): a
//! request that can be sent again by somebody else is none that a gateway should serve. Sessions are
//! resumed with tickets, whose keys live in memory only and change every six hours.

mod choice;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;

use self::choice::Choice;
pub(crate) use self::choice::Shown;

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
    offer: ArcSwap<Offer>,
}

/// What connections use that begin now.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) config: Arc<ServerConfig>,
    choice: Arc<Choice>,
}

impl Offer {
    /// What the client of this connection was shown.
    pub(crate) fn shown<T>(&self, stream: &TlsStream<T>) -> Option<Shown> {
        Shown::new(&self.choice, stream.get_ref().1.server_name())
    }
}

impl ServerCertificates {
    /// Reads pairs of certificate chain and key, in PEM files. The first one serves clients that ask
    /// for a name which no certificate has, or for none.
    ///
    /// # Errors
    /// A file cannot be read, or a key does not belong to its certificate.
    pub fn load(pairs: Vec<(PathBuf, PathBuf)>) -> Result<Arc<Self>, TlsError> {
        let offer = ArcSwap::from_pointee(offer(&pairs)?);
        Ok(Arc::new(Self { pairs, offer }))
    }

    /// What new connections use.
    pub(crate) fn offer(&self) -> Arc<Offer> {
        self.offer.load_full()
    }

    /// The certificates that new connections are shown, with their files, in the order of [`Self::load`].
    #[must_use]
    pub fn served(&self) -> Vec<(PathBuf, CertificateDer<'static>)> {
        let offer = self.offer.load();
        let files = self.pairs.iter().map(|(certificate, _)| certificate);
        let shown = files.zip(offer.choice.certificates());
        shown
            .map(|(file, certificate)| (file.clone(), certificate.clone()))
            .collect()
    }

    /// Reads the files again. On an error what was there before goes on serving.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn reload(&self) -> Result<(), TlsError> {
        self.offer.store(Arc::new(offer(&self.pairs)?));
        Ok(())
    }

    /// Reads the files again whenever one of them changes, for ever; calls `tried` with whether they
    /// are served now. A pair that does not fit (files change one after the other) is tried again,
    /// which is told once.
    pub async fn watch(&self, tried: impl Fn(bool)) {
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
                    tried(true);
                }
                Err(error) if complained.as_ref() != Some(&stamps) => {
                    tracing::error!(%error, "the changed certificate is not served; the one before goes on");
                    complained = Some(stamps);
                    tried(false);
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
    let resolver = Arc::new(Choice::new(vec![certified_key(certificate, key)?]));
    let mut config = builder(certificate)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(resolver);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn offer(pairs: &[(PathBuf, PathBuf)]) -> Result<Offer, TlsError> {
    let keys = pairs
        .iter()
        .map(|(certificate, key)| certified_key(certificate, key))
        .collect::<Result<_, _>>()?;
    let choice = Arc::new(Choice::new(keys));
    let path = pairs
        .first()
        .map(|(certificate, _)| certificate.as_path())
        .unwrap_or(Path::new("--tls-certificate"));
    let mut config = builder(path)?
        .with_no_client_auth()
        .with_cert_resolver(choice.clone());
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = aws_lc_rs::Ticketer::new().map_err(|error| TlsError {
        path: path.into(),
        what: error.to_string(),
    })?;
    Ok(Offer {
        config: Arc::new(config),
        choice,
    })
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
