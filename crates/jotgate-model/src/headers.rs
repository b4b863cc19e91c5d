//! Which header names are the trust channel to the backends.

use std::borrow::Cow;

/// Headers that Jotgate sets for backends; whatever a client sends under these names is removed.
/// The identity headers are those of the real system (Qlik help, "Injected request headers"), the
/// others tell backends where a request came from, or override its address in common frameworks.
const INJECTED: [&str; 25] = [
    "forwarded",
    "x-envoy-original-path",
    "x-forwarded-client-cert",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-path",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-scheme",
    "x-forwarded-server",
    "x-forwarded-ssl",
    "x-forwarded-uri",
    "x-http-method-override",
    "x-original-host",
    "x-original-url",
    "x-qlik-app",
    "x-qlik-capabilities",
    "x-qlik-proxyid",
    "x-qlik-proxysession",
    "x-qlik-security",
    "x-qlik-trace",
    "x-qlik-user",
    "x-qlik-virtual-proxy-prefix",
    "x-rewrite-url",
];

/// Headers that common backends and frameworks believe: removed from what a client sends, while an
/// administrator may have Jotgate set them. `Proxy` becomes HTTP_PROXY in CGI programs (CVE-2016-5385).
const BELIEVED: [&str; 29] = [
    "cf-connecting-ip",
    "client-ip",
    "fastly-client-ip",
    "forwarded-for",
    "proxy",
    "remote-user",
    "true-client-ip",
    "x-auth-request-email",
    "x-auth-request-groups",
    "x-auth-request-preferred-username",
    "x-auth-request-user",
    "x-authenticated-user",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-forwarded",
    "x-forwarded-by",
    "x-forwarded-email",
    "x-forwarded-groups",
    "x-forwarded-preferred-username",
    "x-forwarded-user",
    "x-http-method",
    "x-method-override",
    "x-real-ip",
    "x-remote-user",
    "x-ssl-cert",
    "x-ssl-client-cert",
    "x-ssl-client-s-dn",
    "x-ssl-client-verify",
    "x-webauth-user",
];

/// What belongs to the connection or the framing of a message.
const FRAMING: [&str; 14] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "sec-websocket-accept",
    "sec-websocket-key",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The spelling that a header name has for a backend which turns every punctuation character into
/// the same one, as CGI and WSGI do (RFC 3875 section 4.1.18): lower case, punctuation as `-`.
#[must_use]
pub fn fold_header_name(name: &str) -> Cow<'_, str> {
    let plain = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
    if name.as_bytes().iter().all(plain) {
        return Cow::Borrowed(name);
    }
    let fold = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    Cow::Owned(name.chars().map(fold).collect())
}

/// Whether `name`, in any spelling, is one that only Jotgate may set towards a backend.
#[must_use]
pub fn is_injected_header(name: &str) -> bool {
    let folded = fold_header_name(name);
    INJECTED.binary_search(&&*folded).is_ok()
}

/// Whether `name`, in any spelling, is one that no client may send to a backend.
#[must_use]
pub fn is_removed_from_requests(name: &str) -> bool {
    // All of them begin with one of these letters, in every spelling.
    let may_be = matches!(
        name.as_bytes().first().map(u8::to_ascii_lowercase),
        Some(b'c' | b'f' | b'p' | b'r' | b't' | b'x')
    );
    may_be && {
        let folded = fold_header_name(name);
        INJECTED.binary_search(&&*folded).is_ok() || BELIEVED.binary_search(&&*folded).is_ok()
    }
}

/// Whether `name` belongs to the connection or the framing of a message and must not be configured
/// (RFC 9110 sections 7.6.1 and 8.6, RFC 9112 section 6).
#[must_use]
pub fn is_framing_header(name: &str) -> bool {
    FRAMING.binary_search(&&*fold_header_name(name)).is_ok()
}

/// Whether `name` is such a header in a spelling that HTTP does not take for it, but a backend could.
#[must_use]
pub fn is_disguised_framing_header(name: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    !name.bytes().all(is_plain) && is_framing_header(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_sorted_for_the_search() {
        assert!(INJECTED.is_sorted() && BELIEVED.is_sorted());
        assert!(
            INJECTED
                .iter()
                .chain(&BELIEVED)
                .all(|name| is_removed_from_requests(name))
        );
        assert!(FRAMING.is_sorted());
        assert!(is_framing_header("Transfer-Encoding") && is_framing_header("te"));
        assert!(is_disguised_framing_header("content_length"));
        assert!(!is_disguised_framing_header("content-length"));
        assert!(!is_disguised_framing_header("content_type"));
    }

    /// Line S2 of the hostile inputs: every token character in place of the hyphen.
    #[test]
    fn every_spelling_of_an_injected_header_is_recognised() {
        for c in "-_!#$%&'*+.^`|~".chars() {
            let name = format!("X{c}Qlik{c}User");
            assert!(is_injected_header(&name), "{name}");
        }
        assert!(is_injected_header("X_FORWARDED-For"));
        assert!(!is_injected_header("X-Qlik-Xrfkey"));
        assert!(!is_injected_header("Accept"));
    }
}
