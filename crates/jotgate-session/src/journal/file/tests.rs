use tokio::sync::oneshot;

use super::*;
use crate::SessionSecret;
use crate::journal::queue::Creation;
use crate::store::Memory;
use crate::store::tests::new_session;

async fn open() -> (JournalFile, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.sqlite");
    (JournalFile::open(&path, UnixTime(1)).await.unwrap(), folder)
}

async fn number(file: &mut JournalFile, query: &'static str) -> i64 {
    sqlx::query_scalar(query)
        .fetch_one(&mut file.connection)
        .await
        .unwrap()
}

/// `count` sessions with about `size` bytes of text each.
fn creations(memory: &Memory, count: usize, size: usize) -> Batch {
    let mut batch = Batch::default();
    for i in 0..count {
        let mut new = new_session(&format!("user{i}"));
        new.identity.attributes = vec![("a".into(), "x".repeat(size).into())];
        let session = memory.reserve(&new, &SessionSecret::generate()).unwrap();
        let (done, _) = oneshot::channel();
        batch.creations.push(Creation {
            session,
            limit: None,
            done,
        });
    }
    batch
}

/// Writes as the writer does.
async fn write(file: &mut JournalFile, batch: &Batch) -> Vec<i64> {
    let written = file.write(batch, false).await.unwrap();
    for (creation, number) in batch.creations.iter().zip(&written.numbers) {
        creation.session.set_number(*number);
    }
    written.numbers
}

/// One statement writes 64 sessions, another 8, another one.
#[tokio::test]
async fn groups_of_every_size_are_written() {
    for count in [1, 7, 8, 9, 63, 64, 65, 138] {
        let (mut file, _folder) = open().await;
        let memory = Memory::new(1000, 0);
        let batch = creations(&memory, count, 10);
        let numbers = write(&mut file, &batch).await;
        assert_eq!(numbers, (1..=count as i64).collect::<Vec<_>>());
        let read = Memory::new(1000, 0);
        file.load(&read).await.unwrap();
        for (creation, number) in batch.creations.iter().zip(numbers) {
            let read = read.table.find(&creation.session.key());
            assert!(read.is_none_or(|read| read.number() == Some(number)));
        }
        let users = "SELECT count(DISTINCT user_id) FROM session";
        assert_eq!(number(&mut file, users).await, count as i64);
        assert_eq!(read.len(), count);
    }
}

/// What a commit promises rests on these.
#[tokio::test]
async fn the_pragmas_are_those_of_a_durable_journal() {
    let (mut file, _folder) = open().await;
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(&mut file.connection)
        .await
        .unwrap();
    assert_eq!(mode, "wal");
    assert_eq!(number(&mut file, "PRAGMA synchronous").await, 2);
    assert_eq!(
        number(&mut file, "PRAGMA user_version").await,
        schema::VERSION
    );
    assert_eq!(
        number(&mut file, "PRAGMA application_id").await,
        0x4A67_534A
    );
}

/// A batch that fails in the middle leaves nothing, and the connection can be used again.
#[tokio::test]
async fn a_full_disk_takes_nothing_of_a_batch() {
    let (mut file, _folder) = open().await;
    let memory = Memory::new(10_000, 0);
    file.write(&creations(&memory, 5, 10), false).await.unwrap();
    let pages = number(&mut file, "PRAGMA page_count").await;
    let limit = format!("PRAGMA max_page_count = {}", pages + 20);
    sqlx::raw_sql(sqlx::AssertSqlSafe(limit))
        .execute(&mut file.connection)
        .await
        .unwrap();
    let large = creations(&memory, 100, 10_000);
    for _ in 0..3 {
        let error = file.write(&large, false).await.unwrap_err();
        assert!(error.to_string().contains("full"), "{error}");
        assert_eq!(number(&mut file, "SELECT count(*) FROM session").await, 5);
    }
    file.write(&creations(&memory, 5, 10), false).await.unwrap();
    sqlx::raw_sql("PRAGMA max_page_count = 100000")
        .execute(&mut file.connection)
        .await
        .unwrap();
    file.write(&large, false).await.unwrap();
    assert_eq!(number(&mut file, "SELECT count(*) FROM session").await, 110);
}

/// A failure after which SQLite leaves the transaction open, unlike a full disk.
#[tokio::test]
async fn a_failure_in_the_middle_of_a_batch_takes_it_back() {
    let (mut file, _folder) = open().await;
    let memory = Memory::new(1000, 0);
    sqlx::raw_sql(
        "CREATE TEMP TRIGGER fault BEFORE INSERT ON session WHEN new.user_id = 'user3'
         BEGIN SELECT raise(ABORT, 'fault'); END",
    )
    .execute(&mut file.connection)
    .await
    .unwrap();
    file.write(&creations(&memory, 5, 10), false)
        .await
        .unwrap_err();
    assert_eq!(number(&mut file, "SELECT count(*) FROM session").await, 0);
    file.write(&creations(&memory, 2, 10), false).await.unwrap();
    assert_eq!(number(&mut file, "SELECT count(*) FROM session").await, 2);
}

