use std::sync::Arc;

use jotgate_session::Session;

use super::*;
use crate::testing::{Site, at, new_session, root, site};
use crate::{UserChange, make_set_up_secret};

const PASSWORD: &str = "correct horse battery";

fn here() -> IpAddr {
    IpAddr::from([192, 0, 2, 1])
}

async fn set_up(site: &Site, secret: &str, id: &str, seconds: i64) -> Result<User, LocalError> {
    let used = site
        .management
        .use_set_up_secret(secret, id, PASSWORD, here(), at(seconds));
    used.await
}

async fn sign_in(site: &Site, id: &str, password: &str) -> Result<User, LocalError> {
    let checked = site.management.check_password(id, password, here(), at(1));
    checked.await.map(|signed_in| signed_in.user)
}

/// Two nodes: one lets somebody in while the password is replaced at the other, which has not seen the session.
#[tokio::test]
async fn whoever_signs_in_while_the_password_is_replaced_is_out_again() {
    let site = site().await;
    let make = async |password| {
        let made = site.management.make_administrator("anna", password, at(1));
        made.await.unwrap();
    };
    make(PASSWORD).await;
    let neighbour = site.neighbour().await;
    let checked = neighbour
        .management
        .check_password("anna", PASSWORD, here(), at(1));
    let signed_in = checked.await.unwrap();
    let still = async || neighbour.management.check_still(&signed_in).await;
    assert_eq!(still().await, Ok(()));
    make("another correct horse").await;
    assert_eq!(still().await, Err(LocalError::Wrong));
    assert!(!format!("{signed_in:?}").contains("argon2"));
}

#[tokio::test]
async fn a_link_makes_one_administrator_who_then_signs_in() {
    let site = site().await;
    let management = &site.management;
    assert!(management.needs_administrator());
    let secret = management.invite(at(0)).await.unwrap();
    let secret = secret.expose();
    let stored = site.repository.setting("set_up_link").await.unwrap();
    assert!(!stored.unwrap().contains(secret), "only its hash is kept");

    let weak = management.use_set_up_secret(secret, "anna", "short", here(), at(1));
    assert!(matches!(weak.await, Err(LocalError::Unusable(_))));
    let user = set_up(&site, secret, "anna", 1).await.unwrap();
    assert_eq!(user.to_string(), r"INTERNAL\anna");
    assert_eq!(
        set_up(&site, secret, "boz", 1).await,
        Err(LocalError::LinkInvalid)
    );
    assert!(!management.needs_administrator());
    let roles = management.people().load().roles("INTERNAL", "anna");
    assert!(roles.contains(Role::RootAdmin));

    assert_eq!(sign_in(&site, "Anna", PASSWORD).await, Ok(user));
    for (id, password) in [
        ("anna", "correct horse batterz"),
        ("boz", PASSWORD),
        ("anna", ""),
    ] {
        assert_eq!(sign_in(&site, id, password).await, Err(LocalError::Wrong));
    }
}

#[tokio::test]
async fn a_link_runs_out_and_a_newer_one_replaces_it() {
    let site = site().await;
    let old = site.management.invite(at(0)).await.unwrap();
    assert_eq!(
        set_up(&site, old.expose(), "anna", 3600).await,
        Err(LocalError::LinkInvalid)
    );
    // Made beside the running gateway.
    let new = make_set_up_secret(&site.repository, root(), at(3600))
        .await
        .unwrap();
    for bad in [old.expose(), "", "x", &new.expose()[1..]] {
        assert_eq!(
            set_up(&site, bad, "anna", 3601).await,
            Err(LocalError::LinkInvalid)
        );
    }
    assert!(set_up(&site, new.expose(), "anna", 3601).await.is_ok());
}

/// Each node prints its own, and the last one alone worked: whoever read another could not get in.
#[tokio::test]
async fn the_links_of_nodes_that_start_at_once_all_work_until_one_is_used() {
    let site = site().await;
    let invite = || site.management.invite(at(0));
    let (a, b, c) = tokio::join!(invite(), invite(), invite());
    let (a, b, c) = (a.unwrap(), b.unwrap(), c.unwrap());
    assert!(set_up(&site, b.expose(), "anna", 1).await.is_ok());
    for used in [a, b, c] {
        let again = set_up(&site, used.expose(), "boz", 1).await;
        assert_eq!(again, Err(LocalError::LinkInvalid));
    }
    // However many there are, each new one works, and what is kept of them stays small.
    let mut links = Vec::new();
    for _ in 0..=100 {
        links.push(site.management.invite(at(2)).await.unwrap());
    }
    let stored = site.repository.setting("set_up_link").await.unwrap();
    assert!(stored.unwrap().len() < 12_000);
    let first = set_up(&site, links[0].expose(), "boz", 3).await;
    assert_eq!(first, Err(LocalError::LinkInvalid));
    assert!(set_up(&site, links[100].expose(), "boz", 3).await.is_ok());
}

