use super::*;

pub(crate) const RULES: SessionRules = SessionRules {
    inactivity: 1800,
    max_lifetime: None,
    ends_with_token: false,
    max_per_user: None,
};

/// What opens a session for that user at a fixed virtual proxy and time.
pub(crate) fn new_session(user: &str) -> NewSession {
    NewSession {
        virtual_proxy: Uuid::from_u128(1),
        identity: Identity {
            user: User::new("example", user),
            attributes: vec![("Group".into(), "sales".into())],
        },
        now: UnixTime(1_800_000_000),
        expires: None,
        key_fingerprint: Some([7; 32]),
        token_issued: Some(UnixTime(1_799_999_990)),
        client_address: "192.0.2.1".into(),
        user_agent: "test".into(),
        secret: None,
        max_per_user: None,
        rules: RULES,
    }
}

fn small_store(max_sessions: usize) -> Sessions {
    let memory = Arc::new(Memory::new(max_sessions, 1));
    Sessions::new(memory, None, UnixTime(0), None)
}

#[tokio::test]
async fn a_full_store_refuses_newcomers_and_keeps_what_it_has() {
    let store = small_store(2);
    let (_, first) = store.create(new_session("a")).await.unwrap();
    store.create(new_session("b")).await.unwrap();
    let refused = store.create(new_session("c")).await;
    assert_eq!(refused.unwrap_err(), SessionError::Unavailable);
    assert_eq!(store.len(), 2);
    store.end(&first.key(), EndReason::LoggedOut).await.unwrap();
    store.create(new_session("c")).await.unwrap();
}

#[tokio::test]
async fn a_full_memory_of_tokens_refuses() {
    let store = small_store(2);
    let vp = Uuid::from_u128(1);
    let now = UnixTime(1000);
    assert_eq!(
        store.use_token_id(vp, "a", UnixTime(2000), now).await,
        Ok(true)
    );
    let refused = store.use_token_id(vp, "b", UnixTime(2000), now).await;
    assert_eq!(refused, Err(SessionError::Unavailable));
    assert_eq!(
        store.use_token_id(vp, "a", UnixTime(2000), now).await,
        Ok(false)
    );
}

/// Nothing is left behind in any table by a creation that was refused.
#[tokio::test]
async fn a_refused_creation_leaves_nothing() {
    let store = small_store(10);
    let named = || {
        let mut new = new_session("a");
        new.secret = SessionSecret::parse(b"a-name-of-16-chars");
        new
    };
    let (_, session) = store.create(named()).await.unwrap();
    assert_eq!(
        store.create(named()).await.unwrap_err(),
        SessionError::IdTaken
    );
    let mut limited = new_session("a");
    limited.max_per_user = Some(1);
    assert_eq!(
        store.create(limited).await.unwrap_err(),
        SessionError::Exhausted
    );
    assert_eq!(store.len(), 1);
    assert_eq!(
        store
            .0
            .memory
            .users
            .sessions_of(session.virtual_proxy(), &session.user())
            .len(),
        1
    );
}

/// Until it is on disk, a session is nowhere to be found, but it counts.
#[test]
fn a_session_that_is_being_created_is_not_found() {
    let store = small_store(10);
    let (memory, secret) = (&store.0.memory, SessionSecret::generate());
    let session = memory.reserve(&new_session("a"), &secret).unwrap();
    let (vp, user) = (session.virtual_proxy(), session.user());
    assert!(store.find(&secret.key()).is_none());
    assert!(store.find_public(session.public_id()).is_none());
    assert!(store.list(None).is_empty() && store.of_user(vp, &user).is_empty());
    assert_eq!(memory.users.sessions_of(vp, &user).len(), 1);
    assert!(session.publish());
    assert!(store.find(&secret.key()).is_some());
    assert!(store.find_public(session.public_id()).is_some());
    assert!(store.list(None).len() == 1 && store.of_user(vp, &user).len() == 1);
}

/// A user who is blocked while a session is being written does not get it.
#[tokio::test]
async fn a_session_that_ends_while_it_is_being_created_is_not_handed_out() {
    let store = small_store(10);
    let new = new_session("a");
    let (vp, user) = (new.virtual_proxy, new.identity.user.clone());
    let session = store
        .0
        .memory
        .reserve(&new, &SessionSecret::generate())
        .unwrap();
    let reservation = Reservation {
        store: &store.0,
        session: Some(session),
    };
    let ended = store
        .end_user(vp, &user, EndReason::UserBlocked)
        .await
        .unwrap();
    assert_eq!(ended.len(), 1);
    assert_eq!(
        reservation.publish().unwrap_err(),
        SessionError::Ended(EndReason::UserBlocked)
    );
    assert!(store.is_empty());
}

/// With more sessions than one portion, a sweep goes on where the last one stopped.
#[tokio::test]
async fn a_large_store_is_swept_in_portions() {
    let store = Sessions::in_memory();
    let mut watches = Vec::new();
    for i in 0..40_000 {
        let (_, session) = store.create(new_session(&i.to_string())).await.unwrap();
        if i < 100 {
            watches.push(store.watch(&session));
        }
    }
    let late = UnixTime(1_800_002_000);
    let first = store.sweep(late, |_| Some(RULES)).await;
    assert!((16_384..20_000).contains(&first), "{first}");
    let heard = |watch: &SessionWatch| watch.session().ended().is_some();
    assert!(
        watches.iter().all(heard),
        "sockets do not wait for their turn"
    );
    store.sweep(late, |_| Some(RULES)).await;
    store.sweep(late, |_| Some(RULES)).await;
    assert_eq!(store.len(), 0);
}

/// The gateway awaits these on its own threads and in spawned tasks.
#[test]
fn futures_can_move_between_threads() {
    fn is_send<T: Send>(_: T) {}
    fn is_shared<T: Send + Sync + Clone + 'static>(_: &T) {}
    let store = Sessions::in_memory();
    let key = SessionSecret::generate().key();
    is_shared(&store);
    is_send(store.create(new_session("a")));
    is_send(store.end(&key, EndReason::LoggedOut));
    is_send(store.end_where(EndReason::LoggedOut, |_| true));
    is_send(store.sweep(UnixTime(0), |_| Some(RULES)));
    is_send(store.use_token_id(Uuid::nil(), "", UnixTime(0), UnixTime(0)));
    is_send(store.flush());
    is_send(store.close());
}
