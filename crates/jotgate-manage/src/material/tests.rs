use rcgen::{CertificateParams, KeyPair};

use super::*;

fn certificate(key: &KeyPair) -> String {
    let params = CertificateParams::new(vec!["client".to_owned()]).unwrap();
    params.self_signed(key).unwrap().pem()
}

fn check(ca: &str, certificate: &str, key: &str) -> String {
    let draft = ServerNodeConfiguration {
        ca_certificate: ca.to_owned(),
        client_certificate: certificate.to_owned(),
        client_key: key.into(),
        ..Default::default()
    };
    let mut errors = FieldErrors::default();
    check_node_tls(&draft, None, &mut errors);
    errors.to_string()
}

#[test]
fn what_connections_can_be_made_with_is_accepted() {
    let key = KeyPair::generate().unwrap();
    let (one, two) = (
        certificate(&key),
        certificate(&KeyPair::generate().unwrap()),
    );
    assert_eq!(check("", "", ""), "");
    assert_eq!(check(" \r\n", "\n", "\n"), "");
    assert_eq!(
        check(&format!("# ours\n{one}\n{two}"), &one, &key.serialize_pem()),
        ""
    );
    assert_eq!(check(&one.replace('\n', "\r\n"), "", ""), "");
}

#[test]
fn what_is_wrong_is_said_at_its_field() {
    let key = KeyPair::generate().unwrap();
    let (good, private) = (certificate(&key), key.serialize_pem());
    let other = KeyPair::generate().unwrap().serialize_pem();
    let encrypted = private.replace("PRIVATE", "ENCRYPTED PRIVATE");
    let junk = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let cut = good.replace("-----END", "");
    let long = "x".repeat(MAX_PEM + 1);
    let found = [
        check(&private, "", ""),
        check(&format!("{good}{encrypted}"), "", ""),
        check("", &private, &private),
        check("", &good, &good),
        check("", &good, &other),
        check("", &good, &encrypted),
        check(&format!("{good}{junk}"), "", ""),
        check("", junk, &private),
        check(&cut, "", ""),
        check("certificate", "", ""),
        check(&long, "", ""),
    ];
    insta::assert_snapshot!(found.join("\n"));
    for secret in [&private, &other] {
        let part = secret.lines().nth(1).unwrap();
        assert!(!found.iter().any(|sentence| sentence.contains(part)));
    }
}

#[test]
fn what_did_not_change_is_not_judged_again() {
    let stored = ServerNodeConfiguration {
        ca_certificate: "from before this check".to_owned(),
        ..Default::default()
    };
    let mut errors = FieldErrors::default();
    check_node_tls(&stored, Some(&stored), &mut errors);
    assert!(errors.is_empty());
}
