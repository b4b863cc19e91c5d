use std::sync::Arc;

use jotgate_model::entity::Tag;

use super::*;
use crate::testing::{at, forbidden, invalid, root, site};

#[tokio::test]
async fn deletions_in_a_set_of_changes_follow_the_same_rules() {
    let site = site().await;
    let vp = site.default_virtual_proxy().metadata.id;
    let actor = root();
    let changes = |kind, id| vec![Change::Delete { kind, id }];
    for (kind, id) in [
        (Kind::VirtualProxy, vp),
        (Kind::ProxyService, site.proxy().metadata.id),
    ] {
        let apply = site.management.apply(actor, changes(kind, id), "", at(1));
        forbidden(apply.await);
    }
    let node = site.central().metadata.id;
    let apply = site
        .management
        .apply(actor, changes(Kind::Node, node), "", at(1));
    invalid(apply.await);
    // A link that would lead nowhere.
    let linked = site.create("jwt").await.metadata.id;
    let mut proxy = site.proxy();
    proxy.settings.virtual_proxies.push(linked);
    let id = proxy.metadata.id;
    let link = site
        .management
        .update_proxy_service(actor, id, proxy, at(2));
    link.await.unwrap();
    let apply = site
        .management
        .apply(actor, changes(Kind::VirtualProxy, linked), "", at(3));
    assert_eq!(invalid(apply.await).0[0].field, "settings.virtualProxies");
    site.assert_unchanged_since(3).await;
}

/// Nothing could delete it, and a probe that fails could not take it back.
#[tokio::test]
async fn no_proxy_service_is_created() {
    let site = site().await;
    let mut proxy = site.proxy();
    proxy.metadata.id = Uuid::from_u128(7);
    let put = Change::Put(Document::ProxyService(Arc::new(proxy)));
    let told = forbidden(site.management.apply(root(), vec![put], "", at(1)).await);
    assert!(told.contains("cannot be created"), "{told}");
    site.assert_unchanged_since(1).await;
}

/// Switching to tokens later must not be what finds the mistake.
#[tokio::test]
async fn settings_for_tokens_are_checked_whatever_the_method_is() {
    let site = site().await;
    let mut shared = site.default_virtual_proxy();
    let vp = Arc::make_mut(&mut shared);
    assert_eq!(vp.authentication_method, AuthenticationMethod::Ticket);
    vp.jwt_jwks_uri = "http://issuer.example/keys".to_owned();
    vp.jwt_clock_skew_seconds = 3601;
    vp.jwt_algorithms = vec!["HS256".to_owned()];
    let changes = vec![Change::Put(Document::VirtualProxy(shared))];
    let apply = site.management.apply(root(), changes, "", at(1)).await;
    let found: Vec<_> = invalid(apply).0.into_iter().map(|e| e.field).collect();
    let expected = ["jwtJwksUri", "jwtClockSkewSeconds", "jwtAlgorithms[0]"];
    assert_eq!(found, expected);
}

/// It took time with the square of their number: for these, minutes.
#[tokio::test]
async fn ten_thousand_new_tags_are_checked_at_once() {
    let site = site().await;
    let tag = |name: String| {
        let mut tag = Tag::default();
        (tag.metadata.id, tag.name) = (Uuid::new_v4(), name);
        Change::Put(Document::Tag(Arc::new(tag)))
    };
    let mut changes: Vec<_> = (0..10_000).map(|i| tag(format!("tag {i}"))).collect();
    check(&site.management.snapshot(), &changes, root()).unwrap();
    changes.push(tag("TAG 77".to_owned()));
    let errors = invalid(check(&site.management.snapshot(), &changes, root()));
    assert_eq!(errors.0.len(), 2, "each is in the way of the other");
}
