//! Making and finding sessions.

use jotgate_model::UnixTime;
use jotgate_session::{EndReason, NewSession, SessionError, SessionKey, SessionSecret, Sessions};
use uuid::Uuid;

use crate::support::{NOW, OTHER_VP, VP, named, new_session, user};

pub(crate) async fn a_created_session_is_found_with_all_that_it_was_made_from(store: Sessions) {
    let new = NewSession {
        expires: Some(NOW.plus(3600)),
        ..new_session("Bøz\0;\u{1F600}")
    };
    let identity = new.identity.clone();
    let (secret, created) = store.create(new).await.unwrap();
    let found = store.find(&secret.key()).unwrap();
    assert_eq!(found.key(), secret.key());
    assert_eq!(found.public_id(), created.public_id());
    assert_eq!(found.virtual_proxy(), VP);
    assert_eq!(found.user(), identity.user);
    let attributes = identity.attributes.iter().map(|(n, v)| (&**n, &**v));
    assert!(found.attributes().eq(attributes));
    assert_eq!(found.created(), NOW);
    assert_eq!(found.last_activity(), NOW);
    assert_eq!(found.expires(), Some(NOW.plus(3600)));
    assert_eq!(found.key_fingerprint(), Some(&[7; 32]));
    assert_eq!(found.token_issued(), Some(UnixTime(1_799_999_990)));
    assert_eq!(found.client_address(), "192.0.2.1");
    assert_eq!(found.user_agent(), "Mozilla/5.0");
    assert_eq!(found.ended(), None);
    assert_eq!(store.len(), 1);
    let by_public_id = store.find_public(created.public_id()).unwrap();
    assert_eq!(by_public_id.key(), secret.key());
    let upper = created.public_id().to_ascii_uppercase();
    assert!(store.find_public(&upper).is_some());
    let uuid = Uuid::try_parse(created.public_id()).unwrap();
    assert_eq!(uuid.get_version_num(), 4);
}

/// Lines N1 and N2 of the hostile inputs: an id that the client brings is never adopted.
pub(crate) async fn a_made_up_cookie_finds_nothing_and_makes_nothing(store: Sessions) {
    let (real, session) = store.create(new_session("boz")).await.unwrap();
    let made_up = b"0123456789abcdef0123456789abcdef";
    let truncated = &real.expose().as_bytes()[..42];
    let longer = [real.expose(), "A"].concat();
    let public = session.public_id();
    for cookie in [
        &made_up[..],
        truncated,
        longer.as_bytes(),
        public.as_bytes(),
    ] {
        let key = SessionKey::from_cookie(cookie).unwrap();
        assert!(store.find(&key).is_none());
    }
    for cookie in [
        &b""[..],
        b"short",
        &vec![b'a'; 1 << 20],
        b"with a space in it",
        b"\xff\xfe",
    ] {
        assert_eq!(SessionKey::from_cookie(cookie), None);
    }
    let upper = real.expose().to_ascii_uppercase();
    assert!(
        store
            .find(&SessionKey::from_cookie(upper.as_bytes()).unwrap())
            .is_none()
    );
    assert_eq!(store.len(), 1);
    let (next, _) = store.create(new_session("boz")).await.unwrap();
    assert_ne!(next.expose().as_bytes(), made_up);
}

pub(crate) async fn a_secret_is_no_public_id(store: Sessions) {
    let (secret, _) = store.create(new_session("boz")).await.unwrap();
    assert!(store.find_public(secret.expose()).is_none());
    for id in [
        "",
        "0",
        "not a uuid",
        &"f".repeat(100_000),
        "00000000-0000-0000-0000-000000000000",
    ] {
        assert!(store.find_public(id).is_none());
    }
}

pub(crate) async fn a_named_secret_serves_as_an_id_too(store: Sessions) {
    let (secret, session) = store
        .create(named("boz", "portal-session-0001"))
        .await
        .unwrap();
    assert_eq!(secret.expose(), "portal-session-0001");
    let found = store.find_public("portal-session-0001").unwrap();
    assert_eq!(found.key(), session.key());
    assert_ne!(
        session.public_id(),
        "portal-session-0001",
        "it is a secret and is not shown"
    );
    assert!(store.find_public(session.public_id()).is_some());
}

