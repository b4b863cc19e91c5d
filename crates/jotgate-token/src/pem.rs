//! Keys in PEM text (RFC 7468), as people paste it.
//!
//! Tolerant about the wrapping, strict about the contents: text around the blocks, CRLF, and blocks on a
//! single line are fine; a block that cannot be used refuses the whole text, because an
//! administrator who pasted it believes that it counts.

mod blocks;
mod recognize;

use crate::der;
use crate::key::{Key, KeyError};
use crate::sign::SignError;
use blocks::{Block, blocks};
use zeroize::Zeroizing;

/// The longest text, in characters: the limit of QRS for `jwtPublicKeyCertificate`.
const MAX_CHARACTERS: usize = 100_000;

/// How many blocks a text may hold. Also bounds how many signatures one token can make us check.
const MAX_KEYS: usize = 32;

/// Why PEM text is not accepted. Worded to follow the field's name; never holds any of the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// More than 100,000 characters.
    #[error("is {0} characters long; at most {MAX_CHARACTERS} are possible")]
    TooLong(usize),
    /// More than 32 blocks.
    #[error("holds more than {MAX_KEYS} keys; remove those that sign no more")]
    TooManyKeys,
    /// A private key.
    #[error(
        "holds a private key; it was not stored. Never paste it anywhere: paste its certificate or public key, and replace it if others may have seen it"
    )]
    PrivateKey,
    /// A certificate signing request.
    #[error("holds a certificate request; paste the certificate that was made from it")]
    CertificateRequest,
    /// A block of another kind.
    #[error("holds a block of the kind {0}; paste certificates or public keys")]
    Unsupported(String),
    /// No block at all.
    #[error(
        "holds no certificate; paste the text from -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----, these lines included"
    )]
    NoBlock,
    /// An OpenSSH key.
    #[error(
        "holds a key in the form of OpenSSH; convert it with `ssh-keygen -e -m PKCS8` and paste the result"
    )]
    OpenSsh,
    /// A certificate without its BEGIN and END lines.
    #[error(
        "holds a certificate without its first and last line; put -----BEGIN CERTIFICATE----- before it and -----END CERTIFICATE----- behind it"
    )]
    BareCertificate,
    /// A public key without its BEGIN and END lines.
    #[error(
        "holds a public key without its first and last line; put -----BEGIN PUBLIC KEY----- before it and -----END PUBLIC KEY----- behind it"
    )]
    BarePublicKey,
    /// A JSON Web Key without a private part.
    #[error(
        "holds a JWK, and takes PEM only; name the address that publishes the key as JWKS address, or paste the certificate of the same key"
    )]
    Jwk,
    /// A key store.
    #[error(
        "holds a PKCS#12 file (.pfx or .p12), and with it a private key; it was not stored. Export the certificate alone, in PEM form"
    )]
    Pkcs12,
    /// A token.
    #[error("holds a token; paste the certificate or public key that tokens are checked with")]
    Token,
    /// A beginning without an end, or the other way round.
    #[error("holds a block that is cut: its BEGIN and END lines do not belong together")]
    Cut,
    /// A block whose contents are not base64.
    #[error("holds a block (number {0}) that is damaged: its contents are not base64")]
    NotBase64(usize),
    /// A block whose key cannot be used.
    #[error("holds a block (number {0}) that {1}")]
    Key(usize, KeyError),
}

impl PemError {
    /// Whether the text holds what nobody else may see.
    #[must_use]
    pub const fn is_secret(&self) -> bool {
        matches!(self, Self::Pkcs12 | Self::PrivateKey | Self::Token)
    }
}

/// Reads every block of the text.
pub(crate) fn read(text: &str) -> Result<Vec<Key>, PemError> {
    let characters = text.chars().count();
    if characters > MAX_CHARACTERS {
        return Err(PemError::TooLong(characters));
    }
    // First of all, also in text that is damaged otherwise.
    if text.contains("PRIVATE KEY-") || text.contains("BEGIN PRIVATE KEY") {
        return Err(PemError::PrivateKey);
    }
    let blocks = blocks(text)?;
    if blocks.is_empty() {
        return match text.trim() {
            "" => Ok(Vec::new()),
            text => Err(recognize::recognize(text)),
        };
    }
    if blocks.len() > MAX_KEYS {
        return Err(PemError::TooManyKeys);
    }
    blocks
        .iter()
        .enumerate()
        .map(|(i, block)| read_block(i + 1, block))
        .collect()
}

/// PEM text as [`KeySet::from_pem`](crate::KeySet::from_pem) reads it, without the blocks of keys
/// whose fingerprint `is_removed`; what stands around the blocks stays.
///
/// # Errors
/// As there.
pub fn without_keys(text: &str, is_removed: impl Fn(&str) -> bool) -> Result<String, PemError> {
    let keys = read(text)?;
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    for (block, key) in blocks(text)?.iter().zip(keys) {
        let (before, after) = rest.split_once(block.text).ok_or(PemError::Cut)?;
        kept.push_str(before);
        let removed = is_removed(key.fingerprint());
        if !removed {
            kept.push_str(block.text);
        }
        // With its line break.
        rest = after
            .strip_prefix('\n')
            .filter(|_| removed)
            .unwrap_or(after);
    }
    kept.push_str(rest);
    Ok(kept)
}

/// The label and the contents of the first private key, for signing.
pub(crate) fn private_key(text: &str) -> Result<(&str, Zeroizing<Vec<u8>>), SignError> {
    let blocks = blocks(text).map_err(|_| SignError::NoPrivateKey)?;
    let block = blocks
        .iter()
        .find(|block| block.label.ends_with("PRIVATE KEY"))
        .ok_or(SignError::NoPrivateKey)?;
    // The old form of encryption leaves the label as it is (RFC 1421 section 4.6.1.1).
    if block.label == "ENCRYPTED PRIVATE KEY" || block.says("ENCRYPTED") {
        return Err(SignError::Encrypted);
    }
    let der = block.contents().ok_or(SignError::NoPrivateKey)?;
    Ok((block.label, der))
}

fn read_block(number: usize, block: &Block<'_>) -> Result<Key, PemError> {
    let der = || block.contents().ok_or(PemError::NotBase64(number));
    let key = match block.label {
        "CERTIFICATE" | "X509 CERTIFICATE" => Key::from_certificate(&der()?),
        "PUBLIC KEY" => Key::from_spki(&der()?),
        "RSA PUBLIC KEY" => Key::from_spki(&der::rsa_spki_from_pkcs1(&der()?)),
        "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => {
            return Err(PemError::CertificateRequest);
        }
        "SSH2 PUBLIC KEY" => return Err(PemError::OpenSsh),
        label => return Err(PemError::Unsupported(crate::text::quoted(label))),
    };
    key.map_err(|error| PemError::Key(number, error))
}

#[cfg(test)]
mod tests;
