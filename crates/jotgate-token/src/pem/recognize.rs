//! What a text without any block is, where that is worth a sentence of its own: people paste what some
//! tool has given them.

use zeroize::Zeroizing;

use super::PemError;

/// Base64 digits that are looked at.
const BEGINNING: usize = 64;
const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;

/// Why a text without blocks is not accepted. It is not empty.
pub(super) fn recognize(text: &str) -> PemError {
    let text = text.trim();
    if text.starts_with("ssh-") || text.starts_with("ecdsa-sha2-") {
        return PemError::OpenSsh;
    }
    if text.starts_with('{') && text.contains("\"kty\"") {
        // RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1: what only a private or a shared key has.
        let is_private = ["\"d\"", "\"k\""].iter().any(|name| text.contains(name));
        return match is_private {
            true => PemError::PrivateKey,
            false => PemError::Jwk,
        };
    }
    if text.starts_with("eyJ") && text.matches('.').count() >= 2 {
        return PemError::Token;
    }
    der_of(text)
        .and_then(|der| kind_of(&der))
        .unwrap_or(PemError::NoBlock)
}

/// The beginning of base64 without its lines, or of a binary file as a browser reads it: what follows may
/// be cut or damaged. Wiped when dropped.
fn der_of(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits = text.bytes().filter(|digit| !digit.is_ascii_whitespace());
    let digits = digits.take_while(|digit| *digit != b'=').take(BEGINNING);
    let mut digits = Zeroizing::new(digits.collect::<Vec<_>>());
    let whole = digits.len() / 4 * 4;
    digits.truncate(whole);
    let decoded = base64_simd::STANDARD.decode_to_vec(&*digits);
    decoded.ok().map(Zeroizing::new)
}

/// By how the outermost SEQUENCE begins.
fn kind_of(der: &[u8]) -> Option<PemError> {
    let outer = inside(der)?;
    Some(match outer {
        // PKCS#12 is of version 3 (RFC 7292 section 4); PKCS#8 and PKCS#1 of 0, SEC 1 of 1.
        [0x02, 0x01, 0x03, ..] => PemError::Pkcs12,
        [0x02, 0x01, 0x00 | 0x01, ..] => PemError::PrivateKey,
        [SEQUENCE, ..] => match inside(outer)? {
            // Encrypted as PKCS#5 or PKCS#12 have it (RFC 8018 appendix A, RFC 7292 appendix B).
            [
                OBJECT_IDENTIFIER,
                _,
                0x2a,
                0x86,
                0x48,
                0x86,
                0xf7,
                0x0d,
                0x01,
                0x05 | 0x0c,
                ..,
            ] => PemError::PrivateKey,
            [OBJECT_IDENTIFIER, ..] => PemError::BarePublicKey,
            _ => PemError::BareCertificate,
        },
        _ => return None,
    })
}

/// What follows the head of a SEQUENCE. The text may be cut: the length is not looked at.
fn inside(der: &[u8]) -> Option<&[u8]> {
    let (SEQUENCE, length) = (*der.first()?, *der.get(1)?) else {
        return None;
    };
    let more = match length {
        0x80.. => usize::from(length & 0x7f),
        _ => 0,
    };
    der.get(2 + more..)
}
