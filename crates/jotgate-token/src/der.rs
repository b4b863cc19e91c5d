//! Just enough DER (X.690) to write a `SubjectPublicKeyInfo` (RFC 5280 section 4.1.2.7) around the
//! numbers of a JWK or a PKCS#1 key, so that every key enters through one door.

/// rsaEncryption with NULL parameters (RFC 3279 section 2.3.1).
const RSA: &[u8] = &[
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];
/// id-ecPublicKey with the named curve secp256r1 (RFC 5480 section 2.1.1).
const P256: &[u8] = &[
    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
    0x03, 0x01, 0x07,
];
/// id-ecPublicKey with the named curve secp384r1.
const P384: &[u8] = &[
    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22,
];
/// id-Ed25519 without parameters (RFC 8410 section 3).
const ED25519: &[u8] = &[0x06, 0x03, 0x2b, 0x65, 0x70];

/// An RSA key from the big-endian bytes of its numbers.
pub(crate) fn rsa_spki(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let numbers = [integer(modulus), integer(exponent)].concat();
    rsa_spki_from_pkcs1(&element(0x30, &numbers))
}

/// An RSA key from its PKCS#1 form (RFC 8017 appendix A.1.1).
pub(crate) fn rsa_spki_from_pkcs1(pkcs1: &[u8]) -> Vec<u8> {
    spki(RSA, pkcs1)
}

/// A P-256 key from its uncompressed point (SEC 1 section 2.3.3).
pub(crate) fn p256_spki(point: &[u8]) -> Vec<u8> {
    spki(P256, point)
}

/// A P-384 key from its uncompressed point.
pub(crate) fn p384_spki(point: &[u8]) -> Vec<u8> {
    spki(P384, point)
}

/// An Ed25519 key from its 32 bytes.
pub(crate) fn ed25519_spki(key: &[u8]) -> Vec<u8> {
    spki(ED25519, key)
}

fn spki(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    let bits = [&[0], key].concat();
    element(
        0x30,
        &[element(0x30, algorithm), element(0x03, &bits)].concat(),
    )
}

/// A positive INTEGER: no leading zeros but the one that keeps the sign bit clear.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|b| **b == 0).count();
    let digits = bytes.get(zeros..).unwrap_or_default();
    match digits.first() {
        Some(0x80..) | None => element(0x02, &[&[0], digits].concat()),
        Some(_) => element(0x02, digits),
    }
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let zeros = length.iter().take_while(|b| **b == 0).count();
    let digits = length.get(zeros..).unwrap_or_default();
    let mut element = Vec::with_capacity(content.len() + 6);
    element.push(tag);
    if content.len() >= 0x80 {
        // At most eight digits, so this cannot overflow.
        element.push(0x80 | u8::try_from(digits.len()).unwrap_or(u8::MAX));
    }
    if content.is_empty() {
        element.push(0);
    }
    element.extend_from_slice(digits);
    element.extend_from_slice(content);
    element
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_take_the_shortest_form() {
        assert_eq!(element(4, &[]), [4, 0]);
        assert_eq!(element(4, &[7; 127])[..2], [4, 127]);
        assert_eq!(element(4, &[7; 128])[..3], [4, 0x81, 128]);
        assert_eq!(element(4, &[7; 256])[..4], [4, 0x82, 1, 0]);
    }

    #[test]
    fn integers_are_positive_and_minimal() {
        assert_eq!(integer(&[0, 0, 1]), [2, 1, 1]);
        assert_eq!(integer(&[0x80]), [2, 2, 0, 0x80]);
        assert_eq!(integer(&[]), [2, 1, 0]);
    }
}
