//! Makes tokens, for `jotgate token sign`, the demo and tests.

use std::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use base64_simd::URL_SAFE_NO_PAD;
use jotgate_model::Algorithm;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::key::KeyFamily;

/// A private key that signs tokens. Not shown by `Debug`; its text is wiped from memory after use.
pub struct SigningKey(Material);

enum Material {
    Rsa(RsaKeyPair),
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Why no token was made. Never holds any of the key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// Not a private key in PEM.
    #[error(
        "the key file holds no private key in PEM; it must begin with -----BEGIN PRIVATE KEY-----"
    )]
    NoPrivateKey,
    /// Protected by a password.
    #[error("the private key is encrypted; decrypt it with `openssl pkey -in FILE -out PLAIN`")]
    Encrypted,
    /// Neither RSA with 2048 bits or more (RFC 7518 section 3.3), P-256, P-384 nor Ed25519; or damaged.
    #[error(
        "the private key cannot be used: it must be RSA with at least 2048 bits, P-256, P-384 or Ed25519 (make one with `jotgate keygen --bits 2048`)"
    )]
    Unsupported,
    /// The key is of another kind than the algorithm.
    #[error("the key is {family}, which does not sign {}; choose {}", algorithm.name(), suggestion(*family))]
    Mismatch {
        /// What the key is.
        family: KeyFamily,
        /// What was asked for.
        algorithm: Algorithm,
    },
    /// aws-lc refused to sign.
    #[error("signing failed")]
    Failed,
}

/// The algorithms of a kind of key, for the sentence.
const fn suggestion(family: KeyFamily) -> &'static str {
    match family {
        KeyFamily::Rsa => "RS256",
        KeyFamily::P256 => "ES256",
        KeyFamily::P384 => "ES384",
        KeyFamily::Ed25519 => "EdDSA",
    }
}

/// Makes a compact token (RFC 7515 section 7.1) from `claims`, as they are, with the private key in
/// the PEM text. The header has `alg`, `typ` and, if there is one, `kid`.
///
/// # Errors
/// When the key cannot be read or does not fit the algorithm.
pub fn sign(
    algorithm: Algorithm,
    private_key_pem: &str,
    kid: Option<&str>,
    claims: &Map<String, Value>,
) -> Result<String, SignError> {
    SigningKey::from_pem(private_key_pem)?.sign(algorithm, kid, claims)
}

impl SigningKey {
    /// Reads the first private key of PEM text: PKCS#8 (`PRIVATE KEY`), PKCS#1 (`RSA PRIVATE KEY`)
    /// or SEC 1 (`EC PRIVATE KEY`).
    ///
    /// # Errors
    /// When there is none, it is encrypted, of another kind, or an RSA key below 2048 bits.
    pub fn from_pem(text: &str) -> Result<Self, SignError> {
        let (label, der) = crate::pem::private_key(text)?;
        let material = match label {
            "PRIVATE KEY" => Material::from_pkcs8(&der),
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der).ok().map(Material::Rsa),
            "EC PRIVATE KEY" => Material::from_sec1(&der),
            _ => None,
        };
        // aws-lc reads no RSA key below 2048 bits.
        material.map(Self).ok_or(SignError::Unsupported)
    }

    /// What kind of key it is.
    #[must_use]
    pub const fn family(&self) -> KeyFamily {
        match &self.0 {
            Material::Rsa(_) => KeyFamily::Rsa,
            Material::P256(_) => KeyFamily::P256,
            Material::P384(_) => KeyFamily::P384,
            Material::Ed25519(_) => KeyFamily::Ed25519,
        }
    }

    /// Makes a compact token from `claims`, as they are.
    ///
    /// # Errors
    /// When the key does not fit the algorithm.
    pub fn sign(
        &self,
        algorithm: Algorithm,
        kid: Option<&str>,
        claims: &Map<String, Value>,
    ) -> Result<String, SignError> {
        let mut header = Map::new();
        header.insert("alg".to_owned(), algorithm.name().into());
        header.insert("typ".to_owned(), "JWT".into());
        if let Some(kid) = kid {
            header.insert("kid".to_owned(), kid.into());
        }
        let header = Value::Object(header).to_string();
        let payload = Value::Object(claims.clone()).to_string();
        self.sign_bytes(algorithm, header.as_bytes(), payload.as_bytes())
    }

    /// Signs a header and a payload as they are, however wrong they may be.
    pub(crate) fn sign_bytes(
        &self,
        algorithm: Algorithm,
        header: &[u8],
        payload: &[u8],
    ) -> Result<String, SignError> {
        if !self.family().fits(algorithm) {
            return Err(SignError::Mismatch {
                family: self.family(),
                algorithm,
            });
        }
        let mut token = URL_SAFE_NO_PAD.encode_to_string(header);
        token.push('.');
        URL_SAFE_NO_PAD.encode_append(payload, &mut token);
        let signature = self
            .0
            .sign(algorithm, token.as_bytes())
            .ok_or(SignError::Failed)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_append(signature, &mut token);
        Ok(token)
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SigningKey").field(&self.family()).finish()
    }
}

impl Material {
    fn from_pkcs8(der: &Zeroizing<Vec<u8>>) -> Option<Self> {
        let p256 = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        let p384 = &signature::ECDSA_P384_SHA384_FIXED_SIGNING;
        RsaKeyPair::from_pkcs8(der)
            .map(Self::Rsa)
            .or_else(|_| EcdsaKeyPair::from_pkcs8(p256, der).map(Self::P256))
            .or_else(|_| EcdsaKeyPair::from_pkcs8(p384, der).map(Self::P384))
            .or_else(|_| Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map(Self::Ed25519))
            .ok()
    }

    fn from_sec1(der: &Zeroizing<Vec<u8>>) -> Option<Self> {
        let p256 = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        let p384 = &signature::ECDSA_P384_SHA384_FIXED_SIGNING;
        EcdsaKeyPair::from_private_key_der(p256, der)
            .map(Self::P256)
            .or_else(|_| EcdsaKeyPair::from_private_key_der(p384, der).map(Self::P384))
            .ok()
    }

    /// `algorithm` must be one of the family.
    fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Option<Vec<u8>> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let encoding: &'static dyn signature::RsaEncoding = match algorithm {
                    Algorithm::RS384 => &signature::RSA_PKCS1_SHA384,
                    Algorithm::RS512 => &signature::RSA_PKCS1_SHA512,
                    Algorithm::PS256 => &signature::RSA_PSS_SHA256,
                    Algorithm::PS384 => &signature::RSA_PSS_SHA384,
                    Algorithm::PS512 => &signature::RSA_PSS_SHA512,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &random, message, &mut signature).ok()?;
                Some(signature)
            }
            Self::P256(pair) | Self::P384(pair) => {
                let signature = pair.sign(&random, message).ok()?;
                Some(signature.as_ref().to_vec())
            }
            Self::Ed25519(pair) => Some(pair.sign(message).as_ref().to_vec()),
        }
    }
}

#[cfg(test)]
mod tests;
