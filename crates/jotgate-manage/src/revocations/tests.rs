use std::collections::HashMap;

use jotgate_model::entity::{JwtIssuerConfig, VirtualProxyConfig};
use jotgate_model::{Algorithm, Reason, Snapshot};
use jotgate_session::NewSession;
use jotgate_token::SigningKey;
use serde_json::json;

use super::*;
use crate::testing::{
    PUBLIC_KEY_1024, PUBLIC_KEY_2048, Site, at, draft, fingerprint_of, invalid, new_session, root,
    site,
};

struct Lab {
    site: Site,
    keys: Arc<KeyRing>,
    virtual_proxy: Uuid,
    pem: String,
    key: SigningKey,
}

async fn lab() -> Lab {
    let site = site().await;
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let mut document = draft("jwt");
    document.jwt_public_key_certificate = pair.public_key_pem();
    document.jwt_algorithms = vec!["ES256".to_owned()];
    let created = site
        .management
        .create_virtual_proxy(root(), document, at(1));
    let virtual_proxy = created.await.unwrap().metadata.id;
    Lab::of(site, virtual_proxy, &pair.serialize_pem()).await
}

fn keys_of(snapshot: &Snapshot) -> Arc<KeyRing> {
    let keys = KeyRing::new(tokio::runtime::Handle::current(), |_| {});
    keys.prepare(snapshot);
    Arc::new(keys)
}

impl Lab {
    async fn of(site: Site, virtual_proxy: Uuid, pem: &str) -> Self {
        let keys = keys_of(&site.management.snapshot());
        site.management.use_keys(keys.clone(), at(2)).await.unwrap();
        Self {
            site,
            keys,
            virtual_proxy,
            pem: pem.to_owned(),
            key: SigningKey::from_pem(pem).unwrap(),
        }
    }

    /// Another process, which hears of what this one stores when it looks.
    async fn neighbour(&self) -> Self {
        let site = self.site.neighbour().await;
        Self::of(site, self.virtual_proxy, &self.pem).await
    }

    fn token(&self, user: &str, issued: i64, jti: &str) -> String {
        let claims = json!({
            "userId": user, "userDirectory": "LAB", "jti": jti,
            "iat": seconds(at(issued)).0, "exp": seconds(at(600)).0,
        });
        let key = &self.key;
        key.sign(Algorithm::ES256, None, claims.as_object().unwrap())
            .unwrap()
    }

    async fn reason(&self, token: &str) -> Option<Reason> {
        let now = seconds(at(3));
        let verdict = self
            .keys
            .verify(self.virtual_proxy, token.as_bytes(), now)
            .await;
        verdict.err().map(|refusal| refusal.reason)
    }

    /// A session as the gateway opens it.
    async fn sign_in(&self, token: &str) -> Arc<Session> {
        let now = seconds(at(3));
        let verdict = self
            .keys
            .verify(self.virtual_proxy, token.as_bytes(), now)
            .await;
        let (verified, _) = verdict.unwrap();
        let new = NewSession {
            now,
            key_fingerprint: Some(fingerprint_of(&verified.key_fingerprint)),
            token_issued: verified.issued,
            ..new_session(self.virtual_proxy, verified.identity.user.clone())
        };
        self.site.sessions.create(new).await.unwrap().1
    }

    fn management(&self) -> &Management {
        &self.site.management
    }
}

const REVOKED: Option<Reason> = Some(Reason::TokenRevoked);

