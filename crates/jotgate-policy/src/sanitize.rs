//! Sanitize: one canonical view of a request, or none.
//!
//! Whatever two readers could understand differently is refused here, because the backend is the
//! second reader. What passes is judged once and forwarded exactly as it was judged.

use http::header::{CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, TE, TRANSFER_ENCODING};
use http::uri::Authority;
use http::{Method, Uri, Version};
use jotgate_model::{
    Reason, Refusal, fold_header_name, is_disguised_framing_header, is_removed_from_requests,
};

/// The host that a request is for: what its target names, else its Host header (RFC 9112 section 3.2.2).
/// A target that names another host than the header has two readers who disagree, and is refused.
///
/// # Errors
/// [`Reason::HostInvalid`] for none, several, conflicting ones, or no valid one.
pub fn host(uri: &Uri, headers: &HeaderMap) -> Result<Authority, Refusal> {
    let invalid = |detail: &'static str| Refusal::with(Reason::HostInvalid, detail);
    let mut fields = headers.get_all(HOST).iter();
    let field = fields.next();
    if fields.next().is_some() {
        return Err(invalid("the request has more than one Host header"));
    }
    let authority = match (uri.authority(), field) {
        (Some(authority), Some(value))
            if !value
                .as_bytes()
                .eq_ignore_ascii_case(authority.as_str().as_bytes()) =>
        {
            return Err(invalid(
                "the target of the request and its Host header name different hosts",
            ));
        }
        (Some(authority), _) => authority.clone(),
        (None, Some(value)) => Authority::try_from(value.as_bytes())
            .map_err(|_| invalid("the Host header is no host name with an optional port"))?,
        (None, None) => return Err(invalid("the request has no Host header")),
    };
    let text = authority.as_str();
    // Told by the text: what stands between an address in brackets and its port is ignored by the parser.
    let port_ok = match text.strip_prefix(authority.host()) {
        Some("") => true,
        Some(rest) => authority
            .port()
            .is_some_and(|port| rest.strip_prefix(':') == Some(port.as_str())),
        None => false,
    };
    // Narrower than a URI's reg-name: the host is repeated in redirects and in headers.
    let name_ok = match authority
        .host()
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => authority
            .host()
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_')),
    };
    if authority.host().is_empty() || text.contains('@') || !port_ok || !name_ok {
        return Err(invalid(
            "the Host header is no host name with an optional port",
        ));
    }
    Ok(authority)
}

/// Checks what hyper lets through but a backend could read in two ways: the request's method,
/// target and transfer coding.
///
/// # Errors
/// [`Reason::RequestMalformed`] with the part that is at fault.
pub fn message(
    method: &Method,
    uri: &Uri,
    version: Version,
    headers: &HeaderMap,
) -> Result<(), Refusal> {
    let malformed = |detail: &'static str| Refusal::with(Reason::RequestMalformed, detail);
    if method == Method::CONNECT || method == Method::TRACE {
        return Err(malformed("the methods CONNECT and TRACE are not served"));
    }
    if uri.path() == "*" || !uri.path().starts_with('/') {
        return Err(malformed("the target is not a path"));
    }
    if version < Version::HTTP_2 {
        let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
        if let Some(coding) = codings.next()
            && (codings.next().is_some() || !coding.as_bytes().eq_ignore_ascii_case(b"chunked"))
        {
            return Err(malformed("Transfer-Encoding is not exactly \"chunked\""));
        }
    }
    Ok(())
}

