//! Reading certificates and keys from PEM files (RFC 7468).

use std::path::Path;
use std::sync::Arc;

use jotgate_model::UnixTime;
use rustls::InconsistentKeys;
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};
use zeroize::Zeroizing;

use crate::settings::read_limited;

/// The longest PEM file. A certificate has a few KiB.
const MAX_FILE: u64 = 1 << 20;

/// A certificate or a key cannot be used: one sentence that names the file and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct CertificateError(String);

impl CertificateError {
    /// A whole sentence.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }

    fn file(path: &Path, problem: &str) -> Self {
        Self(format!("{} {problem}", path.display()))
    }
}

/// A certificate with what follows it in its file, and its key.
pub(crate) type LoadedPair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Reads a certificate, with the intermediate ones after it, and its private key.
///
/// # Errors
/// A file cannot be read, does not hold what it should, or the key belongs to another certificate.
pub(crate) fn load_pair(certificate: &Path, key: &Path) -> Result<LoadedPair, CertificateError> {
    let chain = certificates(certificate)?;
    let private_key = private_key(key)?;
    let signer = any_supported_type(&private_key).map_err(|_| {
        CertificateError::file(
            key,
            "holds a key that TLS cannot be served with; use RSA of 2048 to 8192 bits, ECDSA on P-256, P-384 or P-521, or Ed25519",
        )
    })?;
    match CertifiedKey::new(chain.clone(), Arc::clone(&signer)).keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => {
            Ok((chain, private_key))
        }
        Err(rustls::Error::InconsistentKeys(_)) => Err(CertificateError::file(
            key,
            &format!(
                "does not belong to {}; give the key that this certificate was made for",
                certificate.display()
            ),
        )),
        Err(_) => Err(damaged(certificate)),
    }
}

/// The names in a certificate: DNS names in lower case, IP addresses without brackets. Its common
/// name does not count (RFC 9525 section 2).
pub(crate) fn names_of(certificate: &CertificateDer<'_>) -> Vec<String> {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else {
        return Vec::new();
    };
    let Ok(Some(names)) = parsed.subject_alternative_name() else {
        return Vec::new();
    };
    let text = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        GeneralName::IPAddress(bytes) => ip_address(bytes),
        _ => None,
    };
    names.value.general_names.iter().filter_map(text).collect()
}

/// When a certificate ends.
///
/// # Errors
/// It cannot be read.
pub(crate) fn valid_until(certificate: &CertificateDer<'_>) -> Result<UnixTime, CertificateError> {
    match X509Certificate::from_der(certificate) {
        Ok((_, parsed)) => Ok(UnixTime(parsed.validity().not_after.timestamp())),
        Err(_) => Err(CertificateError::new(
            "a certificate cannot be read; export it again",
        )),
    }
}

/// The certificates in a file; at least one, and the first one can be parsed.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let pem = read(path)?;
    let chain = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| damaged(path))?;
    match chain.first() {
        Some(first) if X509Certificate::from_der(first).is_ok() => Ok(chain),
        Some(_) => Err(damaged(path)),
        None if private_key_in(&pem).is_some() => Err(CertificateError::file(
            path,
            "holds a private key where a certificate belongs; give the certificate",
        )),
        None => Err(CertificateError::file(
            path,
            "holds no certificate; give a PEM file that begins with -----BEGIN CERTIFICATE-----",
        )),
    }
}

/// A PEM file as text.
pub(super) fn text(path: &Path) -> Result<String, CertificateError> {
    String::from_utf8(read(path)?.to_vec()).map_err(|_| {
        CertificateError::file(
            path,
            "is no text; give a PEM file, not one in DER or PKCS#12",
        )
    })
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, CertificateError> {
    let pem = read(path)?;
    if let Some(key) = private_key_in(&pem) {
        return Ok(key);
    }
    let has = |label: &[u8]| pem.windows(label.len()).any(|window| window == label);
    let problem = if has(b"ENCRYPTED") {
        "holds a private key under a password; take it off with `openssl pkey -in OLD -out NEW`"
    } else if has(b"BEGIN CERTIFICATE") {
        "holds a certificate where a private key belongs; give the key"
    } else {
        "holds no private key; give a PEM file that begins with -----BEGIN PRIVATE KEY-----"
    };
    Err(CertificateError::file(path, problem))
}

fn private_key_in(pem: &[u8]) -> Option<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(pem).ok()
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, CertificateError> {
    match read_limited(path, MAX_FILE) {
        Ok(Some(bytes)) => Ok(Zeroizing::new(bytes)),
        Ok(None) => Err(CertificateError::file(
            path,
            "is longer than 1 MiB; give a PEM file",
        )),
        Err(error) => Err(CertificateError::file(
            path,
            &format!("cannot be read ({error}); give a PEM file that this process may read"),
        )),
    }
}

fn damaged(path: &Path) -> CertificateError {
    CertificateError::file(
        path,
        "holds a certificate that cannot be read; export it again as PEM",
    )
}

fn ip_address(bytes: &[u8]) -> Option<String> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(std::net::Ipv4Addr::from(v4).to_string());
    }
    let v6 = <[u8; 16]>::try_from(bytes).ok()?;
    Some(std::net::Ipv6Addr::from(v6).to_string())
}
