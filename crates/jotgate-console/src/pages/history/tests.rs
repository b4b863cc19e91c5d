use std::sync::Arc;

use http::StatusCode;
use jotgate_manage::{Document, Privilege};
use jotgate_model::Uuid;
use jotgate_model::entity::VirtualProxyConfig;

use crate::testing::{Site, now, site};

const EVIL: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'";

async fn create(site: &Site, description: &str) -> Uuid {
    let draft = VirtualProxyConfig {
        description: description.to_owned(),
        prefix: "jwt".to_owned(),
        session_cookie_header_name: "X-Qlik-Session-jwt".to_owned(),
        ..Default::default()
    };
    let actor = &site.visitor.actor;
    let created = site.management.create_virtual_proxy(actor, draft, now());
    created.await.unwrap().metadata.id
}

async fn rename(site: &Site, id: Uuid, description: &str) {
    let snapshot = site.management.snapshot();
    let mut draft = (*snapshot.documents.virtual_proxies[&id]).clone();
    draft.description = description.to_owned();
    let draft = vec![Document::VirtualProxy(Arc::new(draft))];
    let actor = &site.visitor.actor;
    let saved = site.management.update_documents(actor, draft, now());
    saved.await.unwrap();
}

fn current(site: &Site) -> u64 {
    site.management.snapshot().revision
}

fn description(site: &Site, id: Uuid) -> String {
    let snapshot = site.management.snapshot();
    snapshot.documents.virtual_proxies[&id].description.clone()
}

#[tokio::test]
async fn every_save_is_listed_with_what_it_changed() {
    let site = site().await;
    let id = create(&site, "Portal").await;
    let created = current(&site);
    rename(&site, id, "Mashup").await;
    let listed = site.get("/qmc/history").await.text;
    let renamed = current(&site);
    assert!(listed.contains(&format!("/qmc/history/{renamed}\"")));
    assert!(listed.contains("INTERNAL\\anna"));
    let shown = site.get(&format!("/qmc/history/{renamed}")).await.text;
    for text in ["description", "Portal", "Mashup", "changed"] {
        assert!(shown.contains(text), "{text}: {shown}");
    }
    let shown = site.get(&format!("/qmc/history/{created}")).await.text;
    assert!(shown.contains("created") && !shown.contains("Mashup"));
    let first = site.get("/qmc/history/1").await;
    assert!(first.text.contains("the first save"), "{}", first.text);
    let two = format!("/qmc/history/compare?from={renamed}&to={created}");
    let shown = site.get(&two).await.text;
    assert!(
        shown.find(">Mashup</span>") < shown.find(">Portal</span>"),
        "{shown}"
    );
    let older = site
        .get(&format!("/qmc/history?before={created}"))
        .await
        .text;
    assert!(!older.contains(&format!("/qmc/history/{created}\"")));
}

#[tokio::test]
async fn a_revision_is_restored_after_it_was_shown_what_changes() {
    let site = site().await;
    let id = create(&site, "Portal").await;
    let wanted = current(&site);
    rename(&site, id, "Mashup").await;
    let path = format!("/qmc/history/{wanted}/restore");
    let asked = site.get(&path).await.text;
    assert!(asked.contains("1 document changes"), "{asked}");
    let old = wanted.to_string();
    let late = [("note", "back"), ("current", &*old)];
    let late = site.post(&path, &late).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.text.contains("value=\"back\""), "{}", late.text);
    assert_eq!(description(&site, id), "Mashup");
    let now = current(&site).to_string();
    let long = "x".repeat(1025);
    let wrong = site
        .post(&path, &[("note", &long), ("current", &now)])
        .await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(wrong.text.contains("at most 1024"), "{}", wrong.text);
    let done = site
        .post(&path, &[("note", "back"), ("current", &now)])
        .await;
    assert_eq!(
        (done.status, done.header("location")),
        (StatusCode::SEE_OTHER, "/qmc/history?done=restored")
    );
    assert_eq!(description(&site, id), "Portal");
    assert!(site.get("/qmc/history").await.text.contains(">back<"));
    let asked = site.get(&path).await.text;
    assert!(asked.contains("Nothing differs"), "{asked}");
}

#[tokio::test]
async fn an_audit_admin_sees_the_history_and_restores_nothing() {
    let mut site = site().await;
    let id = create(&site, "Portal").await;
    let wanted = current(&site);
    rename(&site, id, "Mashup").await;
    site.visitor.actor.privilege = Privilege::AuditAdmin;
    let path = format!("/qmc/history/{wanted}/restore");
    assert_eq!(site.get(&path).await.status, StatusCode::OK);
    let now = current(&site).to_string();
    let shown = site.post(&path, &[("current", &now)]).await;
    assert_eq!(shown.status, StatusCode::FORBIDDEN);
    assert!(shown.text.contains("role=\"alert\""), "{}", shown.text);
    assert_eq!(description(&site, id), "Mashup");
}

#[tokio::test]
async fn hostile_values_stay_text_and_unknown_revisions_are_missing() {
    let site = site().await;
    let id = create(&site, "Portal").await;
    rename(&site, id, EVIL).await;
    let now = current(&site);
    let query = percent_encoding::utf8_percent_encode(EVIL, percent_encoding::NON_ALPHANUMERIC);
    for path in [
        "/qmc/history".to_owned(),
        format!("/qmc/history?before={query}"),
        format!("/qmc/history/{now}"),
        format!("/qmc/history/{}/restore", now - 1),
        format!("/qmc/history/compare?from={query}&to={query}"),
        format!("/qmc/history/{query}"),
    ] {
        let shown = site.get(&path).await;
        assert!(!shown.text.contains("<script>alert"), "{path}");
        assert!(!shown.text.contains("<img"), "{path}");
    }
    let shown = site.get(&format!("/qmc/history/{now}")).await.text;
    assert!(shown.contains("alert(1)"), "it is shown");
    for number in [
        "0",
        "-1",
        "999999",
        "18446744073709551615",
        "99999999999999999999",
        "x",
    ] {
        for path in [
            format!("/qmc/history/{number}"),
            format!("/qmc/history/{number}/restore"),
        ] {
            assert_eq!(
                site.get(&path).await.status,
                StatusCode::NOT_FOUND,
                "{path}"
            );
        }
        let path = format!("/qmc/history/compare?from={number}&to=1");
        assert_eq!(
            site.get(&path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}
