use std::sync::Arc;

use http::StatusCode;
use jotgate_manage::{ActorKind, Change, Document, Privilege};
use jotgate_model::Uuid;
use jotgate_model::entity::{ProxyService, ServerNodeConfiguration, VirtualProxyConfig};
use jotgate_repository::{AuditActor, ChangeSet};

use crate::testing::{now, site};

/// A fleet may have a thousand of them.
#[tokio::test]
async fn many_proxies_are_cut_into_pages() {
    let site = site().await;
    let own = site.management.snapshot();
    let own = &own.documents.proxy_services[&own.proxy_id];
    let joined = (0..60_u128).flat_map(|number| {
        let mut node = ServerNodeConfiguration::default();
        node.metadata.id = Uuid::from_u128(1000 + number);
        node.name = format!("node {number:02}");
        node.host_name = format!("node{number}.example.com");
        let mut proxy = ProxyService::clone(own);
        proxy.metadata.id = Uuid::from_u128(2000 + number);
        proxy.server_node_configuration = node.metadata.id;
        let documents = [
            Document::Node(Arc::new(node)),
            Document::ProxyService(Arc::new(proxy)),
        ];
        documents.map(Change::Put)
    });
    // As nodes do that join.
    let set = ChangeSet {
        changes: joined.collect(),
        author: AuditActor {
            name: "INTERNAL\\jotgate".to_owned(),
            kind: ActorKind::System,
            source: "this machine".to_owned(),
        },
        note: String::new(),
        at: now(),
    };
    site.repository.apply(1, &set).await.unwrap();
    site.management.catch_up(now()).await.unwrap();
    let first = site.get("/qmc/proxies").await.text;
    assert!(first.contains("node 00") && !first.contains("node 59"));
    let second = site.get("/qmc/proxies?page=2").await.text;
    assert!(!second.contains("node 00") && second.contains("node 59"));
    // Nothing was ever heard of it.
    assert!(second.contains("unknown"));
}

#[tokio::test]
async fn virtual_proxies_are_linked_and_unlinked_together() {
    let mut site = site().await;
    let draft = VirtualProxyConfig {
        description: "Portal".to_owned(),
        prefix: "portal".to_owned(),
        session_cookie_header_name: "X-Portal".to_owned(),
        ..Default::default()
    };
    let actor = &site.visitor.actor;
    let vp = site.management.create_virtual_proxy(actor, draft, now());
    let vp = vp.await.unwrap().metadata.id.to_string();
    let snapshot = site.management.snapshot();
    let id = snapshot.proxy_id;
    let proxy = || site.management.snapshot().documents.proxy_services[&id].clone();
    let default = proxy().settings.virtual_proxies[0].to_string();
    let list = site.get("/qmc/proxies").await.text;
    assert!(list.contains("this gateway"));

    let path = format!("/qmc/proxies/{id}");
    let shown = site.get(&path).await.text;
    assert!(shown.contains("1 of 2 are linked"), "{shown}");
    let version = proxy().metadata.modified_date.to_string();
    let fields = [
        ("version", &*version),
        ("virtualProxies", &default),
        ("virtualProxies", &vp),
    ];
    let saved = site.post(&path, &fields).await;
    assert_eq!(saved.header("location"), format!("{path}?done=saved"));
    assert_eq!(proxy().settings.virtual_proxies.len(), 2);
    let conflict = site
        .post(&path, &[("version", "2020-01-01T00:00:00.000Z")])
        .await;
    assert_eq!(conflict.status, StatusCode::CONFLICT);
    assert_eq!(
        site.get("/qmc/proxies/none").await.status,
        StatusCode::NOT_FOUND
    );
    site.visitor.actor.privilege = Privilege::AuditAdmin;
    let version = proxy().metadata.modified_date.to_string();
    let refused = site.post(&path, &[("version", &version)]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
}
