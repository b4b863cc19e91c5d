use http::StatusCode;
use jotgate_manage::{Privilege, UserChange};
use jotgate_model::User;

use crate::testing::{Site, now, site};

const EVIL: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'";

async fn change(site: &Site, id: &str) {
    let user = User::new("LAB", id);
    let change = UserChange {
        name: Some(id.to_owned()),
        ..UserChange::default()
    };
    let actor = &site.visitor.actor;
    let changed = site.management.change_user(actor, user, change, now());
    changed.await.unwrap();
}

fn rows(text: &str) -> usize {
    text.matches("data-name=\"Outcome\"").count()
}

#[tokio::test]
async fn the_trail_is_filtered_and_read_page_by_page() {
    let site = site().await;
    for number in 0..51 {
        change(&site, &format!("user{number}")).await;
    }
    let get = async |query: &str| {
        let shown = site.get(&format!("/qmc/audit{query}")).await;
        assert_eq!(shown.status, StatusCode::OK, "{query}");
        shown.text
    };
    let first = get("?action=user").await;
    assert_eq!(rows(&first), 50);
    assert!(first.contains("LAB\\user50") && !first.contains("LAB\\user0<"));
    let start = first.find("/qmc/audit?action=user&#38;before=").unwrap();
    let end = start + first[start..].find('"').unwrap();
    let older = first[start..end].replace("&#38;", "&");
    let second = site.get(&older).await.text;
    assert_eq!(rows(&second), 1);
    assert!(second.contains("LAB\\user0") && second.contains(">Newest<"));
    assert_eq!(rows(&get("?subject=LAB%5Cuser7").await), 1);
    assert_eq!(
        rows(&get("?actor=INTERNAL%5Canna&action=user.change").await),
        50
    );
    assert_eq!(rows(&get("?outcome=failed").await), 0);
}

#[tokio::test]
async fn a_refusal_is_told_to_every_role() {
    let mut site = site().await;
    change(&site, "boz").await;
    site.visitor.actor.privilege = Privilege::AuditAdmin;
    let user = User::new("LAB", "boz");
    let actor = &site.visitor.actor;
    let refused = site
        .management
        .change_user(actor, user, UserChange::default(), now());
    refused.await.unwrap_err();
    let shown = site.get("/qmc/audit?outcome=refused").await.text;
    assert_eq!(rows(&shown), 1, "{shown}");
    assert!(
        shown.contains("reads everything and changes nothing"),
        "{shown}"
    );
}

#[tokio::test]
async fn hostile_names_stay_text() {
    let site = site().await;
    change(&site, EVIL).await;
    let query = percent_encoding::utf8_percent_encode(EVIL, percent_encoding::NON_ALPHANUMERIC);
    for path in [
        "/qmc/audit".to_owned(),
        format!("/qmc/audit?actor={query}&action={query}&subject={query}&outcome={query}"),
        format!("/qmc/audit?before={query}"),
    ] {
        let shown = site.get(&path).await;
        assert_eq!(shown.status, StatusCode::OK, "{path}");
        assert!(!shown.text.contains("<script>alert"), "{path}");
        assert!(!shown.text.contains("<img"), "{path}");
    }
    let shown = site.get("/qmc/audit").await.text;
    assert!(shown.contains("alert(1)"), "it is shown");
}
