//! Refusals as answers: the one place where a reason becomes HTTP.
//!
//! A program that accepts JSON gets problem details (RFC 9457), a browser a small page, everybody else
//! plain text. Each has the neutral sentence, the stable reason id and a reference that leads an
//! administrator to the details in the log; the details themselves never leave.

use http::header::{
    ACCEPT, CONNECTION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use http::{Response, StatusCode};
use jotgate_model::{Reason, Refusal};
use serde_json::json;

use crate::body::ResponseBody;
use crate::exchange::Exchange;
use crate::respond::OWN_PAGE;

/// The reason of a refusal. Only the gateway says it: see [`respond::clean`](crate::respond::clean).
pub(crate) const REASON: HeaderName = HeaderName::from_static("jotgate-reason");

/// What a client wants to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accepts {
    Html,
    Json,
    Text,
}

impl Accepts {
    /// By what `Accept` names first; the weights of real clients follow the order.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let accept = headers
            .get(ACCEPT)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        accept
            .split(',')
            .find_map(
                |range| match range.split(';').next().unwrap_or_default().trim() {
                    "text/html" | "application/xhtml+xml" => Some(Self::Html),
                    "application/json" | "application/problem+json" => Some(Self::Json),
                    "text/plain" => Some(Self::Text),
                    _ => None,
                },
            )
            .unwrap_or(Self::Text)
    }
}

/// The answer to a request that is refused.
pub(crate) fn response(
    refusal: &Refusal,
    exchange: &Exchange,
    accepts: &Accepts,
) -> Response<ResponseBody> {
    build(refusal.reason, &exchange.reference, *accepts, "")
}

/// The same as a page inside of a frame of another page, which may be told that it is time to sign in.
/// `head` is markup of our own.
pub(crate) fn page_with(reason: Reason, reference: &str, head: &str) -> Response<ResponseBody> {
    build(reason, reference, Accepts::Html, head)
}

fn build(reason: Reason, reference: &str, accepts: Accepts, head: &str) -> Response<ResponseBody> {
    let (content_type, body) = match accepts {
        Accepts::Html => ("text/html;charset=utf-8", page(reason, reference, head)),
        Accepts::Json => ("application/problem+json", problem(reason, reference)),
        Accepts::Text => ("text/plain;charset=utf-8", text(reason, reference)),
    };
    let mut response = Response::new(ResponseBody::full(body));
    *response.status_mut() = reason.status();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in OWN_PAGE {
        headers.insert(name, value);
    }
    if accepts == Accepts::Html {
        headers.insert(
            http::header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("default-src 'none'; style-src 'self'; script-src 'self'; img-src data:; base-uri 'none'; form-action 'none'"),
        );
    }
    headers.insert(REASON, HeaderValue::from_static(reason.id()));
    if matches!(reason, Reason::HostInvalid | Reason::RequestMalformed) {
        // Where this request ends may be read in two ways: nothing behind it is read at all.
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if reason.status() == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, challenge(reason));
    }
    if matches!(
        reason,
        Reason::RateLimited | Reason::Overloaded | Reason::Draining
    ) {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// RFC 6750 section 3: no error code when nothing was presented.
fn challenge(reason: Reason) -> HeaderValue {
    let nothing_presented = matches!(
        reason,
        Reason::CredentialsMissing | Reason::SessionUnknown | Reason::SessionExpired
    );
    HeaderValue::from_static(if nothing_presented {
        "Bearer"
    } else {
        "Bearer error=\"invalid_token\""
    })
}

fn problem(reason: Reason, reference: &str) -> String {
    json!({
        "type": format!("urn:jotgate:reason:{}", reason.id()),
        "title": reason.status().canonical_reason().unwrap_or_default(),
        "status": reason.status().as_u16(),
        "detail": reason.client_sentence(),
        "reason": reason.id(),
        "reference": reference,
    })
    .to_string()
}

fn text(reason: Reason, reference: &str) -> String {
    format!(
        "{}\nreason: {}\nreference: {reference}\n",
        reason.client_sentence(),
        reason.id()
    )
}

/// An empty icon. Without one, a browser asks for `/favicon.ico`, which is refused as well, and counted.
pub(crate) const NO_ICON: &str = "<link rel=\"icon\" href=\"data:,\">\n";

/// Nothing in it comes from the request: the sentences and ids are ours, the reference is letters and digits.
fn page(reason: Reason, reference: &str, head: &str) -> String {
    let status = reason.status();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n{NO_ICON}{head}</head>\n<body>\n<main>\n<h1>{code} {title}</h1>\n<p>{sentence}</p>\n\
         <p><small>reason: <code>{id}</code> · reference: <code>{reference}</code></small></p>\n</main>\n</body>\n</html>\n",
        title = status.canonical_reason().unwrap_or_default(),
        code = status.as_u16(),
        sentence = reason.client_sentence(),
        id = reason.id(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_get_what_they_accept_first() {
        let of = |accept: &'static str| {
            Accepts::of(
                &[(ACCEPT, HeaderValue::from_static(accept))]
                    .into_iter()
                    .collect(),
            )
        };
        assert_eq!(
            of("text/html,application/xhtml+xml,*/*;q=0.8"),
            Accepts::Html
        );
        assert_eq!(of("application/json, text/html"), Accepts::Json);
        assert_eq!(of("application/json;q=0.9"), Accepts::Json);
        assert_eq!(of("*/*"), Accepts::Text);
        assert_eq!(Accepts::of(&HeaderMap::new()), Accepts::Text);
    }

    #[test]
    fn the_bodies_are_public() {
        insta::assert_snapshot!("text", text(Reason::CredentialsMissing, "R1"));
        insta::assert_snapshot!("problem", problem(Reason::TokenExpired, "R1"));
        insta::assert_snapshot!("page", page(Reason::PrefixUnknown, "R1", ""));
    }

    #[test]
    fn only_a_presented_token_is_called_invalid() {
        assert_eq!(challenge(Reason::CredentialsMissing), "Bearer");
        assert_eq!(
            challenge(Reason::TokenExpired),
            "Bearer error=\"invalid_token\""
        );
    }
}
