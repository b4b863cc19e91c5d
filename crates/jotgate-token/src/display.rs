//! What a token says, for people to read. Nothing of it is proven.

use base64_simd::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::parts::MAX_TOKEN;

/// Header and claims of a token, decoded and not verified. There is no signature in here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnverifiedParts {
    /// The header, if it is a JSON object.
    pub header: Option<Map<String, Value>>,
    /// The claims, if the payload is a JSON object. Also there when the signature is missing.
    pub claims: Option<Map<String, Value>>,
}

/// Decodes what can be decoded of a token, for display only: a decision must never rest on it.
///
/// Of duplicate members the last is shown. Tokens above 16 KiB are not looked at.
#[must_use]
pub fn unverified_parts(token: &[u8]) -> UnverifiedParts {
    if token.len() > MAX_TOKEN {
        return UnverifiedParts::default();
    }
    let mut segments = token.split(|b| *b == b'.').map(|segment| {
        let json = URL_SAFE_NO_PAD.decode_to_vec(segment).ok()?;
        serde_json::from_slice(&json).ok()
    });
    UnverifiedParts {
        header: segments.next().flatten(),
        claims: segments.next().flatten(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_header_and_claims_but_no_signature() {
        // RFC 7515 appendix A.1, cut.
        let parts = unverified_parts(b"eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UifQ.c2VjcmV0");
        assert_eq!(parts.header.clone().unwrap()["alg"], "HS256");
        assert_eq!(parts.claims.clone().unwrap()["iss"], "joe");
        assert!(!format!("{parts:?}").contains("c2VjcmV0"));
    }

    #[test]
    fn shows_what_there_is() {
        assert_eq!(unverified_parts(b""), UnverifiedParts::default());
        assert_eq!(
            unverified_parts(&[b'.'; 20_000]),
            UnverifiedParts::default()
        );
        let cut = unverified_parts(b"eyJhbGciOiJIUzI1NiJ9.eyJpc3");
        assert!(cut.header.is_some() && cut.claims.is_none());
        assert_eq!(unverified_parts(b"W10.W10"), UnverifiedParts::default());
    }
}
