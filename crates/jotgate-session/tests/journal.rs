//! The journal: what is on disk when a call returns, and files that are none.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jotgate_model::{Identity, SessionRules, UnixTime, User};
use jotgate_session::{
    EndReason, NewSession, OpenError, Session, SessionError, SessionSecret, Sessions,
};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};
use tempfile::TempDir;
use uuid::Uuid;

const NOW: UnixTime = UnixTime(1_800_000_000);
const VP: Uuid = Uuid::from_u128(0x11);
const RULES: SessionRules = SessionRules {
    inactivity: 1800,
    max_lifetime: None,
    ends_with_token: false,
    max_per_user: None,
};

fn new_session(id: &str) -> NewSession {
    NewSession {
        virtual_proxy: VP,
        identity: Identity {
            user: User::new("example", id),
            attributes: vec![("Group".into(), "sales".into()), ("x".into(), "".into())],
        },
        now: NOW,
        expires: Some(NOW.plus(5000)),
        key_fingerprint: Some([7; 32]),
        token_issued: Some(NOW.plus(-5)),
        client_address: "192.0.2.1".into(),
        user_agent: "Mozilla/5.0".into(),
        secret: None,
        max_per_user: None,
        rules: RULES,
    }
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.sqlite");
    (folder, path)
}

async fn open(path: &Path) -> Sessions {
    Sessions::open(path, NOW).await.unwrap()
}

/// What a crash at this moment would leave, in a folder of its own.
fn crash(path: &Path) -> (TempDir, PathBuf) {
    let (folder, copy) = folder();
    std::fs::copy(path, &copy).unwrap();
    let log = |path: &Path| path.with_extension("sqlite-wal");
    std::fs::copy(log(path), log(&copy)).unwrap();
    (folder, copy)
}

async fn connect(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(path);
    options.create_if_missing(true).connect().await.unwrap()
}