/// Checks that the path can be read in one way only (hostile paths of CVE-2019-9901, CVE-2021-29492,
/// CVE-2025-66490 and their relatives).
///
/// # Errors
/// [`Reason::PathAmbiguous`] with what is ambiguous about it.
pub fn path(path: &str) -> Result<(), Refusal> {
    let ambiguous = |detail: &'static str| Refusal::with(Reason::PathAmbiguous, detail);
    if path.starts_with("//") {
        return Err(ambiguous("the path begins with an empty segment"));
    }
    if path.bytes().any(|b| b == b'\\' || b < 0x20 || b == 0x7f) {
        return Err(ambiguous(
            "the path contains a backslash or a control character",
        ));
    }
    // The common case ends here: nothing encoded, no dot segment, no path parameter.
    let plain = !path.contains('%') && !path.contains("/.") && !path.contains("./");
    if plain && !path.contains(';') {
        return Ok(());
    }
    for (i, segment) in path[1..].split('/').enumerate() {
        let decoded = decode(segment)
            .ok_or_else(|| ambiguous("a percent sign is not followed by two hexadecimal digits"))?;
        if decoded.contains(&0) {
            return Err(ambiguous("the path contains an encoded NUL"));
        }
        if is_overlong(&decoded) {
            return Err(ambiguous(
                "the path contains an overlong encoding of a character",
            ));
        }
        let slashes = decoded.iter().any(|b| matches!(b, b'/' | b'\\'));
        if i == 0 && (slashes || decoded != segment.as_bytes()) {
            return Err(ambiguous(
                "the first segment, where the prefix stands, contains encoded characters",
            ));
        }
        if decoded
            .split(|b| matches!(b, b'/' | b'\\'))
            .any(is_dot_segment)
        {
            return Err(ambiguous("the path contains a dot segment"));
        }
    }
    Ok(())
}

/// What is no UTF-8 (RFC 3629 section 3), but `.`, `/` or a letter for a decoder that takes more bytes
/// than needed. Other texts that are no UTF-8 pass: old pages have addresses in Latin-1.
fn is_overlong(decoded: &[u8]) -> bool {
    let begins_one = |pair: &[u8]| {
        matches!(
            pair,
            [0xc0 | 0xc1, 0x80..=0xbf] | [0xe0, 0x80..=0x9f] | [0xf0, 0x80..=0x8f]
        )
    };
    decoded.windows(2).any(begins_one)
}

/// `.` and `..`, also with the path parameters that some servers cut off first (`..;x=1`).
fn is_dot_segment(segment: &[u8]) -> bool {
    let name = segment.split(|b| *b == b';').next().unwrap_or_default();
    matches!(name, b"." | b"..")
}

fn decode(segment: &str) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(segment.len());
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(if byte == b'%' {
            let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
            u8::try_from(digit(bytes.next())? * 16 + digit(bytes.next())?).ok()?
        } else {
            byte
        });
    }
    Some(decoded)
}

/// Removes what a client may not say to a backend: the headers that Jotgate sets itself, in any
/// spelling, what belongs to the connection, and what `Connection` names (RFC 9110 section 7.6.1).
///
/// Runs before any header is set, so that `Connection: X-Qlik-User` cannot remove what was set
/// (CVE-2021-32813). `own` are the folded names of the virtual proxy's backend headers.
pub fn strip_request_headers<'a>(
    headers: &mut HeaderMap,
    own: impl Iterator<Item = &'a HeaderName> + Clone,
) {
    strip_connection_headers(headers);
    let foreign = |name: &HeaderName| {
        let text = name.as_str();
        is_removed_from_requests(text)
            || is_disguised_framing_header(text)
            || own
                .clone()
                .any(|own| own == name || fold_header_name(own.as_str()) == fold_header_name(text))
    };
    let doomed: Vec<HeaderName> = headers
        .keys()
        .filter(|name| foreign(name))
        .cloned()
        .collect();
    for name in doomed {
        headers.remove(name);
    }
}

/// Removes what belongs to one connection from a request or an answer.
pub fn strip_connection_headers(headers: &mut HeaderMap) {
    // One look at the names costs less than nine searches, and most messages have none of these.
    if !headers.keys().any(is_of_connection) {
        return;
    }
    if headers.contains_key(CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(CONNECTION)
            .iter()
            .flat_map(|value| value.as_bytes().split(|b| *b == b','))
            .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
            .collect();
        headers.remove(CONNECTION);
        for name in named {
            headers.remove(name);
        }
    }
    let keeps_trailers = headers
        .get(TE)
        .is_some_and(|te| te.as_bytes().eq_ignore_ascii_case(b"trailers"));
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    if keeps_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
}

fn is_of_connection(name: &HeaderName) -> bool {
    name == CONNECTION || HOP_BY_HOP.contains(name)
}

/// Fields of one connection that are removed whether `Connection` names them or not.
const HOP_BY_HOP: [HeaderName; 8] = [
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-authenticate"),
    HeaderName::from_static("proxy-authorization"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("te"),
    HeaderName::from_static("trailer"),
    HeaderName::from_static("transfer-encoding"),
    HeaderName::from_static("upgrade"),
];

#[cfg(test)]
mod tests;
