//! The numbers of a key, in the form that aws-lc checks signatures with.

use std::fmt;
use std::sync::OnceLock;

use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use jotgate_model::Algorithm;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::SubjectPublicKeyInfo;

use super::{KeyError, roca};

/// The smallest modulus (RFC 7518 section 3.3) and the largest that aws-lc checks, in bits.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

const OID_RSA: &str = "1.2.840.113549.1.1.1";
const OID_EC: &str = "1.2.840.10045.2.1";
const OID_ED25519: &str = "1.3.101.112";
const OID_P256: &str = "1.2.840.10045.3.1.7";
const OID_P384: &str = "1.3.132.0.34";

/// The kinds of keys, each good for some algorithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyFamily {
    /// RS256 to RS512 and PS256 to PS512.
    Rsa,
    /// ES256.
    P256,
    /// ES384.
    P384,
    /// EdDSA.
    Ed25519,
}

impl KeyFamily {
    /// Whether keys of this kind make signatures of `algorithm`.
    #[must_use]
    pub const fn fits(self, algorithm: Algorithm) -> bool {
        matches!(
            (self, algorithm),
            (
                Self::Rsa,
                Algorithm::RS256
                    | Algorithm::RS384
                    | Algorithm::RS512
                    | Algorithm::PS256
                    | Algorithm::PS384
                    | Algorithm::PS512
            ) | (Self::P256, Algorithm::ES256)
                | (Self::P384, Algorithm::ES384)
                | (Self::Ed25519, Algorithm::EdDSA)
        )
    }
}

impl fmt::Display for KeyFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rsa => "RSA",
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::Ed25519 => "Ed25519",
        })
    }
}

pub(super) enum Material {
    Rsa(Box<Rsa>),
    P256(ParsedPublicKey),
    P384(ParsedPublicKey),
    Ed25519(ParsedPublicKey),
}

/// aws-lc binds a parsed key to one algorithm, so each is parsed when it is first needed.
pub(super) struct Rsa {
    spki: Box<[u8]>,
    bits: usize,
    parsed: [OnceLock<Option<ParsedPublicKey>>; 6],
}

impl Material {
    pub(super) fn from_spki(der: &[u8]) -> Result<Self, KeyError> {
        let (rest, spki) = SubjectPublicKeyInfo::from_der(der).map_err(|_| KeyError::Damaged)?;
        if !rest.is_empty() {
            return Err(KeyError::Damaged);
        }
        let oid = spki.algorithm.algorithm.to_id_string();
        match oid.as_str() {
            OID_RSA => Rsa::new(der, &spki).map(|rsa| Self::Rsa(Box::new(rsa))),
            OID_ED25519 => ed25519(der, &spki).map(Self::Ed25519),
            OID_EC => {
                let curve = spki
                    .algorithm
                    .parameters
                    .as_ref()
                    .and_then(|parameters| parameters.as_oid().ok())
                    .map(|oid| oid.to_id_string())
                    .unwrap_or_default();
                match curve.as_str() {
                    OID_P256 => point(&signature::ECDSA_P256_SHA256_FIXED, der).map(Self::P256),
                    OID_P384 => point(&signature::ECDSA_P384_SHA384_FIXED, der).map(Self::P384),
                    _ => Err(KeyError::Unsupported(curve_name(&curve).into())),
                }
            }
            other => Err(KeyError::Unsupported(kind_name(other).into())),
        }
    }

    pub(super) const fn family(&self) -> KeyFamily {
        match self {
            Self::Rsa(_) => KeyFamily::Rsa,
            Self::P256(_) => KeyFamily::P256,
            Self::P384(_) => KeyFamily::P384,
            Self::Ed25519(_) => KeyFamily::Ed25519,
        }
    }

    pub(super) const fn bits(&self) -> usize {
        match self {
            Self::Rsa(rsa) => rsa.bits,
            Self::P256(_) | Self::Ed25519(_) => 256,
            Self::P384(_) => 384,
        }
    }

    pub(super) const fn signature_length(&self) -> usize {
        match self {
            Self::Rsa(rsa) => rsa.bits.div_ceil(8),
            Self::P256(_) | Self::Ed25519(_) => 64,
            Self::P384(_) => 96,
        }
    }

    /// `algorithm` must be one of the family.
    pub(super) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let key = match self {
            Self::Rsa(rsa) => rsa.parsed(algorithm),
            Self::P256(key) | Self::P384(key) | Self::Ed25519(key) => Some(key),
        };
        key.is_some_and(|key| key.verify_sig(message, signature).is_ok())
    }
}

