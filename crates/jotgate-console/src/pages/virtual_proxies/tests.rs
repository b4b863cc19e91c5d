use std::sync::Arc;

use http::StatusCode;
use jotgate_manage::Privilege;
use jotgate_model::entity::VirtualProxyConfig;

use crate::testing::{Site, now, site};

async fn create(site: &Site, prefix: &str) -> Arc<VirtualProxyConfig> {
    let draft = VirtualProxyConfig {
        description: format!("Portal {prefix}"),
        prefix: prefix.to_owned(),
        session_cookie_header_name: format!("X-Qlik-Session-{prefix}"),
        ..Default::default()
    };
    let actor = &site.visitor.actor;
    let created = site.management.create_virtual_proxy(actor, draft, now());
    created.await.unwrap()
}

fn is_linked(site: &Site, vp: &VirtualProxyConfig) -> bool {
    let snapshot = site.management.snapshot();
    let proxy = &snapshot.documents.proxy_services[&snapshot.proxy_id];
    proxy.settings.virtual_proxies.contains(&vp.metadata.id)
}

#[tokio::test]
async fn proxies_are_linked_and_unlinked() {
    let site = site().await;
    let vp = create(&site, "jwt").await;
    let path = format!("/qmc/virtual-proxies/{}/proxies", vp.metadata.id);
    let shown = site.get(&path).await;
    assert!(shown.text.contains("value=\"link\""), "{}", shown.text);
    let proxy = site.management.snapshot().proxy_id.to_string();
    let unknown = site
        .post(&path, &[("proxy", "nonsense"), ("do", "link")])
        .await;
    assert_eq!(unknown.status, StatusCode::BAD_REQUEST);

    let linked = site.post(&path, &[("proxy", &proxy), ("do", "link")]).await;
    let next = format!("{path}?done=linked");
    assert_eq!(
        (linked.status, linked.header("location")),
        (StatusCode::SEE_OTHER, &*next)
    );
    assert!(is_linked(&site, &vp));
    assert!(
        site.get(&next)
            .await
            .text
            .contains("nothing had to restart")
    );

    site.post(&path, &[("proxy", &proxy), ("do", "unlink")])
        .await;
    assert!(!is_linked(&site, &vp));
}

#[tokio::test]
async fn a_virtual_proxy_is_deleted_after_its_consequences_were_shown() {
    let site = site().await;
    let vp = create(&site, "jwt").await;
    let path = format!("/qmc/virtual-proxies/{}/delete", vp.metadata.id);
    assert!(site.get(&path).await.text.contains("Nobody is signed in."));
    let deleted = site.post(&path, &[]).await;
    assert_eq!(
        deleted.header("location"),
        "/qmc/virtual-proxies?done=deleted"
    );
    assert_eq!(site.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.post(&path, &[]).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_default_virtual_proxy_stays() {
    let site = site().await;
    let snapshot = site.management.snapshot();
    let mut all = snapshot.documents.virtual_proxies.values();
    let default = all.find(|vp| vp.default_virtual_proxy).unwrap();
    let path = format!("/qmc/virtual-proxies/{}/delete", default.metadata.id);
    assert!(!site.get(&path).await.text.contains("class=\"danger\""));
    assert_eq!(site.post(&path, &[]).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn whoever_only_reads_changes_nothing() {
    let mut site = site().await;
    let vp = create(&site, "jwt").await;
    site.visitor.actor.privilege = Privilege::AuditAdmin;
    let base = format!("/qmc/virtual-proxies/{}", vp.metadata.id);
    assert_eq!(
        site.get(&format!("{base}/proxies")).await.status,
        StatusCode::OK
    );
    let refused = site.post(&format!("{base}/delete"), &[]).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    assert!(refused.text.contains("AuditAdmin reads everything"));
    assert!(
        site.management
            .snapshot()
            .documents
            .virtual_proxies
            .contains_key(&vp.metadata.id)
    );
}
