//! What holds for every answer of the console, and which requests another site may not cause.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, Method, StatusCode};

/// Own files only, no inline code or style, in no frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, HeaderValue); 5] = [
    (CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    // With `no-referrer` a browser says `Origin: null` for our own forms (Fetch standard, "append a
    // request Origin header").
    (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// Refuses what another site's page sends, and gives every answer its headers.
pub(crate) async fn guard(request: Request, next: Next) -> Response {
    let mut answer = if is_from_elsewhere(request.method(), request.headers()) {
        let sentence = "This request comes from a page of another site.";
        (StatusCode::FORBIDDEN, sentence).into_response()
    } else {
        next.run(request).await
    };
    let headers = answer.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, value);
    }
    // Nothing but our files, whose names change with their contents, may be kept.
    let no_store = HeaderValue::from_static("no-store");
    headers.entry(CACHE_CONTROL).or_insert(no_store);
    answer
}

/// Browsers say where a request comes from (Fetch Metadata, sections 2.1 and 2.3), also of another port
/// of the same host. Links from elsewhere may lead here; nothing else may. Programs and old browsers say
/// nothing: for them the token in the form has to do.
fn is_from_elsewhere(method: &Method, headers: &HeaderMap) -> bool {
    let said = |name| headers.get(name).map(HeaderValue::as_bytes);
    match said("sec-fetch-site") {
        None | Some(b"same-origin" | b"none") => false,
        Some(_) => method != Method::GET || said("sec-fetch-mode") != Some(b"navigate"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(method: Method, site: &'static str, mode: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert("sec-fetch-site", HeaderValue::from_static(site));
        headers.insert("sec-fetch-mode", HeaderValue::from_static(mode));
        is_from_elsewhere(&method, &headers)
    }

    #[test]
    fn links_may_come_from_elsewhere_and_nothing_else_may() {
        assert!(!refused(Method::GET, "cross-site", "navigate"));
        assert!(!refused(Method::POST, "same-origin", "navigate"));
        assert!(!refused(Method::GET, "none", "navigate"));
        for site in ["cross-site", "same-site", "nonsense"] {
            assert!(refused(Method::POST, site, "navigate"), "{site}");
            assert!(refused(Method::GET, site, "cors"), "{site}");
            assert!(refused(Method::GET, site, "no-cors"), "{site}");
        }
        assert!(!is_from_elsewhere(&Method::POST, &HeaderMap::new()));
    }
}
