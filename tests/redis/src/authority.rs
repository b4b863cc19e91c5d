//! A certificate authority for servers with TLS.

use std::fs;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

use crate::{RedisServer, free_port};

/// An authority that nobody knows unless they are told.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    /// A new one.
    ///
    /// # Panics
    /// No certificate can be made.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "each is another one")]
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // OpenSSL takes a certificate for its own issuer when both have one name.
        params
            .distinguished_name
            .push(DnType::CommonName, "authority of a test");
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a certificate");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let authority = Self { issuer, folder };
        authority.write("ca.pem", &authority.pem());
        authority
    }

    /// Its certificate, in PEM.
    #[must_use]
    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// The file that its certificate is in.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.path().join("ca.pem")
    }

    /// The settings of a server that speaks TLS at a port of its own, with a certificate for `name`; and the port.
    /// Without TLS it goes on to be asked at its other port.
    ///
    /// # Panics
    /// No certificate can be made.
    #[must_use]
    pub fn settings(&self, name: &str) -> (Vec<String>, u16) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let certificate = self.write(&format!("{name}.pem"), &certificate.pem());
        let key = self.write(&format!("{name}.key"), &key.serialize_pem());
        let port = free_port();
        let settings = [
            ("--tls-port", port.to_string()),
            ("--tls-cert-file", certificate),
            ("--tls-key-file", key),
            ("--tls-ca-cert-file", self.file().display().to_string()),
            ("--tls-auth-clients", "no".to_owned()),
        ];
        let settings = settings.into_iter();
        let settings = settings.flat_map(|(name, value)| [name.to_owned(), value]);
        (settings.collect(), port)
    }

    /// A server with TLS, whose certificate is for `name`; and the port where it speaks TLS.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn server(&self, name: &str) -> (RedisServer, u16) {
        let (settings, port) = self.settings(name);
        let settings: Vec<_> = settings.iter().map(String::as_str).collect();
        (RedisServer::with(&settings), port)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) -> String {
        let file = self.path().join(name);
        fs::write(&file, text).expect("a file");
        file.display().to_string()
    }
}