#[tokio::test]
async fn a_revoked_token_is_refused_its_sessions_end_and_no_others() {
    let lab = lab().await;
    let (token, later) = (lab.token("boz", 1, "a"), lab.token("boz", 2, "b"));
    let other = lab.token("ann", 1, "c");
    let session = lab.sign_in(&token).await;
    let kept = [lab.sign_in(&later).await, lab.sign_in(&other).await];
    let revoked = lab.management().revoke_token(root(), &token, "lost", at(3));
    let revoked = revoked.await.unwrap();
    assert_eq!(lab.reason(&token).await, REVOKED);
    assert_eq!(lab.reason(&later).await, None);
    assert_eq!(session.ended(), Some(EndReason::ClosedByServer));
    assert!(kept.iter().all(|session| session.ended().is_none()));
    assert_eq!(revoked.until, Some(seconds(at(600 + 3900))));
    assert!(!format!("{revoked:?}").contains(&token[..40]));

    // It survives a restart, and ends by itself or when it is taken back.
    let again = keys_of(&lab.management().snapshot());
    let stored = lab.management().revocations(at(4)).await.unwrap();
    assert_eq!(stored, std::slice::from_ref(&revoked));
    assert!(
        lab.management()
            .revocations(at(4500))
            .await
            .unwrap()
            .is_empty()
    );
    let inner = &lab.management().inner;
    inner.serve_revocations(&again, at(4)).await.unwrap();
    let verdict = again
        .verify(lab.virtual_proxy, token.as_bytes(), seconds(at(4)))
        .await;
    assert_eq!(verdict.unwrap_err().reason, Reason::TokenRevoked);
    let removed = lab
        .management()
        .remove_revocation(root(), revoked.id, at(5));
    removed.await.unwrap();
    assert_eq!(lab.reason(&token).await, None);
    let removed = lab
        .management()
        .remove_revocation(root(), revoked.id, at(5));
    assert_eq!(removed.await, Err(ManageError::Missing("revocation")));
}

