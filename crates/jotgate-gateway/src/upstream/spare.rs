//! What it takes to send a request without a body once more.

use http::header::{HeaderName, HeaderValue};
use http::{Method, Request, Uri};

use crate::body::RequestBody;

/// A request's head in one piece of memory: nearly all of them are thrown away unused, and a copy of the
/// header map costs as much as all other header work of a request.
pub(super) struct Spare {
    method: Method,
    uri: Uri,
    /// Name, value and a line feed each, which is in no name and no value.
    headers: Vec<u8>,
}

/// What a head usually takes.
const USUAL_SIZE: usize = 1024;

impl Spare {
    pub(super) fn of(request: &Request<RequestBody>) -> Self {
        let mut headers = Vec::with_capacity(USUAL_SIZE);
        for (name, value) in request.headers() {
            for part in [name.as_str().as_bytes(), value.as_bytes()] {
                headers.extend_from_slice(part);
                headers.push(b'\n');
            }
        }
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers,
        }
    }

    /// The request again.
    pub(super) fn request(self) -> Option<Request<RequestBody>> {
        let mut request = Request::new(RequestBody::empty());
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        let mut parts = self.headers.split(|byte| *byte == b'\n');
        while let (Some(name), Some(value)) = (parts.next(), parts.next()) {
            let name = HeaderName::from_bytes(name).ok()?;
            let value = HeaderValue::from_bytes(value).ok()?;
            request.headers_mut().append(name, value);
        }
        Some(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_is_what_it_was_made_from() {
        let mut request = Request::new(RequestBody::empty());
        *request.method_mut() = Method::HEAD;
        *request.uri_mut() = Uri::from_static("/a?b=c");
        for (name, value) in [
            ("accept", &b"*/*"[..]),
            ("x-several", b"1"),
            ("x-several", b"2"),
            ("x-empty", b""),
            ("x-bytes", b"\xc3\xa9: ,\t;"),
        ] {
            let value = HeaderValue::from_bytes(value).unwrap();
            request
                .headers_mut()
                .append(HeaderName::from_static(name), value);
        }
        let again = Spare::of(&request).request().unwrap();
        assert_eq!(again.method(), request.method());
        assert_eq!(again.uri(), request.uri());
        assert_eq!(again.headers(), request.headers());
        let bare = Request::new(RequestBody::empty());
        assert!(Spare::of(&bare).request().unwrap().headers().is_empty());
    }
}
