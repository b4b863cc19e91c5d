use std::path::PathBuf;

use super::*;
use crate::Repository;

fn directory() -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("jotgate.db");
    (directory, path)
}

async fn raw(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true);
    options.connect().await.unwrap()
}

async fn pragma(pool: &SqlitePool, statement: &'static str) -> String {
    let value: Result<i64, _> = sqlx::query_scalar(statement).fetch_one(pool).await;
    match value {
        Ok(number) => number.to_string(),
        Err(_) => sqlx::query_scalar(statement).fetch_one(pool).await.unwrap(),
    }
}

#[tokio::test]
async fn what_is_acknowledged_is_synced_to_a_write_ahead_log() {
    let (_directory, path) = directory();
    let pools = open(&path).await.unwrap();
    assert_eq!(pragma(&pools.writer, "PRAGMA journal_mode").await, "wal");
    assert_eq!(pragma(&pools.writer, "PRAGMA synchronous").await, "2");
    assert_eq!(pragma(&pools.writer, "PRAGMA foreign_keys").await, "1");
    assert_eq!(pragma(&pools.writer, "PRAGMA busy_timeout").await, "5000");
    assert_eq!(
        pragma(&pools.writer, "PRAGMA application_id").await,
        APPLICATION_ID.to_string()
    );
    assert_eq!(pools.writer.options().get_max_connections(), 1);
}

/// Was refused with "database is locked" now and then.
#[tokio::test]
async fn a_new_file_is_opened_by_several_at_once() {
    for _ in 0..5 {
        let (_directory, path) = directory();
        let opened = tokio::join!(open(&path), open(&path), open(&path), open(&path));
        assert!(opened.0.is_ok(), "{:?}", opened.0);
        assert!(opened.1.is_ok(), "{:?}", opened.1);
        assert!(opened.2.is_ok(), "{:?}", opened.2);
        assert!(opened.3.is_ok(), "{:?}", opened.3);
    }
}

#[tokio::test]
async fn readers_cannot_write() {
    let (_directory, path) = directory();
    let pools = open(&path).await.unwrap();
    let write = sqlx::query("DELETE FROM documents").execute(&pools.readers);
    assert!(write.await.is_err());
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let (directory, path) = directory();
    let _repository = Repository::open_sqlite(&path).await.unwrap();
    let mut files = 0;
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        files += 1;
    }
    assert_eq!(files, 3, "the database, its log and the log's index");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let (_directory, path) = directory();
    let text = "#!/bin/sh\n".repeat(1000);
    std::fs::write(&path, &text).unwrap();
    let error = Repository::open_sqlite(&path).await.unwrap_err();
    assert!(matches!(error, OpenError::NotADatabase { .. }), "{error}");
    assert_eq!(
        error.to_string(),
        format!(
            "the file {} is no database of Jotgate; move it away, or choose another --data-dir",
            path.display()
        )
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[tokio::test]
async fn another_program_s_database_is_refused_and_left_alone() {
    for mark in ["CREATE TABLE notes (id)", "PRAGMA application_id = 7"] {
        let (_directory, path) = directory();
        let mut other = raw(&path).await;
        sqlx::query(mark).execute(&mut other).await.unwrap();
        other.close().await.unwrap();
        let before = std::fs::read(&path).unwrap();
        let error = Repository::open_sqlite(&path).await.unwrap_err();
        assert!(matches!(error, OpenError::NotADatabase { .. }), "{error}");
        assert!(std::fs::read(&path).unwrap() == before, "{mark}");
    }
}

/// As after a crash between the first two writes of a first start.
#[tokio::test]
async fn a_file_that_is_marked_but_empty_is_completed() {
    let (_directory, path) = directory();
    create_private_file(&path).unwrap();
    claim(&path, &mut raw(&path).await).await.unwrap();
    let repository = Repository::open_sqlite(&path).await.unwrap();
    assert_eq!(repository.revision().await.unwrap(), 0);
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let (_directory, path) = directory();
    Repository::open_sqlite(&path).await.unwrap().close().await;
    let mut other = raw(&path).await;
    let newer = "INSERT INTO _sqlx_migrations
                 (version, description, success, checksum, execution_time)
                 VALUES (9000, 'from the future', 1, x'00', 0)";
    sqlx::query(newer).execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    let error = Repository::open_sqlite(&path).await.unwrap_err();
    let OpenError::NewerVersion { found, known, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!((*found, *known), (9000, 6));
    let sentence = error.to_string();
    assert!(sentence.contains("schema version 9000"), "{sentence}");
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_named() {
    let (directory, path) = directory();
    // Also root cannot make files below /proc, and nobody can below a file.
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    for place in [
        PathBuf::from("/proc/jotgate.db"),
        file.join("jotgate.db"),
        directory.path().join("missing").join("jotgate.db"),
        directory.path().to_owned(),
    ] {
        let error = Repository::open_sqlite(&place).await.unwrap_err();
        let sentence = error.to_string();
        assert!(
            sentence.contains(&place.display().to_string()),
            "{sentence}"
        );
        assert!(sentence.contains("--data-dir"), "{sentence}");
    }
    assert!(!path.exists());
}

/// Root may write everywhere, so this shows something only when somebody else runs it.
#[cfg(unix)]
#[tokio::test]
async fn a_read_only_directory_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let (directory, path) = directory();
    let set = |mode| {
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    set(0o500);
    let probe = std::fs::write(directory.path().join("probe"), "");
    let result = Repository::open_sqlite(&path).await;
    set(0o700);
    if probe.is_err() {
        let sentence = result.unwrap_err().to_string();
        assert!(sentence.contains(&path.display().to_string()), "{sentence}");
    }
}

#[tokio::test]
async fn a_file_that_became_read_only_is_named() {
    let error = sqlx::query("DELETE FROM documents");
    let (_directory, path) = directory();
    let pools = open(&path).await.unwrap();
    let error = error.execute(&pools.readers).await.unwrap_err();
    let error = OpenError::from_sqlx(&path, &error);
    assert!(matches!(error, OpenError::Unwritable { .. }), "{error}");
}
