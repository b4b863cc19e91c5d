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
        batch.creations.push(Creation { session, done });
    }
    batch
}

/// One statement writes 64 sessions, another 8, another one.
#[tokio::test]
async fn groups_of_every_size_are_written() {
    for count in [1, 7, 8, 9, 63, 64, 65, 138] {
        let (mut file, _folder) = open().await;
        let memory = Memory::new(1000, 0);
        file.write(&creations(&memory, count, 10), false)
            .await
            .unwrap();
        let read = Memory::new(1000, 0);
        file.load(&read).await.unwrap();
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
        Creation { session, done }
    };
    let old = named();
    let ended = Arc::clone(&old.session);
    let mut batch = creations(&memory, 1_500, 10);
    batch.creations.push(old);
    file.write(&batch, false).await.unwrap();
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
            id: TokenId::new(uuid::Uuid::nil(), &until.to_string()),
            until: UnixTime(until),
            now: UnixTime(0),
            done,
        });
    }
    file.write(&batch, false).await.unwrap();
    file.forget_tokens(UnixTime(100)).await.unwrap();
    assert_eq!(number(&mut file, "SELECT until FROM used_token").await, 101);
}

/// The first programs knew nothing of a process that takes over: their files have no table for it,
/// and are the same otherwise.
#[tokio::test]
async fn a_journal_of_the_first_program_is_read_with_everything_in_it() {
    let (mut file, folder) = open().await;
    let memory = Memory::new(1000, 0);
    let batch = creations(&memory, 3, 10);
    file.write(&batch, false).await.unwrap();
    file.run("DROP TABLE shared_change").await.unwrap();
    drop(file);
    let path = folder.path().join("sessions.sqlite");
    let mut file = JournalFile::open(&path, UnixTime(2)).await.unwrap();
    let read = Memory::new(1000, 0);
    assert_eq!(file.load(&read).await.unwrap(), UnixTime(1));
    assert_eq!(read.len(), 3);
    file.write(&creations(&memory, 1, 10), true).await.unwrap();
    let noted = "SELECT count(*) FROM shared_change";
    assert_eq!(number(&mut file, noted).await, 1);
}
