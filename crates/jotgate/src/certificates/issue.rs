//! Making keys and certificates.
//!
//! RSA throughout: whatever reads the real system's exported certificates reads these.

use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use jotgate_model::UnixTime;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType,
    ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize,
};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::administrator::administrator_key_usage;
use super::load::{self, CertificateError};
use crate::data_directory::atomic;

const DAY: u64 = 86_400;
/// The root outlives what it issues by far.
const ROOT_DAYS: u64 = 3650;
/// Apple's systems refuse server certificates of private roots that are valid for more than 825 days
/// in all (support.apple.com, "Requirements for trusted certificates in iOS 13 and macOS 10.15").
const LEAF_DAYS: u64 = 824;
/// For clients whose clock is behind.
const EARLIER: u64 = 3600;

/// How long an RSA key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeySize {
    /// The shortest that is accepted anywhere (RFC 7518 section 3.3).
    Bits2048,
    /// As strong as 128 bits (NIST SP 800-57).
    Bits3072,
    /// For who is told to.
    Bits4096,
}

/// The text of a PEM file.
pub(crate) enum Pem {
    /// For everybody.
    Public(String),
    /// For the owner of the process.
    Private(Zeroizing<String>),
}

impl Pem {
    /// Writes a new file that only those can read who may.
    ///
    /// # Errors
    /// Something has the name already, or the file system refuses.
    pub(crate) fn create(&self, path: &Path) -> io::Result<()> {
        match self {
            Self::Public(text) => atomic::create(path, text.as_bytes(), atomic::PUBLIC),
            Self::Private(text) => atomic::create(path, text.as_bytes(), atomic::OWNER_ONLY),
        }
    }

    fn private(key: &KeyPair) -> Self {
        Self::Private(Zeroizing::new(key.serialize_pem()))
    }
}

/// A key pair with a certificate by itself, for signing tokens.
///
/// # Errors
/// The key cannot be made, or the name cannot stand in a certificate.
pub(crate) fn self_signed(
    size: KeySize,
    common_name: &str,
    days: u64,
    now: UnixTime,
) -> Result<SelfSigned, rcgen::Error> {
    let key = make_key(size)?;
    let mut params = params(common_name, days, now);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    let certificate = params.self_signed(&key)?;
    Ok(SelfSigned {
        private_key: Pem::private(&key),
        certificate: Pem::Public(certificate.pem()),
        public_key: Pem::Public(key.public_key_pem()),
    })
}

/// What [`self_signed`] makes.
pub(crate) struct SelfSigned {
    /// The private key, PKCS#8.
    pub(crate) private_key: Pem,
    /// The certificate.
    pub(crate) certificate: Pem,
    /// The public key alone.
    pub(crate) public_key: Pem,
}

/// Makes the keys that are asked for, all at the same time.
pub(super) fn keys<const N: usize>(
    sizes: [Option<KeySize>; N],
) -> Result<[Option<KeyPair>; N], rcgen::Error> {
    let mut made: [Option<KeyPair>; N] = [const { None }; N];
    thread::scope(|scope| {
        let threads = sizes.map(|size| size.map(|size| scope.spawn(move || make_key(size))));
        for (place, thread) in made.iter_mut().zip(threads) {
            if let Some(thread) = thread {
                let key = thread
                    .join()
                    .unwrap_or(Err(rcgen::Error::RingUnspecified))?;
                *place = Some(key);
            }
        }
        Ok(made)
    })
}

fn make_key(size: KeySize) -> Result<KeyPair, rcgen::Error> {
    let size = match size {
        KeySize::Bits2048 => RsaKeySize::_2048,
        KeySize::Bits3072 => RsaKeySize::_3072,
        KeySize::Bits4096 => RsaKeySize::_4096,
    };
    KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, size)
}

/// The root: what issues the others.
pub(super) struct Root {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl Root {
    /// A new root with this key.
    pub(super) fn make(key: KeyPair, now: UnixTime) -> Result<Self, rcgen::Error> {
        // Two roots of the same name in one trust store confuse browsers.
        let number = Uuid::new_v4().simple().to_string();
        let name = format!("Jotgate root {}", number.get(..8).unwrap_or_default());
        let mut params = params(&name, ROOT_DAYS, now);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let certificate = params.self_signed(&key)?.pem();
        Ok(Self {
            issuer: Issuer::new(params, key),
            certificate,
        })
    }

    /// The root in these files.
    pub(super) fn read(certificate: &Path, key: &Path) -> Result<Self, CertificateError> {
        let (chain, _) = load::load_pair(certificate, key)?;
        let unusable = |path: &Path| {
            CertificateError::new(format!(
                "{} cannot be used to issue certificates; give an RSA or ECDSA root, or move both of its files away to have one made",
                path.display()
            ))
        };
        let text = Zeroizing::new(load::text(key)?);
        let pair = KeyPair::from_pem(&text).map_err(|_| unusable(key))?;
        let der = chain.first().ok_or_else(|| unusable(certificate))?;
        Ok(Self {
            issuer: Issuer::from_ca_cert_der(der, pair).map_err(|_| unusable(certificate))?,
            certificate: load::text(certificate)?,
        })
    }

    /// The root's own certificate and key.
    pub(super) fn pem(&self) -> (String, Pem) {
        (self.certificate.clone(), Pem::private(self.issuer.key()))
    }

    /// A certificate for TLS servers of these names.
    pub(super) fn server(
        &self,
        key: KeyPair,
        names: &[String],
        now: UnixTime,
    ) -> Result<(String, Pem), rcgen::Error> {
        let mut params = params("Jotgate server", LEAF_DAYS, now);
        params.subject_alt_names = CertificateParams::new(names)?.subject_alt_names;
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.key_usages = vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ];
        self.issue(params, &key)
    }

    /// A certificate for a client that may administer.
    pub(super) fn administrator(
        &self,
        key: KeyPair,
        now: UnixTime,
    ) -> Result<(String, Pem), rcgen::Error> {
        let mut params = params("Jotgate administrator client", LEAF_DAYS, now);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        let usage = administrator_key_usage();
        params.custom_extensions = vec![CustomExtension::from_oid_content(&[2, 5, 29, 37], usage)];
        self.issue(params, &key)
    }

    fn issue(
        &self,
        mut params: CertificateParams,
        key: &KeyPair,
    ) -> Result<(String, Pem), rcgen::Error> {
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(key, &self.issuer)?;
        Ok((certificate.pem(), Pem::private(key)))
    }
}

fn params(common_name: &str, days: u64, now: UnixTime) -> CertificateParams {
    let now = Duration::from_secs(u64::try_from(now.0).unwrap_or_default());
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    params.not_before = epoch + now.saturating_sub(Duration::from_secs(EARLIER));
    params.not_after = epoch + now + Duration::from_secs(days * DAY);
    params
}
