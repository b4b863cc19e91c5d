use std::sync::Arc;

use http::StatusCode;
use jotgate_manage::{Change, Document, Privilege};
use jotgate_model::Uuid;
use jotgate_model::entity::{Tag, VirtualProxyConfig};

use crate::testing::{Shown, Site, now, site};

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
async fn a_save_of_many_documents_is_cut_into_pages() {
    let site = site().await;
    let tags = (1..=60).map(|number| {
        let mut tag = Tag {
            name: format!("tag-{number:02}"),
            ..Tag::default()
        };
        tag.metadata.id = Uuid::from_u128(number);
        Change::Put(Document::Tag(Arc::new(tag)))
    });
    let actor = &site.visitor.actor;
    let saved = site.management.apply(actor, tags.collect(), "", now());
    saved.await.unwrap();
    let number = current(&site);
    let before = number - 1;
    for list in [
        format!("/qmc/history/{number}?"),
        format!("/qmc/history/compare?from={before}&to={number}&"),
    ] {
        let shown = async |page: &str| site.get(&format!("{list}{page}")).await.text;
        let (first, second) = (shown("").await, shown("page=2").await);
        assert!(
            first.contains("Page 1 of 2") && second.contains("Page 2 of 2"),
            "{list}"
        );
        let has = |text: &str, tag: &str| text.contains(&format!(">{tag}</h2>"));
        assert!(has(&first, "tag-50") && !has(&first, "tag-51"), "{list}");
        assert!(has(&second, "tag-51") && !has(&second, "tag-50"), "{list}");
    }
    let restore = site.get(&format!("/qmc/history/{before}/restore")).await;
    assert!(restore.text.contains("10 more"), "{}", restore.text);
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

/// Presses the button of the page that shows what restoring would change.
async fn restore(site: &Site, wanted: u64, base: u64, note: &str) -> Shown {
    let (wanted, base) = (wanted.to_string(), base.to_string());
    let fields = [
        ("do", "apply"),
        ("restore", &*wanted),
        ("base", &base),
        ("note", note),
    ];
    site.post("/qmc/changes", &fields).await
}

#[tokio::test]
async fn a_revision_is_restored_after_it_was_shown_what_changes() {
    let site = site().await;
    let id = create(&site, "Portal").await;
    let wanted = current(&site);
    rename(&site, id, "Mashup").await;
    let path = format!("/qmc/history/{wanted}/restore");
    let asked = site.get(&path).await.text;
    for text in [
        "<span>Mashup</span>",
        "Who would notice",
        "Nobody is signed in.",
    ] {
        assert!(asked.contains(text), "{text}: {asked}");
    }
    let base = format!("name=\"base\" value=\"{}\"", current(&site));
    assert!(asked.contains(&base), "{asked}");
    let late = restore(&site, wanted, wanted, "back").await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.text.contains("value=\"back\""), "{}", late.text);
    assert!(late.text.contains(&base), "what holds now is shown");
    assert_eq!(description(&site, id), "Mashup");
    let wrong = restore(&site, wanted, current(&site), &"x".repeat(1025)).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
    assert!(wrong.text.contains("at most 1024"), "{}", wrong.text);
    let done = restore(&site, wanted, current(&site), "back").await;
    let next = format!("/qmc/history/{}?done=restored", current(&site));
    assert_eq!(
        (done.status, done.header("location")),
        (StatusCode::SEE_OTHER, &*next)
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
    let shown = site.get(&format!("/qmc/history/{wanted}")).await;
    assert_eq!(shown.status, StatusCode::OK);
    assert!(!shown.text.contains("/restore\""), "{}", shown.text);
    let path = format!("/qmc/history/{wanted}/restore");
    assert_eq!(site.get(&path).await.status, StatusCode::FORBIDDEN);
    let refused = restore(&site, wanted, current(&site), "").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
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
