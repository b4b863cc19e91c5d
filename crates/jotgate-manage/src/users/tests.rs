use super::*;
use crate::testing::{Site, at, auditor, forbidden, invalid, new_session, root, security, site};

fn roles(role: Role) -> UserChange {
    UserChange {
        roles: Some([role].into_iter().collect()),
        ..Default::default()
    }
}

fn blocked(blocked: bool) -> UserChange {
    UserChange {
        blocked: Some(blocked),
        ..Default::default()
    }
}

async fn change(
    site: &Site,
    actor: &Actor,
    user: &User,
    change: UserChange,
) -> Result<StoredUser, ManageError> {
    let changed = site
        .management
        .change_user(actor, user.clone(), change, at(1));
    changed.await
}

async fn session(site: &Site, user: User) -> Arc<Session> {
    let vp = site.default_virtual_proxy().metadata.id;
    let new = new_session(vp, user);
    site.sessions.create(new).await.unwrap().1
}

#[tokio::test]
async fn a_block_ends_sessions_and_holds_at_once_and_after_a_restart() {
    let site = site().await;
    let boz = session(&site, User::new("example", "boz")).await;
    let anna = session(&site, User::new("example", "anna")).await;
    let user = User::new("EXAMPLE", "BOZ");
    change(&site, security(), &user, blocked(true))
        .await
        .unwrap();
    assert_eq!(boz.ended(), Some(EndReason::UserBlocked));
    assert_eq!(anna.ended(), None);
    let people = site.management.people();
    assert!(people.load().is_blocked("example", "boz"));
    let stored = load_people(&site.repository).await.unwrap();
    assert!(stored.is_blocked("example", "boz"));

    change(&site, security(), &user, blocked(false))
        .await
        .unwrap();
    assert!(!people.load().is_blocked("example", "boz"));
}

#[tokio::test]
async fn only_root_makes_or_touches_administrators() {
    let site = site().await;
    let user = User::new("CORP", "anna");
    for role in Role::ALL {
        forbidden(change(&site, security(), &user, roles(role)).await);
        forbidden(change(&site, auditor(), &user, roles(role)).await);
        change(&site, root(), &user, roles(role)).await.unwrap();
        assert!(
            site.management
                .people()
                .load()
                .roles("corp", "ANNA")
                .contains(role)
        );
        // Not to take the role, not to block, not to delete.
        forbidden(change(&site, security(), &user, blocked(true)).await);
        let id = site
            .management
            .user_of_name(&user)
            .await
            .unwrap()
            .unwrap()
            .id;
        forbidden(site.management.delete_user(security(), id, at(9)).await);
    }
    let somebody = User::new("CORP", "boz");
    forbidden(change(&site, auditor(), &somebody, blocked(true)).await);
}

#[tokio::test]
async fn the_last_local_administrator_stays() {
    let site = site().await;
    let (first, second) = (User::new("INTERNAL", "a"), User::new("INTERNAL", "b"));
    // Somebody from elsewhere does not count: the way in may be gone tomorrow.
    let elsewhere = User::new("CORP", "c");
    for user in [&first, &elsewhere] {
        change(&site, root(), user, roles(Role::RootAdmin))
            .await
            .unwrap();
    }
    forbidden(change(&site, root(), &first, blocked(true)).await);
    forbidden(change(&site, root(), &first, roles(Role::AuditAdmin)).await);
    let id = site
        .management
        .user_of_name(&first)
        .await
        .unwrap()
        .unwrap()
        .id;
    forbidden(site.management.delete_user(root(), id, at(9)).await);

    change(&site, root(), &second, roles(Role::RootAdmin))
        .await
        .unwrap();
    change(&site, root(), &first, blocked(true)).await.unwrap();
    forbidden(change(&site, root(), &second, blocked(true)).await);
    site.management
        .delete_user(root(), id, at(9))
        .await
        .unwrap();
}

#[tokio::test]
async fn names_have_limits() {
    let site = site().await;
    let long = "x".repeat(256);
    for (directory, id) in [("", "a"), ("a", " "), ("a\n", "b"), ("a", long.as_str())] {
        invalid(change(&site, root(), &User::new(directory, id), blocked(true)).await);
    }
    assert_eq!(site.management.count_users().await.unwrap(), 0);
}
