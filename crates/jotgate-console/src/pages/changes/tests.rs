use http::StatusCode;
use jotgate_manage::{Privilege, SessionForUser, SessionSecret};
use jotgate_model::entity::VirtualProxyConfig;
use jotgate_model::{Identity, User, Uuid};
use serde_json::{Value, json};

use crate::testing::{Shown, Site, now, site};

const EVIL: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'";

async fn place(site: &Site) -> Uuid {
    let draft = VirtualProxyConfig {
        description: "Portal".to_owned(),
        prefix: "portal".to_owned(),
        session_cookie_header_name: "X-Qlik-Session-portal".to_owned(),
        ..Default::default()
    };
    let created = site
        .management
        .create_virtual_proxy(&site.visitor.actor, draft, now());
    created.await.unwrap().metadata.id
}

async fn sign_in(site: &Site, virtual_proxy: Uuid, id: &str) {
    let wanted = SessionForUser {
        virtual_proxy,
        identity: Identity {
            user: User::new("LAB", id),
            attributes: Vec::new(),
        },
        secret: SessionSecret::generate(),
    };
    let actor = &site.visitor.actor;
    let opened = site.management.open_session(actor, wanted, now());
    opened.await.unwrap();
}

fn put(id: Uuid, properties: &Value) -> String {
    let id = id.to_string();
    json!([{"put": {"kind": "VirtualProxyConfig", "id": id, "properties": properties}}]).to_string()
}

fn delete(id: Uuid) -> String {
    json!([{"delete": {"kind": "VirtualProxyConfig", "id": id.to_string()}}]).to_string()
}

async fn press(site: &Site, button: &str, more: &[(&str, &str)]) -> Shown {
    let fields: Vec<_> = [("do", button)].iter().chain(more).copied().collect();
    site.post("/qmc/changes", &fields).await
}

/// The value of a hidden field of the form that applies.
fn hidden(shown: &Shown, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    let after = shown.text.split_once(&start).expect(name).1;
    let value = after.split('"').next().unwrap();
    value.replace("&#34;", "\"").replace("&#38;", "&")
}

#[tokio::test]
async fn a_change_is_shown_with_those_who_would_notice_and_then_applied() {
    let site = site().await;
    let id = place(&site).await;
    for user in ["ann", "boz"] {
        sign_in(&site, id, user).await;
    }
    let revision = site.management.snapshot().revision;
    let change = put(
        id,
        &json!({"sessionCookieHeaderName": "X-Other", "description": EVIL}),
    );
    let shown = press(&site, "preview", &[("changes", &change)]).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
    for text in [
        "the session cookie gets another name",
        "LAB\\ann</a>, ",
        "LAB\\boz</a>",
        "<span>X-Other</span>",
    ] {
        assert!(shown.text.contains(text), "{text}: {}", shown.text);
    }
    assert!(!shown.text.contains("<img") && !shown.text.contains("<script>alert"));
    assert_eq!(site.management.snapshot().revision, revision);

    let (changes, base) = (hidden(&shown, "changes"), hidden(&shown, "base"));
    let applied = press(
        &site,
        "apply",
        &[("changes", &changes), ("base", &base), ("note", "why not")],
    )
    .await;
    assert_eq!(applied.status, StatusCode::SEE_OTHER, "{}", applied.text);
    let next = format!("/qmc/history/{}?done=applied", revision + 1);
    assert_eq!(applied.header("location"), next);
    let history = site.get("/qmc/history").await.text;
    assert!(history.contains("why not"), "{history}");
    let stored = &site.management.snapshot().documents.virtual_proxies[&id];
    assert_eq!(stored.session_cookie_header_name, "X-Other");
}

#[tokio::test]
async fn what_others_save_meanwhile_is_never_overwritten_unseen() {
    let site = site().await;
    let id = place(&site).await;
    let base = site.management.snapshot().revision.to_string();
    let theirs = put(id, &json!({"description": "Theirs"}));
    press(&site, "apply", &[("changes", &theirs)]).await;
    let ours = put(id, &json!({"description": "Ours"}));
    let fields = [("changes", &*ours), ("base", &*base)];
    let refused = press(&site, "apply", &fields).await;
    assert_eq!(refused.status, StatusCode::CONFLICT);
    assert!(
        refused.text.contains("others have changed"),
        "{}",
        refused.text
    );
    assert!(refused.text.contains("<span>Theirs</span>"));
    let shown = || {
        site.management.snapshot().documents.virtual_proxies[&id]
            .description
            .clone()
    };
    assert_eq!(shown(), "Theirs");
    for unreadable in ["-1", "x", "18446744073709551616"] {
        let fields = [("changes", &*ours), ("base", unreadable)];
        let answer = press(&site, "apply", &fields).await;
        assert!(
            answer.text.contains("base is not the number of a revision"),
            "{}",
            answer.text
        );
        assert_ne!(answer.status, StatusCode::SEE_OTHER);
    }
    let base = hidden(&refused, "base");
    let agreed = press(&site, "apply", &[("changes", &ours), ("base", &base)]).await;
    assert_eq!(agreed.status, StatusCode::SEE_OTHER);
    assert_eq!(shown(), "Ours");
}

