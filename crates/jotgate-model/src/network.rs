//! Ranges of addresses (RFC 4632, RFC 4291 section 2.3).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A range of addresses as somebody wrote it: those that share the first `length` bits with `address`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    length: u8,
}

impl Network {
    /// Parses `10.0.0.0/8`, `fd00::/8`, or one address.
    ///
    /// # Errors
    /// What is wrong and what to write. An address with bits beyond the length is refused: whoever
    /// wrote `10.1.2.3/8` may have meant one address or sixteen million.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            "is no range of addresses; write for instance 10.0.0.0/8, fd00::/8 or 192.0.2.7"
                .to_owned()
        };
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let length = match length {
            None => bits,
            Some(digits) if (1..=3).contains(&digits.len()) && is_digits(digits) => digits
                .parse()
                .ok()
                .filter(|length| *length <= bits)
                .ok_or_else(|| format!("has more than {bits} bits; write for instance /{bits}"))?,
            Some(_) => return Err(wrong()),
        };
        if address.is_ipv6() && address.to_canonical().is_ipv4() {
            return Err("is an IPv4 range in the clothes of IPv6; write the IPv4 range".to_owned());
        }
        let first = mask(address, length);
        if first != address {
            return Err(format!(
                "has bits beyond /{length}; write {first}/{length} for the range or {address} for the one address"
            ));
        }
        Ok(Self { address, length })
    }

    /// Whether `address` belongs to it; an IPv4 address inside of IPv6 is the IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && mask(address, self.length) == self.address
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit())
}

/// `address` with everything after the first `length` bits cleared.
fn mask(address: IpAddr, length: u8) -> IpAddr {
    let length = u32::from(length);
    match address {
        IpAddr::V4(v4) => {
            let ones = u32::MAX.checked_shl(32 - length).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & ones).into()
        }
        IpAddr::V6(v6) => {
            let ones = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & ones).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_hold_their_addresses_and_no_others() {
        let cases = [
            ("10.0.0.0/8", "10.255.255.255", true),
            ("10.0.0.0/8", "11.0.0.0", false),
            ("10.0.0.0/8", "::ffff:10.1.1.1", true),
            ("0.0.0.0/0", "203.0.113.9", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("::/0", "203.0.113.9", false),
            ("::/0", "2001:db8::1", true),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.6", false),
            ("192.0.2.6/31", "192.0.2.7", true),
            ("fd00::/8", "fdff::1", true),
            ("fd00::/8", "fe00::1", false),
            ("::1", "::1", true),
        ];
        for (range, peer, expected) in cases {
            let found = Network::parse(range)
                .unwrap()
                .contains(peer.parse().unwrap());
            assert_eq!(found, expected, "{peer} in {range}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for bad in [
            "",
            "/",
            "/8",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "10.0.0.0/8/8",
            "10.0.0/8",
            "::/129",
            "::/999",
            "::/0000",
            "10.0.0.1/8",
            "localhost",
            "10.0.0.0 /8",
            "::ffff:0.0.0.0/96",
        ] {
            assert!(Network::parse(bad).is_err(), "{bad}");
        }
        let sentence = Network::parse("10.1.2.3/8").unwrap_err();
        assert!(
            sentence.contains("10.0.0.0/8") && sentence.contains("10.1.2.3"),
            "{sentence}"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_parsed_or_refused(text in "[0-9a-f.:/ ]{0,24}") {
            if let Ok(range) = Network::parse(&text) {
                prop_assert!(range.contains(range.address));
                prop_assert_eq!(Network::parse(&range.to_string()), Ok(range));
            }
        }

        #[test]
        fn a_range_holds_exactly_what_shares_its_bits(a: u32, b: u32, length in 0u8..=32) {
            let first = mask(Ipv4Addr::from_bits(a).into(), length);
            let range = Network::parse(&format!("{first}/{length}")).unwrap();
            let shares = length == 0 || (a ^ b) >> (32 - u32::from(length)) == 0;
            prop_assert_eq!(range.contains(Ipv4Addr::from_bits(b).into()), shares);
            prop_assert_eq!(range.length, length);
        }

        #[test]
        fn the_same_for_ipv6(a: u128, b: u128, length in 0u8..=128) {
            let address = Ipv6Addr::from_bits(a | 1 << 127);
            let other = Ipv6Addr::from_bits(b | 1 << 127);
            let first = mask(address.into(), length);
            prop_assume!(length > 0);
            let range = Network::parse(&format!("{first}/{length}")).unwrap();
            let shares = (address.to_bits() ^ other.to_bits()) >> (128 - u32::from(length)) == 0;
            prop_assert_eq!(range.contains(other.into()), shares);
        }
    }
}
