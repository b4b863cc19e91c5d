//! Admit: may a page of this origin ask at all?
//!
//! Browsers tell the origin of a page in `Origin`; on a WebSocket handshake always. A request without
//! one comes from a program, which no web page can steer, and is admitted (Qlik's own enigma.js
//! example sends none).

use http::Method;
use http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName, HeaderValue,
    ORIGIN, VARY,
};
use jotgate_model::{HostPattern, Origin, Reason, Refusal, VirtualProxy};

/// The names that this gateway is known by: those of its certificates and the configured ones, never
/// what a request's Host claims.
#[derive(Clone, Debug, Default)]
pub struct OwnNames(Vec<HostPattern>);

impl OwnNames {
    /// From host names, addresses and `*.` patterns; what is none of these is left out.
    pub fn new<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Self {
        Self(
            names
                .into_iter()
                .filter_map(|name| HostPattern::parse(name.as_ref()).ok())
                .collect(),
        )
    }

    /// Whether `origin` is one of the gateway's own pages.
    #[must_use]
    pub fn contains(&self, origin: &Origin) -> bool {
        matches!(&*origin.scheme, "http" | "https")
            && self.0.iter().any(|name| name.matches(origin))
    }

    /// Whether `host`, as it stands in an address, is a name of the gateway, on whichever port.
    #[must_use]
    pub fn has_host(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        Origin::parse(&format!("https://{host}")).is_ok_and(|origin| self.contains(&origin))
    }
}

/// The origin that a request tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asking {
    /// A program, or a browser on a same-origin navigation.
    NoOrigin,
    /// A page of this origin, and the header as it came.
    Page(Origin, HeaderValue),
}

/// Reads `Origin`. Equal duplicates count as one: a Python client sends the header twice.
///
/// # Errors
/// [`Reason::OriginNotAllowed`] when duplicates differ or the value is no origin (`null` is none:
/// sandboxed pages of anybody have it).
pub fn asking(headers: &HeaderMap) -> Result<Asking, Refusal> {
    let mut fields = headers.get_all(ORIGIN).iter();
    let Some(value) = fields.next() else {
        return Ok(Asking::NoOrigin);
    };
    if fields.any(|other| other != value) {
        return Err(Refusal::with(
            Reason::OriginNotAllowed,
            "the request has two different Origin headers",
        ));
    }
    let parsed = value
        .to_str()
        .ok()
        .and_then(|text| Origin::parse(text).ok());
    parsed
        .map(|origin| Asking::Page(origin, value.clone()))
        .ok_or_else(|| {
            let shown: String = String::from_utf8_lossy(value.as_bytes())
                .chars()
                .take(100)
                .collect();
            Refusal::with(
                Reason::OriginNotAllowed,
                format!("the Origin {shown:?} is no origin of a page"),
            )
        })
}

/// Decides whether a page of that origin may send this request.
///
/// # Errors
/// [`Reason::OriginNotAllowed`], with what to put on which list.
pub fn admit(
    vp: &VirtualProxy,
    own: &OwnNames,
    asking: &Asking,
    is_websocket: bool,
) -> Result<(), Refusal> {
    let Asking::Page(origin, value) = asking else {
        return Ok(());
    };
    let listed = vp.allow_list.iter().any(|entry| entry.matches(origin));
    let shared = !is_websocket && is_shared(vp, origin, value);
    if listed || shared || own.contains(origin) {
        return Ok(());
    }
    Err(Refusal::with(
        Reason::OriginNotAllowed,
        format!(
            "the page of {origin} is not on the host allow list, which would need the entry \"{}\"",
            origin.host
        ),
    ))
}

/// Whether pages of that origin may read answers of the virtual proxy; `value` is the header as it came.
#[must_use]
pub fn is_shared(vp: &VirtualProxy, origin: &Origin, value: &HeaderValue) -> bool {
    vp.cors_origins.contains(origin) || explicit_origin(vp) == Some(value)
}

/// The origin that the additional response headers allow, as the real system's set-up for mashups has it.
fn explicit_origin(vp: &VirtualProxy) -> Option<&HeaderValue> {
    vp.response_headers
        .iter()
        .find(|(name, _)| name == ACCESS_CONTROL_ALLOW_ORIGIN)
        .map(|(_, value)| value)
}

/// Whether a request is a CORS preflight (Fetch standard, "CORS-preflight request"). It carries no
/// credentials and is answered without any.
#[must_use]
pub fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Adds to an answer what lets the asking page read it: the configured origins and then the additional
/// response headers, which win where both set one.
pub fn share(vp: &VirtualProxy, asking: &Asking, preflight: bool, headers: &mut HeaderMap) {
    if !vp.cors_origins.is_empty() {
        headers.append(VARY, HeaderValue::from_static("Origin"));
        if let Asking::Page(origin, value) = asking
            && vp.cors_origins.contains(origin)
        {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, value.clone());
            for (name, value) in SHARED
                .iter()
                .chain(if preflight { &PREFLIGHT[..] } else { &[] })
            {
                headers.insert(
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                );
            }
        }
    }
    for (name, _) in &vp.response_headers {
        headers.remove(name);
    }
    for (name, value) in &vp.response_headers {
        headers.append(name.clone(), value.clone());
    }
}

