//! Several issuers on one virtual proxy.

use jotgate_model::Reason;
use jotgate_model::entity::JwtIssuerConfig;
use serde_json::{Value, json};

use crate::KeyOrigin;
use crate::testing::{Mode, NOW, ONE, Server, Signer, key_set, quick, ring_with};

#[tokio::test]
async fn each_issuer_has_its_own_keys_and_audience() {
    let (main, a, b) = (Signer::new("m"), Signer::new("a"), Signer::new("b"));
    let server = Server::start(Mode::document(key_set(&[&b]))).await;
    let ring = ring_with(quick(), |c| {
        c.jwt_public_key_certificate = main.pem.clone();
        c.jwt_audience = "main".to_owned();
        c.jwt_require_expiration = true;
        c.jwt_issuers = vec![
            JwtIssuerConfig {
                issuer: "a".to_owned(),
                audience: "for-a".to_owned(),
                public_key_certificate: a.pem.clone(),
                ..Default::default()
            },
            JwtIssuerConfig {
                issuer: "b".to_owned(),
                jwks_uri: server.at("/"),
                ..Default::default()
            },
        ];
    });
    let judge = async |signer: &Signer, claims: Value| {
        let token = signer.sign(None, claims);
        let verdict = ring.verify(ONE, token.as_bytes(), NOW).await;
        verdict.err().map(|refusal| refusal.reason)
    };
    assert_eq!(judge(&main, json!({"aud": "main"})).await, None);
    assert_eq!(
        judge(&main, json!({"aud": "main", "iss": "someone"})).await,
        None
    );
    assert_eq!(judge(&a, json!({"iss": "a", "aud": "for-a"})).await, None);
    assert_eq!(judge(&b, json!({"iss": "b"})).await, None);
    // Nobody speaks for anybody else.
    let invalid = Some(Reason::SignatureInvalid);
    assert_eq!(judge(&a, json!({"aud": "main"})).await, invalid);
    assert_eq!(judge(&a, json!({"iss": "b"})).await, invalid);
    assert_eq!(
        judge(&main, json!({"iss": "a", "aud": "for-a"})).await,
        invalid
    );
    let mismatch = Some(Reason::AudienceMismatch);
    assert_eq!(
        judge(&a, json!({"iss": "a", "aud": "main"})).await,
        mismatch
    );
    assert_eq!(
        judge(&a, json!({"iss": ["a"], "aud": "for-a"})).await,
        invalid
    );
    // The other rules are shared.
    let endless = json!({"iss": "b", "exp": 1});
    assert_eq!(judge(&b, endless).await, Some(Reason::TokenExpired));
    let verdict = ring.explain(ONE, b.sign(None, json!({"iss": "b"})).as_bytes(), NOW);
    assert!(verdict.unwrap().result.is_ok());
    let origins: Vec<_> = ring.sources().into_iter().map(|s| s.origin).collect();
    let published = KeyOrigin::Jwks(server.at("/").into());
    assert_eq!(origins, [published, KeyOrigin::Pem, KeyOrigin::Pem]);
}