#[tokio::test]
async fn two_who_use_a_link_at_once_make_one_administrator() {
    let site = site().await;
    let secret = site.management.invite(at(0)).await.unwrap();
    let (a, b) = tokio::join!(
        set_up(&site, secret.expose(), "a", 1),
        set_up(&site, secret.expose(), "b", 1)
    );
    assert_eq!(usize::from(a.is_ok()) + usize::from(b.is_ok()), 1);
    assert_eq!(site.management.count_users().await.unwrap(), 1);
}

#[tokio::test]
async fn guessing_is_slowed_down_and_a_blocked_administrator_stays_outside() {
    let site = site().await;
    for id in ["anna", "boz"] {
        let made = site.management.make_administrator(id, PASSWORD, at(0));
        made.await.unwrap();
    }
    let change = UserChange {
        blocked: Some(true),
        ..Default::default()
    };
    let boz = User::new("INTERNAL", "boz");
    let blocked = site.management.change_user(root(), boz, change, at(0));
    blocked.await.unwrap();
    assert_eq!(
        sign_in(&site, "boz", PASSWORD).await,
        Err(LocalError::Wrong)
    );
    for _ in 0..6 {
        assert_eq!(sign_in(&site, "anna", "x").await, Err(LocalError::Wrong));
    }
    assert_eq!(
        sign_in(&site, "anna", PASSWORD).await,
        Err(LocalError::Wait(1)),
        "the right one has to wait as well"
    );
}

#[tokio::test]
async fn a_password_is_changed_by_whoever_knows_it() {
    let site = site().await;
    let management = &site.management;
    let made = management.make_administrator("anna", PASSWORD, at(0));
    made.await.unwrap();
    let new = "another horse battery";
    let change = async |old, new| {
        let changed = management.change_password("anna", (old, new), None, here(), at(1));
        changed.await
    };
    assert_eq!(change("x", new).await, Err(LocalError::Wrong));
    assert!(matches!(
        change(PASSWORD, "short").await,
        Err(LocalError::Unusable(_))
    ));
    assert_eq!(change(PASSWORD, new).await, Ok(()));
    assert_eq!(
        sign_in(&site, "anna", PASSWORD).await,
        Err(LocalError::Wrong)
    );
    assert!(sign_in(&site, "anna", new).await.is_ok());
    assert!(
        management
            .people()
            .load()
            .roles("INTERNAL", "anna")
            .contains(Role::RootAdmin)
    );
}

async fn session(site: &Site, virtual_proxy: uuid::Uuid, user: User) -> Arc<Session> {
    let new = new_session(virtual_proxy, user);
    site.sessions.create(new).await.unwrap().1
}

#[tokio::test]
async fn another_password_ends_the_other_sessions() {
    let site = site().await;
    let management = &site.management;
    for id in ["anna", "boz"] {
        let made = management.make_administrator(id, PASSWORD, at(0));
        made.await.unwrap();
    }
    let default = site.default_virtual_proxy().metadata.id;
    let elsewhere = site.create("elsewhere").await.metadata.id;
    let anna = User::new("INTERNAL", "anna");
    let mine = session(&site, default, anna.clone()).await;
    let ended = [
        session(&site, default, User::new("internal", "Anna")).await,
        session(&site, elsewhere, anna.clone()).await,
    ];
    let of_others = [
        session(&site, default, User::new("INTERNAL", "boz")).await,
        session(&site, default, User::new("LAB", "anna")).await,
    ];
    let new = "another horse battery";
    let kept = Some(mine.public_id());
    let change = management.change_password("anna", ("x", new), kept, here(), at(1));
    assert_eq!(change.await, Err(LocalError::Wrong));
    assert_eq!(ended[0].ended(), None, "a wrong password ends nothing");
    let change = management.change_password("anna", (PASSWORD, new), kept, here(), at(1));
    change.await.unwrap();
    for session in &ended {
        assert_eq!(session.ended(), Some(EndReason::ClosedByServer));
    }
    assert_eq!(mine.ended(), None);

    // A link is for whoever has lost control of the account: nobody stays.
    let secret = management.invite(at(1)).await.unwrap();
    set_up(&site, secret.expose(), "anna", 2).await.unwrap();
    assert_eq!(mine.ended(), Some(EndReason::ClosedByServer));

    // Whoever gets the name of a deleted administrator is somebody else.
    let again = session(&site, default, anna.clone()).await;
    let users = management.users(0, 10).await.unwrap();
    let anna = users.iter().find(|user| user.user == anna).unwrap();
    let deleted = management.delete_user(root(), anna.id, at(3));
    deleted.await.unwrap();
    assert_eq!(again.ended(), Some(EndReason::ClosedByServer));
    for session in of_others {
        assert_eq!(session.ended(), None);
    }
}
