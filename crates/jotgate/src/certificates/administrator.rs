//! Who may open the management ports: clients with a certificate that was issued for that.
//!
//! The root issues server certificates, too, and others may come. So a certificate does not open the
//! ports because of its issuer alone; it must carry an extended key usage of our own (RFC 5280
//! section 4.2.1.12 lets anybody define one) beside the one for TLS clients.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError as TlsCertificateError, DigitallySignedStruct, DistinguishedName, Error,
    RootCertStore, SignatureScheme,
};
use rustls_pki_types::{CertificateDer, UnixTime};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::load::CertificateError;

/// The usage of an administrator's client: the object identifier 2.25 (a UUID, Rec. ITU-T X.667
/// section 7) of 159259c5-08f5-44bb-98ce-0eff2f734e3e, in DER without tag and length.
const ADMINISTRATOR: [u8; 19] = [
    0x69, 0xab, 0x92, 0xac, 0xf1, 0xa1, 0x8f, 0xaa, 0x92, 0xf7, 0x98, 0xe7, 0x83, 0xdf, 0xf2, 0xfb,
    0xcd, 0x9c, 0x3e,
];

/// The usage of TLS clients, 1.3.6.1.5.5.7.3.2 (RFC 5280 section 4.2.1.12), in the same form.
const TLS_CLIENT: [u8; 8] = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02];

/// What checks the clients of the management ports: a certificate by `root` that is valid, is for TLS
/// clients, and was issued for an administrator. A client without a certificate is refused.
///
/// # Errors
/// `root` is no certificate of an authority.
pub(crate) fn administrator_verifier(
    root: &CertificateDer<'static>,
) -> Result<Arc<dyn ClientCertVerifier>, CertificateError> {
    let unusable = |error: &dyn std::fmt::Display| {
        CertificateError::new(format!(
            "the root certificate cannot check clients ({error}); give the certificate of an authority"
        ))
    };
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).map_err(|error| unusable(&error))?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let inner = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| unusable(&error))?;
    Ok(Arc::new(AdministratorVerifier { inner }))
}

/// The extension of an administrator's certificate, in DER: the usage of TLS clients, and ours. Put
/// together here, because the number of a UUID does not fit what identifiers are made of elsewhere.
pub(super) fn administrator_key_usage() -> Vec<u8> {
    const SEQUENCE: u8 = 0x30;
    const OBJECT_IDENTIFIER: u8 = 0x06;
    // All lengths are below 128, where DER writes them as one byte (X.690 section 8.1.3.4).
    let field = |tag: u8, content: &[u8]| {
        let mut der = vec![tag, u8::try_from(content.len()).unwrap_or(u8::MAX)];
        der.extend_from_slice(content);
        der
    };
    let usages = [TLS_CLIENT.as_slice(), ADMINISTRATOR.as_slice()];
    let content = usages.map(|usage| field(OBJECT_IDENTIFIER, usage)).concat();
    field(SEQUENCE, &content)
}

#[derive(Debug)]
struct AdministratorVerifier {
    inner: Arc<dyn ClientCertVerifier>,
}

impl ClientCertVerifier for AdministratorVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self
            .inner
            .verify_client_cert(end_entity, intermediates, now)?;
        if is_administrator(end_entity) {
            Ok(verified)
        } else {
            Err(TlsCertificateError::InvalidPurpose.into())
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Whether the certificate carries our usage. Anything that cannot be read does not.
fn is_administrator(certificate: &CertificateDer<'_>) -> bool {
    let Ok((_, parsed)) = X509Certificate::from_der(certificate) else {
        return false;
    };
    match parsed.extended_key_usage() {
        Ok(Some(usage)) => usage
            .value
            .other
            .iter()
            .any(|oid| oid.as_bytes() == ADMINISTRATOR),
        _ => false,
    }
}
