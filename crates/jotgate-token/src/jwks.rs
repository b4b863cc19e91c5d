//! JWK sets (RFC 7517 section 5), as issuers publish them.
//!
//! Keys that cannot serve are left out one by one, with the reason, so that one bad key never locks
//! everybody out. The certificates of a key (`x5c`, `x5u`) are not looked at: its numbers count.

use std::borrow::Cow;
use std::fmt;

use base64_simd::URL_SAFE_NO_PAD;
use jotgate_model::Algorithm;

use crate::der;
use crate::json::{JsonError, Object, Value, parse_object_with_duplicates};
use crate::key::{Key, KeyError};
use crate::text::quoted;

/// The largest document, in bytes.
const MAX_DOCUMENT: usize = 512 * 1024;

/// How many keys a document may list.
const MAX_KEYS: usize = 100;

/// The longest key id, in bytes.
const MAX_KID: usize = 1024;

/// Why a document is no set of verification keys. Worded to follow "the key set".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JwksError {
    /// More than 512 KiB.
    #[error("has {0} bytes; at most {MAX_DOCUMENT} are read")]
    TooLarge(usize),
    /// A page instead of a document.
    #[error("is a web page, not a JSON document; check its address")]
    WebPage,
    /// No JSON object.
    #[error("{0}")]
    NotJson(Box<str>),
    /// No `keys`, or not an array.
    #[error("has no array \"keys\" (RFC 7517 section 5); check its address")]
    NoKeys,
    /// More than 100 keys.
    #[error("lists {0} keys; at most {MAX_KEYS} are read")]
    TooManyKeys(usize),
    /// Not one key can be used.
    #[error("has no key that can verify tokens{}", Reasons(.0))]
    NothingUsable(Vec<SkippedKey>),
}

/// A key of a set that is not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedKey {
    /// Where it stands in the set; the first is 0.
    pub position: usize,
    /// Its id, if it has one; shown text, at most 64 characters.
    pub kid: Option<Box<str>>,
    /// Why, worded to follow "the key".
    pub problem: Box<str>,
}

impl fmt::Display for SkippedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kid {
            Some(kid) => write!(f, "the key {kid} {}", self.problem),
            None => write!(f, "key number {} {}", self.position + 1, self.problem),
        }
    }
}

/// Writes the first reasons after a colon.
struct Reasons<'a>(&'a [SkippedKey]);

impl fmt::Display for Reasons<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, skipped) in self.0.iter().take(3).enumerate() {
            f.write_str(if i == 0 { ": " } else { "; " })?;
            skipped.fmt(f)?;
        }
        Ok(())
    }
}

/// Reads a document.
pub(crate) fn read(document: &[u8]) -> Result<(Vec<Key>, Vec<SkippedKey>), JwksError> {
    if document.len() > MAX_DOCUMENT {
        return Err(JwksError::TooLarge(document.len()));
    }
    if document.trim_ascii_start().starts_with(b"<") {
        return Err(JwksError::WebPage);
    }
    let not_json = |error: JsonError| JwksError::NotJson(error.to_string().into());
    let set = parse_object_with_duplicates(document).map_err(not_json)?;
    // Two arrays of keys would be read differently by different programs.
    if set.names().filter(|name| *name == "keys").count() > 1 {
        return Err(not_json(JsonError::Duplicate("\"keys\"".to_owned())));
    }
    let Some(Value::Array(items)) = set.get("keys") else {
        return Err(JwksError::NoKeys);
    };
    if items.len() > MAX_KEYS {
        return Err(JwksError::TooManyKeys(items.len()));
    }
    let mut keys = Vec::with_capacity(items.len());
    let mut skipped = Vec::new();
    for (position, item) in items.iter().enumerate() {
        match read_key(item) {
            Ok(key) => keys.push(key),
            Err(problem) => skipped.push(SkippedKey {
                position,
                kid: item
                    .as_object()
                    .and_then(|jwk| jwk.get("kid"))
                    .and_then(Value::as_text)
                    .map(|kid| quoted(kid).into()),
                problem: problem.into(),
            }),
        }
    }
    if keys.is_empty() {
        return Err(JwksError::NothingUsable(skipped));
    }
    Ok((keys, skipped))
}

type Problem = Cow<'static, str>;

