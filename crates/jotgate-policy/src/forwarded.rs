//! Where a request came from: `Forwarded` (RFC 7239) and `X-Forwarded-*` rebuilt, and whom to believe.

use std::net::IpAddr;

use http::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue};
use jotgate_model::Network;

/// Who sent a request, as far as the connection and believed proxies tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// The client's address.
    pub address: IpAddr,
    /// Whether the client's own connection is encrypted.
    pub over_tls: bool,
}

/// The client behind the connection's peer. `X-Forwarded-For` and `-Proto` count only when the peer is
/// trusted; then the last address that is no trusted proxy is the client. Something that is no address
/// ends the search at the peer that passed it on: it skips nothing (CVE-2024-47070).
#[must_use]
pub fn client(peer: IpAddr, over_tls: bool, headers: &HeaderMap, trusted: &[Network]) -> Client {
    let is_trusted = |ip: IpAddr| trusted.iter().any(|network| network.contains(ip));
    let peer = peer.to_canonical();
    if trusted.is_empty() || !is_trusted(peer) {
        return Client {
            address: peer,
            over_tls,
        };
    }
    let mut address = peer;
    let hops: Vec<&[u8]> = headers
        .get_all("x-forwarded-for")
        .iter()
        .flat_map(|value| value.as_bytes().split(|b| *b == b','))
        .collect();
    for hop in hops.into_iter().rev() {
        let parsed = std::str::from_utf8(hop)
            .ok()
            .and_then(|text| text.trim().parse::<IpAddr>().ok());
        let Some(ip) = parsed else { break };
        address = ip.to_canonical();
        if !is_trusted(address) {
            break;
        }
    }
    let mut protos = headers.get_all("x-forwarded-proto").iter();
    let over_tls = match (protos.next(), protos.next()) {
        (Some(proto), None) => proto.as_bytes().eq_ignore_ascii_case(b"https"),
        _ => over_tls,
    };
    Client { address, over_tls }
}

/// What a backend is told of a request before it passed the gateway.
#[derive(Clone, Debug)]
pub struct Told<'a> {
    /// The client's address, as text.
    pub client: &'a HeaderValue,
    /// Whether the client's own connection is encrypted.
    pub over_tls: bool,
    /// The host that the client asked for, with its port if it named one.
    pub host: &'a HeaderValue,
    /// What was cut off the front of the path, if anything was.
    pub prefix: Option<&'a HeaderValue>,
    /// What [`element`] says of the three above.
    pub element: Option<HeaderValue>,
}

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const ASKED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// Sets what backends may believe. Client copies have been removed before.
///
/// The port is not told apart: it stands in the host, when the client named one.
pub fn set(headers: &mut HeaderMap, told: Told<'_>) {
    if let Some(element) = told.element {
        headers.insert(FORWARDED, element);
    }
    headers.insert(FOR, told.client.clone());
    headers.insert(PROTO, HeaderValue::from_static(proto(told.over_tls)));
    headers.insert(ASKED_HOST, told.host.clone());
    if let Some(prefix) = told.prefix {
        headers.insert(PREFIX, prefix.clone());
    }
}

const fn proto(over_tls: bool) -> &'static str {
    if over_tls { "https" } else { "http" }
}

/// The element of `Forwarded` (RFC 7239 section 4) for a client and the host that it asked for. An
/// address of IPv6 stands in brackets and quotes (section 6), and so in quotes does a host with a port.
#[must_use]
pub fn element(client: &HeaderValue, over_tls: bool, host: &HeaderValue) -> Option<HeaderValue> {
    let (client, host) = (client.to_str().ok()?, host.to_str().ok()?);
    let mut text = String::with_capacity(32 + client.len() + host.len());
    if client.contains(':') {
        text.push_str("for=\"[");
        text.push_str(client);
        text.push_str("]\"");
    } else {
        text.push_str("for=");
        push_value(&mut text, client);
    }
    text.push_str(";host=");
    push_value(&mut text, host);
    text.push_str(";proto=");
    text.push_str(proto(over_tls));
    HeaderValue::try_from(text).ok()
}

