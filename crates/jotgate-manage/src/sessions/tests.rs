use std::sync::Arc;

use jotgate_model::User;
use jotgate_session::Session;

use super::*;
use crate::testing::{Site, at, new_session, root, site};
use crate::{Asker, SessionChoice};

async fn sign_in(site: &Site, virtual_proxy: Uuid) -> Arc<Session> {
    let new = new_session(virtual_proxy, User::new("LAB", "boz"));
    site.sessions.create(new).await.unwrap().1
}

#[tokio::test]
async fn sessions_are_counted_by_their_virtual_proxy_without_those_that_have_run_out() {
    let site = site().await;
    let one = site.create("one").await.metadata.id;
    let two = site.create("two").await.metadata.id;
    site.create("nobody").await;
    sign_in(&site, one).await;
    sign_in(&site, two).await;
    sign_in(&site, two).await;
    let counts = |seconds: i64| {
        let now = Timestamp::from_millis((1_700_000_000 + seconds) * 1000);
        let counts = site.management.session_counts(now).into_iter();
        counts.map(|(vp, count)| (vp.id, count)).collect::<Vec<_>>()
    };
    assert_eq!(counts(1), [(two, 2), (one, 1)]);
    assert_eq!(counts(1801), []);
}

#[tokio::test]
async fn sessions_are_listed_everywhere_at_one_place_and_of_one_user() {
    let site = site().await;
    let (one, two) = (site.create("one").await, site.create("two").await);
    let ids = [one.metadata.id, two.metadata.id, two.metadata.id];
    for id in ids {
        sign_in(&site, id).await;
    }
    let listed = |virtual_proxy: Option<&str>, user: Option<&str>, seconds: i64| {
        let choice = SessionChoice {
            virtual_proxy: virtual_proxy.map(str::to_owned),
            user: user.map(|id| User::new("LAB", id)),
        };
        let now = Timestamp::from_millis((1_700_000_000 + seconds) * 1000);
        let asker = Asker::Administrator(root().clone());
        let found = site.management.readable_sessions(&asker, &choice, now);
        found.unwrap().len()
    };
    assert_eq!(listed(None, None, 1), 3);
    assert_eq!(listed(Some("two"), None, 1), 2);
    assert_eq!(listed(None, Some("boz"), 1), 3);
    assert_eq!(listed(Some("one"), Some("boz"), 1), 1);
    assert_eq!(listed(None, Some("nobody"), 1), 0);
    assert_eq!(listed(None, None, 1801), 0, "they have run out");
}

#[tokio::test]
async fn deleting_a_virtual_proxy_ends_its_sessions_and_no_others() {
    let site = site().await;
    let gone = site.create("gone").await.metadata.id;
    let kept = site.create("kept").await.metadata.id;
    let ended = [sign_in(&site, gone).await, sign_in(&site, gone).await];
    let going_on = sign_in(&site, kept).await;
    let deleted = site.management.delete_virtual_proxy(root(), gone, at(2));
    deleted.await.unwrap();
    for session in ended {
        assert_eq!(session.ended(), Some(EndReason::VirtualProxyDeleted));
    }
    assert_eq!(going_on.ended(), None);
}

#[tokio::test]
async fn saving_a_virtual_proxy_ends_nobody_s_session() {
    let site = site().await;
    let mut draft = (*site.create("jwt").await).clone();
    let id = draft.metadata.id;
    let session = sign_in(&site, id).await;
    draft.jwt_audience = "other".to_owned();
    let saved = site
        .management
        .update_virtual_proxy(root(), id, draft, at(2));
    saved.await.unwrap();
    assert_eq!(session.ended(), None);
}

#[tokio::test]
async fn a_deletion_that_is_refused_ends_nobody_s_session() {
    let site = site().await;
    let id = site.create("jwt").await.metadata.id;
    let session = sign_in(&site, id).await;
    site.repository.close().await;
    let refused = site
        .management
        .delete_virtual_proxy(root(), id, at(2))
        .await;
    refused.unwrap_err();
    assert_eq!(session.ended(), None);
}

fn for_user(virtual_proxy: Uuid, id: &str, secret: &str) -> SessionForUser {
    SessionForUser {
        virtual_proxy,
        identity: Identity {
            user: User::new("LAB", id),
            attributes: vec![("Group".into(), "sales".into())],
        },
        secret: SessionSecret::parse(secret.as_bytes()).unwrap(),
    }
}

#[tokio::test]
async fn programs_open_sessions_under_ids_of_their_own_once() {
    let site = site().await;
    let id = site.create("jwt").await.metadata.id;
    let management = &site.management;
    let open = |secret| management.open_session(root(), for_user(id, "boz", secret), at(1));
    let first = open("0123456789abcdef-1").await.unwrap();
    let second = open("0123456789abcdef-2").await.unwrap();
    assert!(first.only_one && !second.only_one);
    let taken = open("0123456789abcdef-1").await.unwrap_err();
    assert!(taken.to_string().starts_with("SessionId: "), "{taken}");

    let vp = management.virtual_proxy_of_prefix("jwt").unwrap();
    let named = management.session_at(&vp, "0123456789abcdef-1", at(1));
    assert_eq!(named.unwrap().public_id(), first.session.public_id());
    let other = management.virtual_proxy_of_prefix("").unwrap();
    assert!(
        management
            .session_at(&other, first.session.public_id(), at(1))
            .is_none()
    );
    let later = at(3600);
    assert!(management.sessions_at(&vp, later).is_empty());
}

#[tokio::test]
async fn administrators_end_one_session_or_all_of_a_user() {
    let site = site().await;
    let id = site.create("jwt").await.metadata.id;
    let management = &site.management;
    let vp = management.virtual_proxy_of_prefix("jwt").unwrap();
    let mut opened = Vec::new();
    for number in 1..=3 {
        let secret = format!("0123456789abcdef-{number}");
        let wanted = for_user(id, "boz", &secret);
        opened.push(
            management
                .open_session(root(), wanted, at(1))
                .await
                .unwrap()
                .session,
        );
    }
    let end = |public: &str| {
        let public = public.to_owned();
        let vp = vp.clone();
        async move {
            management
                .end_session(root(), &vp, &public, at(1))
                .await
                .unwrap()
        }
    };
    let ended = end(opened[0].public_id()).await.unwrap();
    assert!(!ended.only_one);
    assert_eq!(opened[0].ended(), Some(EndReason::ClosedByServer));
    assert!(end(opened[0].public_id()).await.is_none());
    let user = User::new("LAB", "boz");
    let rest = management
        .end_sessions_of_user(root(), &vp, &user, at(9))
        .await
        .unwrap();
    assert_eq!(rest.len(), 2);
    assert!(management.sessions_of_user(&vp, &user, at(1)).is_empty());
}
