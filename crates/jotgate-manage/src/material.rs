//! Keys and certificates in PEM form: what is saved can be used, and no private key is stored
//! where it does not belong.
//!
//! Problems are told in our own words: what a parser quotes could be a part of a key.

use jotgate_model::FieldErrors;
use jotgate_model::entity::ServerNodeConfiguration;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Characters, as for the certificates of virtual proxies (QRS 38.22.0).
const MAX_PEM: usize = 100_000;

/// Checks the keys that tokens are verified with.
pub(crate) fn check_jwt_keys(field: &str, pem: &str, errors: &mut FieldErrors) {
    if pem.trim().is_empty() {
        return;
    }
    errors.take(field, jotgate_token::KeySet::from_pem(pem));
}

/// Checks what connections to a node are made with, where it changed.
pub(crate) fn check_node_tls(
    draft: &ServerNodeConfiguration,
    stored: Option<&ServerNodeConfiguration>,
    errors: &mut FieldErrors,
) {
    if stored.is_none_or(|stored| stored.ca_certificate != draft.ca_certificate) {
        check_roots(&draft.ca_certificate, errors);
    }
    let same_pair = stored.is_some_and(|stored| {
        stored.client_certificate == draft.client_certificate
            && stored.client_key == draft.client_key
    });
    if !same_pair {
        check_pair(&draft.client_certificate, &draft.client_key, errors);
    }
}

const PRIVATE_KEY: &str = "contains a private key, which does not belong here; paste the \
     certificate only, and replace that key if others may have seen it";

fn check_roots(pem: &str, errors: &mut FieldErrors) {
    let field = "caCertificate";
    let Some(certificates) = errors.take(field, certificates(pem)) else {
        return;
    };
    for (i, certificate) in (1..).zip(certificates) {
        if RootCertStore::empty().add(certificate).is_err() {
            errors.push(
                field,
                format!("certificate {i} cannot be read; export it again"),
            );
        }
    }
}

/// One of them without the other is found by [`jotgate_model::Node::parse`].
fn check_pair(certificate: &str, key: &str, errors: &mut FieldErrors) {
    let chain = errors.take("clientCertificate", certificates(certificate));
    let key = errors.take("clientKey", private_key(key));
    let (Some(chain), Some(Some(key))) = (chain, key) else {
        return;
    };
    if chain.is_empty() {
        return;
    }
    match CertifiedKey::from_der(chain, key, &default_provider()) {
        Ok(_) => {}
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            errors.push("clientKey", "does not belong to clientCertificate");
        }
        Err(Error::InvalidCertificate(_)) => errors.push(
            "clientCertificate",
            "cannot be read; export the certificate again",
        ),
        Err(_) => errors.push(
            "clientKey",
            "is of a kind that is not supported; use RSA with 2048 bits or more, P-256, P-384 or \
             Ed25519",
        ),
    }
}

fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    check_length(pem)?;
    // Also the kinds of private keys that the PEM parser skips, such as encrypted ones.
    if pem.contains("PRIVATE KEY-----") {
        return Err(PRIVATE_KEY.to_owned());
    }
    if pem.trim().is_empty() {
        return Ok(Vec::new());
    }
    let parsed: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    match parsed {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(
            "is no PEM certificate; paste the text from -----BEGIN CERTIFICATE----- to \
                  -----END CERTIFICATE-----"
                .to_owned(),
        ),
    }
}

fn private_key(pem: &str) -> Result<Option<PrivateKeyDer<'static>>, String> {
    check_length(pem)?;
    if pem.trim().is_empty() {
        return Ok(None);
    }
    if pem.contains("ENCRYPTED") {
        return Err("is encrypted; paste the key without a passphrase".to_owned());
    }
    PrivateKeyDer::from_pem_slice(pem.as_bytes())
        .map(Some)
        .map_err(|_| {
            "is no PEM private key; paste the text from -----BEGIN PRIVATE KEY----- to \
             -----END PRIVATE KEY-----"
                .to_owned()
        })
}

fn check_length(pem: &str) -> Result<(), String> {
    let length = pem.chars().count();
    if length > MAX_PEM {
        return Err(format!(
            "is {length} characters long; shorten it to at most {MAX_PEM}"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