/// One key, or why it is not used.
fn read_key(item: &Value<'_>) -> Result<Key, Problem> {
    let jwk = item.as_object().ok_or("is no JSON object")?;
    if let Some(name) = jwk.duplicate() {
        return Err(format!("has the member {} more than once", quoted(name)).into());
    }
    let kid = text(jwk, "kid")?;
    if kid.is_some_and(|kid| kid.len() > MAX_KID) {
        return Err(format!("has a kid of more than {MAX_KID} bytes").into());
    }
    check_purpose(jwk)?;
    let kind = text(jwk, "kty")?.ok_or("has no kty")?;
    let only = restriction(jwk)?;
    let spki = match kind {
        "RSA" => rsa(jwk)?,
        "EC" => elliptic(jwk)?,
        "OKP" => edwards(jwk)?,
        "oct" => return Err("is a shared secret (kty oct); those verify nothing here".into()),
        other => return Err(format!("has the unsupported kty {}", quoted(other)).into()),
    };
    let key = Key::from_jwk(&spki, kid, only).map_err(|error: KeyError| error.to_string())?;
    match only {
        Some(algorithm) if !key.fits(algorithm) => Err(format!(
            "is made for {} by its alg, which does not fit its kty or curve",
            algorithm.name()
        )
        .into()),
        _ => Ok(key),
    }
}

/// RFC 7517 sections 4.2 and 4.3, and no private parts.
fn check_purpose(jwk: &Object<'_>) -> Result<(), Problem> {
    if jwk.get("d").is_some() {
        return Err(
            "is published with its private part (d), so anybody can sign with it; replace it"
                .into(),
        );
    }
    match text(jwk, "use")? {
        None | Some("sig") => {}
        Some(other) => {
            return Err(format!("is not for signatures: use is {}", quoted(other)).into());
        }
    }
    match jwk.get("key_ops") {
        None => Ok(()),
        Some(Value::Array(operations))
            if operations.iter().any(|o| o.as_text() == Some("verify")) =>
        {
            Ok(())
        }
        Some(_) => Err("is not for checking signatures: key_ops has no \"verify\"".into()),
    }
}

/// The one algorithm that the key is for (RFC 7517 section 4.4).
fn restriction(jwk: &Object<'_>) -> Result<Option<Algorithm>, Problem> {
    text(jwk, "alg")?
        .map(|name| {
            Algorithm::from_name(name)
                .ok_or_else(|| format!("is for {}, which is not supported", quoted(name)).into())
        })
        .transpose()
}

/// RFC 7518 section 6.3.1.
fn rsa(jwk: &Object<'_>) -> Result<Vec<u8>, Problem> {
    Ok(der::rsa_spki(&number(jwk, "n")?, &number(jwk, "e")?))
}

/// RFC 7518 section 6.2.1: both coordinates have the full length of the curve.
fn elliptic(jwk: &Object<'_>) -> Result<Vec<u8>, Problem> {
    let curve = text(jwk, "crv")?.ok_or("has no crv")?;
    let length = match curve {
        "P-256" => 32,
        "P-384" => 48,
        other => return Err(format!("is of the unsupported curve {}", quoted(other)).into()),
    };
    let (x, y) = (number(jwk, "x")?, number(jwk, "y")?);
    if x.len() != length || y.len() != length {
        return Err(format!("has coordinates that are not {length} bytes long").into());
    }
    let point = [&[4], x.as_slice(), y.as_slice()].concat();
    Ok(if length == 32 {
        der::p256_spki(&point)
    } else {
        der::p384_spki(&point)
    })
}

/// RFC 8037 section 2.
fn edwards(jwk: &Object<'_>) -> Result<Vec<u8>, Problem> {
    match text(jwk, "crv")?.ok_or("has no crv")? {
        "Ed25519" => {}
        other => return Err(format!("is of the unsupported curve {}", quoted(other)).into()),
    }
    let x = number(jwk, "x")?;
    if x.len() != 32 {
        return Err("has an x that is not 32 bytes long".into());
    }
    Ok(der::ed25519_spki(&x))
}

fn number(jwk: &Object<'_>, name: &'static str) -> Result<Vec<u8>, Problem> {
    let digits = text(jwk, name)?.ok_or_else(|| format!("has no {name}"))?;
    URL_SAFE_NO_PAD
        .decode_to_vec(digits)
        .map_err(|_| format!("has a member {name} that is not base64url").into())
}

fn text<'j>(jwk: &'j Object<'_>, name: &'static str) -> Result<Option<&'j str>, Problem> {
    match jwk.get(name) {
        None => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text)),
        Some(other) => {
            Err(format!("has a member {name} that is {}, not text", other.kind()).into())
        }
    }
}

#[cfg(test)]
mod tests;