impl Rsa {
    fn new(der: &[u8], spki: &SubjectPublicKeyInfo<'_>) -> Result<Self, KeyError> {
        let Ok(PublicKey::RSA(numbers)) = spki.parsed() else {
            return Err(KeyError::Damaged);
        };
        let modulus = without_zeros(numbers.modulus);
        let exponent = without_zeros(numbers.exponent);
        let bits = bit_length(modulus);
        match bits {
            0 => return Err(KeyError::Damaged),
            _ if bits < *RSA_BITS.start() => return Err(KeyError::TooShort(bits)),
            _ if bits > *RSA_BITS.end() => return Err(KeyError::TooLong(bits)),
            _ => {}
        }
        let is_odd = |number: &[u8]| number.last().is_some_and(|b| b % 2 == 1);
        if !is_odd(exponent) || exponent == [1] {
            return Err(KeyError::Exponent);
        }
        if !is_odd(modulus) {
            return Err(KeyError::EvenModulus);
        }
        if roca::is_weak(modulus) {
            return Err(KeyError::Roca);
        }
        let rsa = Self {
            spki: der.into(),
            bits,
            parsed: [const { OnceLock::new() }; 6],
        };
        // aws-lc's own opinion, now instead of at the first token: it refuses huge exponents.
        match rsa.parsed(Algorithm::RS256) {
            Some(_) => Ok(rsa),
            None => Err(KeyError::Exponent),
        }
    }

    fn parsed(&self, algorithm: Algorithm) -> Option<&ParsedPublicKey> {
        let (slot, parameters): (usize, &'static dyn VerificationAlgorithm) = match algorithm {
            Algorithm::RS256 => (0, &signature::RSA_PKCS1_2048_8192_SHA256),
            Algorithm::RS384 => (1, &signature::RSA_PKCS1_2048_8192_SHA384),
            Algorithm::RS512 => (2, &signature::RSA_PKCS1_2048_8192_SHA512),
            Algorithm::PS256 => (3, &signature::RSA_PSS_2048_8192_SHA256),
            Algorithm::PS384 => (4, &signature::RSA_PSS_2048_8192_SHA384),
            Algorithm::PS512 => (5, &signature::RSA_PSS_2048_8192_SHA512),
            Algorithm::ES256 | Algorithm::ES384 | Algorithm::EdDSA => return None,
        };
        self.parsed
            .get(slot)?
            .get_or_init(|| ParsedPublicKey::new(parameters, &self.spki).ok())
            .as_ref()
    }
}

fn point(
    algorithm: &'static dyn VerificationAlgorithm,
    der: &[u8],
) -> Result<ParsedPublicKey, KeyError> {
    ParsedPublicKey::new(algorithm, der).map_err(|_| KeyError::Point)
}

/// The points of small order, by their y coordinate (RFC 7748 section 7 names the danger): with such
/// a key a signature that fits nearly any message can be made. The sign bit is not looked at.
const ED25519_SMALL_ORDER: [[u8; 32]; 7] = [
    [0; 32],
    small(1),
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98,
        0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53,
        0xfc, 0x05,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67,
        0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac,
        0x03, 0x7a,
    ],
    near_p(0xec),
    near_p(0xed),
    near_p(0xee),
];

const fn small(y: u8) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[0] = y;
    bytes
}

/// 2^255 - 256 + `low`: p is 2^255 - 19.
const fn near_p(low: u8) -> [u8; 32] {
    let mut bytes = [0xff; 32];
    bytes[0] = low;
    bytes[31] = 0x7f;
    bytes
}

fn ed25519(der: &[u8], spki: &SubjectPublicKeyInfo<'_>) -> Result<ParsedPublicKey, KeyError> {
    let mut y: [u8; 32] = spki
        .subject_public_key
        .data
        .as_ref()
        .try_into()
        .map_err(|_| KeyError::Damaged)?;
    y[31] &= 0x7f;
    if ED25519_SMALL_ORDER.contains(&y) {
        return Err(KeyError::Point);
    }
    point(&signature::ED25519, der)
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|b| **b == 0).count();
    number.get(zeros..).unwrap_or_default()
}

fn bit_length(number: &[u8]) -> usize {
    number
        .first()
        .map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

fn curve_name(oid: &str) -> &str {
    match oid {
        "1.3.132.0.35" => "P-521",
        "1.3.132.0.10" => "secp256k1",
        "1.3.132.0.33" | "1.2.840.10045.3.1.1" => "a curve below 256 bits",
        "" => "a curve without a name",
        other => other,
    }
}

fn kind_name(oid: &str) -> &str {
    match oid {
        "1.2.840.113549.1.1.10" => "RSA for PSS only",
        "1.2.840.10040.4.1" => "DSA",
        "1.2.840.113549.1.3.1" => "Diffie-Hellman",
        "1.3.101.110" => "X25519",
        "1.3.101.111" => "X448",
        "1.3.101.113" => "Ed448",
        other => other,
    }
}
