//! Which addresses a document may come from.
//!
//! A server that can make Jotgate fetch something (with a redirect, in a discovery document, or by
//! what its name resolves to) must not reach what only this network can reach: services without a
//! password, and the metadata service of a cloud, which hands out credentials.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where an address is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zone {
    /// This machine.
    Loopback,
    /// Inside of a network (RFC 1918, 4193, 6598), or set aside for some other purpose.
    Internal,
    /// Never a server with keys: link-local, where clouds have their metadata service, multicast,
    /// and what stands for no address.
    Forbidden,
    /// The rest of the world.
    Public,
}

/// Whether a document may come from `address`.
///
/// `written`: an administrator wrote the host. `literal`: and wrote this very address. `tls`: the
/// server proves its name; without that only this machine will do.
pub(super) fn is_acceptable(address: IpAddr, written: bool, literal: bool, tls: bool) -> bool {
    match zone(address) {
        Zone::Loopback => written,
        _ if !tls => false,
        Zone::Public => true,
        Zone::Internal => written,
        Zone::Forbidden => written && literal,
    }
}

pub(super) fn zone(address: IpAddr) -> Zone {
    match address {
        IpAddr::V4(v4) => zone_v4(v4),
        IpAddr::V6(v6) => embedded(v6).map_or_else(|| zone_v6(v6), zone_v4),
    }
}

/// The IANA special-purpose registry for IPv4.
fn zone_v4(v4: Ipv4Addr) -> Zone {
    match v4.octets() {
        [127, ..] => Zone::Loopback,
        [0, ..] | [169, 254, ..] | [224..=255, ..] => Zone::Forbidden,
        [10, ..]
        | [100, 64..=127, ..]
        | [172, 16..=31, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [192, 168, ..]
        | [198, 18..=19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => Zone::Internal,
        _ => Zone::Public,
    }
}

/// Public IPv6 is `2000::/3` without the parts that are set aside; the rest is not routed.
fn zone_v6(v6: Ipv6Addr) -> Zone {
    match v6.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => Zone::Loopback,
        // Amazon's metadata service has an address that looks like any other of a local network.
        [0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254] => Zone::Forbidden,
        [0xfc00..=0xfdff, ..] | [0x2001, 0x0db8, ..] | [0x2001, 0..=0x01ff, ..] => Zone::Internal,
        [0x2000..=0x3fff, ..] => Zone::Public,
        _ => Zone::Forbidden,
    }
}

/// The IPv4 address that an IPv6 address leads to: mapped (RFC 4291), NAT64 (RFC 6052), 6to4.
fn embedded(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match v6.segments() {
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            Some(of(high, low))
        }
        [0x2002, high, low, ..] => Some(of(high, low)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones() {
        let cases = [
            (
                Zone::Loopback,
                "127.0.0.1 127.255.255.255 ::1 ::ffff:127.0.0.1 64:ff9b::7f00:1",
            ),
            (
                Zone::Internal,
                "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 100.64.0.1 100.100.100.200 \
                 192.0.2.1 198.18.0.1 fc00::1 fd12:3456::1 2001:db8::1 2001::1 ::ffff:10.0.0.1 \
                 2002:c0a8:101::1",
            ),
            (
                Zone::Forbidden,
                "0.0.0.0 169.254.169.254 224.0.0.1 255.255.255.255 240.0.0.1 :: fe80::1 ff02::1 \
                 fd00:ec2::254 ::ffff:169.254.169.254 64:ff9b::a9fe:a9fe fec0::1 ::10.0.0.1",
            ),
            (
                Zone::Public,
                "8.8.8.8 172.15.0.1 172.32.0.1 192.169.0.1 100.63.0.1 100.128.0.1 169.253.0.1 \
                 223.255.255.255 2606:4700::1111 ::ffff:8.8.8.8",
            ),
        ];
        for (expected, addresses) in cases {
            for address in addresses.split_whitespace() {
                assert_eq!(zone(address.parse().unwrap()), expected, "{address}");
            }
        }
    }

    #[test]
    fn what_an_administrator_wrote_may_be_inside() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(is_acceptable(ip("8.8.8.8"), false, false, true));
        assert!(!is_acceptable(ip("10.0.0.1"), false, false, true));
        assert!(is_acceptable(ip("10.0.0.1"), true, false, true));
        assert!(!is_acceptable(ip("127.0.0.1"), false, false, true));
        // A name never leads to the metadata service, whoever wrote it.
        assert!(!is_acceptable(ip("169.254.169.254"), true, false, true));
        assert!(is_acceptable(ip("169.254.169.254"), true, true, true));
    }

    #[test]
    fn without_tls_only_this_machine_will_do() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        assert!(is_acceptable(ip("127.0.0.1"), true, false, false));
        for address in ["8.8.8.8", "10.0.0.1", "169.254.169.254"] {
            assert!(!is_acceptable(ip(address), true, true, false), "{address}");
        }
    }
}