/// Ends leave no row anywhere; a session with the same key, opened later, is not touched.
#[tokio::test]
async fn ends_remove_exactly_their_session() {
    let (mut file, _folder) = open().await;
    let memory = Memory::new(10_000, 0);
    let named = || {
        let mut new = new_session("a");
        new.secret = SessionSecret::parse(b"portal-session-0001");
        let secret = SessionSecret::parse(b"portal-session-0001").unwrap();
        let session = memory.reserve(&new, &secret).unwrap();
        let (done, _) = oneshot::channel();
        Creation {
            session,
            limit: None,
            done,
        }
    };
    let old = named();
    let ended = Arc::clone(&old.session);
    let mut batch = creations(&memory, 1_500, 10);
    batch.creations.push(old);
    write(&mut file, &batch).await;
    let all: Vec<_> = batch
        .creations
        .iter()
        .map(|c| Arc::clone(&c.session))
        .collect();
    file.write_activity(&all).await.unwrap();
    assert_eq!(
        number(&mut file, "SELECT count(*) FROM last_activity").await,
        1_501
    );

    // The end of the first and the beginning of the second come in one batch.
    memory.finish(&ended, crate::EndReason::LoggedOut);
    let batch = Batch {
        ends: all,
        creations: vec![named()],
        ..Batch::default()
    };
    file.write(&batch, false).await.unwrap();
    assert_eq!(number(&mut file, "SELECT count(*) FROM session").await, 1);
    assert_eq!(
        number(&mut file, "SELECT count(*) FROM last_activity").await,
        0
    );
}

#[tokio::test]
async fn tokens_are_removed_after_their_time() {
    let (mut file, _folder) = open().await;
    let mut batch = Batch::default();
    for until in [100, 101] {
        let (done, _) = oneshot::channel();
        batch.token_uses.push(TokenUse {
            id: crate::store::TokenId::new(uuid::Uuid::nil(), &until.to_string()),
            until: UnixTime(until),
            now: UnixTime(0),
            done,
        });
    }
    file.write(&batch, false).await.unwrap();
    file.forget_tokens(UnixTime(100)).await.unwrap();
    assert_eq!(number(&mut file, "SELECT until FROM used_token").await, 101);
}

/// The other process may still have an ended session, and end it again, when its row is gone.
#[tokio::test]
async fn a_number_is_never_given_twice() {
    let (mut file, _folder) = open().await;
    let memory = Memory::new(1000, 0);
    let batch = creations(&memory, 3, 10);
    assert_eq!(write(&mut file, &batch).await, [1, 2, 3]);
    let ends = Batch {
        ends: batch.creations.into_iter().map(|c| c.session).collect(),
        ..Batch::default()
    };
    write(&mut file, &ends).await;
    assert_eq!(write(&mut file, &creations(&memory, 1, 10)).await, [4]);
}

/// A program may name an id again as soon as its session has ended in memory. Killed before that
/// end is written, the file has both.
#[tokio::test]
async fn of_two_sessions_with_one_named_id_the_newer_one_counts() {
    let (mut file, folder) = open().await;
    for user in ["older", "newer"] {
        let memory = Memory::new(1000, 0);
        let mut new = new_session(user);
        new.secret = SessionSecret::parse(b"portal-session-0001");
        let secret = SessionSecret::parse(b"portal-session-0001").unwrap();
        let session = memory.reserve(&new, &secret).unwrap();
        let (done, _) = oneshot::channel();
        let mut batch = Batch::default();
        batch.creations.push(Creation {
            session,
            limit: None,
            done,
        });
        write(&mut file, &batch).await;
    }
    drop(file);
    let path = folder.path().join("sessions.sqlite");
    let mut file = JournalFile::open(&path, UnixTime(2)).await.unwrap();
    let read = Memory::new(1000, 0);
    file.load(&read).await.unwrap();
    let key = SessionSecret::parse(b"portal-session-0001").unwrap().key();
    assert_eq!(read.table.find(&key).unwrap().user_id(), "newer");
    let left = "SELECT count(*) FROM session WHERE user_id = 'older'";
    assert_eq!(number(&mut file, left).await, 0);
}

/// A program may name an id again while the end of its last session waits to be written: both are
/// in one batch then.
#[tokio::test]
async fn a_named_session_that_follows_another_in_one_batch_reaches_the_other_process() {
    let (mut file, folder) = open().await;
    let memory = Memory::new(1000, 0);
    let named = || {
        let mut new = new_session("a");
        new.secret = SessionSecret::parse(b"portal-session-0001");
        let secret = SessionSecret::parse(b"portal-session-0001").unwrap();
        let session = memory.reserve(&new, &secret).unwrap();
        let (done, _) = oneshot::channel();
        Creation {
            session,
            limit: None,
            done,
        }
    };
    let mut batch = Batch::default();
    batch.creations.push(named());
    write(&mut file, &batch).await;
    let first = Arc::clone(&batch.creations[0].session);
    let others = Arc::new(Memory::new(1000, 0));
    file.load(&others).await.unwrap();
    let path = folder.path().join("sessions.sqlite");
    let other_writer = file.writer().wrapping_add(1);
    let mut other = Follower::open(&path, other_writer, &others).await.unwrap();

    memory.finish(&first, crate::EndReason::LoggedOut);
    let batch = Batch {
        creations: vec![named()],
        ends: vec![first],
        ..Batch::default()
    };
    let second = Arc::clone(&batch.creations[0].session);
    file.write(&batch, true).await.unwrap();
    other.catch_up().await.unwrap();
    let found = others.table.find(&second.key()).unwrap();
    assert_eq!(found.public_id(), second.public_id());
    assert_eq!(found.number(), Some(2));
}

