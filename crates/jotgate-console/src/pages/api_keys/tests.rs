use http::StatusCode;
use jotgate_manage::{Privilege, StoredApiKey};

use crate::testing::{Site, site};

const EVIL: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'";

async fn keys(site: &Site) -> Vec<StoredApiKey> {
    site.management.api_keys().await.unwrap()
}

/// The id of the default virtual proxy.
fn place(site: &Site) -> String {
    let vp = site.management.virtual_proxy_of_prefix("").unwrap();
    vp.id.to_string()
}

/// Posts the form with a name; everything else is right.
async fn make(site: &Site, name: &str) -> crate::testing::Shown {
    let place = place(site);
    let fields = [
        ("name", name),
        ("days", "30"),
        ("actions", "sessions.read"),
        ("actions", "sessions.end"),
        ("virtualProxies", &*place),
    ];
    site.post("/qmc/api-keys/new", &fields).await
}

#[tokio::test]
async fn a_key_is_shown_once_and_deleted() {
    let site = site().await;
    assert!(
        site.get("/qmc/api-keys")
            .await
            .text
            .contains("No API keys yet")
    );
    let made = make(&site, "monitor").await;
    assert_eq!(made.status, StatusCode::OK);
    assert_eq!(made.header("cache-control"), "no-store");
    let start = made.text.find("<code>jotgate_").unwrap() + "<code>".len();
    let key = made.text[start..].split('<').next().unwrap();
    let [stored] = &keys(&site).await[..] else {
        panic!("there is one key");
    };
    assert_eq!(stored.actions, ["sessions.end", "sessions.read"]);
    let listed = site.get("/qmc/api-keys").await.text;
    assert!(listed.contains("monitor") && !listed.contains(key));
    let path = format!("/qmc/api-keys/{}/delete", stored.id);
    let asked = site.get(&path).await.text;
    assert!(asked.contains("Never") && !asked.contains(key), "{asked}");
    let deleted = site.post(&path, &[]).await;
    assert_eq!(deleted.header("location"), "/qmc/api-keys?done=deleted");
    assert!(keys(&site).await.is_empty());
    assert_eq!(site.post(&path, &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(site.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_wrong_is_said_at_its_field_and_what_was_typed_stays() {
    let site = site().await;
    let place = place(&site);
    let long = "x".repeat(256);
    let right = [
        ("name", "monitor"),
        ("days", "30"),
        ("actions", "sessions.read"),
        ("virtualProxies", &*place),
    ];
    let wrong = [
        ("name", ""),
        ("name", &*long),
        ("days", "0"),
        ("days", "3651"),
        ("days", "soon"),
        ("actions", "everything"),
        ("virtualProxies", "everywhere"),
        ("virtualProxies", "5a9a3f4e-1111-4222-8333-444455556666"),
    ];
    for (field, value) in wrong {
        let mut fields = right;
        for (name, its) in &mut fields {
            if *name == field {
                *its = value;
            }
        }
        let shown = site.post("/qmc/api-keys/new", &fields).await;
        assert_eq!(shown.status, StatusCode::BAD_REQUEST, "{field}={value}");
        assert_eq!(
            shown.text.matches("class=\"wrong\"").count(),
            1,
            "{field}={value}"
        );
        let kept = field == "actions" || shown.text.contains("value=\"sessions.read\" checked");
        assert!(kept, "{field}={value}");
    }
    assert!(keys(&site).await.is_empty());
}

#[tokio::test]
async fn only_a_root_admin_makes_and_deletes_keys() {
    let mut site = site().await;
    make(&site, "monitor").await;
    let path = format!("/qmc/api-keys/{}/delete", keys(&site).await[0].id);
    for privilege in [Privilege::SecurityAdmin, Privilege::AuditAdmin] {
        site.visitor.actor.privilege = privilege;
        assert_eq!(site.get("/qmc/api-keys").await.status, StatusCode::OK);
        let made = make(&site, "another").await;
        assert_eq!(made.status, StatusCode::FORBIDDEN);
        assert!(made.text.contains("takes the role RootAdmin"));
        assert!(
            made.text.contains("value=\"another\""),
            "what was typed stays"
        );
        assert_eq!(site.post(&path, &[]).await.status, StatusCode::FORBIDDEN);
    }
    assert_eq!(keys(&site).await.len(), 1);
}

#[tokio::test]
async fn hostile_names_stay_text() {
    let site = site().await;
    let made = make(&site, EVIL).await;
    let id = keys(&site).await[0].id;
    let mut texts = vec![made.text];
    for path in [
        "/qmc/api-keys".to_owned(),
        format!("/qmc/api-keys/{id}/delete"),
    ] {
        texts.push(site.get(&path).await.text);
    }
    let bad = [("name", EVIL), ("days", EVIL), ("actions", EVIL)];
    texts.push(site.post("/qmc/api-keys/new", &bad).await.text);
    for text in texts {
        assert!(text.contains("alert(1)"), "it is shown");
        assert!(
            !text.contains("<script>alert") && !text.contains("<img"),
            "{text}"
        );
    }
}
