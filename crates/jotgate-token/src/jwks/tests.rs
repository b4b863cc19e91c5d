use proptest::prelude::*;

use super::*;
use crate::KeySet;
use crate::testing::{ED25519, OTHER_RSA, P256, P384, RSA, rsa_jwk};

fn keys(items: &[String]) -> Result<KeySet, JwksError> {
    KeySet::from_jwks(format!("{{\"keys\":[{}]}}", items.join(",")).as_bytes())
}

fn url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode_to_string(bytes)
}

fn point_jwk(spki: &[u8], curve: &str, length: usize) -> String {
    let point = &spki[spki.len() - 2 * length..];
    let (x, y) = point.split_at(length);
    format!(
        "{{\"kty\":\"EC\",\"crv\":\"{curve}\",\"x\":\"{}\",\"y\":\"{}\"}}",
        url(x),
        url(y)
    )
}

fn edwards_jwk(key: &[u8]) -> String {
    format!(
        "{{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"{}\"}}",
        url(key)
    )
}

#[test]
fn keys_of_every_kind_are_read() {
    let items = [
        rsa_jwk(
            &RSA,
            "\"kid\":\"a\",\"use\":\"sig\",\"alg\":\"RS256\",\"x5c\":[\"nonsense\"],\"x5t\":1",
        ),
        rsa_jwk(&OTHER_RSA, "\"key_ops\":[\"sign\",\"verify\"]"),
        point_jwk(&P256.spki, "P-256", 32),
        point_jwk(&P384.spki, "P-384", 48),
        edwards_jwk(&ED25519.spki[ED25519.spki.len() - 32..]),
    ];
    let set = keys(&items).unwrap();
    assert!(set.skipped().is_empty(), "{:?}", set.skipped());
    let issuers = [&*RSA, &*OTHER_RSA, &*P256, &*P384, &*ED25519];
    assert_eq!(set.keys().len(), issuers.len());
    for (key, issuer) in set.keys().iter().zip(issuers) {
        assert_eq!(key.fingerprint(), issuer.keys().keys()[0].fingerprint());
        assert!(key.certificate().is_none());
    }
    let first = &set.keys()[0];
    assert_eq!(
        (first.kid(), first.only_algorithm()),
        (Some("a"), Some(Algorithm::RS256))
    );
    assert!(first.fits(Algorithm::RS256) && !first.fits(Algorithm::RS512));
}

/// A5, A6 and "one bad key among good": the bad ones are left out and named.
#[test]
fn one_bad_key_among_good_ones_is_left_out() {
    let long = format!("\"kid\":\"{}\"", "k".repeat(1025));
    let e1 = rsa_jwk(&RSA, "").replace("AQAB", "AQ");
    let bad = [
        "7".to_owned(),
        "{}".to_owned(),
        "{\"kty\":7}".to_owned(),
        "{\"kty\":\"XYZ\"}".to_owned(),
        "{\"kty\":\"oct\",\"k\":\"c2VjcmV0\",\"kid\":\"shared\"}".to_owned(),
        "{\"kty\":\"RSA\",\"e\":\"AQAB\"}".to_owned(),
        "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"a+b=\"}".to_owned(),
        "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"\"}".to_owned(),
        format!(
            "{{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"{}\"}}",
            url(&[0xd1; 128])
        ),
        e1,
        rsa_jwk(&RSA, "\"use\":\"enc\",\"kid\":\"for encryption\""),
        rsa_jwk(&RSA, "\"use\":1"),
        rsa_jwk(&RSA, "\"key_ops\":[\"encrypt\"]"),
        rsa_jwk(&RSA, "\"key_ops\":\"verify\""),
        rsa_jwk(&RSA, "\"alg\":\"ES256\""),
        rsa_jwk(&RSA, "\"alg\":\"RSA-OAEP\""),
        rsa_jwk(&RSA, "\"alg\":\"HS256\""),
        rsa_jwk(&RSA, "\"alg\":null"),
        rsa_jwk(&RSA, "\"kid\":7"),
        rsa_jwk(&RSA, "\"kid\":\"a\",\"kid\":\"b\""),
        rsa_jwk(&RSA, "\"d\":\"c2VjcmV0\",\"kid\":\"private\""),
        rsa_jwk(&RSA, &long),
        point_jwk(&P256.spki, "P-384", 32),
        point_jwk(&P256.spki, "P-521", 32),
        point_jwk(&P256.spki, "secp256k1", 32),
        point_jwk(&P256.spki, "P-256", 31),
        point_jwk(&[7; 64], "P-256", 32),
        "{\"kty\":\"EC\",\"x\":\"\",\"y\":\"\"}".to_owned(),
        edwards_jwk(&[0; 32]),
        edwards_jwk(&[1; 31]),
        edwards_jwk(&[1; 32]).replace("Ed25519", "X25519"),
    ];
    let mut items = bad.to_vec();
    items.insert(3, rsa_jwk(&RSA, ""));
    let set = keys(&items).unwrap();
    assert_eq!(set.keys().len(), 1);
    assert_eq!(set.skipped().len(), bad.len());
    let shown: String = set
        .skipped()
        .iter()
        .map(|skipped| format!("{skipped}\n"))
        .collect();
    assert!(!shown.contains("c2VjcmV0"));
    insta::assert_snapshot!(shown);
}

