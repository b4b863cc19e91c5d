use aws_lc_rs::rsa::KeySize;
use serde_json::json;

use super::*;
use crate::testing::{ED25519, NOW, P256, P384, RSA, issuer_for, pem, settings};
use crate::{Verifier, unverified_parts};

fn claims() -> Map<String, Value> {
    let claims = json!({"userId": "boz", "userDirectory": "example", "exp": NOW.0 + 60});
    claims.as_object().cloned().unwrap()
}

#[test]
fn tokens_of_every_algorithm_verify() {
    for algorithm in Algorithm::ALL {
        let issuer = issuer_for(algorithm);
        let token = sign(algorithm, &issuer.private_pem, Some("k"), &claims()).unwrap();
        let mut policy = settings();
        policy.algorithms = vec![algorithm];
        let verified = Verifier::new(policy, issuer.keys())
            .verify(token.as_bytes(), NOW)
            .unwrap();
        assert_eq!(verified.identity.user.to_string(), r"example\boz");
        let parts = unverified_parts(token.as_bytes());
        let header = json!({"alg": algorithm.name(), "typ": "JWT", "kid": "k"});
        assert_eq!(parts.header.map(Value::Object), Some(header));
        assert_eq!(parts.claims, Some(claims()));
    }
}

#[test]
fn the_key_must_fit_the_algorithm() {
    let error = sign(Algorithm::ES384, &P256.private_pem, None, &claims()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the key is P-256, which does not sign ES384; choose ES256"
    );
    let error = sign(Algorithm::RS256, &ED25519.private_pem, None, &claims()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the key is Ed25519, which does not sign RS256; choose EdDSA"
    );
}

#[test]
fn bad_keys_have_their_sentence_and_are_not_repeated() {
    let weak = include_str!("rsa1024.pem");
    let encrypted = RSA.private_pem.replace("PRIVATE", "ENCRYPTED PRIVATE");
    let old = RSA.private_pem.replace(
        "BEGIN PRIVATE KEY-----",
        "BEGIN PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n",
    );
    for (text, expected) in [
        ("", SignError::NoPrivateKey),
        ("-----BEGIN PRIVATE KEY-----", SignError::NoPrivateKey),
        (&RSA.public_pem, SignError::NoPrivateKey),
        (&encrypted, SignError::Encrypted),
        (&old, SignError::Encrypted),
        (&pem("PRIVATE KEY", &[1, 2, 3]), SignError::Unsupported),
        (&pem("RSA PRIVATE KEY", &[1, 2, 3]), SignError::Unsupported),
        (&pem("DSA PRIVATE KEY", &[1, 2, 3]), SignError::Unsupported),
        (weak, SignError::Unsupported),
    ] {
        assert_eq!(SigningKey::from_pem(text).unwrap_err(), expected);
    }
}

#[test]
fn older_forms_of_keys_are_read() {
    // PKCS#8 wraps the older form in an OCTET STRING, the last element of the sequence.
    let unwrap = |issuer: &crate::testing::Issuer, skip: usize| {
        let (_, der) = crate::pem::private_key(&issuer.private_pem).unwrap();
        der[skip..].to_vec()
    };
    let rsa = SigningKey::from_pem(&pem("RSA PRIVATE KEY", &unwrap(&RSA, 26))).unwrap();
    assert_eq!(rsa.family(), KeyFamily::Rsa);
    let token = rsa.sign(Algorithm::RS512, None, &claims()).unwrap();
    assert!(
        Verifier::new(settings(), RSA.keys())
            .verify(token.as_bytes(), NOW)
            .is_ok()
    );
    assert_eq!(P384.key.family(), KeyFamily::P384);
}

#[test]
fn keys_are_read_after_other_blocks_and_without_line_breaks() {
    let text = format!("{}{}", RSA.public_pem, RSA.private_pem);
    assert!(SigningKey::from_pem(&text).is_ok());
    assert!(SigningKey::from_pem(&RSA.private_pem.replace('\n', "")).is_ok());
}

#[test]
fn debug_shows_no_key() {
    assert_eq!(format!("{:?}", RSA.key), "SigningKey(Rsa)");
    assert_eq!(format!("{:?}", P256.key), "SigningKey(P256)");
    let large = crate::testing::Issuer::rsa_of(KeySize::Rsa2048);
    assert!(!format!("{:?}", large.key).contains("MII"));
}
