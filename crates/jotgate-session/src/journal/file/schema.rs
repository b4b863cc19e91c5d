//! Which file this is, and what it must look like.

use std::path::Path;

use jotgate_model::UnixTime;
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Error};

use super::explain;
use crate::OpenError;

/// SQLite's `application_id` of a session journal: "JgSJ".
const APPLICATION_ID: i64 = 0x4A67_534A;

/// The version of the tables, in `user_version`.
pub(crate) const VERSION: i64 = 2;

/// All of it is set in one transaction: a file is a journal as a whole or is still empty.
///
/// Rows are found by number alone, and numbers are never used again: new sessions share the last
/// pages of the table. Ordered by key, which is random, each of them was a page to write of its own.
/// Looking up is what memory is for.
const TABLES: &str = "
    CREATE TABLE session (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        key BLOB NOT NULL,              -- SHA-256 of the secret
        public_id TEXT NOT NULL,
        virtual_proxy BLOB NOT NULL,
        named INTEGER NOT NULL,         -- whether a program named the secret
        user_directory TEXT NOT NULL,
        user_id TEXT NOT NULL,
        attributes TEXT NOT NULL,       -- JSON: [[name, value], ...]
        created INTEGER NOT NULL,       -- times are seconds since 1970
        expires INTEGER,
        token_issued INTEGER,
        key_fingerprint BLOB,           -- SHA-256 of the key that verified the token
        client_address TEXT NOT NULL,
        user_agent TEXT NOT NULL
    ) STRICT;
    CREATE TABLE last_activity (
        session INTEGER PRIMARY KEY,    -- the number of the session
        at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE used_token (
        id BLOB PRIMARY KEY,            -- SHA-256 of virtual proxy and jti
        until INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE journal (
        began INTEGER NOT NULL,
        opened INTEGER NOT NULL         -- the last time
    ) STRICT;
    PRAGMA application_id = 1248285514;
    PRAGMA user_version = 2;
";

/// From version 1, whose rows were found by key.
const FROM_VERSION_1: (&str, &str) = (
    "ALTER TABLE session RENAME TO old_session;
     ALTER TABLE last_activity RENAME TO old_last_activity;
     ALTER TABLE used_token RENAME TO old_used_token;
     ALTER TABLE journal RENAME TO old_journal;
     DROP TABLE IF EXISTS shared_change;",
    "INSERT INTO session (key, public_id, virtual_proxy, named, user_directory, user_id, attributes,
        created, expires, token_issued, key_fingerprint, client_address, user_agent)
     SELECT key, public_id, virtual_proxy, named, user_directory, user_id, attributes,
        created, expires, token_issued, key_fingerprint, client_address, user_agent
     FROM old_session ORDER BY created;
     INSERT INTO last_activity (session, at)
     SELECT number, at FROM session JOIN old_last_activity ON old_last_activity.session = key;
     INSERT INTO used_token SELECT * FROM old_used_token;
     INSERT INTO journal SELECT * FROM old_journal;
     DROP TABLE old_session;
     DROP TABLE old_last_activity;
     DROP TABLE old_used_token;
     DROP TABLE old_journal;",
);

/// What one of two processes tells the other while both serve; empty at other times.
const SHARED: &str = "
    CREATE TABLE IF NOT EXISTS shared_change (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        writer INTEGER NOT NULL,        -- which process
        session INTEGER NOT NULL,       -- the number of the session
        key BLOB NOT NULL,              -- its key
        what INTEGER NOT NULL           -- 0: created, 1: used, else the code of its end
    ) STRICT;
";

/// Makes sure that the file is a journal of this version and takes writes, and that what is
/// committed is on the disk.
pub(crate) async fn prepare(
    connection: &mut SqliteConnection,
    path: &Path,
    now: UnixTime,
) -> Result<(), OpenError> {
    let explain = |error| explain(error, path);
    let found = recognise(connection, path).await?;
    if found == Found::Version1 {
        have_alone(connection, path).await?;
    }
    make_durable(connection, path).await?;
    let mut transaction = connection
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(explain)?;
    let steps: &[&'static str] = match found {
        Found::New => &[TABLES],
        Found::Version1 => &[FROM_VERSION_1.0, TABLES, FROM_VERSION_1.1],
        Found::Current => &[],
    };
    for step in steps.iter().copied().chain([SHARED]) {
        sqlx::raw_sql(step)
            .execute(&mut *transaction)
            .await
            .map_err(explain)?;
    }
    if found == Found::New {
        sqlx::query("INSERT INTO journal (began, opened) VALUES (?1, ?1)")
            .bind(now.0)
            .execute(&mut *transaction)
            .await
            .map_err(explain)?;
    }
    sqlx::query("UPDATE journal SET opened = ?1")
        .bind(now.0)
        .execute(&mut *transaction)
        .await
        .map_err(explain)?;
    transaction.commit().await.map_err(explain)
}

/// What the file is before it is touched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    New,
    Version1,
    Current,
}

