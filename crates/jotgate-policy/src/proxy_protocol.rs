//! The PROXY header with which a load balancer begins a connection, to tell whose it is (the HAProxy
//! project's "The PROXY protocol", versions 1 and 2).
//!
//! Only connections of trusted proxies begin with one; from anybody else it would be a claim.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What a header of version 2 begins with.
pub const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// The size of the fixed part of version 2.
pub const FIXED_SIZE: usize = 16;
/// The longest line of version 1, with its line end.
pub const MAX_LINE: usize = 107;

/// The bytes are no PROXY header: the connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAHeader;

/// Reads a line of version 1, with its line end. `None` for a connection of the balancer itself, such
/// as a health check.
///
/// # Errors
/// It is not such a line.
pub fn read_line(line: &[u8]) -> Result<Option<IpAddr>, NotAHeader> {
    let text = std::str::from_utf8(line).map_err(|_| NotAHeader)?;
    let text = text
        .strip_suffix("\r\n")
        .filter(|_| line.len() <= MAX_LINE)
        .ok_or(NotAHeader)?;
    let mut words = text.split(' ');
    if words.next() != Some("PROXY") {
        return Err(NotAHeader);
    }
    let family = words.next().ok_or(NotAHeader)?;
    if family == "UNKNOWN" {
        return Ok(None);
    }
    let rest: Vec<&str> = words.collect();
    let &[source, destination, source_port, destination_port] = rest.as_slice() else {
        return Err(NotAHeader);
    };
    let parse = |text: &str| -> Result<IpAddr, NotAHeader> {
        match family {
            "TCP4" => text
                .parse::<Ipv4Addr>()
                .map(IpAddr::from)
                .map_err(|_| NotAHeader),
            "TCP6" => text
                .parse::<Ipv6Addr>()
                .map(IpAddr::from)
                .map_err(|_| NotAHeader),
            _ => Err(NotAHeader),
        }
    };
    let source = parse(source)?;
    parse(destination)?;
    for port in [source_port, destination_port] {
        port.parse::<u16>().map_err(|_| NotAHeader)?;
    }
    Ok(Some(source.to_canonical()))
}

/// How many bytes follow the fixed part of version 2.
///
/// # Errors
/// It is not such a header.
pub fn length_after(fixed: &[u8; FIXED_SIZE]) -> Result<usize, NotAHeader> {
    let version = fixed[12] >> 4;
    if fixed[..12] != SIGNATURE || version != 2 || fixed[12] & 0x0f > 1 {
        return Err(NotAHeader);
    }
    Ok(usize::from(u16::from_be_bytes([fixed[14], fixed[15]])))
}

/// Reads a header of version 2 from its fixed part and what follows it. `None` for a connection of the
/// balancer itself, and for families without addresses of the Internet.
///
/// # Errors
/// What follows is too short for the addresses it should hold.
pub fn read_binary(fixed: &[u8; FIXED_SIZE], rest: &[u8]) -> Result<Option<IpAddr>, NotAHeader> {
    length_after(fixed)?;
    let local = fixed[12] & 0x0f == 0;
    match (local, fixed[13] >> 4) {
        (true, _) | (_, 0 | 3) => Ok(None),
        (false, 1) => {
            let bytes: [u8; 4] = rest
                .get(..4)
                .filter(|_| rest.len() >= 12)
                .and_then(|b| b.try_into().ok())
                .ok_or(NotAHeader)?;
            Ok(Some(IpAddr::from(bytes)))
        }
        (false, 2) => {
            let bytes: [u8; 16] = rest
                .get(..16)
                .filter(|_| rest.len() >= 36)
                .and_then(|b| b.try_into().ok())
                .ok_or(NotAHeader)?;
            Ok(Some(IpAddr::from(bytes).to_canonical()))
        }
        _ => Err(NotAHeader),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines() {
        let read = |line: &str| read_line(line.as_bytes()).map(|ip| ip.map(|ip| ip.to_string()));
        assert_eq!(
            read("PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n"),
            Ok(Some("192.0.2.1".to_owned()))
        );
        assert_eq!(
            read("PROXY TCP6 2001:db8::1 ::1 1 2\r\n"),
            Ok(Some("2001:db8::1".to_owned()))
        );
        assert_eq!(read("PROXY UNKNOWN\r\n"), Ok(None));
        assert_eq!(read("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n"), Ok(None));
        for bad in [
            "",
            "PROXY",
            "PROXY TCP4 a b 1 2\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
            "PROXY TCP4 ::1 ::1 1 2\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 1 99999\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
            "GET / HTTP/1.1\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
        ] {
            assert_eq!(read(bad), Err(NotAHeader), "{bad:?}");
        }
    }

    #[test]
    fn binary_headers() {
        let fixed = |command: u8, family: u8, length: u16| {
            let mut bytes = [0; FIXED_SIZE];
            bytes[..12].copy_from_slice(&SIGNATURE);
            bytes[12] = 0x20 | command;
            bytes[13] = family;
            bytes[14..].copy_from_slice(&length.to_be_bytes());
            bytes
        };
        let v4 = [192, 0, 2, 1, 192, 0, 2, 2, 0, 1, 0, 2];
        assert_eq!(length_after(&fixed(1, 0x11, 12)), Ok(12));
        assert_eq!(
            read_binary(&fixed(1, 0x11, 12), &v4),
            Ok(Some("192.0.2.1".parse().unwrap()))
        );
        assert_eq!(read_binary(&fixed(0, 0x11, 12), &v4), Ok(None));
        assert_eq!(read_binary(&fixed(1, 0x11, 11), &v4[..11]), Err(NotAHeader));
        assert_eq!(
            read_binary(&fixed(1, 0x21, 36), &[1; 36])
                .unwrap()
                .unwrap()
                .to_string(),
            "101:101:101:101:101:101:101:101"
        );
        assert_eq!(read_binary(&fixed(1, 0x21, 35), &[1; 35]), Err(NotAHeader));
        assert_eq!(length_after(&fixed(2, 0x11, 12)), Err(NotAHeader));
        assert_eq!(length_after(&[0; FIXED_SIZE]), Err(NotAHeader));
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(line in proptest::collection::vec(any::<u8>(), 0..120), fixed: [u8; 16]) {
            let text = read_line(&line);
            prop_assert!(text.is_err() || line.starts_with(b"PROXY "));
            prop_assert!(length_after(&fixed).is_err() || read_binary(&fixed, &line).is_ok() || line.len() < 36 || fixed[13] >> 4 > 3);
        }
    }
}
