//! What is shown of a certificate. Its key verifies tokens; its dates only lead to warnings.

use jotgate_model::UnixTime;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// An X.509 certificate, as far as administrators want to see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateInfo {
    /// The subject, such as `CN=portal.example.com, O=Example`.
    pub subject: Box<str>,
    /// Who signed it; the subject itself when it is self-signed.
    pub issuer: Box<str>,
    /// The serial number, in hexadecimal digits.
    pub serial: Box<str>,
    /// From when on it is valid.
    pub not_before: UnixTime,
    /// Until when it is valid.
    pub not_after: UnixTime,
    /// SHA-256 of the certificate in DER, in hexadecimal digits.
    pub fingerprint: Box<str>,
}

impl CertificateInfo {
    /// Whether the certificate has run out. Its key goes on verifying tokens: the real system does
    /// not look at the dates, so whoever shows the key warns.
    #[must_use]
    pub fn is_expired(&self, now: UnixTime) -> bool {
        now > self.not_after
    }

    /// Reads one certificate; gives its `SubjectPublicKeyInfo` as well.
    pub(super) fn read(der: &[u8]) -> Option<(Self, &[u8])> {
        let (rest, certificate) = X509Certificate::from_der(der).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let info = Self {
            subject: certificate.subject().to_string().into(),
            issuer: certificate.issuer().to_string().into(),
            serial: crate::text::hex(certificate.raw_serial()).into(),
            not_before: UnixTime(certificate.validity().not_before.timestamp()),
            not_after: UnixTime(certificate.validity().not_after.timestamp()),
            fingerprint: crate::text::sha256_hex(der).into(),
        };
        Some((info, certificate.tbs_certificate.subject_pki.raw))
    }
}
