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
pub(crate) const VERSION: i64 = 1;

/// All of it is set in one transaction: a file is a journal as a whole or is still empty.
const TABLES: &str = "
    CREATE TABLE session (
        key BLOB PRIMARY KEY,           -- SHA-256 of the secret
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
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE last_activity (
        session BLOB PRIMARY KEY,       -- the key of the session
        at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE used_token (
        id BLOB PRIMARY KEY,            -- SHA-256 of virtual proxy and jti
        until INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE journal (
        began INTEGER NOT NULL,
        opened INTEGER NOT NULL         -- the last time
    ) STRICT;
    PRAGMA application_id = 1248285514;
    PRAGMA user_version = 1;
";

/// What one of two processes tells the other while both serve; empty at other times. Not one of the
/// tables of the version: older programs do without it.
const SHARED: &str = "
    CREATE TABLE IF NOT EXISTS shared_change (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        writer INTEGER NOT NULL,        -- which process
        session BLOB NOT NULL,          -- the key of the session
        public_id TEXT NOT NULL,
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
    let is_new = recognise(connection, path).await?;
    make_durable(connection, path).await?;
    let mut transaction = connection
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(explain)?;
    if is_new {
        sqlx::raw_sql(TABLES)
            .execute(&mut *transaction)
            .await
            .map_err(explain)?;
        sqlx::query("INSERT INTO journal (began, opened) VALUES (?1, ?1)")
            .bind(now.0)
            .execute(&mut *transaction)
            .await
            .map_err(explain)?;
    }
    sqlx::raw_sql(SHARED)
        .execute(&mut *transaction)
        .await
        .map_err(explain)?;
    sqlx::query("UPDATE journal SET opened = ?1")
        .bind(now.0)
        .execute(&mut *transaction)
        .await
        .map_err(explain)?;
    transaction.commit().await.map_err(explain)
}

/// Whether the file is new. Changes nothing.
async fn recognise(connection: &mut SqliteConnection, path: &Path) -> Result<bool, OpenError> {
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
        (0, 0) if tables == 0 => Ok(true),
        (APPLICATION_ID, VERSION) => Ok(false),
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

/// WAL with `synchronous=FULL`: a commit returns when it is on the disk. Both are read back, since
/// SQLite ignores what it cannot do.
async fn make_durable(connection: &mut SqliteConnection, path: &Path) -> Result<(), OpenError> {
    const FULL: i64 = 2;
    let explain = |error| explain(error, path);
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode = WAL")
        .fetch_one(&mut *connection)
        .await
        .map_err(explain)?;
    // The log is folded into the file at 16 MiB instead of 4: keys are random, so the more changes
    // are folded at once, the more of them share a page.
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
