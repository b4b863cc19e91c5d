//! Who has signed a certificate that was refused: what an administrator must know to trust it.

use std::sync::Arc;

use parking_lot::Mutex;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

/// Characters of a name in a foreign certificate.
const MAX_NAME: usize = 200;

/// Stands beside the judge of certificates and remembers who signed what it refused. Every verdict is
/// the judge's.
#[derive(Debug)]
pub(in crate::upstream) struct Witness {
    judge: Arc<WebPkiServerVerifier>,
    signer: Mutex<Option<String>>,
}

impl Witness {
    pub(super) const fn beside(judge: Arc<WebPkiServerVerifier>) -> Self {
        Self {
            judge,
            signer: Mutex::new(None),
        }
    }

    /// Who has signed the last certificate of the chain that was refused.
    pub(in crate::upstream) fn signer(&self) -> Option<String> {
        self.signer.lock().clone()
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict = self.judge.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        if verdict.is_err() {
            *self.signer.lock() = signer(intermediates.last().unwrap_or(end_entity));
        }
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.supported_verify_schemes()
    }
}

fn signer(certificate: &CertificateDer<'_>) -> Option<String> {
    let (_, read) = x509_parser::parse_x509_certificate(certificate).ok()?;
    Some(read.issuer().to_string().chars().take(MAX_NAME).collect())
}
