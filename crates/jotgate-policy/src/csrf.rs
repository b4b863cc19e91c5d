//! The `qlik-csrf-token`: proof that a page could read an answer of this gateway.
//!
//! The token is a keyed hash of the session's public id, so it needs no memory, belongs to one session
//! and ends with it. It may be in an address and thus in a history or a log: it opens nothing by itself.

use aws_lc_rs::hmac;

/// The key that tokens of this gateway, or of this fleet, are made with.
pub struct CsrfKey {
    key: hmac::Key,
    /// Separates what it signs from everything else that the key may ever sign.
    purpose: &'static [u8],
}

impl CsrfKey {
    /// From key material that all nodes share.
    #[must_use]
    pub fn new(material: &[u8]) -> Self {
        Self::with_purpose(material, b"jotgate csrf 1\0")
    }

    /// For the forms of the console. Pages that may read `qlik-csrf-token` cannot make these.
    #[must_use]
    pub fn of_console(material: &[u8]) -> Self {
        Self::with_purpose(material, b"jotgate console csrf 1\0")
    }

    fn with_purpose(material: &[u8], purpose: &'static [u8]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, material);
        Self { key, purpose }
    }

    /// The token of a session, 43 characters of base64url.
    #[must_use]
    pub fn token(&self, session_public_id: &str) -> String {
        let tag = hmac::sign(&self.key, &self.message(session_public_id));
        base64_simd::URL_SAFE_NO_PAD.encode_to_string(tag.as_ref())
    }

    /// Whether `token` is the one of that session. Takes the same time wherever they differ.
    #[must_use]
    pub fn verify(&self, session_public_id: &str, token: &str) -> bool {
        base64_simd::URL_SAFE_NO_PAD
            .decode_to_vec(token)
            .is_ok_and(|tag| {
                hmac::verify(&self.key, &self.message(session_public_id), &tag).is_ok()
            })
    }

    fn message(&self, session_public_id: &str) -> Vec<u8> {
        [self.purpose, session_public_id.as_bytes()].concat()
    }
}

/// Leaves the key out.
impl std::fmt::Debug for CsrfKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CsrfKey")
    }
}

/// The token in an address: as a query parameter, or behind an `&` in the last path segment, where
/// Qlik's own enigma.js example puts it.
#[must_use]
pub fn token_in_address<'a>(path: &'a str, query: Option<&'a str>) -> Option<&'a str> {
    let in_path = path.split_once('&').map(|(_, tail)| tail);
    [query, in_path]
        .into_iter()
        .flatten()
        .flat_map(|part| part.split('&'))
        .find_map(|pair| pair.strip_prefix("qlik-csrf-token="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_belongs_to_one_session_and_one_key() {
        let key = CsrfKey::new(&[1; 32]);
        let token = key.token("a");
        assert_eq!(token.len(), 43);
        assert!(key.verify("a", &token));
        assert!(!key.verify("b", &token));
        assert!(!CsrfKey::new(&[2; 32]).verify("a", &token));
        assert!(!CsrfKey::of_console(&[1; 32]).verify("a", &token));
        for bad in ["", "x", &token[1..], &format!("{token}A"), "é"] {
            assert!(!key.verify("a", bad), "{bad}");
        }
    }

    #[test]
    fn tokens_are_found_where_clients_put_them() {
        assert_eq!(
            token_in_address("/app/x", Some("a=1&qlik-csrf-token=t")),
            Some("t")
        );
        assert_eq!(
            token_in_address("/app/engineData&qlik-csrf-token=t", None),
            Some("t")
        );
        assert_eq!(token_in_address("/app/x", Some("xqlik-csrf-token=t")), None);
        assert_eq!(token_in_address("/app/x", None), None);
    }
}
