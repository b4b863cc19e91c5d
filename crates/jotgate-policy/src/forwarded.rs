//! Where a request came from: `X-Forwarded-*` rebuilt, and whom to believe.

use std::net::IpAddr;

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// A network whose members may say for whom they forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// The network of `address` with that prefix length; nothing when it is too long.
    #[must_use]
    pub fn new(address: IpAddr, prefix: u8) -> Option<Self> {
        let longest = if address.is_ipv4() { 32 } else { 128 };
        (prefix <= longest).then_some(Self {
            address: address.to_canonical(),
            prefix,
        })
    }

    /// Whether `address` belongs to it; an IPv4 address inside of IPv6 is the IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => {
                let mask = u32::MAX
                    .checked_shl(32 - u32::from(self.prefix))
                    .unwrap_or(0);
                u32::from(net) & mask == u32::from(ip) & mask
            }
            (IpAddr::V6(net), IpAddr::V6(ip)) => {
                let mask = u128::MAX
                    .checked_shl(128 - u32::from(self.prefix))
                    .unwrap_or(0);
                u128::from(net) & mask == u128::from(ip) & mask
            }
            _ => false,
        }
    }
}

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

/// Sets what backends may believe. Client copies have been removed before.
pub fn set(headers: &mut HeaderMap, client: HeaderValue, over_tls: bool, host: &HeaderValue) {
    headers.insert(HeaderName::from_static("x-forwarded-for"), client);
    let proto = HeaderValue::from_static(if over_tls { "https" } else { "http" });
    headers.insert(HeaderName::from_static("x-forwarded-proto"), proto);
    headers.insert(HeaderName::from_static("x-forwarded-host"), host.clone());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, list: &[(&'static str, &'static str)], trusted: &[Network]) -> Client {
        let headers = list
            .iter()
            .map(|(n, v)| (HeaderName::from_static(n), HeaderValue::from_static(v)))
            .collect();
        client(peer.parse().unwrap(), false, &headers, trusted)
    }

    fn network(address: &str, prefix: u8) -> Network {
        Network::new(address.parse().unwrap(), prefix).unwrap()
    }

    #[test]
    fn networks() {
        assert!(network("10.0.0.0", 8).contains("10.9.8.7".parse().unwrap()));
        assert!(network("10.0.0.0", 8).contains("::ffff:10.9.8.7".parse().unwrap()));
        assert!(!network("10.0.0.0", 8).contains("11.0.0.1".parse().unwrap()));
        assert!(network("0.0.0.0", 0).contains("1.2.3.4".parse().unwrap()));
        assert!(!network("0.0.0.0", 0).contains("::1".parse().unwrap()));
        assert!(network("fd00::", 8).contains("fd12::1".parse().unwrap()));
        assert!(network("::", 0).contains("fd12::1".parse().unwrap()));
        assert!(Network::new("10.0.0.0".parse().unwrap(), 33).is_none());
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
        let lb = [network("10.0.0.0", 8)];
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