#[test]
fn documents_that_are_no_key_sets_are_refused() {
    let good = rsa_jwk(&RSA, "");
    let deep = format!(
        "{{\"keys\":[{good}],\"x\":{}{}}}",
        "[".repeat(40),
        "]".repeat(40)
    );
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("empty", vec![]),
        ("web page", b"\n<!DOCTYPE html><html>".to_vec()),
        ("no JSON", b"{\"keys\":".to_vec()),
        ("array", format!("[{good}]").into_bytes()),
        ("a key alone", good.clone().into_bytes()),
        ("keys of another type", b"{\"keys\":{}}".to_vec()),
        ("no keys", b"{\"keys\":[]}".to_vec()),
        (
            "two arrays",
            format!("{{\"keys\":[],\"keys\":[{good}]}}").into_bytes(),
        ),
        (
            "bad keys only",
            b"{\"keys\":[{\"kty\":\"oct\"},{}]}".to_vec(),
        ),
        (
            "too many",
            format!("{{\"keys\":[{}]}}", vec!["{}"; 101].join(",")).into_bytes(),
        ),
        ("too large", vec![b' '; 512 * 1024 + 1]),
        ("not UTF-8", b"{\"keys\":\"\xff\"}".to_vec()),
        ("too deep", deep.into_bytes()),
    ];
    let shown: String = cases
        .iter()
        .map(|(name, document)| {
            format!("{name}: {}\n", KeySet::from_jwks(document).expect_err(name))
        })
        .collect();
    insta::assert_snapshot!(shown);
}

#[test]
fn limits_are_exact() {
    let mut items = vec!["{}".to_owned(); 99];
    items.push(rsa_jwk(&RSA, ""));
    assert_eq!(keys(&items).unwrap().skipped().len(), 99);
    let mut document = format!("{{\"keys\":[{}]}}", rsa_jwk(&RSA, "")).into_bytes();
    document.resize(512 * 1024, b' ');
    assert!(KeySet::from_jwks(&document).is_ok());
    let kid = format!("\"kid\":\"{}\"", "k".repeat(1024));
    assert!(keys(&[rsa_jwk(&RSA, &kid)]).is_ok());
}

#[test]
fn duplicates_elsewhere_in_the_document_do_not_matter() {
    let document = format!("{{\"x\":1,\"x\":2,\"keys\":[{}]}}", rsa_jwk(&RSA, ""));
    assert!(KeySet::from_jwks(document.as_bytes()).is_ok());
}

/// Numbers with a zero in front are not allowed by RFC 7518 section 2 and published all the same.
#[test]
fn a_zero_in_front_of_the_modulus_is_tolerated() {
    let spki = der::rsa_spki(&[&[0][..], &[0xd1; 256]].concat(), &[1, 0, 1]);
    assert_eq!(spki, der::rsa_spki(&[0xd1; 256], &[1, 0, 1]));
}

proptest! {
    #[test]
    fn never_panics(
        members in proptest::collection::vec(
            ("kty|n|e|x|y|crv|kid|use|alg|key_ops|d", "\"(RSA|EC|OKP|AQAB|P-256|Ed25519|sig|[A-Za-z0-9_-]{0,44})\"|1|null|\\[\"verify\"\\]"),
            0..8,
        ),
        tail in "\\]?\\}?.{0,3}",
    ) {
        let members: Vec<_> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        let document = format!("{{\"keys\":[{{{}}}]}}", members.join(","));
        KeySet::from_jwks(document.as_bytes()).ok();
        let cut = &document[..document.len() / 2];
        KeySet::from_jwks(format!("{cut}{tail}").as_bytes()).ok();
    }

    #[test]
    fn bytes_never_panic(document in proptest::collection::vec(any::<u8>(), 0..100)) {
        KeySet::from_jwks(&document).ok();
    }
}
