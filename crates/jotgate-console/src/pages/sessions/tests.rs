use http::StatusCode;
use jotgate_manage::{Privilege, SessionForUser, SessionSecret};
use jotgate_model::entity::VirtualProxyConfig;
use jotgate_model::{Identity, User, Uuid};

use crate::testing::{Site, now, site};

const EVIL: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'";

/// A virtual proxy.
async fn place(site: &Site, prefix: &str) -> Uuid {
    let draft = VirtualProxyConfig {
        description: format!("Portal {prefix}"),
        prefix: prefix.to_owned(),
        session_cookie_header_name: format!("X-Qlik-Session-{prefix}"),
        ..Default::default()
    };
    let actor = &site.visitor.actor;
    let created = site.management.create_virtual_proxy(actor, draft, now());
    created.await.unwrap().metadata.id
}

/// A session of a user there; gives its public id.
async fn open(site: &Site, virtual_proxy: Uuid, id: &str, attribute: &str) -> String {
    let wanted = SessionForUser {
        virtual_proxy,
        identity: Identity {
            user: User::new("LAB", id),
            attributes: vec![("Group".into(), attribute.into())],
        },
        secret: SessionSecret::generate(),
    };
    let actor = &site.visitor.actor;
    let opened = site.management.open_session(actor, wanted, now()).await;
    opened.unwrap().session.public_id().to_owned()
}

