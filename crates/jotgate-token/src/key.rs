//! A verification key: parsed and judged once, when it is configured, and cheap to use afterwards.
//!
//! Every key enters as a `SubjectPublicKeyInfo` (RFC 5280 section 4.1.2.7), whatever it was taken from, so there is one place that judges strength and one
//! fingerprint for one key. Only public keys are ever held here.

mod certificate;
mod material;
mod roca;

use std::fmt;
use std::sync::Arc;

use jotgate_model::Algorithm;

pub use certificate::CertificateInfo;
pub use material::KeyFamily;
use material::Material;

/// A public key that may verify tokens. Cloning is cheap.
#[derive(Clone)]
pub struct Key(Arc<Inner>);

struct Inner {
    kid: Option<Arc<str>>,
    only: Option<Algorithm>,
    fingerprint: Arc<str>,
    certificate: Option<CertificateInfo>,
    material: Material,
}

/// Why a public key is not used. Worded to follow "the key" or "block 2".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not DER, or cut.
    #[error("cannot be read as a public key: it is damaged or cut")]
    Damaged,
    /// RFC 7518 section 3.3 wants 2048 bits.
    #[error(
        "is an RSA key of {0} bits; RFC 7518 asks for 2048 or more (make one with `jotgate keygen --bits 2048`)"
    )]
    TooShort(usize),
    /// Verification would take too long.
    #[error("is an RSA key of {0} bits; at most 8192 are supported")]
    TooLong(usize),
    /// With e = 1 anybody can sign; an even e is no RSA.
    #[error("is an RSA key with an unusable public exponent; make a new key")]
    Exponent,
    /// A modulus that no correct generator makes.
    #[error("is an RSA key with an even modulus; it is damaged")]
    EvenModulus,
    /// CVE-2017-15361.
    #[error(
        "was made by a broken generator (ROCA, CVE-2017-15361), its private key can be computed; make a new key"
    )]
    Roca,
    /// Neither RSA, P-256, P-384 nor Ed25519.
    #[error("is a key of an unsupported kind ({0}); use RSA, P-256, P-384 or Ed25519")]
    Unsupported(Box<str>),
    /// A point of small order or not on its curve.
    #[error("is no valid point of its curve; it is damaged")]
    Point,
}

impl Key {
    /// The key inside of a `SubjectPublicKeyInfo`.
    pub(crate) fn from_spki(der: &[u8]) -> Result<Self, KeyError> {
        Ok(Self(Arc::new(Inner {
            kid: None,
            only: None,
            fingerprint: crate::text::sha256_hex(der).into(),
            certificate: None,
            material: Material::from_spki(der)?,
        })))
    }

    /// The key inside of an X.509 certificate.
    pub(crate) fn from_certificate(der: &[u8]) -> Result<Self, KeyError> {
        let (certificate, spki) = CertificateInfo::read(der).ok_or(KeyError::Damaged)?;
        Ok(Self(Arc::new(Inner {
            kid: None,
            only: None,
            fingerprint: crate::text::sha256_hex(spki).into(),
            certificate: Some(certificate),
            material: Material::from_spki(spki)?,
        })))
    }

    /// The same key with what a JWK says about it.
    pub(crate) fn from_jwk(
        spki: &[u8],
        kid: Option<&str>,
        only: Option<Algorithm>,
    ) -> Result<Self, KeyError> {
        Ok(Self(Arc::new(Inner {
            kid: kid.map(Arc::from),
            only,
            fingerprint: crate::text::sha256_hex(spki).into(),
            certificate: None,
            material: Material::from_spki(spki)?,
        })))
    }

    /// The key's id; keys from PEM text have none.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.0.kid.as_deref()
    }

    /// What kind of key it is.
    #[must_use]
    pub fn family(&self) -> KeyFamily {
        self.0.material.family()
    }

    /// The only algorithm that the key set allows for this key (RFC 7517 section 4.4).
    #[must_use]
    pub fn only_algorithm(&self) -> Option<Algorithm> {
        self.0.only
    }

    /// The size of the modulus or of the curve.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.0.material.bits()
    }

    /// SHA-256 of the `SubjectPublicKeyInfo` in DER, in hexadecimal digits. The same for a
    /// certificate, a bare public key and a JWK with the same key.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.0.fingerprint
    }

    /// The certificate that the key came in.
    #[must_use]
    pub fn certificate(&self) -> Option<&CertificateInfo> {
        self.0.certificate.as_ref()
    }

    /// Whether signatures of `algorithm` can be checked with this key.
    #[must_use]
    pub fn fits(&self, algorithm: Algorithm) -> bool {
        self.family().fits(algorithm) && self.0.only.is_none_or(|only| only == algorithm)
    }

    pub(crate) fn shared_kid(&self) -> Option<Arc<str>> {
        self.0.kid.clone()
    }

    pub(crate) fn shared_fingerprint(&self) -> Arc<str> {
        Arc::clone(&self.0.fingerprint)
    }

    /// How many bytes a signature has.
    pub(crate) fn signature_length(&self) -> usize {
        self.0.material.signature_length()
    }

    /// Whether `signature` is one of this key over `message`. False also when the key does not fit.
    pub(crate) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        self.fits(algorithm) && self.0.material.verifies(algorithm, message, signature)
    }

    /// Whether both are the same key with the same name and the same restriction.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.0.fingerprint == other.0.fingerprint
            && self.0.kid == other.0.kid
            && self.0.only == other.0.only
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("kid", &self.0.kid)
            .field("family", &self.family())
            .field("fingerprint", &self.0.fingerprint)
            .finish_non_exhaustive()
    }
}
