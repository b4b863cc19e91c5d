//! K1 to K3: what is remembered, and for how long.

use std::sync::Arc;

use jotgate_model::{Reason, User};
use serde_json::json;

use crate::testing::{NOW, ONE, Signer, config, quick, ring, ring_with, snapshot};
use crate::{KeyRing, Revocations, RevokedUser, TokenHash};

async fn reason(ring: &KeyRing, token: &str) -> Option<Reason> {
    let verdict = ring.verify(ONE, token.as_bytes(), NOW).await;
    verdict.err().map(|refusal| refusal.reason)
}

/// A sign-in that was verified before a key was removed is asked this before its session counts.
#[tokio::test]
async fn a_removed_key_is_no_key_of_its_virtual_proxy() {
    let (old, new) = (Signer::new("old"), Signer::new("new"));
    let with = |pem: &str| {
        let pem = pem.to_owned();
        vec![Arc::new(config(1, |c| c.jwt_public_key_certificate = pem))]
    };
    let ring = ring(quick());
    let before = snapshot(1, &with(&old.pem), None);
    ring.prepare(&before);
    let verified = ring.verify(ONE, old.token(json!({})).as_bytes(), NOW).await;
    let fingerprint = verified.unwrap().0.key_fingerprint.clone();
    assert!(ring.has_key(ONE, &fingerprint));
    assert!(!ring.has_key(jotgate_model::Uuid::nil(), &fingerprint));
    ring.prepare(&snapshot(2, &with(&new.pem), Some(&before)));
    assert!(!ring.has_key(ONE, &fingerprint));
}

/// K1 (CVE-2021-32701).
#[tokio::test]
async fn the_same_token_is_judged_by_each_virtual_proxy_alone() {
    let (a, b) = (Signer::new("a"), Signer::new("b"));
    let ring = ring(quick());
    let mut configs = vec![
        Arc::new(config(1, |c| c.jwt_public_key_certificate = a.pem.clone())),
        Arc::new(config(2, |c| c.jwt_public_key_certificate = b.pem.clone())),
    ];
    let audience = config(3, |c| {
        c.jwt_public_key_certificate = a.pem.clone();
        c.jwt_audience = "other".to_owned();
    });
    configs.push(Arc::new(audience));
    ring.prepare(&snapshot(1, &configs, None));
    let token = a.token(json!({"aud": "qlik"}));
    let mut reasons = Vec::new();
    for _ in 0..2 {
        for config in &configs {
            let verdict = ring.verify(config.metadata.id, token.as_bytes(), NOW).await;
            reasons.push(verdict.err().map(|refusal| refusal.reason));
        }
    }
    let once = [
        None,
        Some(Reason::SignatureInvalid),
        Some(Reason::AudienceMismatch),
    ];
    assert_eq!(reasons, [once, once].concat());
}

/// K2: past `exp`, after a change of a key, a rule, or a revocation.
#[tokio::test]
async fn a_remembered_verdict_ends_with_what_it_depends_on() {
    let (a, b) = (Signer::new("a"), Signer::new("b"));
    let ring = ring(quick());
    let with = |change: &dyn Fn(&mut jotgate_model::entity::VirtualProxyConfig)| {
        Arc::new(config(1, |c| {
            c.jwt_public_key_certificate = a.pem.clone();
            change(c);
        }))
    };
    let first = snapshot(1, &[with(&|_| {})], None);
    ring.prepare(&first);
    let token = a.token(json!({"jti": "1"}));
    assert_eq!(reason(&ring, &token).await, None);
    assert_eq!(ring.inner.verified.len(), 1);

    let late = ring.verify(ONE, token.as_bytes(), NOW.plus(600)).await;
    assert_eq!(late.unwrap_err().reason, Reason::TokenExpired);

    assert_eq!(reason(&ring, &token).await, None);
    let strict = with(&|c| c.jwt_audience = "qlik".to_owned());
    ring.prepare(&snapshot(2, &[strict], Some(&first)));
    assert_eq!(reason(&ring, &token).await, Some(Reason::AudienceMismatch));
    assert_eq!(ring.inner.verified.len(), 0);

    let other_key = with(&|c| c.jwt_public_key_certificate = b.pem.clone());
    ring.prepare(&snapshot(3, &[other_key], None));
    assert_eq!(reason(&ring, &token).await, Some(Reason::SignatureInvalid));

    ring.prepare(&snapshot(4, &[with(&|_| {})], None));
    assert_eq!(reason(&ring, &token).await, None);
    ring.prepare(&snapshot(5, &[], None));
    assert_eq!(reason(&ring, &token).await, Some(Reason::KeyNotFound));
}

#[tokio::test]
async fn a_revocation_holds_for_remembered_verdicts_at_once() {
    let a = Signer::new("a");
    let ring = ring_with(quick(), |c| c.jwt_public_key_certificate = a.pem.clone());
    let token = a.token(json!({"jti": "1"}));
    let revoke: [&dyn Fn(&mut Revocations); 3] = [
        &|r| r.add_token(TokenHash::of(token.as_bytes())),
        &|r| r.add_id(ONE, "1"),
        &|r| {
            let (issued_before, until) = (NOW.plus(1), None);
            let user = User::new("example", "boz");
            r.add_user(
                user,
                RevokedUser {
                    issued_before,
                    until,
                },
            );
        },
    ];
    for add in revoke {
        assert_eq!(reason(&ring, &token).await, None);
        let mut revocations = Revocations::default();
        add(&mut revocations);
        ring.set_revocations(revocations);
        assert_eq!(reason(&ring, &token).await, Some(Reason::TokenRevoked));
        let verdict = ring.explain(ONE, token.as_bytes(), NOW).unwrap();
        assert_eq!(verdict.result.unwrap_err().reason, Reason::TokenRevoked);
        ring.set_revocations(Revocations::default());
    }
}

/// K3: what is wrong is judged again every time.
#[tokio::test]
async fn only_good_verdicts_are_remembered() {
    let (a, b) = (Signer::new("a"), Signer::new("b"));
    let ring = ring_with(quick(), |c| c.jwt_public_key_certificate = a.pem.clone());
    for i in 0..50 {
        let token = b.token(json!({"jti": i.to_string()}));
        assert_eq!(reason(&ring, &token).await, Some(Reason::SignatureInvalid));
    }
    assert_eq!(ring.inner.verified.len(), 0);
    let token = a.token(json!({"jti": "1"}));
    assert_eq!(reason(&ring, &token).await, None);
    let (_, hash) = ring.verify(ONE, token.as_bytes(), NOW).await.unwrap();
    assert_eq!(hash, TokenHash::of(token.as_bytes()));
    // A good token with another end is another token.
    let cut = &token[..token.len() - 4];
    assert_eq!(reason(&ring, cut).await, Some(Reason::TokenTruncated));
}

#[tokio::test]
async fn verdicts_with_a_token_id_are_found() {
    let a = Signer::new("a");
    let ring = ring_with(quick(), |c| c.jwt_public_key_certificate = a.pem.clone());
    for jti in ["1", "2"] {
        assert_eq!(
            reason(&ring, &a.token(json!({"jti": jti, "userId": jti}))).await,
            None
        );
    }
    let found = ring.remembered(ONE, |_, verified| verified.jti.as_deref() == Some("2"));
    let users: Vec<_> = found.iter().map(|v| &*v.identity.user.id).collect();
    assert_eq!(users, ["2"]);
}
