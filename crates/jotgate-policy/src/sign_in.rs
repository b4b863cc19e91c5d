//! Signing in again: a browser without a session is sent to the portal's page and comes back.
//!
//! The `state` that travels along is made so that it needs no memory: it holds when it runs out and is
//! signed together with the browser's pre-session cookie, which only this browser has. A page that
//! wants to sign somebody in under a foreign account has no cookie that fits (login CSRF). That a
//! state counts once is the session store's business, by [`State::id`].

use aws_lc_rs::{digest, hmac};
use http::Method;
use http::header::HeaderMap;
use jotgate_model::{Reason, Refusal, UnixTime, Uuid};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// How long a sign-in may take, in seconds.
pub const STATE_LIFETIME: i64 = 600;

const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const NONCE: usize = 16;
const TAG: usize = 32;

/// The key that states are signed with.
pub struct StateKey(hmac::Key);

/// Leaves the key out.
impl std::fmt::Debug for StateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StateKey")
    }
}

/// A state that was signed here, for this browser, and has not run out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// What makes it unique: to be remembered until it runs out.
    pub id: String,
    /// When it runs out.
    pub expires: UnixTime,
}

impl StateKey {
    /// From key material that all nodes share.
    #[must_use]
    pub fn new(material: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, material))
    }

    /// A state for the browser that holds `cookie`, unique by `nonce`.
    #[must_use]
    pub fn issue(&self, vp: Uuid, cookie: &[u8], nonce: [u8; NONCE], now: UnixTime) -> String {
        let mut bytes = Vec::with_capacity(8 + NONCE + TAG);
        bytes.extend_from_slice(&now.plus(STATE_LIFETIME).0.to_be_bytes());
        bytes.extend_from_slice(&nonce);
        let tag = hmac::sign(&self.0, &message(vp, cookie, &bytes));
        bytes.extend_from_slice(tag.as_ref());
        base64_simd::URL_SAFE_NO_PAD.encode_to_string(&bytes)
    }

    /// Checks a state that came back.
    ///
    /// # Errors
    /// [`Reason::CsrfTokenInvalid`] when it was not issued to this browser, or has run out.
    pub fn check(
        &self,
        vp: Uuid,
        cookie: &[u8],
        state: &str,
        now: UnixTime,
    ) -> Result<State, Refusal> {
        let refuse = |detail: &'static str| Refusal::with(Reason::CsrfTokenInvalid, detail);
        let bytes = base64_simd::URL_SAFE_NO_PAD
            .decode_to_vec(state)
            .ok()
            .filter(|bytes| bytes.len() == 8 + NONCE + TAG)
            .ok_or_else(|| refuse("the state of the sign-in was not made by this gateway"))?;
        let (head, tag) = bytes.split_at(8 + NONCE);
        if hmac::verify(&self.0, &message(vp, cookie, head), tag).is_err() {
            return Err(refuse(
                "the state of the sign-in belongs to another browser or virtual proxy",
            ));
        }
        let (expires, nonce) = head.split_at(8);
        let expires = UnixTime(i64::from_be_bytes(expires.try_into().unwrap_or_default()));
        if now >= expires {
            return Err(refuse(
                "the state of the sign-in has run out; it is good for ten minutes",
            ));
        }
        Ok(State {
            id: base64_simd::URL_SAFE_NO_PAD.encode_to_string(nonce),
            expires,
        })
    }
}

fn message(vp: Uuid, cookie: &[u8], head: &[u8]) -> Vec<u8> {
    let cookie = digest::digest(&digest::SHA256, cookie);
    [
        b"jotgate sign-in 1\0",
        &vp.as_bytes()[..],
        cookie.as_ref(),
        head,
    ]
    .concat()
}

/// Which of a browser's pre-session cookies belongs to `state`: tabs that are on their way at the same
/// time mostly have different ones, and a browser never holds more than eight.
#[must_use]
pub fn cookie_number(state: &str) -> u8 {
    let bytes = base64_simd::URL_SAFE_NO_PAD
        .decode_to_vec(state)
        .unwrap_or_default();
    bytes.get(8).copied().unwrap_or_default() & 7
}

