//! Two processes at one journal: what one acknowledged, the other one knows.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use jotgate_model::{Identity, SessionRules, UnixTime, User};
use jotgate_session::{EndReason, NewSession, SessionSecret, Sessions};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};
use uuid::Uuid;

const NOW: UnixTime = UnixTime(1_800_000_000);
const VP: Uuid = Uuid::from_u128(0x11);

fn new_session(user: &str) -> NewSession {
    NewSession {
        virtual_proxy: VP,
        identity: Identity {
            user: User::new("example", user),
            attributes: Vec::new(),
        },
        now: NOW,
        expires: None,
        key_fingerprint: None,
        token_issued: None,
        client_address: "192.0.2.1".into(),
        user_agent: "test".into(),
        secret: None,
        max_per_user: None,
        rules: SessionRules {
            inactivity: 1800,
            max_lifetime: None,
            ends_with_token: false,
            max_per_user: None,
        },
    }
}

async fn open(path: &Path) -> Sessions {
    Sessions::open(path, NOW).await.unwrap()
}

/// How many notes are in the file.
async fn notes(path: &Path) -> i64 {
    let options = SqliteConnectOptions::new().filename(path);
    let mut connection = options.connect().await.unwrap();
    let count = sqlx::query_scalar("SELECT count(*) FROM shared_change");
    let count = count.fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    count
}

#[tokio::test]
async fn sessions_their_use_and_their_ends_pass_in_both_directions() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.db");
    let old = open(&path).await;
    let (before, _) = old.create(new_session("before")).await.unwrap();
    let mut old_shared = old.share().await.unwrap();
    // After the old process began to tell, before the new one has read anything.
    let (between, _) = old.create(new_session("between")).await.unwrap();
    let new = open(&path).await;
    let mut new_shared = new.share().await.unwrap();
    assert!(new.find(&before.key()).is_some() && new.find(&between.key()).is_some());

    let (in_old, _) = old.create(new_session("old")).await.unwrap();
    let (in_new, _) = new.create(new_session("new")).await.unwrap();
    old_shared.catch_up().await.unwrap();
    new_shared.catch_up().await.unwrap();
    let seen_by_old = old.find(&in_new.key()).unwrap();
    let seen_by_new = new.find(&in_old.key()).unwrap();
    assert_eq!(seen_by_old.user_id(), "new");
    assert_eq!((old.len(), new.len()), (4, 4));

    seen_by_new.touch(NOW.plus(77));
    new.flush().await.unwrap();
    old_shared.catch_up().await.unwrap();
    assert_eq!(
        old.find(&in_old.key()).unwrap().last_activity(),
        NOW.plus(77)
    );

    let mut watch = old.watch(&seen_by_old);
    new.end(&in_new.key(), EndReason::LoggedOut).await.unwrap();
    old.end(&before.key(), EndReason::UserBlocked)
        .await
        .unwrap();
    old_shared.catch_up().await.unwrap();
    new_shared.catch_up().await.unwrap();
    assert_eq!(watch.ended().await, EndReason::LoggedOut);
    assert!(old.find(&in_new.key()).is_none() && new.find(&before.key()).is_none());

    // The old one ends; what it wrote last is not lost, and the notes are gone.
    let (last, _) = old.create(new_session("last")).await.unwrap();
    old.close().await.unwrap();
    new_shared.end().await.unwrap();
    assert!(new.find(&last.key()).is_some());
    assert_eq!(notes(&path).await, 0);
    new.create(new_session("alone")).await.unwrap();
    assert_eq!(notes(&path).await, 0, "nobody is told any more");
}

#[tokio::test]
async fn the_last_use_of_a_session_is_never_set_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.db");
    let (one, other) = (open(&path).await, async { open(&path).await });
    let (secret, session) = one.create(new_session("a")).await.unwrap();
    let other = other.await;
    session.touch(NOW.plus(10));
    other.find(&secret.key()).unwrap().touch(NOW.plus(20));
    other.flush().await.unwrap();
    one.flush().await.unwrap();
    let again = open(&path).await;
    assert_eq!(
        again.find(&secret.key()).unwrap().last_activity(),
        NOW.plus(20)
    );
}

#[tokio::test]
async fn a_token_counts_once_in_both_together() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.db");
    let (one, other) = (open(&path).await, open(&path).await);
    let until = NOW.plus(60);
    for number in 0..20 {
        let jti = format!("jti{number}");
        let (a, b) = tokio::join!(
            one.use_token_id(VP, &jti, until, NOW),
            other.use_token_id(VP, &jti, until, NOW)
        );
        assert_ne!(a.unwrap(), b.unwrap(), "{jti}");
    }
    // Long after its time it may be used again, as in one process.
    let later = until.plus(1000);
    assert_eq!(
        one.use_token_id(VP, "jti0", later.plus(60), later).await,
        Ok(true)
    );
}

/// A note about a session that has made place for another one of the same name does no harm.
#[tokio::test]
async fn the_end_of_a_named_session_is_not_that_of_the_next_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.db");
    let (one, other) = (open(&path).await, open(&path).await);
    let (_one_shared, mut other_shared) =
        (one.share().await.unwrap(), other.share().await.unwrap());
    let named = || {
        let mut new = new_session("named");
        new.secret = SessionSecret::parse(b"a-name-of-sixteen-characters");
        new
    };
    let (first, _) = one.create(named()).await.unwrap();
    one.end(&first.key(), EndReason::LoggedOut).await.unwrap();
    let (second, session) = one.create(named()).await.unwrap();
    other_shared.catch_up().await.unwrap();
    let found = other.find(&second.key()).unwrap();
    assert_eq!(found.public_id(), session.public_id());
    other_shared.catch_up().await.unwrap();
    assert!(other.find(&second.key()).is_some());
}
