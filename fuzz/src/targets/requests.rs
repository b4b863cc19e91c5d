//! What a request says about itself in its header: which fields reach a backend, which host it is
//! for, and which page it comes from.

use http::Uri;
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use jotgate_model::{HostPattern, Origin};
use jotgate_policy::admit::{self, Asking};
use jotgate_policy::sanitize;
use jotgate_policy::trace_context::{self, TraceParent};

/// Names that a backend believes, told again here so that a list which loses one is noticed.
const BELIEVED: [&str; 10] = [
    "forwarded",
    "proxy",
    "remote-user",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-own-user",
    "x-qlik-proxysession",
    "x-qlik-security",
    "x-qlik-user",
    "x-real-ip",
];

/// Fields of one connection (RFC 9110 section 7.6.1).
const OF_ONE_CONNECTION: [&str; 7] = [
    "connection",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Lines are `name: value`. The backend gets one context that can be read, and it is ours.
pub(super) fn context(input: &[u8]) {
    let mut headers = fields(input);
    let same_trace = trace_context::parent(&headers).is_some();
    let span = TraceParent {
        trace_id: [7; 16],
        span_id: [9; 8],
        sampled: true,
    };
    trace_context::set(&mut headers, &span, same_trace);
    assert_eq!(trace_context::parent(&headers), Some(span));
    let mut states = headers.get_all(trace_context::TRACESTATE).iter();
    assert!(states.next().is_none_or(|state| state.len() <= 512));
    assert!(states.next().is_none(), "two states reach the backend");
}

/// Lines are `name: value`. Nothing may stay that a backend could take for a field of the gateway's,
/// and nothing else may be lost.
pub(super) fn headers(input: &[u8]) {
    let own = HeaderName::from_static("x-own-user");
    let before = fields(input);
    let mut after = before.clone();
    sanitize::strip_request_headers(&mut after, std::iter::once(&own));
    for name in after.keys() {
        let name = name.as_str();
        let folded = name.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        assert!(!BELIEVED.contains(&&*folded), "{name} reaches the backend");
        let is_length = folded == "content-length" || folded == "transfer-encoding";
        assert!(!is_length || name == folded, "{name} reaches the backend");
        assert!(
            !OF_ONE_CONNECTION.contains(&name),
            "{name} reaches the backend"
        );
    }
    let te = after.get_all("te").iter();
    for value in te {
        assert_eq!(value, "trailers", "another TE reaches the backend");
    }
    for name in ["accept", "authorization", "x-qlik-xrfkey"] {
        let values =
            |headers: &HeaderMap| -> Vec<_> { headers.get_all(name).iter().cloned().collect() };
        if !is_named_by_connection(&before, name) {
            assert_eq!(values(&before), values(&after), "{name} is lost");
        }
    }
    let once = after.clone();
    sanitize::strip_request_headers(&mut after, std::iter::once(&own));
    assert_eq!(once, after, "removing twice is removing once");
}

fn is_named_by_connection(headers: &HeaderMap, name: &str) -> bool {
    headers.get_all("connection").iter().any(|value| {
        let mut named = value.as_bytes().split(|b| *b == b',');
        named.any(|named| named.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
    })
}

/// The first line is the target of the request, the others are its `Host` fields.
pub(super) fn host(input: &[u8]) {
    let mut lines = super::lines(input);
    let Ok(target) = Uri::try_from(lines.next().unwrap_or_default()) else {
        return;
    };
    let headers = named(HOST, lines);
    let Ok(authority) = sanitize::host(&target, &headers) else {
        return;
    };
    let text = authority.as_str();
    assert!(headers.len() < 2, "several hosts are one: {text:?}");
    if let Some(field) = headers.get(HOST) {
        let same = field.as_bytes().eq_ignore_ascii_case(text.as_bytes());
        assert!(same, "another host than the header's: {text:?}");
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    assert!(text.chars().all(fits), "no host: {text:?}");
    assert!(
        !text.is_empty() && !text.starts_with(':'),
        "no name: {text:?}"
    );
    let again = Uri::try_from(format!("https://{text}/"));
    let again = again.unwrap_or_else(|error| panic!("no address for {text:?}: {error}"));
    assert_eq!(
        again.authority(),
        Some(&authority),
        "a redirect leads elsewhere"
    );
}

/// The first line is an entry of the host allow list, the others are `Origin` fields.
pub(super) fn origin(input: &[u8]) {
    let mut lines = super::lines(input);
    let entry = String::from_utf8_lossy(lines.next().unwrap_or_default());
    let pattern = HostPattern::parse(&entry).ok();
    if let Some(pattern) = &pattern {
        let again = HostPattern::parse(&pattern.to_string());
        assert_eq!(
            again.as_ref(),
            Ok(pattern),
            "an entry that is shown otherwise than it is"
        );
    }
    let headers = named(ORIGIN, lines);
    let Ok(Asking::Page(page, value)) = admit::asking(&headers) else {
        return;
    };
    let mut all = headers.get_all(ORIGIN).iter();
    assert!(all.all(|field| field == value), "several pages are one");
    assert_eq!(
        Origin::parse(&page.to_string()).as_ref(),
        Ok(&page),
        "a page that is shown otherwise than it is"
    );
    if let Some(pattern) = pattern {
        assert_matches_whole_labels(&pattern, &page);
    }
}

/// Told by labels from the end: what `matches` does with texts.
fn assert_matches_whole_labels(pattern: &HostPattern, page: &Origin) {
    let shown = pattern.to_string();
    let (any_below, name) = match shown.strip_prefix("*.") {
        Some(rest) => (true, rest),
        None => (false, &*shown),
    };
    // An address in brackets is one label, whatever is in it.
    let port_at = name.rfind(':').filter(|at| !name[*at..].contains(']'));
    let name = port_at.map_or(name, |at| &name[..at]);
    let mut wanted = name.split('.').rev();
    let mut given = page.host.split('.').rev();
    let ends_alike = wanted.by_ref().all(|label| given.next() == Some(label));
    let below = given.count();
    let alike = ends_alike && (if any_below { below > 0 } else { below == 0 });
    assert!(alike || !pattern.matches(page), "{shown} lets {page} in");
    assert!(
        port_at.is_some() || any_below || alike == pattern.matches(page),
        "{shown} keeps {page} out"
    );
}

/// Lines `name: value` as a header. What HTTP does not let through is left out.
pub(super) fn fields(input: &[u8]) -> HeaderMap {
    let field = |line: &[u8]| {
        let colon = line.iter().position(|b| *b == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
        Some((name, value))
    };
    let mut headers = HeaderMap::new();
    for (name, value) in super::lines(input).filter_map(field) {
        headers.append(name, value);
    }
    headers
}

fn named<'a>(name: HeaderName, values: impl Iterator<Item = &'a [u8]>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for value in values.filter_map(|line| HeaderValue::from_bytes(line).ok()) {
        headers.append(name.clone(), value);
    }
    headers
}
