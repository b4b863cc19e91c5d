use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

#[test]
fn a_generated_secret_is_43_characters_and_never_the_same() {
    let secrets: HashSet<String> = (0..1000)
        .map(|_| SessionSecret::generate().expose().to_owned())
        .collect();
    assert_eq!(secrets.len(), 1000);
    for secret in secrets {
        assert_eq!(secret.len(), 43);
        let parsed = SessionSecret::parse(secret.as_bytes()).unwrap();
        assert_eq!(parsed.expose(), secret);
    }
}

#[test]
fn lengths_are_16_to_256() {
    for (length, good) in [
        (0, false),
        (15, false),
        (16, true),
        (256, true),
        (257, false),
    ] {
        let value = "a".repeat(length);
        assert_eq!(
            SessionSecret::parse(value.as_bytes()).is_some(),
            good,
            "{length}"
        );
        assert_eq!(
            SessionKey::from_cookie(value.as_bytes()).is_some(),
            good,
            "{length}"
        );
    }
    assert!(SessionKey::from_cookie(&vec![b'a'; 10_000_000]).is_none());
}

/// RFC 6265 section 4.1.1: what separates cookies, quotes or is invisible is no part of one.
#[test]
fn every_byte_is_judged_as_the_rfc_has_it() {
    for byte in 0..=u8::MAX {
        let mut value = [b'a'; 20];
        value[10] = byte;
        let good = byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
        assert_eq!(SessionSecret::parse(&value).is_some(), good, "{byte:#x}");
    }
}

/// NIST's test vector for "abc" cannot be a secret; this one was made with sha256sum.
#[test]
fn the_key_is_the_sha_256_of_the_text() {
    let secret = SessionSecret::parse(b"0123456789abcdef").unwrap();
    let hex: String = secret
        .key()
        .as_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        hex,
        "9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f"
    );
}

#[test]
fn nothing_is_printed() {
    let secret = SessionSecret::parse(b"a-secret-nobody-may-see").unwrap();
    assert_eq!(
        format!("{secret:?} {:?}", secret.key()),
        "SessionSecret(..) SessionKey(..)"
    );
}

proptest! {
    #[test]
    fn what_parses_comes_back_and_both_ways_agree(value in prop::collection::vec(any::<u8>(), 0..300)) {
        let parsed = SessionSecret::parse(&value);
        prop_assert_eq!(parsed.as_ref().map(SessionSecret::key), SessionKey::from_cookie(&value));
        if let Some(parsed) = parsed {
            prop_assert_eq!(parsed.expose().as_bytes(), &value);
        }
    }

    #[test]
    fn printable_values_parse(value in "[!#-+\\--:<-\\[\\]-~]{16,256}") {
        prop_assert!(SessionSecret::parse(value.as_bytes()).is_some());
    }
}