#[tokio::test]
async fn a_deletion_is_previewed_from_its_page() {
    let site = site().await;
    let id = place(&site).await;
    sign_in(&site, id, "boz").await;
    let asked = site.get(&format!("/qmc/virtual-proxies/{id}/delete")).await;
    assert_eq!(hidden(&asked, "changes"), delete(id));
    let shown = press(&site, "preview", &[("changes", &delete(id))]).await;
    assert!(shown.text.contains("the virtual proxy is deleted"));
    assert!(shown.text.contains("LAB\\boz"));
}

#[tokio::test]
async fn linking_is_previewed_from_its_page() {
    let site = site().await;
    let id = place(&site).await;
    let proxy = site.management.snapshot().proxy_id.to_string();
    let path = format!("/qmc/virtual-proxies/{id}/proxies");
    let fields = [("do", "preview-link"), ("proxy", &*proxy)];
    let shown = site.post(&path, &fields).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.text);
    assert!(
        shown.text.contains("settings.virtualProxies"),
        "{}",
        shown.text
    );
    assert!(!site.management.snapshot().is_linked(id));
    let (changes, base) = (hidden(&shown, "changes"), hidden(&shown, "base"));
    let applied = press(&site, "apply", &[("changes", &changes), ("base", &base)]).await;
    assert_eq!(applied.status, StatusCode::SEE_OTHER, "{}", applied.text);
    assert!(site.management.snapshot().is_linked(id));
}

#[tokio::test]
async fn a_whole_file_is_downloaded_changed_previewed_and_applied() {
    let site = site().await;
    let id = place(&site).await;
    let file = site.get("/qmc/configuration/jotgate.toml").await;
    assert_eq!(
        file.header("content-disposition"),
        "attachment; filename=\"jotgate.toml\""
    );
    let same = press(&site, "preview", &[("file", &file.text)]).await;
    assert!(same.text.contains("Nothing differs"), "{}", same.text);
    let other = file
        .text
        .replace("description = \"Portal\"", "description = \"Gate\"");
    let shown = press(&site, "preview", &[("file", &other.replace('\n', "\r\n"))]).await;
    assert!(shown.text.contains("<span>Gate</span>"), "{}", shown.text);
    let applied = press(&site, "apply", &[("file", &other)]).await;
    assert_eq!(applied.status, StatusCode::SEE_OTHER);
    let snapshot = site.management.snapshot();
    assert_eq!(snapshot.documents.virtual_proxies[&id].description, "Gate");
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_said_beside_the_file() {
    let site = site().await;
    for (text, said) in [
        ("", "Paste a configuration first."),
        ("format = ", "The file is no TOML at line 1"),
        ("format = 7", "format"),
        (
            "format = 1\nnonsense = \"<script>alert(1)</script>\"",
            "nonsense",
        ),
    ] {
        for button in ["preview", "apply"] {
            let shown = press(&site, button, &[("file", text)]).await;
            assert_eq!(shown.status, StatusCode::BAD_REQUEST, "{text}");
            assert!(shown.text.contains(said), "{text}: {}", shown.text);
            assert!(shown.text.contains("aria-invalid"), "{text}");
            assert!(!shown.text.contains("<script>alert"), "{text}");
        }
    }
    for changes in [
        "x",
        "{}",
        "[1]",
        "[{\"put\": {}}]",
        "[{\"delete\": {\"kind\": \"Tag\"}}]",
    ] {
        let shown = press(&site, "apply", &[("changes", changes)]).await;
        assert_eq!(shown.status, StatusCode::BAD_REQUEST, "{changes}");
    }
    let unknown = put(Uuid::nil(), &json!({"nonsense": 1}));
    let shown = press(&site, "apply", &[("changes", &unknown)]).await;
    assert_eq!(shown.status, StatusCode::BAD_REQUEST);
    assert!(shown.text.contains("is no property"), "{}", shown.text);
}

#[tokio::test]
async fn whoever_only_reads_applies_nothing() {
    let mut site = site().await;
    let id = place(&site).await;
    site.visitor.actor.privilege = Privilege::AuditAdmin;
    let revision = site.management.snapshot().revision;
    let change = delete(id);
    for button in ["preview", "apply"] {
        let shown = press(&site, button, &[("changes", &change)]).await;
        assert_eq!(shown.status, StatusCode::FORBIDDEN, "{button}");
    }
    let file = site.get("/qmc/configuration/jotgate.toml").await;
    assert_eq!(file.status, StatusCode::OK);
    assert_eq!(site.management.snapshot().revision, revision);
    let forged = format!("do=apply&changes={change}");
    let forged = crate::testing::form_request("/qmc/changes", forged);
    assert_eq!(site.send(forged).await.status, StatusCode::FORBIDDEN);
}

/// After a session's end, the form to sign in leads back to the address that was posted to.
#[tokio::test]
async fn whoever_comes_back_to_the_address_of_a_preview_finds_a_page() {
    let shown = site().await.get("/qmc/changes").await;
    assert_eq!(
        (shown.status, shown.header("location")),
        (StatusCode::SEE_OTHER, "/qmc/virtual-proxies")
    );
}
