//! How foreign text is shown in details, errors and logs: escaped, in quotation marks, cut.

use std::fmt::Write as _;

/// How many characters of a foreign text are shown.
const MAX_SHOWN: usize = 64;

/// `text` in quotation marks, with control characters escaped, cut after 64 characters.
pub(crate) fn quoted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(MAX_SHOWN) + 2);
    shown.push('"');
    let mut characters = text.chars();
    for c in characters.by_ref().take(MAX_SHOWN) {
        shown.extend(c.escape_debug());
    }
    if characters.next().is_some() {
        shown.push('…');
    }
    shown.push('"');
    shown
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        write!(digits, "{byte:02x}").unwrap_or_default();
    }
    digits
}

/// SHA-256 in hexadecimal digits.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_escaped_and_cut() {
        assert_eq!(quoted("a\nb\"c"), r#""a\nb\"c""#);
        assert_eq!(quoted(&"é".repeat(65)), format!("\"{}…\"", "é".repeat(64)));
        assert_eq!(quoted(&"é".repeat(64)), format!("\"{}\"", "é".repeat(64)));
    }

    #[test]
    fn digests_are_hexadecimal() {
        assert_eq!(hex(&[0, 0xab, 0xff]), "00abff");
        assert!(sha256_hex(b"").starts_with("e3b0c44298fc1c14"));
    }
}