/// Whether a browser shows what comes back as a page of its own, so that it can be sent elsewhere.
/// A frame cannot: sign-in pages forbid to be framed.
#[must_use]
pub fn is_navigation(method: &Method, headers: &HeaderMap) -> bool {
    let is = |name: &str, wanted: &str| {
        headers
            .get(name)
            .map(|value| value.as_bytes() == wanted.as_bytes())
    };
    let wants_html = headers
        .get(http::header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    // Browsers without fetch metadata (W3C "Fetch Metadata Request Headers") are known by Accept alone.
    let mode = is("sec-fetch-mode", "navigate").unwrap_or(true);
    let destination = is("sec-fetch-dest", "document").unwrap_or(true);
    let script =
        headers.contains_key("x-requested-with") || headers.contains_key(http::header::UPGRADE);
    method == Method::GET && wants_html && mode && destination && !script
}

/// The address of the sign-in page with where to come back to.
#[must_use]
pub fn sign_in_address(page: &str, return_to: &str, state: &str) -> String {
    format!("{}&state={state}", with_return_to(page, return_to))
}

/// The address of a page that leads back to `return_to` in the end.
#[must_use]
pub fn with_return_to(page: &str, return_to: &str) -> String {
    let separator = if page.contains('?') { '&' } else { '?' };
    let return_to = utf8_percent_encode(return_to, RESERVED);
    format!("{page}{separator}returnTo={return_to}")
}

/// Checks where a signed-in browser wants to go: a path of this virtual proxy, or an address of it on
/// one of the gateway's own origins. Gives the path to redirect to.
///
/// Nothing else passes: no other host, no `//host`, no backslash, no control character
/// (CVE-2022-23527).
#[must_use]
pub fn return_path<'a>(
    return_to: &'a str,
    prefix: &str,
    is_own_origin: impl Fn(&str) -> bool,
) -> Option<&'a str> {
    let path = if return_to.starts_with('/') {
        return_to
    } else {
        let (scheme, rest) = return_to.split_once("://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let origin = return_to.get(..scheme.len() + 3 + end)?;
        if !is_own_origin(origin) {
            return None;
        }
        rest.get(end..)?
    };
    let visible = path
        .bytes()
        .all(|b| (0x21..0x7f).contains(&b) && b != b'\\');
    let path_only = path.split(['?', '#']).next().unwrap_or_default();
    let (first, _) = crate::route::split_first(path_only);
    let inside = prefix.is_empty() || first == prefix;
    let plain = path.starts_with('/') && !path.starts_with("//") && path.len() <= 2048;
    (plain && visible && inside && crate::sanitize::path(path_only).is_ok()).then_some(path)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::HeaderName;

    use super::*;

    #[test]
    fn a_state_fits_one_browser_one_virtual_proxy_and_ten_minutes() {
        let key = StateKey::new(&[1; 32]);
        let (vp, now) = (Uuid::from_u128(1), UnixTime(1000));
        let state = key.issue(vp, b"cookie", [7; 16], now);
        let check = |vp, cookie: &[u8], state: &str, now| {
            key.check(vp, cookie, state, now).map(|s| s.expires.0).ok()
        };
        assert_eq!(check(vp, b"cookie", &state, now), Some(1600));
        assert_eq!(check(vp, b"cookie", &state, UnixTime(1599)), Some(1600));
        assert_eq!(check(vp, b"cookie", &state, UnixTime(1600)), None);
        assert_eq!(check(vp, b"other", &state, now), None);
        assert_eq!(check(Uuid::from_u128(2), b"cookie", &state, now), None);
        for bad in ["", "x", &state[1..], &format!("{state}AA")] {
            assert_eq!(check(vp, b"cookie", bad, now), None);
        }
        assert!(
            StateKey::new(&[2; 32])
                .check(vp, b"cookie", &state, now)
                .is_err()
        );
    }

    #[test]
    fn only_pages_of_their_own_are_navigations() {
        let check = |method: &str, list: &[(&'static str, &'static str)]| {
            let headers = list
                .iter()
                .map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v)))
                .collect();
            is_navigation(&method.parse().unwrap(), &headers)
        };
        let html = ("accept", "text/html,application/xhtml+xml");
        assert!(check("GET", &[html]));
        assert!(check(
            "GET",
            &[
                html,
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "document")
            ]
        ));
        assert!(!check(
            "GET",
            &[
                html,
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "iframe")
            ]
        ));
        assert!(!check(
            "GET",
            &[
                html,
                ("sec-fetch-mode", "cors"),
                ("sec-fetch-dest", "empty")
            ]
        ));
        assert!(!check("POST", &[html]));
        assert!(!check("GET", &[("accept", "application/json")]));
        assert!(!check("GET", &[html, ("upgrade", "websocket")]));
    }

    /// Line X4 of the hostile inputs.
    #[test]
    fn nobody_is_sent_elsewhere() {
        let own = |origin: &str| origin == "https://gw:8443";
        let check = |to: &'static str| return_path(to, "jwt", own);
        assert_eq!(check("/jwt/hub/?a=b#c"), Some("/jwt/hub/?a=b#c"));
        assert_eq!(check("https://gw:8443/jwt/hub/"), Some("/jwt/hub/"));
        assert_eq!(check("/jwt"), Some("/jwt"));
        for bad in [
            "",
            "/",
            "/other/",
            "/jwtx/",
            "//evil.com/jwt/",
            "/\\evil.com",
            "https://evil.com/jwt/",
            "https://gw:8443.evil.com/jwt/",
            "https://gw:8443@evil.com/jwt/",
            "javascript:alert(1)",
            "/jwt/../other/",
            "/jwt/%2e%2e/other",
            "/jwt/a b",
            "/jwt/\r\nX: y",
            "https:/jwt/",
            "https://gw:8443",
        ] {
            assert_eq!(check(bad), None, "{bad:?}");
        }
        assert_eq!(return_path("//evil.com", "", own), None);
        assert_eq!(return_path("/hub/", "", own), Some("/hub/"));
    }

    #[test]
    fn the_address_of_the_page_keeps_its_query() {
        assert_eq!(
            sign_in_address("https://p/login", "/jwt/a?b=c&d", "s"),
            "https://p/login?returnTo=%2Fjwt%2Fa%3Fb%3Dc%26d&state=s"
        );
        assert_eq!(
            sign_in_address("https://p/?x=1", "/", "s"),
            "https://p/?x=1&returnTo=%2F&state=s"
        );
    }
}