#[tokio::test]
async fn a_token_that_nobody_accepts_is_not_revoked() {
    let lab = lab().await;
    let mut token = lab.token("boz", 1, "a");
    token.replace_range(token.len() - 8.., "AAAAAAAA");
    let revoked = lab.management().revoke_token(root(), &token, "", at(3));
    assert_eq!(invalid(revoked.await).0[0].field, "token");
    assert!(
        lab.management()
            .revocations(at(3))
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_jti_is_revoked_with_the_sessions_that_are_known() {
    let lab = lab().await;
    let (token, other) = (lab.token("boz", 1, "a"), lab.token("boz", 2, "b"));
    let (session, kept) = (lab.sign_in(&token).await, lab.sign_in(&other).await);
    let revoke = |jti: &'static str, until| {
        let vp = lab.virtual_proxy;
        lab.management()
            .revoke_jti(root(), vp, jti, until, "", at(3))
    };
    revoke("a", Some(seconds(at(600)))).await.unwrap();
    assert_eq!(lab.reason(&token).await, REVOKED);
    assert_eq!(lab.reason(&other).await, None);
    assert_eq!(session.ended(), Some(EndReason::ClosedByServer));
    assert_eq!(kept.ended(), None);
    assert_eq!(invalid(revoke("", None).await).0[0].field, "jti");
    assert_eq!(
        invalid(revoke("x", Some(seconds(at(3)))).await).0[0].field,
        "until"
    );
    let nobody = lab
        .management()
        .revoke_jti(root(), Uuid::nil(), "a", None, "", at(3));
    assert_eq!(invalid(nobody.await).0[0].field, "virtualProxy");
    let two_lines =
        lab.management()
            .revoke_jti(root(), lab.virtual_proxy, "a", None, "a\nb", at(3));
    assert_eq!(invalid(two_lines.await).0[0].field, "note");
}

#[tokio::test]
async fn everything_that_a_user_got_until_now_is_revoked() {
    let lab = lab().await;
    let (old, this_second) = (lab.token("boz", 1, "a"), lab.token("boz", 3, "b"));
    let (new, other) = (lab.token("boz", 4, "c"), lab.token("ann", 1, "d"));
    let ended = [lab.sign_in(&old).await, lab.sign_in(&this_second).await];
    let kept = [lab.sign_in(&new).await, lab.sign_in(&other).await];
    let user = User::new("LAB", "boz");
    let revoke =
        lab.management()
            .revoke_user_tokens_before(root(), user, None, None, "left", at(3));
    revoke.await.unwrap();
    let mut reasons = HashMap::new();
    for (name, token) in [
        ("old", &old),
        ("now", &this_second),
        ("new", &new),
        ("ann", &other),
    ] {
        reasons.insert(name, lab.reason(token).await);
    }
    let expected = [
        ("old", REVOKED),
        ("now", REVOKED),
        ("new", None),
        ("ann", None),
    ];
    assert_eq!(reasons, HashMap::from(expected));
    assert!(ended.iter().all(|session| session.ended().is_some()));
    assert!(kept.iter().all(|session| session.ended().is_none()));
}

#[tokio::test]
async fn without_keys_nothing_is_revoked() {
    let site = site().await;
    let revoked = site
        .management
        .revoke_token(root(), "a.b.c", "", at(3))
        .await;
    assert!(matches!(revoked, Err(ManageError::Unavailable(_))));
    assert!(site.management.key_sources().is_empty());
}

#[tokio::test]
async fn keys_of_further_issuers_are_checked_when_they_are_saved() {
    let site = site().await;
    let mut document = draft("jwt");
    document.jwt_issuers = vec![JwtIssuerConfig {
        issuer: "a".to_owned(),
        public_key_certificate: PUBLIC_KEY_1024.to_owned(),
        ..Default::default()
    }];
    let created = site
        .management
        .create_virtual_proxy(root(), document, at(1));
    let errors = invalid(created.await);
    assert_eq!(errors.0[0].field, "jwtIssuers[0].publicKeyCertificate");
}

#[tokio::test]
async fn the_sources_of_keys_are_shown() {
    let lab = lab().await;
    let sources = lab.management().key_sources();
    assert_eq!(sources.len(), 1);
    assert_eq!(sources[0].virtual_proxies, [lab.virtual_proxy]);
}

#[tokio::test]
async fn whom_another_process_let_in_behind_a_revocation_it_ends_when_it_hears() {
    let lab = lab().await;
    let other = lab.neighbour().await;
    let token = lab.token("boz", 1, "a");
    let ended = [
        other.sign_in(&token).await,
        other.sign_in(&lab.token("boz", 2, "b")).await,
        other.sign_in(&lab.token("ann", 2, "c")).await,
    ];
    let kept = [
        other.sign_in(&lab.token("boz", 3, "d")).await,
        other.sign_in(&lab.token("ann", 4, "e")).await,
    ];
    let management = lab.management();
    let (vp, ann) = (lab.virtual_proxy, User::new("LAB", "ann"));
    let revoked = management.revoke_token(root(), &token, "", at(3));
    revoked.await.unwrap();
    let revoked = management.revoke_jti(root(), vp, "b", None, "", at(3));
    revoked.await.unwrap();
    let revoked = management.revoke_user_tokens_before(root(), ann, None, None, "", at(3));
    revoked.await.unwrap();
    assert!(ended.iter().all(|session| session.ended().is_none()));
    other.management().catch_up(at(4)).await.unwrap();
    assert!(ended.iter().all(|session| session.ended().is_some()));
    assert!(kept.iter().all(|session| session.ended().is_none()));
    assert_eq!(other.reason(&token).await, REVOKED);
}

#[tokio::test]
async fn a_key_that_another_process_removed_takes_with_it_what_was_opened_behind_that() {
    let lab = lab().await;
    let (early, late) = (lab.neighbour().await, lab.neighbour().await);
    // One of them knew everything up to a time that is later than its session.
    early.management().catch_up(at(10)).await.unwrap();
    let token = lab.token("boz", 1, "a");
    let (before, behind) = (early.sign_in(&token).await, late.sign_in(&token).await);
    let stored = &lab.management().snapshot().documents.virtual_proxies[&lab.virtual_proxy];
    let mut document = VirtualProxyConfig::clone(stored);
    document.jwt_public_key_certificate = PUBLIC_KEY_2048.to_owned();
    document.jwt_algorithms = vec!["RS256".to_owned()];
    let saved = lab
        .management()
        .update_virtual_proxy(root(), lab.virtual_proxy, document, at(11));
    saved.await.unwrap();
    for other in [&early, &late] {
        other.management().catch_up(at(12)).await.unwrap();
    }
    assert_eq!(before.ended(), None);
    assert_eq!(behind.ended(), Some(EndReason::KeyRemoved));
}
