//! The newest row: what a complete trail must still have.

use std::fmt;
use std::str::FromStr;

/// The number and the seal of a row, written `SEQUENCE:MAC` with the seal in hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditHead {
    /// The number of the row; 0: there is none.
    pub sequence: i64,
    /// Its seal.
    pub mac: [u8; 32],
}

impl AuditHead {
    /// What the first row is sealed onto.
    pub const BEGINNING: Self = Self {
        sequence: 0,
        mac: [0; 32],
    };
}

impl fmt::Display for AuditHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, hexadecimal(&self.mac))
    }
}

impl FromStr for AuditHead {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str =
            "must be SEQUENCE:MAC, as the log has it: a number, a colon, and 64 hexadecimal digits";
        let (sequence, mac) = text.split_once(':').ok_or(WRONG)?;
        let plain = !sequence.is_empty() && sequence.bytes().all(|b| b.is_ascii_digit());
        let sequence = sequence.parse().ok().filter(|_| plain).ok_or(WRONG)?;
        let mac = bytes(mac).ok_or(WRONG)?;
        Ok(Self { sequence, mac })
    }
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// 32 bytes from 64 digits.
pub(super) fn bytes(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let mut bytes = [0; 32];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}
