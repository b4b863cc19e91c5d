use std::sync::Arc;

use http::StatusCode;
use jotgate_manage::{KeyRing, KeySet, ProcessSide, TlsCertificate};
use jotgate_model::entity::{AuthenticationMethod, VirtualProxyConfig};
use uuid::Uuid;

use crate::testing::{Shown, Site, now, site};

fn public_key() -> String {
    rcgen::KeyPair::generate().unwrap().public_key_pem()
}

fn fingerprint(pem: &str) -> String {
    KeySet::from_pem(pem).unwrap().keys()[0]
        .fingerprint()
        .to_owned()
}

async fn create(site: &Site, prefix: &str, pem: &str) -> Uuid {
    let draft = VirtualProxyConfig {
        description: format!("Portal {prefix}"),
        prefix: prefix.to_owned(),
        session_cookie_header_name: format!("X-Qlik-Session-{prefix}"),
        authentication_method: AuthenticationMethod::JWT,
        jwt_public_key_certificate: pem.to_owned(),
        jwt_algorithms: vec!["ES256".to_owned()],
        jwt_attribute_user_id: "userId".to_owned(),
        jwt_attribute_user_directory: "userDirectory".to_owned(),
        ..Default::default()
    };
    let actor = &site.visitor.actor;
    let created = site.management.create_virtual_proxy(actor, draft, now());
    created.await.unwrap().metadata.id
}

fn stored(site: &Site, id: Uuid) -> Vec<String> {
    let vp = &site.management.snapshot().documents.virtual_proxies[&id];
    let set = KeySet::from_pem(&vp.jwt_public_key_certificate).unwrap();
    set.keys()
        .iter()
        .map(|key| key.fingerprint().to_owned())
        .collect()
}

#[tokio::test]
async fn another_key_takes_the_place_of_the_old_one_while_both_hold() {
    let site = site().await;
    let (old, next) = (public_key(), public_key());
    let id = create(&site, "portal", &old).await;
    let path = format!("/qmc/virtual-proxies/{id}/keys");
    let shown = site.get(&path).await;
    assert!(shown.text.contains(&fingerprint(&old)));
    assert!(shown.text.contains("Not used"));
    // The only key cannot be taken away.
    assert!(!shown.text.contains("value=\"remove\""));
    let alone = [("do", "remove"), ("key", &*fingerprint(&old))];
    let refused = site.post(&path, &alone).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    assert!(refused.text.contains("would leave no key"));

    let added = site.post(&path, &[("do", "add"), ("add", &next)]).await;
    assert_eq!(added.header("location"), format!("{path}?done=key-added"));
    assert_eq!(stored(&site, id), [fingerprint(&old), fingerprint(&next)]);
    let shown = site.get(&path).await;
    assert_eq!(shown.text.matches("value=\"remove\"").count(), 2);

    let removed = site.post(&path, &alone).await;
    assert_eq!(
        removed.header("location"),
        format!("{path}?done=key-removed")
    );
    assert_eq!(stored(&site, id), [fingerprint(&next)]);
}

#[tokio::test]
async fn what_cannot_be_a_key_is_said_at_the_field_and_no_secret_comes_back() {
    let site = site().await;
    let id = create(&site, "portal", &public_key()).await;
    let path = format!("/qmc/virtual-proxies/{id}/keys");
    let add =
        async |text: &str| -> Shown { site.post(&path, &[("do", "add"), ("add", text)]).await };
    for (text, expected) in [
        ("", "It is empty"),
        ("nonsense", "It holds no certificate"),
        ("-----BEGIN PRIVATE KEY-----\nSECRET", "holds a private key"),
        (r#"{"kty":"RSA","d":"SECRET"}"#, "holds a private key"),
        ("MIIJqQIBAzCCCW8GCSqGSECRET==", "PKCS#12"),
        ("eyJhbGciOiJSUzI1NiJ9.e30.SECRET", "It holds a token"),
    ] {
        let answer = add(text).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{text}");
        assert!(answer.text.contains(expected), "{text}: {}", answer.text);
        assert!(!answer.text.contains("SECRET"), "{text}");
    }
    assert_eq!(stored(&site, id).len(), 1);
}

#[tokio::test]
async fn a_key_says_where_else_it_is_used() {
    let site = site().await;
    let key = public_key();
    let one = create(&site, "one", &key).await;
    let other = create(&site, "other", &key).await;
    let ring = KeyRing::new(tokio::runtime::Handle::current(), |_| {});
    ring.prepare(&site.management.snapshot());
    let used = site.management.use_keys(Arc::new(ring), now());
    used.await.unwrap();
    for page in ["/keys", ""] {
        let shown = site.get(&format!("/qmc/virtual-proxies/{one}{page}")).await;
        let link = format!("href=\"/qmc/virtual-proxies/{other}\">Portal other</a>");
        assert!(
            shown.text.contains("Also used at") && shown.text.contains(&link),
            "{page}"
        );
    }
}

#[tokio::test]
async fn the_key_of_the_gateway_s_own_tls_is_warned_of() {
    let site = site().await;
    let (own, other) = (public_key(), public_key());
    let of_tls = TlsCertificate {
        key_fingerprint: fingerprint(&own),
        ..TlsCertificate::default()
    };
    site.management.use_process(ProcessSide {
        settings: Box::new(Vec::new),
        certificates: Box::new(move || vec![of_tls.clone()]),
    });
    for (prefix, pem, warnings) in [("own", &own, 1), ("other", &other, 0)] {
        let id = create(&site, prefix, pem).await;
        let shown = site.get(&format!("/qmc/virtual-proxies/{id}/keys")).await;
        let said = shown.text.matches("own TLS certificate").count();
        assert_eq!(said, warnings, "{prefix}: {}", shown.text);
    }
}
