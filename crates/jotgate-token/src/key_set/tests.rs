use super::*;
use crate::KeyFamily;
use crate::testing::{OTHER_RSA, P256, RSA, rsa_jwk};

fn set(members: &str) -> KeySet {
    let document = format!("{{\"keys\":[{}]}}", rsa_jwk(&RSA, members));
    KeySet::from_jwks(document.as_bytes()).unwrap()
}

#[test]
fn a_key_has_one_fingerprint_however_it_came() {
    let bare = RSA.keys();
    let jwk = set("");
    assert_eq!(bare.keys()[0].fingerprint(), jwk.keys()[0].fingerprint());
    assert_eq!(
        bare.keys()[0].fingerprint(),
        crate::text::sha256_hex(&RSA.spki)
    );
    assert_eq!(bare.keys()[0].family(), KeyFamily::Rsa);
    assert_eq!(bare.keys()[0].bits(), 2048);
    assert_eq!(
        (P256.keys().keys()[0].family(), P256.keys().keys()[0].bits()),
        (KeyFamily::P256, 256)
    );
}

#[test]
fn the_same_key_is_kept_once_and_differing_names_are_not_the_same() {
    let twice = KeySet::from_pem(&RSA.public_pem.repeat(2)).unwrap();
    assert_eq!(twice.keys().len(), 1);
    assert_eq!(RSA.keys().union(&set("")).keys().len(), 1);
    assert_eq!(
        set("\"kid\":\"a\"")
            .union(&set("\"kid\":\"b\""))
            .keys()
            .len(),
        2
    );
    assert_eq!(
        set("\"kid\":\"a\"")
            .union(&set("\"kid\":\"a\",\"alg\":\"RS256\""))
            .keys()
            .len(),
        2
    );
}

#[test]
fn a_union_has_the_keys_and_the_reports_of_both() {
    let with_bad = format!("{{\"keys\":[{},{{\"kty\":\"oct\"}}]}}", rsa_jwk(&RSA, ""));
    let with_bad = KeySet::from_jwks(with_bad.as_bytes()).unwrap();
    let both = OTHER_RSA.keys().union(&with_bad);
    assert_eq!((both.keys().len(), both.skipped().len()), (2, 1));
    assert!(KeySet::empty().union(&KeySet::empty()).is_empty());
    assert!(!both.is_empty());
}

#[test]
fn debug_shows_fingerprints_and_no_numbers() {
    let shown = format!("{:?}", set("\"kid\":\"a\""));
    assert!(shown.contains(RSA.keys().keys()[0].fingerprint()) && shown.contains("\"a\""));
    assert!(shown.len() < 300, "{shown}");
}
