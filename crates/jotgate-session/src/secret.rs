//! The secret in the cookie, and the key that is kept of it.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand;
use base64_simd::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

/// The shortest and longest text that can be a secret, in bytes.
const LENGTH: std::ops::RangeInclusive<usize> = 16..=256;

/// What a session's cookie holds. Whoever knows it is the user.
///
/// Handed out once, when the session is created. Wiped from memory when dropped, never printed.
pub struct SessionSecret(Zeroizing<Box<str>>);

impl SessionSecret {
    /// A new secret of 256 random bits, as 43 characters of base64url.
    #[must_use]
    pub fn generate() -> Self {
        let mut bits = Zeroizing::new([0; 32]);
        fill_random(&mut *bits);
        Self(Zeroizing::new(
            URL_SAFE_NO_PAD.encode_to_string(*bits).into(),
        ))
    }

    /// The secret that a cookie claims, or that a program names for a session that it opens.
    ///
    /// `None` unless it is 16 to 256 cookie octets (RFC 6265 section 4.1.1). That it parses says
    /// nothing about whether such a session exists.
    #[must_use]
    pub fn parse(cookie_value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(well_formed(cookie_value)?).ok()?;
        Some(Self(Zeroizing::new(text.into())))
    }

    /// The secret itself, for the `Set-Cookie` header and for nothing else.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    #[must_use]
    pub fn key(&self) -> SessionKey {
        SessionKey::of(self.0.as_bytes())
    }
}

impl fmt::Debug for SessionSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionSecret(..)")
    }
}

/// The SHA-256 of a session's secret: what is stored, and what requests look up.
///
/// Nobody can find a secret for a given key, so neither the time that a lookup takes nor a stolen
/// journal helps to take over a session.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionKey([u8; 32]);

impl SessionKey {
    /// The key of what a cookie claims to be a secret: [`SessionSecret::parse`] and
    /// [`SessionSecret::key`] without a copy.
    #[must_use]
    pub fn from_cookie(cookie_value: &[u8]) -> Option<Self> {
        well_formed(cookie_value).map(Self::of)
    }

    /// A key as it was stored.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The key as it is stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn of(secret: &[u8]) -> Self {
        Self(sha256(secret))
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(..)")
    }
}

/// The SHA-256 of `data`.
pub(crate) fn sha256(data: &[u8]) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest(&SHA256, data).as_ref());
    bytes
}

/// Fills `bytes` from the operating system's source of randomness.
pub(crate) fn fill_random(bytes: &mut [u8]) {
    // AWS-LC stops the process itself when the system has no randomness to give; there is no
    // failure left to report, and going on without would be worse.
    rand::fill(bytes).expect("the system's source of randomness works");
}

/// `value`, if it has the length and the characters of a secret.
fn well_formed(value: &[u8]) -> Option<&[u8]> {
    (LENGTH.contains(&value.len()) && value.iter().all(is_cookie_octet)).then_some(value)
}

/// RFC 6265 section 4.1.1, `cookie-octet`.
const fn is_cookie_octet(byte: &u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x2B | 0x2D..=0x3A | 0x3C..=0x5B | 0x5D..=0x7E)
}

#[cfg(test)]
mod tests;
