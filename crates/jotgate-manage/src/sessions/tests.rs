use std::sync::Arc;

use jotgate_model::{Identity, SessionRules, UnixTime, User};
use jotgate_session::{NewSession, Session};

use super::*;
use crate::testing::{Site, at, root, site};

async fn sign_in(site: &Site, virtual_proxy: Uuid) -> Arc<Session> {
    let new = NewSession {
        virtual_proxy,
        identity: Identity {
            user: User::new("LAB", "boz"),
            attributes: Vec::new(),
        },
        now: UnixTime(1_700_000_000),
        expires: None,
        key_fingerprint: None,
        token_issued: None,
        client_address: "127.0.0.1".into(),
        user_agent: "test".into(),
        secret: None,
        max_per_user: None,
        rules: SessionRules {
            inactivity: 1800,
            max_lifetime: None,
            ends_with_token: false,
            max_per_user: None,
        },
    };
    site.sessions.create(new).await.unwrap().1
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