async fn change(path: &Path, sql: &'static str) {
    let mut connection = connect(path).await;
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

fn facts(s: &Session) -> String {
    let attributes: Vec<_> = s.attributes().collect();
    format!(
        "{:?} {} {} {} {attributes:?} {} {:?} {} {:?} {:?} {} {}",
        s.key().as_bytes(),
        s.public_id(),
        s.virtual_proxy(),
        s.user(),
        s.created(),
        s.expires(),
        s.last_activity(),
        s.key_fingerprint(),
        s.token_issued(),
        s.client_address(),
        s.user_agent(),
    )
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_crash() {
    let (_folder, path) = folder();
    let store = open(&path).await;
    let (kept, session) = store
        .create(new_session("Bøz\0\u{1F600}\"'"))
        .await
        .unwrap();
    let (ended, _) = store.create(new_session("gone")).await.unwrap();
    store.end(&ended.key(), EndReason::LoggedOut).await.unwrap();
    assert_eq!(
        store.use_token_id(VP, "once", NOW.plus(60), NOW).await,
        Ok(true)
    );

    let (_folder, copy) = crash(&path);
    let after = open(&copy).await;
    assert_eq!(after.len(), 1);
    let found = after.find(&kept.key()).unwrap();
    assert_eq!(facts(&found), facts(&session));
    assert!(after.find_public(session.public_id()).is_some());
    assert_eq!(after.of_user(VP, &session.user()).len(), 1);
    assert!(after.find(&ended.key()).is_none());
    assert_eq!(
        after.use_token_id(VP, "once", NOW.plus(60), NOW).await,
        Ok(false)
    );
    assert_eq!(
        after.use_token_id(VP, "other", NOW.plus(60), NOW).await,
        Ok(true)
    );
}

/// Sessions without a fixed end, without a token, opened by a program.
#[tokio::test]
async fn what_is_absent_stays_absent() {
    let (_folder, path) = folder();
    let store = open(&path).await;
    let bare = NewSession {
        expires: None,
        key_fingerprint: None,
        token_issued: None,
        secret: SessionSecret::parse(b"portal-session-0001"),
        ..new_session("boz")
    };
    let (_, session) = store.create(bare).await.unwrap();
    let (_folder, copy) = crash(&path);
    let after = open(&copy).await;
    let found = after.find_public("portal-session-0001").unwrap();
    assert_eq!(facts(&found), facts(&session));
    assert_eq!(found.expires(), None);
}

#[tokio::test]
async fn a_limit_counts_sessions_from_before_the_restart() {
    let (_folder, path) = folder();
    open(&path).await.create(new_session("boz")).await.unwrap();
    let (_folder, copy) = crash(&path);
    let limited = NewSession {
        max_per_user: Some(1),
        ..new_session("boz")
    };
    let refused = open(&copy).await.create(limited).await;
    assert_eq!(refused.unwrap_err(), SessionError::Exhausted);
}

#[tokio::test]
async fn last_activity_is_written_by_flush_and_close() {
    let (_folder, path) = folder();
    let store = open(&path).await;
    let (secret, session) = store.create(new_session("boz")).await.unwrap();
    session.touch(NOW.plus(100));
    let (_folder, copy) = crash(&path);
    let lost = open(&copy).await.find(&secret.key()).unwrap();
    assert_eq!(lost.last_activity(), NOW, "it is written lazily");

    store.flush().await.unwrap();
    let (_folder, copy) = crash(&path);
    let kept = open(&copy).await.find(&secret.key()).unwrap();
    assert_eq!(kept.last_activity(), NOW.plus(100));

    session.touch(NOW.plus(200));
    store.close().await.unwrap();
    let kept = open(&path).await.find(&secret.key()).unwrap();
    assert_eq!(kept.last_activity(), NOW.plus(200));
}

#[tokio::test]
async fn a_dropped_store_writes_what_it_has() {
    let (_folder, path) = folder();
    let store = open(&path).await;
    let (secret, session) = store.create(new_session("boz")).await.unwrap();
    session.touch(NOW.plus(100));
    drop(store);
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_secs(60) {
        let (_folder, copy) = crash_or_closed(&path);
        let found = open(&copy).await.find(&secret.key()).unwrap();
        if found.last_activity() == NOW.plus(100) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the last activity never came");
}

/// Like [`crash`], but the log may be gone already.
fn crash_or_closed(path: &Path) -> (TempDir, PathBuf) {
    if path.with_extension("sqlite-wal").exists() {
        return crash(path);
    }
    let (folder, copy) = folder();
    std::fs::copy(path, &copy).unwrap();
    (folder, copy)
}

#[tokio::test]
async fn a_closed_store_still_answers_but_makes_nothing() {
    let (_folder, path) = folder();
    let store = open(&path).await;
    let (secret, session) = store.create(new_session("boz")).await.unwrap();
    store.close().await.unwrap();
    assert!(store.find(&secret.key()).is_some());
    let refused = store.create(new_session("boz")).await;
    assert_eq!(refused.unwrap_err(), SessionError::Unavailable);
    let token = store.use_token_id(VP, "one", NOW.plus(60), NOW).await;
    assert_eq!(token, Err(SessionError::Unavailable));
    let end = store.end(&secret.key(), EndReason::LoggedOut).await;
    assert_eq!(end.unwrap_err(), SessionError::Unavailable);
    assert!(session.ended().is_some() && store.is_empty());
    assert_eq!(store.close().await, Err(SessionError::Unavailable));
}

/// Nobody waits for ever when the runtime of the writer has gone.
#[test]
fn without_its_runtime_the_store_refuses() {
    let (_folder, path) = folder();
    let management = tokio::runtime::Runtime::new().unwrap();
    let store = management.block_on(open(&path));
    management.shutdown_timeout(Duration::from_secs(5));
    let gateway = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let refused = gateway.block_on(store.create(new_session("boz")));
    assert_eq!(refused.unwrap_err(), SessionError::Unavailable);
    assert!(store.is_empty() && store.is_failing());
}

/// Another process holds the lock: as good a failure as a full disk, and it can be lifted.
#[tokio::test]
async fn while_the_journal_cannot_be_written_nothing_is_half_there() {
    let (_folder, path) = folder();
    let store = open(&path).await;
    let (secret, session) = store.create(new_session("before")).await.unwrap();
    let mut intruder = connect(&path).await;
    let lock = intruder.begin_with("BEGIN IMMEDIATE").await.unwrap();

    let create = store.create(new_session("refused"));
    let token = store.use_token_id(VP, "one", NOW.plus(60), NOW);
    let key = secret.key();
    let end = store.end(&key, EndReason::UserBlocked);
    let (create, token, end) = futures_util::future::join3(create, token, end).await;
    assert_eq!(create.unwrap_err(), SessionError::Unavailable);
    assert_eq!(token, Err(SessionError::Unavailable));
    assert_eq!(end.unwrap_err(), SessionError::Unavailable);
    assert_eq!(
        session.ended(),
        Some(EndReason::UserBlocked),
        "an end holds at once"
    );
    assert!(store.list(None).is_empty() && store.is_empty());
    assert!(store.is_failing());
    lock.rollback().await.unwrap();

    // The end is written without being asked for again; asking again waits for it.
    assert!(
        store
            .end(&key, EndReason::UserBlocked)
            .await
            .unwrap()
            .is_none()
    );
    assert!(!store.is_failing());
    assert_eq!(
        store.use_token_id(VP, "one", NOW.plus(60), NOW).await,
        Ok(true)
    );
    let (after, _) = store.create(new_session("after")).await.unwrap();
    let (_folder, copy) = crash(&path);
    let after_crash = open(&copy).await;
    assert_eq!(after_crash.len(), 1);
    assert!(after_crash.find(&after.key()).is_some());
}

#[tokio::test]
async fn last_activity_that_could_not_be_written_is_written_later() {
    let (_folder, path) = folder();
    let store = open(&path).await;
    let (secret, session) = store.create(new_session("boz")).await.unwrap();
    let mut intruder = connect(&path).await;
    let lock = intruder.begin_with("BEGIN IMMEDIATE").await.unwrap();
    session.touch(NOW.plus(100));
    assert_eq!(store.flush().await, Err(SessionError::Unavailable));
    lock.rollback().await.unwrap();
    store.flush().await.unwrap();
    let (_folder, copy) = crash(&path);
    let kept = open(&copy).await.find(&secret.key()).unwrap();
    assert_eq!(kept.last_activity(), NOW.plus(100));
}

/// Nothing needs to happen for the store to notice that the disk is back.
#[tokio::test]
async fn a_failure_that_has_passed_is_noticed() {
    let (_folder, path) = folder();
    let store = open(&path).await;
    let mut intruder = connect(&path).await;
    let lock = intruder.begin_with("BEGIN IMMEDIATE").await.unwrap();
    store.create(new_session("refused")).await.unwrap_err();
    assert!(store.is_failing());
    lock.rollback().await.unwrap();
    let begin = Instant::now();
    while store.is_failing() {
        assert!(begin.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn no_secret_is_in_the_files() {
    let (folder, path) = folder();
    let store = open(&path).await;
    let (generated, _) = store.create(new_session("a")).await.unwrap();
    let named = NewSession {
        secret: SessionSecret::parse(b"portal-session-0001"),
        ..new_session("b")
    };
    store.create(named).await.unwrap();
    store
        .use_token_id(VP, "jti-of-the-token", NOW.plus(60), NOW)
        .await
        .unwrap();
    store.flush().await.unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        files += 1;
        for secret in [
            generated.expose(),
            "portal-session-0001",
            "jti-of-the-token",
        ] {
            let found = bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
            assert!(!found, "{secret}");
        }
    }
    assert_eq!(files, 3, "the file, its log and its index");
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, path) = folder();
    let store = open(&path).await;
    store.create(new_session("a")).await.unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[tokio::test]
async fn the_journal_remembers_since_when_it_remembers() {
    let (_folder, path) = folder();
    let store = Sessions::open(&path, NOW).await.unwrap();
    assert_eq!(store.remembers_tokens_since(), NOW);
    store.close().await.unwrap();
    let store = Sessions::open(&path, NOW.plus(1000)).await.unwrap();
    assert_eq!(store.remembers_tokens_since(), NOW);
}

/// The sentence that refuses the file, with its folder as `DIR`. The file must be as it was.
async fn refusal(path: &Path) -> String {
    let before = std::fs::read(path).ok();
    let error = Sessions::open(path, NOW).await.unwrap_err();
    assert_eq!(std::fs::read(path).ok(), before, "the file was changed");
    let folder = path.parent().unwrap().display().to_string();
    error.to_string().replace(&folder, "DIR")
}

#[tokio::test]
async fn every_file_that_is_no_usable_journal_is_refused_with_a_sentence() {
    let (_folder, path) = folder();
    let mut sentences = Vec::new();

    std::fs::write(&path, "these are no sessions but a text file").unwrap();
    sentences.push(refusal(&path).await);

    std::fs::remove_file(&path).unwrap();
    change(&path, "CREATE TABLE cakes (name TEXT)").await;
    sentences.push(refusal(&path).await);

    std::fs::remove_file(&path).unwrap();
    open(&path).await.close().await.unwrap();
    change(&path, "PRAGMA user_version = 3").await;
    sentences.push(refusal(&path).await);
    change(&path, "PRAGMA user_version = 0").await;
    sentences.push(refusal(&path).await);

    sentences.push(refusal(&path.with_file_name("missing").join("sessions.sqlite")).await);
    let folder = path.with_file_name("folder");
    std::fs::create_dir(&folder).unwrap();
    sentences.push(refusal(&folder).await);
    insta::assert_snapshot!(sentences.join("\n"));
}

#[tokio::test]
async fn a_damaged_journal_is_refused() {
    let damages: [&'static str; 6] = [
        "UPDATE session SET key = x'00'",
        "UPDATE session SET key = zeroblob(32)",
        "UPDATE session SET public_id = 'x'",
        "UPDATE session SET attributes = '{}'",
        "UPDATE session SET virtual_proxy = x''",
        "UPDATE session SET key_fingerprint = x'01'",
    ];
    for damage in damages {
        let (_folder, path) = folder();
        let store = open(&path).await;
        store.create(new_session("boz")).await.unwrap();
        store.close().await.unwrap();
        change(&path, damage).await;
        let error = Sessions::open(&path, NOW).await.unwrap_err();
        assert!(
            matches!(error, OpenError::Damaged { .. }),
            "{damage}: {error}"
        );
    }
}

/// Whatever a broken disk makes of the file: a sentence or the sessions, never a panic.
#[tokio::test]
async fn a_file_cut_or_overwritten_anywhere_is_refused_or_read() {
    let (_folder, path) = folder();
    let store = open(&path).await;
    for i in 0..200 {
        store
            .create(new_session(&format!("user{i}")))
            .await
            .unwrap();
    }
    store.close().await.unwrap();
    let whole = std::fs::read(&path).unwrap();
    let mut refused = 0;
    for step in 1..16 {
        let at = whole.len() * step / 16;
        let mut overwritten = whole.clone();
        overwritten[at..]
            .iter_mut()
            .take(5000)
            .for_each(|b| *b = 0x5A);
        for bytes in [&whole[..at], &overwritten[..]] {
            std::fs::write(&path, bytes).unwrap();
            match Sessions::open(&path, NOW).await {
                Ok(store) => store.close().await.unwrap_or_default(),
                Err(error) => {
                    assert!(error.to_string().contains("sessions.sqlite"), "{error}");
                    refused += 1;
                }
            }
            for file in ["sessions.sqlite-wal", "sessions.sqlite-shm"] {
                std::fs::remove_file(path.with_file_name(file)).ok();
            }
        }
    }
    assert!(refused >= 25, "{refused} of 30");
}
