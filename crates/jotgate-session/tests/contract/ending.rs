//! Ending sessions.

use jotgate_session::{EndReason, NewSession, Sessions};

use crate::support::{OTHER_VP, VP, new_session, user};

pub(crate) async fn an_ended_session_is_gone_for_everybody(store: Sessions) {
    let (secret, session) = store.create(new_session("a")).await.unwrap();
    let ended = store
        .end(&secret.key(), EndReason::LoggedOut)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(ended.public_id(), session.public_id());
    assert_eq!(
        session.ended(),
        Some(EndReason::LoggedOut),
        "whoever holds it sees it"
    );
    assert!(store.find(&secret.key()).is_none());
    assert!(store.find_public(session.public_id()).is_none());
    assert!(store.of_user(VP, &user("a")).is_empty());
    assert!(store.list(None).is_empty() && store.is_empty());
}

pub(crate) async fn a_session_ends_once(store: Sessions) {
    let (secret, session) = store.create(new_session("a")).await.unwrap();
    assert!(
        store
            .end(&secret.key(), EndReason::UserBlocked)
            .await
            .unwrap()
            .is_some()
    );
    assert!(
        store
            .end(&secret.key(), EndReason::LoggedOut)
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        store
            .end_where(EndReason::TimedOut, |_| true)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(session.ended(), Some(EndReason::UserBlocked));
}

pub(crate) async fn a_users_sessions_end_at_one_virtual_proxy_only(store: Sessions) {
    let elsewhere = NewSession {
        virtual_proxy: OTHER_VP,
        ..new_session("a")
    };
    for new in [
        new_session("a"),
        new_session("a"),
        new_session("b"),
        elsewhere,
    ] {
        store.create(new).await.unwrap();
    }
    let ended = store
        .end_user(VP, &user("a"), EndReason::LoggedOut)
        .await
        .unwrap();
    assert_eq!(ended.len(), 2);
    assert!(
        ended
            .iter()
            .all(|s| s.is_of(&user("a")) && s.virtual_proxy() == VP)
    );
    assert_eq!(store.len(), 2);
    assert_eq!(store.of_user(OTHER_VP, &user("a")).len(), 1);
}

pub(crate) async fn whatever_the_predicate_chooses_ends(store: Sessions) {
    for id in ["a", "b", "c"] {
        store.create(new_session(id)).await.unwrap();
    }
    let reason = EndReason::KeyRemoved;
    let ended = store
        .end_where(reason, |s| s.user_id() != "b")
        .await
        .unwrap();
    assert_eq!(ended.len(), 2);
    assert!(ended.iter().all(|s| s.ended() == Some(reason)));
    assert_eq!(store.list(None)[0].user_id(), "b");
}

pub(crate) async fn many_end_at_once(store: Sessions) {
    let all = (0..2_500).map(|i| store.create(new_session(&i.to_string())));
    for created in futures_util::future::join_all(all).await {
        created.unwrap();
    }
    let ended = store
        .end_where(EndReason::ClosedByServer, |_| true)
        .await
        .unwrap();
    assert_eq!(ended.len(), 2_500);
    assert!(store.is_empty());
}