/// The tables of version 1, as the programs before this version made them; the first of them had
/// no table `shared_change`.
const VERSION_1: &str = "
    PRAGMA journal_mode = WAL;
    CREATE TABLE session (
        key BLOB PRIMARY KEY, public_id TEXT NOT NULL, virtual_proxy BLOB NOT NULL,
        named INTEGER NOT NULL, user_directory TEXT NOT NULL, user_id TEXT NOT NULL,
        attributes TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER,
        token_issued INTEGER, key_fingerprint BLOB, client_address TEXT NOT NULL,
        user_agent TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE last_activity (session BLOB PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE used_token (id BLOB PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE journal (began INTEGER NOT NULL, opened INTEGER NOT NULL) STRICT;
    PRAGMA application_id = 1248285514;
    PRAGMA user_version = 1;
    INSERT INTO session VALUES (unhex('aabbccddeeff' || printf('%052d', 0)),
        'aabbccdd-eeff-4000-8000-000000000001', zeroblob(16), 0, 'EXAMPLE', 'boz',
        '[[\"group\",\"sales\"]]', 1000, 9000, 990, zeroblob(32), '192.0.2.1', 'agent');
    INSERT INTO session VALUES (unhex('0000ccddeeff' || printf('%052d', 0)),
        '0000ccdd-eeff-4000-8000-000000000001', zeroblob(16), 1, 'EXAMPLE', 'later',
        '[]', 2000, NULL, NULL, NULL, '192.0.2.2', '');
    INSERT INTO last_activity SELECT key, 1500 FROM session WHERE user_id = 'boz';
    INSERT INTO used_token VALUES (zeroblob(32), 5000);
    INSERT INTO journal VALUES (1, 7);
";

async fn version_1(path: &Path, more: &'static str) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(VERSION_1)
        .execute(&mut connection)
        .await
        .unwrap();
    sqlx::raw_sql(more).execute(&mut connection).await.unwrap();
    connection
}

#[tokio::test]
async fn a_journal_of_version_1_is_taken_over_with_everything_in_it() {
    const SHARED_CHANGE: &str = "CREATE TABLE shared_change (number INTEGER PRIMARY KEY AUTOINCREMENT,
        writer INTEGER NOT NULL, session BLOB NOT NULL, public_id TEXT NOT NULL, what INTEGER NOT NULL
        ) STRICT; INSERT INTO shared_change VALUES (1, 1, x'00', 'x', 0);";
    for shared_change in ["", SHARED_CHANGE] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sessions.sqlite");
        let connection = version_1(&path, shared_change).await;
        connection.close().await.unwrap();
        for _ in 0..2 {
            let mut file = JournalFile::open(&path, UnixTime(8)).await.unwrap();
            let read = Memory::new(1000, 10);
            assert_eq!(file.load(&read).await.unwrap(), UnixTime(1));
            assert_eq!(read.len(), 2);
            let boz = read
                .table
                .find_public("aabbccdd-eeff-4000-8000-000000000001");
            let boz = boz.unwrap();
            assert_eq!(boz.attributes().collect::<Vec<_>>(), [("group", "sales")]);
            assert_eq!(boz.last_activity(), UnixTime(1500));
            assert_eq!(boz.expires(), Some(UnixTime(9000)));
            assert_eq!((boz.number(), boz.is_named()), (Some(1), false));
            let tokens = "SELECT until FROM used_token";
            assert_eq!(number(&mut file, tokens).await, 5000);
            let old = "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'old%'";
            assert_eq!(number(&mut file, old).await, 0);
            assert_eq!(number(&mut file, "PRAGMA user_version").await, 2);
            assert_eq!(number(&mut file, "SELECT opened FROM journal").await, 8);
            file.write(&Batch::default(), true).await.unwrap();
        }
    }
}

/// An upgrade in place from a program of version 1 is refused, and that one serves on.
#[tokio::test]
async fn a_journal_of_version_1_that_is_in_use_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sessions.sqlite");
    let mut older = version_1(&path, "").await;
    let error = JournalFile::open(&path, UnixTime(8)).await.err().unwrap();
    assert!(matches!(error, OpenError::OlderInUse { .. }), "{error}");
    let count = sqlx::query_scalar("SELECT count(*) FROM session WHERE length(key) = 32");
    let count: i64 = count.fetch_one(&mut older).await.unwrap();
    assert_eq!(count, 2);
    sqlx::raw_sql("DELETE FROM session")
        .execute(&mut older)
        .await
        .unwrap();
}