pub(crate) async fn a_named_secret_that_is_in_use_is_refused(store: Sessions) {
    let (generated, first) = store.create(new_session("a")).await.unwrap();
    store
        .create(named("a", "portal-session-0001"))
        .await
        .unwrap();
    for taken in ["portal-session-0001", generated.expose(), first.public_id()] {
        let refused = store.create(named("b", taken)).await;
        assert_eq!(refused.unwrap_err(), SessionError::IdTaken);
    }
    assert_eq!(store.len(), 2);
    assert_eq!(
        store.find_public("portal-session-0001").unwrap().user(),
        user("a")
    );
}

pub(crate) async fn a_named_secret_can_be_used_again_after_the_end(store: Sessions) {
    let (secret, first) = store
        .create(named("a", "portal-session-0001"))
        .await
        .unwrap();
    store
        .end(&secret.key(), EndReason::LoggedOut)
        .await
        .unwrap();
    let (_, second) = store
        .create(named("b", "portal-session-0001"))
        .await
        .unwrap();
    assert_eq!(store.find(&secret.key()).unwrap().user(), user("b"));
    assert_ne!(first.public_id(), second.public_id());
}

pub(crate) async fn the_same_user_gets_another_secret_each_time(store: Sessions) {
    let (a, _) = store.create(new_session("boz")).await.unwrap();
    let (b, _) = store.create(new_session("boz")).await.unwrap();
    assert_ne!(a.expose(), b.expose());
    assert_ne!(a.key(), b.key());
    assert!(store.find(&a.key()).is_some() && store.find(&b.key()).is_some());
}

pub(crate) async fn long_addresses_and_user_agents_are_cut(store: Sessions) {
    let new = NewSession {
        client_address: "1".repeat(1000).into(),
        user_agent: format!("{}é{}", "x".repeat(255), "y".repeat(100_000)).into(),
        ..new_session("boz")
    };
    let (_, session) = store.create(new).await.unwrap();
    assert_eq!(session.client_address().len(), 64);
    assert_eq!(
        session.user_agent(),
        "x".repeat(255),
        "never in the middle of a character"
    );
}

pub(crate) async fn an_identity_that_is_too_large_is_refused(store: Sessions) {
    let with_attribute = |length: usize| {
        let mut new = new_session("boz");
        new.identity.attributes = vec![("n".into(), "v".repeat(length).into())];
        new
    };
    let rest = "example".len() + "boz".len() + "n".len();
    store.create(with_attribute(65_536 - rest)).await.unwrap();
    let refused = store.create(with_attribute(65_536 - rest + 1)).await;
    assert_eq!(refused.unwrap_err(), SessionError::IdentityTooLarge);
    assert_eq!(store.len(), 1);
}

pub(crate) async fn sessions_are_listed_by_virtual_proxy_and_user(store: Sessions) {
    let elsewhere = |id| NewSession {
        virtual_proxy: OTHER_VP,
        ..new_session(id)
    };
    for new in [
        new_session("a"),
        new_session("b"),
        new_session("a"),
        elsewhere("a"),
    ] {
        store.create(new).await.unwrap();
    }
    assert_eq!(store.list(None).len(), 4);
    assert_eq!(store.list(Some(VP)).len(), 3);
    assert_eq!(store.list(Some(OTHER_VP)).len(), 1);
    assert_eq!(store.list(Some(Uuid::nil())).len(), 0);
    assert_eq!(store.of_user(VP, &user("a")).len(), 2);
    assert_eq!(store.of_user(OTHER_VP, &user("a")).len(), 1);
    assert_eq!(
        store.of_user(VP, &user("A")).len(),
        0,
        "names are compared exactly"
    );
    let none = SessionSecret::generate();
    assert!(store.find(&none.key()).is_none());
}