#[tokio::test]
async fn sessions_are_listed_and_filtered_by_user_and_virtual_proxy() {
    let site = site().await;
    let (one, two) = (place(&site, "one").await, place(&site, "two").await);
    open(&site, one, "boz", "sales").await;
    open(&site, two, "boz", "sales").await;
    open(&site, two, "ann", "sales").await;
    let count = async |query: &str| {
        let shown = site.get(&format!("/qmc/sessions{query}")).await;
        assert_eq!(shown.status, StatusCode::OK, "{query}");
        shown.text.matches("class=\"pick\"").count()
    };
    assert_eq!(count("").await, 3);
    assert_eq!(count("?user=lab%5CBOZ").await, 2);
    assert_eq!(count(&format!("?virtual-proxy={two}")).await, 2);
    assert_eq!(count(&format!("?virtual-proxy={one}&user=ann")).await, 0);
    let unknown = site.get("/qmc/sessions?virtual-proxy=nowhere").await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_rows_come_again_with_the_same_filter() {
    let site = site().await;
    let at = place(&site, "one").await;
    open(&site, at, "boz", "sales").await;
    let page = site.get("/qmc/sessions?user=ann").await.text;
    assert!(
        page.contains("data-live=\"/qmc/live/sessions?user=ann\""),
        "{page}"
    );
    let rows = site.get("/qmc/live/sessions?user=ann").await.text;
    assert!(rows.contains("No session fits") && !rows.contains("<html"));
    open(&site, at, "ann", "sales").await;
    let rows = site.get("/qmc/live/sessions?user=ann").await.text;
    assert!(
        rows.contains("LAB\\ann") && rows.contains("1 of 2"),
        "{rows}"
    );
}

#[tokio::test]
async fn many_sessions_are_cut_into_pages() {
    let site = site().await;
    let at = place(&site, "one").await;
    for number in 0..51 {
        open(&site, at, &format!("user{number}"), "sales").await;
    }
    let first = site.get("/qmc/sessions?user=user").await.text;
    assert_eq!(first.matches("class=\"pick\"").count(), 50);
    assert!(
        first.contains("/qmc/sessions?user=user&#38;page=2"),
        "{first}"
    );
    let second = site.get("/qmc/sessions?user=user&page=2").await.text;
    assert_eq!(second.matches("class=\"pick\"").count(), 1);
}

#[tokio::test]
async fn one_session_is_ended_and_the_others_go_on() {
    let site = site().await;
    let at = place(&site, "one").await;
    let id = open(&site, at, "boz", "sales").await;
    open(&site, at, "boz", "sales").await;
    let shown = site.get(&format!("/qmc/sessions/{id}")).await.text;
    assert!(shown.contains("Session of LAB\\boz") && shown.contains("sales"));
    assert!(shown.contains("End all 2 of this user"), "{shown}");
    let path = format!("/qmc/sessions/{id}/end");
    let ended = site.post(&path, &[]).await;
    assert_eq!(
        (ended.status, ended.header("location")),
        (StatusCode::SEE_OTHER, "/qmc/sessions?done=ended")
    );
    let vp = site.management.virtual_proxy_of_prefix("one").unwrap();
    assert_eq!(site.management.sessions_at(&vp, now()).len(), 1);
    assert_eq!(site.post(&path, &[]).await.status, StatusCode::NOT_FOUND);
    let gone = site.get(&format!("/qmc/sessions/{id}")).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn all_of_a_user_or_of_a_virtual_proxy_end_after_it_was_said_how_many() {
    let site = site().await;
    let (one, two) = (place(&site, "one").await, place(&site, "two").await);
    for (at, id) in [(one, "boz"), (two, "boz"), (two, "ann"), (two, "zoe")] {
        open(&site, at, id, "sales").await;
    }
    let asked = site
        .get("/qmc/sessions/end?directory=LAB&id=boz")
        .await
        .text;
    assert!(asked.contains("End 2 sessions"), "{asked}");
    let user = [("directory", "LAB"), ("id", "boz")];
    let ended = site.post("/qmc/sessions/end", &user).await;
    assert_eq!(ended.status, StatusCode::SEE_OTHER);
    let two = two.to_string();
    let asked = site
        .get(&format!("/qmc/sessions/end?virtual-proxy={two}"))
        .await;
    assert!(
        asked.text.contains("<strong>2</strong> of 2 users end"),
        "{}",
        asked.text
    );
    let ended = site
        .post("/qmc/sessions/end", &[("virtual-proxy", &two)])
        .await;
    assert_eq!(ended.status, StatusCode::SEE_OTHER);
    let left = site.get("/qmc/sessions").await.text;
    assert!(left.contains("No session fits"), "{left}");
    let asked = site
        .get("/qmc/sessions/end?directory=LAB&id=boz")
        .await
        .text;
    assert!(asked.contains("There are none"));
}

#[tokio::test]
async fn nobody_is_named_nobody_is_ended() {
    let site = site().await;
    let at = place(&site, "one").await;
    open(&site, at, "boz", "sales").await;
    for fields in [&[][..], &[("directory", "LAB")]] {
        let shown = site.post("/qmc/sessions/end", fields).await;
        assert_eq!(shown.status, StatusCode::BAD_REQUEST);
    }
    let unknown = [("virtual-proxy", "nowhere")];
    let unknown = site.post("/qmc/sessions/end", &unknown).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    assert_eq!(
        site.get("/qmc/sessions/end").await.status,
        StatusCode::BAD_REQUEST
    );
    let vp = site.management.virtual_proxy_of_prefix("one").unwrap();
    assert_eq!(site.management.sessions_at(&vp, now()).len(), 1);
}

#[tokio::test]
async fn an_audit_admin_sees_sessions_and_ends_none() {
    let mut site = site().await;
    let at = place(&site, "one").await;
    let id = open(&site, at, "boz", "sales").await;
    site.visitor.actor.privilege = Privilege::AuditAdmin;
    assert_eq!(site.get("/qmc/sessions").await.status, StatusCode::OK);
    let path = format!("/qmc/sessions/{id}/end");
    assert_eq!(site.post(&path, &[]).await.status, StatusCode::FORBIDDEN);
    let user = [("directory", "LAB"), ("id", "boz")];
    let shown = site.post("/qmc/sessions/end", &user).await;
    assert_eq!(shown.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn hostile_users_and_attributes_stay_text() {
    let site = site().await;
    let at = place(&site, "one").await;
    let id = open(&site, at, EVIL, EVIL).await;
    let query = percent_encoding::utf8_percent_encode(EVIL, percent_encoding::NON_ALPHANUMERIC);
    for path in [
        "/qmc/sessions".to_owned(),
        format!("/qmc/sessions?user={query}&page={query}"),
        format!("/qmc/sessions?virtual-proxy={query}"),
        format!("/qmc/sessions/{id}"),
        format!("/qmc/sessions/{query}"),
        format!("/qmc/sessions/end?directory=LAB&id={query}"),
    ] {
        let shown = site.get(&path).await;
        assert!(!shown.text.contains("<script>alert"), "{path}");
        assert!(!shown.text.contains("<img"), "{path}");
    }
    let shown = site.get(&format!("/qmc/sessions/{id}")).await.text;
    assert!(shown.contains("alert(1)"), "it is shown");
}