/// A token as it is, anything else as a quoted string (RFC 9110 section 5.6).
fn push_value(text: &mut String, value: &str) {
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if !value.is_empty() && value.bytes().all(is_token) {
        text.push_str(value);
        return;
    }
    text.push('"');
    for c in value.chars() {
        if matches!(c, '"' | '\\') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(client: &str, host: &str, prefix: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let value = |text: &str| HeaderValue::from_str(text).unwrap();
        let (client, host, prefix) = (value(client), value(host), prefix.map(value));
        let told = Told {
            client: &client,
            over_tls: true,
            host: &host,
            prefix: prefix.as_ref(),
            element: element(&client, true, &host),
        };
        set(&mut headers, told);
        headers
    }

    #[test]
    fn backends_are_told_in_both_forms() {
        let plain = told("192.0.2.1", "portal.example.com", Some("/jwt"));
        assert_eq!(
            plain["forwarded"],
            "for=192.0.2.1;host=portal.example.com;proto=https"
        );
        assert_eq!(plain["x-forwarded-for"], "192.0.2.1");
        assert_eq!(plain["x-forwarded-host"], "portal.example.com");
        assert_eq!(plain["x-forwarded-proto"], "https");
        assert_eq!(plain["x-forwarded-prefix"], "/jwt");
        let v6 = told("2001:db8::1", "[::1]:8443", None);
        assert_eq!(
            v6["forwarded"],
            "for=\"[2001:db8::1]\";host=\"[::1]:8443\";proto=https"
        );
        assert!(!v6.contains_key("x-forwarded-prefix"));
    }

    /// The pairs of one element, read by the grammar of RFC 7239 section 4.
    fn pairs(mut text: &str) -> Option<Vec<(String, String)>> {
        let mut pairs = Vec::new();
        loop {
            let (name, rest) = text.split_once('=')?;
            let (mut value, mut end) = (String::new(), rest.len());
            if let Some(inner) = rest.strip_prefix('"') {
                let mut chars = inner.char_indices();
                loop {
                    match chars.next()? {
                        (at, '"') => {
                            end = at + 2;
                            break;
                        }
                        (_, '\\') => value.push(chars.next()?.1),
                        (_, c) => value.push(c),
                    }
                }
            } else {
                end = rest.find([';', ',', '"', ' ']).unwrap_or(end);
                value.push_str(&rest[..end]);
            }
            pairs.push((name.to_owned(), value));
            match rest[end..].strip_prefix(';') {
                Some(more) => text = more,
                None => return rest[end..].is_empty().then_some(pairs),
            }
        }
    }

    proptest! {
        #[test]
        fn forwarded_says_exactly_what_was_meant(address: IpAddr, host in "[ -~]{0,40}") {
            let headers = told(&address.to_string(), host.trim(), None);
            let text = headers["forwarded"].to_str().unwrap();
            let address = match address {
                IpAddr::V4(address) => address.to_string(),
                IpAddr::V6(address) => format!("[{address}]"),
            };
            let meant = [("for", address.as_str()), ("host", host.trim()), ("proto", "https")];
            let read = pairs(text).expect("one element");
            let read: Vec<_> = read.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            prop_assert_eq!(read, meant);
        }
    }

    fn from(peer: &str, list: &[(&'static str, &'static str)], trusted: &[Network]) -> Client {
        let headers = list
            .iter()
            .map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v)))
            .collect();
        client(peer.parse().unwrap(), false, &headers, trusted)
    }

    /// Lines S5 and S6 of the hostile inputs.
    #[test]
    fn only_trusted_proxies_are_believed() {
        let forged = [
            ("x-forwarded-for", "9.9.9.9"),
            ("x-forwarded-proto", "https"),
        ];
        let nobody = from("1.2.3.4", &forged, &[]);
        assert_eq!(
            (nobody.address.to_string(), nobody.over_tls),
            ("1.2.3.4".to_owned(), false)
        );
        let lb = [Network::parse("10.0.0.0/8").unwrap()];
        let through = from("10.0.0.1", &forged, &lb);
        assert_eq!(
            (through.address.to_string(), through.over_tls),
            ("9.9.9.9".to_owned(), true)
        );
        assert_eq!(from("1.2.3.4", &forged, &lb).address.to_string(), "1.2.3.4");
        assert_eq!(
            from(
                "10.0.0.1",
                &[("x-forwarded-for", "6.6.6.6, 9.9.9.9, 10.0.0.2")],
                &lb
            )
            .address
            .to_string(),
            "9.9.9.9"
        );
        assert_eq!(
            from(
                "10.0.0.1",
                &[("x-forwarded-for", "6.6.6.6, a, 10.0.0.2")],
                &lb
            )
            .address
            .to_string(),
            "10.0.0.2"
        );
    }
}
