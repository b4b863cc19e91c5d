use super::*;

#[test]
fn fingerprints_are_64_digits() {
    assert_eq!(bytes_of(&"ab".repeat(32)), Some([0xab; 32]));
    assert_eq!(bytes_of(&"AB".repeat(32)), Some([0xab; 32]));
    for wrong in [
        "".to_owned(),
        "ab".repeat(31),
        "ab".repeat(33),
        "zz".repeat(32),
        "ä".repeat(32),
    ] {
        assert_eq!(bytes_of(&wrong), None, "{wrong}");
    }
}

#[test]
fn a_key_set_that_was_never_fetched_holds_nothing() {
    let origin = KeyOrigin::Jwks("https://idp.example.com/keys".into());
    let sources = KeySourceSettings {
        pem: "".into(),
        jwks_uri: Some("https://idp.example.com/keys".into()),
        discovery_issuer: None,
    };
    assert!(of_sources(&sources, &KnownKeys::default()).is_empty());
    let known = KnownKeys(vec![(origin, vec![[7; 32]])]);
    assert_eq!(of_sources(&sources, &known), [[7; 32]]);
}
