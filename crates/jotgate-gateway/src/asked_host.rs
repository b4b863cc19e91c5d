//! The host that a request is for, in every form that it is needed in.
//!
//! Nearly every request of a connection is for the same host. So a connection keeps what was made of
//! the last one, and takes it again when the next request says the very same bytes.

use std::sync::Arc;

use http::header::{HOST, HeaderMap, HeaderValue};
use http::uri::Authority;
use http::{Request, Uri};
use jotgate_model::{Reason, Refusal};
use jotgate_policy::forwarded::{self, Client};
use jotgate_policy::sanitize;
use parking_lot::Mutex;

/// A host that was judged valid.
#[derive(Debug)]
pub(crate) struct AskedHost {
    authority: Authority,
    value: HeaderValue,
    /// `Forwarded` for the client that asked last.
    element: Mutex<Option<Element>>,
}

#[derive(Debug)]
struct Element {
    client: HeaderValue,
    over_tls: bool,
    value: HeaderValue,
}

impl AskedHost {
    fn of(authority: Authority) -> Result<Self, Refusal> {
        let value = HeaderValue::from_str(authority.as_str())
            .map_err(|_| Refusal::with(Reason::HostInvalid, "the host is no header value"))?;
        Ok(Self {
            authority,
            value,
            element: Mutex::new(None),
        })
    }

    /// As an answer may repeat it.
    pub(crate) const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// As a header.
    pub(crate) const fn value(&self) -> &HeaderValue {
        &self.value
    }

    /// The element of `Forwarded` for `client`, whose address as a header is `address`.
    pub(crate) fn element(&self, client: &Client, address: &HeaderValue) -> Option<HeaderValue> {
        let mut kept = self.element.lock();
        if let Some(kept) = &*kept
            && kept.client == address
            && kept.over_tls == client.over_tls
        {
            return Some(kept.value.clone());
        }
        let value = forwarded::element(address, client.over_tls, &self.value)?;
        *kept = Some(Element {
            client: address.clone(),
            over_tls: client.over_tls,
            value: value.clone(),
        });
        Some(value)
    }
}

/// The host of a connection's last request.
#[derive(Debug, Default)]
pub(crate) struct LastHost(Mutex<Option<Arc<AskedHost>>>);

impl LastHost {
    /// Judges the host of `request`.
    ///
    /// # Errors
    /// As [`sanitize::host`].
    pub(crate) fn judge<B>(&self, request: &Request<B>) -> Result<Arc<AskedHost>, Refusal> {
        let (uri, headers) = (request.uri(), request.headers());
        let mut last = self.0.lock();
        if let Some(last) = &*last
            && said_once(uri, headers) == Some(last.value.as_bytes())
        {
            return Ok(last.clone());
        }
        let asked = Arc::new(AskedHost::of(sanitize::host(uri, headers)?)?);
        *last = Some(asked.clone());
        Ok(asked)
    }
}

/// What the request says of its host, when it says it in one place only.
fn said_once<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a [u8]> {
    let mut fields = headers.get_all(HOST).iter();
    match (uri.authority(), fields.next(), fields.next()) {
        (Some(authority), None, None) => Some(authority.as_str().as_bytes()),
        (None, Some(field), None) => Some(field.as_bytes()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(uri: &'static str, hosts: &[&'static str]) -> Request<()> {
        let mut request = Request::new(());
        *request.uri_mut() = Uri::from_static(uri);
        for host in hosts {
            request
                .headers_mut()
                .append(HOST, HeaderValue::from_static(host));
        }
        request
    }

    #[test]
    fn what_was_judged_is_taken_again_for_the_same_bytes_only() {
        let last = LastHost::default();
        let first = last.judge(&request("/", &["a.example"])).unwrap();
        let same = |host: &Arc<AskedHost>| Arc::ptr_eq(host, &first);
        assert!(same(&last.judge(&request("/x", &["a.example"])).unwrap()));
        assert!(same(
            &last.judge(&request("https://a.example/", &[])).unwrap()
        ));
        let other = last.judge(&request("/", &["A.example"])).unwrap();
        assert!(!same(&other));
        assert_eq!(other.authority().as_str(), "A.example");
    }

    #[test]
    fn a_good_host_before_excuses_nothing() {
        let last = LastHost::default();
        last.judge(&request("/", &["a.example"])).unwrap();
        for (uri, hosts) in [
            ("/", &["a.example", "a.example"][..]),
            ("/", &["a.example", "b.example"]),
            ("/", &["u@a.example"]),
            ("/", &[]),
            ("http://b.example/", &["a.example"]),
        ] {
            let refusal = last.judge(&request(uri, hosts)).unwrap_err();
            assert_eq!(refusal.reason, Reason::HostInvalid, "{uri} {hosts:?}");
        }
    }

    #[test]
    fn each_client_has_an_element_of_its_own() {
        let last = LastHost::default();
        let host = last.judge(&request("/", &["a.example:8443"])).unwrap();
        let element = |address: &'static str, over_tls| {
            let client = Client {
                address: address.parse().unwrap(),
                over_tls,
            };
            let value = host.element(&client, &HeaderValue::from_static(address));
            value.unwrap().to_str().unwrap().to_owned()
        };
        let first = "for=192.0.2.1;host=\"a.example:8443\";proto=https";
        assert_eq!(element("192.0.2.1", true), first);
        assert_eq!(element("192.0.2.1", true), first);
        assert_eq!(
            element("192.0.2.1", false),
            "for=192.0.2.1;host=\"a.example:8443\";proto=http"
        );
        assert_eq!(
            element("192.0.2.2", false),
            "for=192.0.2.2;host=\"a.example:8443\";proto=http"
        );
    }
}
