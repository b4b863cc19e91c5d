//! What a certificate of the gateway itself says, for administrators.

use aws_lc_rs::digest::{SHA256, digest};
use jotgate_manage::TlsCertificate;
use jotgate_model::UnixTime;
use rustls_pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

use super::names_of;

/// What the certificate says; nothing when it cannot be read. Where it is shown, the caller knows.
pub(crate) fn describe(certificate: &CertificateDer<'_>) -> Option<TlsCertificate> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let validity = parsed.validity();
    Some(TlsCertificate {
        names: names_of(certificate),
        subject: parsed.subject().to_string(),
        issuer: parsed.issuer().to_string(),
        not_before: UnixTime(validity.not_before.timestamp()),
        not_after: UnixTime(validity.not_after.timestamp()),
        key: kind_of_key(&parsed),
        fingerprint: sha256(certificate),
        key_fingerprint: sha256(parsed.public_key().raw),
        ..TlsCertificate::default()
    })
}

fn kind_of_key(certificate: &X509Certificate<'_>) -> String {
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => format!("RSA, {} bits", key.key_size()),
        // The coordinates of P-521 fill whole bytes.
        Ok(PublicKey::EC(point)) => format!("ECDSA, {} bits", point.key_size().min(521)),
        _ => "Ed25519".to_owned(),
    }
}

fn sha256(bytes: &[u8]) -> String {
    let digest = digest(&SHA256, bytes);
    digest.as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use jotgate_token::KeySet;
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ED25519};

    use super::*;

    #[test]
    fn a_certificate_is_described_and_its_key_has_the_fingerprint_of_keys_that_check_tokens() {
        for (algorithm, kind) in [
            (&PKCS_ECDSA_P256_SHA256, "ECDSA, 256 bits"),
            (&PKCS_ED25519, "Ed25519"),
        ] {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let names = vec!["Gate.example.com".to_owned(), "::1".to_owned()];
            let params = CertificateParams::new(names).unwrap();
            let made = params.self_signed(&key).unwrap();
            let described = describe(made.der()).unwrap();
            assert_eq!(described.names, ["gate.example.com", "::1"]);
            assert_eq!(described.key, kind);
            assert_eq!(described.subject, described.issuer);
            assert!(described.not_before < described.not_after);
            let keys = KeySet::from_pem(&made.pem()).unwrap();
            let token_key = &keys.keys()[0];
            assert_eq!(described.key_fingerprint, token_key.fingerprint());
            let certificate = token_key.certificate().unwrap();
            assert_eq!(described.fingerprint, *certificate.fingerprint);
        }
        assert_eq!(describe(&CertificateDer::from(vec![1, 2, 3])), None);
    }
}