/// Changes nothing.
async fn recognise(connection: &mut SqliteConnection, path: &Path) -> Result<Found, OpenError> {
    let path = path.to_owned();
    let application = pragma(
        connection,
        "SELECT application_id FROM pragma_application_id",
    )
    .await;
    let application = application.map_err(|error| explain(error, &path))?;
    let version = pragma(connection, "SELECT user_version FROM pragma_user_version").await;
    let version = version.map_err(|error| explain(error, &path))?;
    let tables = pragma(connection, "SELECT count(*) FROM sqlite_schema").await;
    let tables = tables.map_err(|error| explain(error, &path))?;
    match (application, version) {
        (0, 0) if tables == 0 => Ok(Found::New),
        (APPLICATION_ID, 1) => Ok(Found::Version1),
        (APPLICATION_ID, VERSION) => Ok(Found::Current),
        (APPLICATION_ID, found) if found > VERSION => Err(OpenError::Newer {
            path,
            found,
            known: VERSION,
        }),
        (APPLICATION_ID, found) => Err(OpenError::Damaged {
            path,
            detail: format!("its version is {found}"),
        }),
        _ => Err(OpenError::NotAJournal { path }),
    }
}

/// Makes sure that no other process has the file: an older program would go on writing to tables
/// that are no longer there. SQLite leaves the write-ahead log only for a connection that is alone.
async fn have_alone(connection: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    const BUSY: &str = "5";
    let left = sqlx::query_scalar::<_, String>("PRAGMA journal_mode = DELETE")
        .fetch_one(connection)
        .await;
    match left {
        Ok(_) => Ok(()),
        Err(Error::Database(error)) if error.code().as_deref() == Some(BUSY) => {
            Err(OpenError::OlderInUse {
                path: path.to_owned(),
            })
        }
        Err(error) => Err(explain(error, path)),
    }
}

/// WAL with `synchronous=FULL`: a commit returns when it is on the disk. Both are read back, since
/// SQLite ignores what it cannot do.
async fn make_durable(connection: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    const FULL: i64 = 2;
    let explain = |error| explain(error, path);
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode = WAL")
        .fetch_one(&mut *connection)
        .await
        .map_err(explain)?;
    // The log is folded into the file at 16 MiB instead of 4: the last pages are written again and
    // again, and the tokens that were used are in random order.
    sqlx::raw_sql("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000")
        .execute(&mut *connection)
        .await
        .map_err(explain)?;
    let synchronous = pragma(connection, "SELECT synchronous FROM pragma_synchronous").await;
    if mode == "wal" && synchronous.map_err(explain)? == FULL {
        return Ok(());
    }
    Err(OpenError::Unreadable {
        path: path.to_owned(),
        source: format!("its file system does not support write-ahead logging (it is in {mode:?})")
            .into(),
    })
}

async fn pragma(connection: &mut SqliteConnection, query: &'static str) -> Result<i64, Error> {
    sqlx::query_scalar(query).fetch_one(connection).await
}
