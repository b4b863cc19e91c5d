use http::StatusCode;
use jotgate_manage::{Privilege, StoredUser, UserChange};
use jotgate_model::{Role, Roles, User};

use crate::testing::{Site, now, site};

const EVIL: &str = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'";

async fn user(site: &Site, id: &str, change: UserChange) -> StoredUser {
    let actor = &site.visitor.actor;
    let user = User::new("LAB", id);
    let changed = site.management.change_user(actor, user, change, now());
    changed.await.unwrap()
}

async fn stored(site: &Site, user: &StoredUser) -> StoredUser {
    site.management.user(user.id).await.unwrap().unwrap()
}

/// The version of the user in a form.
fn version(user: &StoredUser) -> String {
    user.modified.to_string()
}

#[tokio::test]
async fn users_are_listed_in_pages_and_found_by_whole_names() {
    let site = site().await;
    for number in 0..51 {
        user(&site, &format!("user{number}"), UserChange::default()).await;
    }
    let change = UserChange {
        name: Some("Bozena".to_owned()),
        ..UserChange::default()
    };
    user(&site, "boz", change).await;
    let count = async |query: &str| {
        let shown = site.get(&format!("/qmc/users{query}")).await;
        assert_eq!(shown.status, StatusCode::OK, "{query}");
        shown.text.matches("class=\"pick\"").count()
    };
    assert_eq!(count("").await, 50);
    assert_eq!(count("?page=2").await, 2);
    assert_eq!(count("?filter=BOZ").await, 1);
    assert_eq!(count("?filter=bozena").await, 1);
    assert_eq!(count("?filter=lab%5Cboz").await, 1);
    assert_eq!(count("?filter=lab&page=2").await, 2);
    assert_eq!(count("?filter=bo").await, 0);
}

#[tokio::test]
async fn roles_and_name_are_saved_and_what_is_wrong_is_said_with_what_was_typed() {
    let site = site().await;
    let boz = user(&site, "boz", UserChange::default()).await;
    let path = format!("/qmc/users/{}", boz.id);
    let wrong = [
        ("name", ""),
        ("role", "AuditAdmin"),
        ("modified", &*version(&boz)),
    ];
    let shown = site.post(&path, &wrong).await;
    assert_eq!(shown.status, StatusCode::BAD_REQUEST);
    assert!(shown.text.contains("role=\"alert\""), "{}", shown.text);
    assert!(
        shown.text.contains("value=\"AuditAdmin\" checked"),
        "{}",
        shown.text
    );
    let right = [
        ("name", "Bozena"),
        ("role", "AuditAdmin"),
        ("role", "SecurityAdmin"),
        ("role", "Emperor"),
        ("modified", &*version(&boz)),
    ];
    let saved = site.post(&path, &right).await;
    assert_eq!(saved.header("location"), format!("{path}?done=saved"));
    let now = stored(&site, &boz).await;
    let roles: Roles = [Role::SecurityAdmin, Role::AuditAdmin]
        .into_iter()
        .collect();
    assert_eq!((&*now.name, now.roles), ("Bozena", roles));
    let late = site.post(&path, &right).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "an old page");
    assert!(late.text.contains("INTERNAL\\anna"), "{}", late.text);
    let without = site.post(&path, &[("name", "Boz")]).await;
    assert_eq!(without.status, StatusCode::BAD_REQUEST, "without a version");
}

#[tokio::test]
async fn a_user_is_blocked_and_let_in_again() {
    let site = site().await;
    let boz = user(&site, "boz", UserChange::default()).await;
    let path = format!("/qmc/users/{}", boz.id);
    let asked = site.get(&format!("{path}/block")).await;
    assert!(asked.text.contains("The user has none."), "{}", asked.text);
    let block = format!("{path}/block");
    let done = site.post(&block, &[("modified", &version(&boz))]).await;
    assert_eq!(done.header("location"), format!("{path}?done=blocked"));
    let blocked = stored(&site, &boz).await;
    assert!(blocked.blocked);
    let asked = site.get(&block).await;
    assert!(asked.text.contains("blocked already"));
    let unblock = format!("{path}/unblock");
    let late = site.post(&unblock, &[("modified", &version(&boz))]).await;
    assert_eq!(late.status, StatusCode::CONFLICT);
    let fields = [("modified", &*version(&blocked))];
    let done = site.post(&unblock, &fields).await;
    assert_eq!(done.header("location"), format!("{path}?done=unblocked"));
    assert!(!stored(&site, &boz).await.blocked);
}

#[tokio::test]
async fn lesser_roles_cannot_give_roles_or_block_and_see_why() {
    let mut site = site().await;
    let boz = user(&site, "boz", UserChange::default()).await;
    let path = format!("/qmc/users/{}", boz.id);
    let version = version(&boz);
    let fields = [
        ("name", "Boz"),
        ("role", "RootAdmin"),
        ("modified", &*version),
    ];
    site.visitor.actor.privilege = Privilege::SecurityAdmin;
    let shown = site.post(&path, &fields).await;
    assert_eq!(shown.status, StatusCode::FORBIDDEN);
    assert!(
        shown.text.contains("takes the role RootAdmin"),
        "{}",
        shown.text
    );
    site.visitor.actor.privilege = Privilege::AuditAdmin;
    assert_eq!(site.get(&path).await.status, StatusCode::OK);
    let block = format!("{path}/block");
    let shown = site.post(&block, &[("modified", &version)]).await;
    assert_eq!(shown.status, StatusCode::FORBIDDEN);
    let now = stored(&site, &boz).await;
    assert!(now.roles.is_empty() && !now.blocked);
}

#[tokio::test]
async fn hostile_names_stay_text_and_unknown_users_are_missing() {
    let site = site().await;
    let change = UserChange {
        name: Some(EVIL.to_owned()),
        ..UserChange::default()
    };
    let evil = user(&site, EVIL, change).await;
    let query = percent_encoding::utf8_percent_encode(EVIL, percent_encoding::NON_ALPHANUMERIC);
    let id = evil.id;
    for path in [
        "/qmc/users".to_owned(),
        format!("/qmc/users?filter={query}&page={query}"),
        format!("/qmc/users/{id}"),
        format!("/qmc/users/{id}/block"),
        format!("/qmc/users/{query}"),
    ] {
        let shown = site.get(&path).await;
        assert!(!shown.text.contains("<script>alert"), "{path}");
        assert!(!shown.text.contains("<img"), "{path}");
    }
    let shown = site.get(&format!("/qmc/users/{id}")).await.text;
    assert!(shown.contains("alert(1)"), "it is shown");
    for path in [
        "/qmc/users/nobody",
        "/qmc/users/5a9a3f4e-1111-4222-8333-444455556666",
    ] {
        assert_eq!(site.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
        let block = format!("{path}/block");
        assert_eq!(site.post(&block, &[]).await.status, StatusCode::NOT_FOUND);
    }
}
