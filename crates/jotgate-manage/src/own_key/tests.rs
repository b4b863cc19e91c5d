use std::sync::Arc;

use jotgate_token::unverified_parts;
use serde_json::json;

use super::*;
use crate::testing::{Site, at, auditor, draft, forbidden, invalid, root, security, site};
use crate::{AuditFilter, AuditRow, KeyRing, TokenJudge};

struct Lab {
    site: Site,
    /// Trusts the own key.
    vp: Arc<VirtualProxyConfig>,
    /// Trusts another one.
    other: Arc<VirtualProxyConfig>,
}

async fn lab() -> Lab {
    let site = site().await;
    let make = || rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let (own, other) = (make(), make());
    let trusting = |pair: &rcgen::KeyPair, prefix: &str| VirtualProxyConfig {
        jwt_public_key_certificate: pair.public_key_pem(),
        jwt_algorithms: vec!["RS256".to_owned(), "ES256".to_owned()],
        jwt_audience: "gate".to_owned(),
        ..draft(prefix)
    };
    let management = &site.management;
    let vp = management.create_virtual_proxy(root(), trusting(&own, "own"), at(1));
    let vp = vp.await.unwrap();
    let other = management.create_virtual_proxy(root(), trusting(&other, "other"), at(1));
    let other = other.await.unwrap();
    let keys = KeyRing::new(tokio::runtime::Handle::current(), |_| {});
    keys.prepare(&management.snapshot());
    management.use_keys(Arc::new(keys), at(2)).await.unwrap();
    let key = OwnKey::from_pem(&own.public_key_pem(), &own.serialize_pem());
    management.use_own_key(key.unwrap());
    Lab { site, vp, other }
}

impl Lab {
    fn wish(&self) -> TokenWish {
        TokenWish {
            virtual_proxy: self.vp.metadata.id,
            user_id: "boz".to_owned(),
            user_directory: "LAB".to_owned(),
            lifetime: 60,
            claims: Map::new(),
        }
    }

    async fn mint(&self, actor: &Actor, wish: &TokenWish) -> Result<String, ManageError> {
        self.site.management.mint_token(actor, wish, at(3)).await
    }

    async fn rows(&self) -> Vec<AuditRow> {
        let filter = AuditFilter {
            action: Some(MINT.to_owned()),
            ..AuditFilter::default()
        };
        self.site.management.audit_rows(&filter, 100).await.unwrap()
    }
}

#[tokio::test]
async fn a_token_of_the_own_key_is_accepted_and_in_the_trail() {
    let lab = lab().await;
    let id = lab.vp.metadata.id;
    assert_eq!(lab.site.management.places_of_own_key(), [id]);
    let mut wish = lab.wish();
    wish.claims.insert("groups".to_owned(), json!(["sales"]));
    let token = lab.mint(root(), &wish).await.unwrap();
    let judge = TokenJudge::Saved(id);
    let trial = lab
        .site
        .management
        .try_token(root(), judge, &token, "/", at(4));
    let identity = trial.unwrap().result.unwrap();
    assert_eq!(identity.user.to_string(), "LAB\\boz");
    let claims = unverified_parts(token.as_bytes()).claims.unwrap();
    let seconds = at(3).as_millis() / 1000;
    assert_eq!(claims["exp"], seconds + 60);
    assert_eq!(
        (&claims["aud"], &claims["groups"]),
        (&json!("gate"), &json!(["sales"]))
    );
    let rows = lab.rows().await;
    assert_eq!(rows.len(), 1);
    let after: Value = serde_json::from_str(rows[0].after.as_deref().unwrap()).unwrap();
    let told = json!({"user": "LAB\\boz", "jti": claims["jti"], "lifetime": 60});
    assert_eq!((&*rows[0].actor, after), (&*root().name, told));
    assert_eq!(rows[0].subject_id, id.to_string());
    let signature = token.rsplit('.').next().unwrap();
    assert!(!format!("{rows:?}").contains(signature), "never the token");
    let again = lab.mint(root(), &lab.wish()).await.unwrap();
    let again = unverified_parts(again.as_bytes()).claims.unwrap();
    assert_ne!(again["jti"], claims["jti"]);
}

#[tokio::test]
async fn only_root_administrators_get_a_token_of_the_own_key() {
    let lab = lab().await;
    for actor in [security(), auditor()] {
        let refused = lab.mint(actor, &lab.wish()).await;
        assert!(forbidden(refused).contains("RootAdmin"));
        // Nor do they learn from the answer what there is.
        let nowhere = TokenWish {
            virtual_proxy: Uuid::nil(),
            ..lab.wish()
        };
        forbidden(lab.mint(actor, &nowhere).await);
    }
    assert!(lab.rows().await.iter().all(|row| row.outcome == "refused"));
}

#[tokio::test]
async fn the_own_key_signs_only_for_those_who_trust_it_and_not_for_long() {
    let lab = lab().await;
    let other = TokenWish {
        virtual_proxy: lab.other.metadata.id,
        ..lab.wish()
    };
    let wrong = |name: &str, value: Value| {
        let mut wish = lab.wish();
        wish.claims.insert(name.to_owned(), value);
        wish
    };
    let long = "x".repeat(MAX_NAME + 1);
    for (wish, field) in [
        (other, "virtualProxy"),
        (
            TokenWish {
                lifetime: 0,
                ..lab.wish()
            },
            "lifetime",
        ),
        (
            TokenWish {
                lifetime: 301,
                ..lab.wish()
            },
            "lifetime",
        ),
        (
            TokenWish {
                user_id: " ".to_owned(),
                ..lab.wish()
            },
            "userId",
        ),
        (
            TokenWish {
                user_id: "a\nb".to_owned(),
                ..lab.wish()
            },
            "userId",
        ),
        (
            TokenWish {
                user_directory: long,
                ..lab.wish()
            },
            "userDirectory",
        ),
        (wrong("exp", json!(9_999_999_999_u64)), "claims"),
        (wrong("jti", json!("mine")), "claims"),
        (wrong("userId", json!("somebody")), "claims"),
        (wrong("much", json!("x".repeat(MAX_CLAIMS))), "claims"),
    ] {
        let errors = invalid(lab.mint(root(), &wish).await);
        assert_eq!(errors.0[0].field, field, "{wish:?}");
    }
    let nowhere = TokenWish {
        virtual_proxy: Uuid::nil(),
        ..lab.wish()
    };
    let missing = lab.mint(root(), &nowhere).await;
    assert!(matches!(missing, Err(ManageError::NoVirtualProxy(_))));
    assert!(lab.rows().await.is_empty());
}

#[tokio::test]
async fn without_a_key_of_its_own_nothing_is_signed() {
    let site = site().await;
    let wish = TokenWish::default();
    let minted = site.management.mint_token(root(), &wish, at(1));
    assert!(matches!(minted.await, Err(ManageError::Unavailable(_))));
    assert!(site.management.places_of_own_key().is_empty());
    assert!(OwnKey::from_pem("nonsense", "nonsense").is_err());
}
