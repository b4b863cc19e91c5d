//! The two forms of a request towards a backend. `rewrite` makes that of HTTP/1.1.

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderValue, TRANSFER_ENCODING, UPGRADE};
use http::uri::{Authority, PathAndQuery};
use http::{Method, Request, Uri, Version};
use hyper::body::Body;
use jotgate_model::Scheme;

use super::sender::SendFailure;
use crate::body::RequestBody;

/// Says how long the body is: by what is really going to be sent, never by what the client said. A
/// length without its bytes would make a backend take the next user's request for them.
pub(super) fn frame(outgoing: &mut Request<RequestBody>) {
    let announced = outgoing.body().announced().cloned();
    // Only behind chunks can anything follow (RFC 9112 section 7.1.2).
    let exact = outgoing
        .body()
        .size_hint()
        .exact()
        .filter(|_| announced.is_none());
    let empty = outgoing.body().is_empty();
    // RFC 9110 section 8.6: methods that mean something by a body say so when there is none.
    let says_none = matches!(
        *outgoing.method(),
        Method::PATCH | Method::POST | Method::PUT
    );
    let headers = outgoing.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.remove(TRANSFER_ENCODING);
    if let Some(announced) = announced {
        announced.announce(headers);
    }
    match exact {
        _ if empty && !says_none => {}
        Some(length) => {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
        }
        None => {
            headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
    }
}

/// RFC 9113 section 8.3.1: `:authority` instead of Host, and nothing about the connection.
///
/// # Errors
/// The Host cannot be an authority. It was judged before; this is for a defect.
pub(super) fn for_http2(
    request: &mut Request<RequestBody>,
    scheme: Scheme,
) -> Result<(), SendFailure> {
    let headers = request.headers_mut();
    let host = headers.remove(HOST);
    for name in [CONNECTION, UPGRADE, TRANSFER_ENCODING] {
        headers.remove(name);
    }
    let Some(host) = host else {
        // It had this form already.
        return Ok(());
    };
    let path = request.uri().path_and_query().cloned();
    let uri = Authority::try_from(host.as_bytes()).ok().and_then(|host| {
        Uri::builder()
            .scheme(match scheme {
                Scheme::Http => "http",
                Scheme::Https => "https",
            })
            .authority(host)
            .path_and_query(path.unwrap_or_else(|| PathAndQuery::from_static("/")))
            .build()
            .ok()
    });
    let Some(uri) = uri else {
        return Err(SendFailure::Broken {
            unsent: None,
            untouched: true,
            error: "the Host cannot be sent over HTTP/2".to_owned(),
        });
    };
    *request.uri_mut() = uri;
    *request.version_mut() = Version::HTTP_2;
    Ok(())
}

/// The form of HTTP/1.1, for a request that may have had the other one before.
pub(super) fn for_http1(request: &mut Request<RequestBody>) {
    let Some(authority) = request.uri().authority() else {
        return;
    };
    let host = HeaderValue::from_str(authority.as_str());
    let path = request.uri().path_and_query().cloned();
    *request.uri_mut() = path.map(Uri::from).unwrap_or_default();
    *request.version_mut() = Version::HTTP_11;
    if let Ok(host) = host {
        request.headers_mut().insert(HOST, host);
    }
    frame(request);
}

#[cfg(test)]
mod tests {
    use http::header::TE;

    use super::*;

    #[test]
    fn a_length_without_its_bytes_is_not_passed_on() {
        let framed = |method: Method| {
            let mut request = Request::new(RequestBody::empty());
            *request.method_mut() = method;
            request
                .headers_mut()
                .insert(CONTENT_LENGTH, HeaderValue::from_static("64"));
            frame(&mut request);
            request.headers().get(CONTENT_LENGTH).cloned()
        };
        assert_eq!(framed(Method::GET), None);
        assert_eq!(framed(Method::POST).unwrap(), "0");
    }

    #[test]
    fn there_and_back() {
        let mut request = Request::new(RequestBody::empty());
        *request.uri_mut() = "/a?b=%20".parse().unwrap();
        *request.method_mut() = Method::POST;
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::from_static("portal.example:8443"));
        headers.insert(TE, HeaderValue::from_static("trailers"));
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        assert!(for_http2(&mut request, Scheme::Https).is_ok());
        assert_eq!(
            request.uri().to_string(),
            "https://portal.example:8443/a?b=%20"
        );
        assert_eq!(request.headers().keys().collect::<Vec<_>>(), [TE]);
        assert!(for_http2(&mut request, Scheme::Https).is_ok(), "twice");
        for_http1(&mut request);
        assert_eq!(request.uri(), "/a?b=%20");
        assert_eq!(request.headers()[HOST], "portal.example:8443");
        assert_eq!(request.headers()[CONTENT_LENGTH], "0");
        assert_eq!(request.headers()[TE], "trailers");
    }
}