/// Adds the additional response headers to a page that protects itself: none takes the place of what the page says, and none
/// lets another page read it.
pub fn add_beside(vp: &VirtualProxy, headers: &mut HeaderMap) {
    let own = headers.clone();
    for (name, value) in &vp.response_headers {
        if !own.contains_key(name) && !name.as_str().starts_with("access-control-") {
            headers.append(name.clone(), value.clone());
        }
    }
}

const SHARED: [(&str, &str); 2] = [
    ("access-control-allow-credentials", "true"),
    ("access-control-expose-headers", "qlik-csrf-token"),
];

const PREFLIGHT: [(&str, &str); 3] = [
    (
        "access-control-allow-methods",
        "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
    ),
    (
        "access-control-allow-headers",
        "authorization, content-type, qlik-csrf-token, x-qlik-xrfkey",
    ),
    ("access-control-max-age", "600"),
];

#[cfg(test)]
mod tests {
    use jotgate_model::entity::VirtualProxyConfig;

    use super::*;

    fn vp(edit: impl FnOnce(&mut VirtualProxyConfig)) -> VirtualProxy {
        let mut config = VirtualProxyConfig {
            prefix: "jwt".into(),
            session_cookie_header_name: "C".into(),
            ..Default::default()
        };
        edit(&mut config);
        VirtualProxy::parse(&config, 1).unwrap()
    }

    fn origin(values: &[&'static str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (ORIGIN, HeaderValue::from_static(value)))
            .collect()
    }

    fn allowed(vp: &VirtualProxy, value: &'static str, is_websocket: bool) -> bool {
        let own = OwnNames::new(["gateway.example.com"]);
        asking(&origin(&[value]))
            .and_then(|asking| admit(vp, &own, &asking, is_websocket))
            .is_ok()
    }

    #[test]
    fn a_page_that_protects_itself_keeps_what_protects_it() {
        let vp = vp(|c| {
            c.additional_response_headers = "X-Frame-Options: ALLOWALL\nX-Own: 1\nX-Own: 2\n\
                Access-Control-Allow-Origin: https://portal.com"
                .into();
        });
        let mut headers = HeaderMap::new();
        headers.insert("x-frame-options", HeaderValue::from_static("DENY"));
        add_beside(&vp, &mut headers);
        let all = |name: &str| headers.get_all(name).iter().collect::<Vec<_>>();
        assert_eq!(all("x-frame-options"), ["DENY"]);
        assert_eq!(all("x-own"), ["1", "2"]);
        assert!(!headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN));
    }

    /// Line W1 of the hostile inputs.
    #[test]
    fn origins_of_websockets() {
        let vp = vp(|c| {
            c.websocket_cross_origin_white_list = vec!["good.com".into(), "*.sub.com".into()]
        });
        for good in [
            "https://good.com",
            "http://GOOD.com:8080",
            "https://a.sub.com",
            "https://gateway.example.com:8443",
        ] {
            assert!(allowed(&vp, good, true), "{good}");
        }
        for bad in [
            "null",
            "https://good.com.evil.com",
            "https://evil-good.com",
            "https://sub.com",
            "https://evil.com",
            "",
            "good.com",
            "https://xn--god-1na.com",
        ] {
            assert!(!allowed(&vp, bad, true), "{bad}");
        }
        assert_eq!(asking(&HeaderMap::new()), Ok(Asking::NoOrigin));
    }

    #[test]
    fn equal_origins_are_one_and_different_ones_are_refused() {
        assert!(asking(&origin(&["https://a", "https://a"])).is_ok());
        assert_eq!(
            asking(&origin(&["https://a", "https://b"]))
                .unwrap_err()
                .reason,
            Reason::OriginNotAllowed
        );
    }

    #[test]
    fn shared_origins_count_for_requests_but_not_for_sockets() {
        let listed = vp(|c| c.cors_allowed_origins = vec!["https://portal.com".into()]);
        assert!(
            allowed(&listed, "https://portal.com", false)
                && !allowed(&listed, "https://portal.com", true)
        );
        assert!(!allowed(&listed, "https://portal.com:444", false));
        let explicit = vp(|c| {
            c.additional_response_headers = "Access-Control-Allow-Origin: https://portal.com".into()
        });
        assert!(
            allowed(&explicit, "https://portal.com", false)
                && !allowed(&explicit, "https://portal.com", true)
        );
    }

    #[test]
    fn answers_name_the_one_origin_that_matched_and_the_explicit_line_wins() {
        let vp = vp(|c| {
            c.cors_allowed_origins = vec!["https://a.com".into(), "https://b.com".into()];
            c.additional_response_headers = "Access-Control-Expose-Headers: x-own".into();
        });
        let mut headers = HeaderMap::new();
        share(
            &vp,
            &asking(&origin(&["https://b.com"])).unwrap(),
            true,
            &mut headers,
        );
        assert_eq!(headers[ACCESS_CONTROL_ALLOW_ORIGIN], "https://b.com");
        assert_eq!(headers[VARY], "Origin");
        assert_eq!(headers["access-control-allow-credentials"], "true");
        assert_eq!(headers["access-control-expose-headers"], "x-own");
        assert!(headers.contains_key("access-control-allow-headers"));
        let mut other = HeaderMap::new();
        share(
            &vp,
            &asking(&origin(&["https://c.com"])).unwrap(),
            false,
            &mut other,
        );
        assert!(!other.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) && other.contains_key(VARY));
    }
}
