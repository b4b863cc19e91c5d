//! Why the repository could not be opened, read or written.

use std::path::{Path, PathBuf};

use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;

use crate::Kind;

/// Why a database could not be opened. Each is one sentence for standard error.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It was written by a version of the program that this one does not know.
    #[error(
        "the database {} has schema version {found}, but this version of Jotgate knows versions \
         up to {known} only; start a newer version, or restore a backup",
        path.display()
    )]
    NewerVersion {
        /// The file, or the place of the database.
        path: PathBuf,
        /// The newest migration that was applied to it.
        found: i64,
        /// The newest migration of this program.
        known: i64,
    },
    /// The file is something else.
    #[error(
        "the file {} is no database of Jotgate; move it away, or choose another --data-dir",
        path.display()
    )]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The address of a database cannot be understood. It is not repeated: it may hold a password.
    #[error(
        "--database-url is no address that Jotgate can use; write \
         postgres://user:password@host:5432/database, with %40 for an @ in the password"
    )]
    BadUrl,
    /// There are tables, and none of ours.
    #[error(
        "the database {place} holds tables that Jotgate did not make; make an empty one, and name it \
         with --database-url"
    )]
    Foreign {
        /// Which database.
        place: String,
    },
    /// A server cannot be reached, or lets nobody in.
    #[error(
        "the database {place} cannot be used: {reason}; check --database-url, and whether PostgreSQL \
         runs there"
    )]
    Unreachable {
        /// Which database, without the password.
        place: String,
        /// What the system or the database said.
        reason: String,
    },
    /// It cannot be read.
    #[error(
        "the database {} cannot be opened: {reason}; check --data-dir and who may read it",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system or the database said.
        reason: String,
    },
    /// It cannot be written.
    #[error(
        "the database {} cannot be written: {reason}; check --data-dir, who may write to it, and \
         the space that is left",
        path.display()
    )]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system or the database said.
        reason: String,
    },
}

/// Why the repository could not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RepositoryError {
    /// Somebody else has saved in the meantime. Nothing was changed.
    #[error("the configuration was changed elsewhere and is at revision {stored} now")]
    Conflict {
        /// The revision that is stored.
        stored: u64,
    },
    /// A stored document cannot be read.
    #[error("the stored {kind} {id} cannot be read: {problem}")]
    Damaged {
        /// What it describes.
        kind: Kind,
        /// The id it is stored under.
        id: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The database does not do its work. Unless it failed while it acknowledged, nothing was
    /// changed; [`crate::Repository::revision`] tells.
    #[error("the configuration database is not available: {0}")]
    Unavailable(String),
}

impl From<sqlx::Error> for RepositoryError {
    fn from(error: sqlx::Error) -> Self {
        let is_full = primary_code(&error) == Some(SQLITE_FULL)
            || postgres_code(&error).as_deref() == Some(POSTGRES_FULL);
        Self::Unavailable(match is_full {
            true => "the disk is full".to_owned(),
            false => describe(&error),
        })
    }
}

// Primary result codes of SQLite: https://sqlite.org/rescode.html
const SQLITE_READONLY: u32 = 8;
const SQLITE_FULL: u32 = 13;
const SQLITE_NOTADB: u32 = 26;
// https://www.postgresql.org/docs/current/errcodes-appendix.html
const POSTGRES_FULL: &str = "53100";

impl OpenError {
    pub(crate) fn from_sqlx(path: &Path, error: &sqlx::Error) -> Self {
        let path = path.to_owned();
        let reason = describe(error);
        match primary_code(error) {
            Some(SQLITE_NOTADB) => Self::NotADatabase { path },
            Some(SQLITE_FULL | SQLITE_READONLY) => Self::Unwritable { path, reason },
            _ => Self::Unreadable { path, reason },
        }
    }
}

fn primary_code(error: &sqlx::Error) -> Option<u32> {
    let error = error.as_database_error()?;
    error.try_downcast_ref::<SqliteError>()?;
    let extended: u32 = error.code()?.parse().ok()?;
    Some(extended & 0xff)
}

fn postgres_code(error: &sqlx::Error) -> Option<String> {
    let error = error
        .as_database_error()?
        .try_downcast_ref::<PgDatabaseError>()?;
    Some(error.code().to_owned())
}

/// The database's own words, without the library's around them. SQL texts hold no values here, so
/// no secret can be in them.
pub(crate) fn describe(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => error.message().to_owned(),
        sqlx::Error::PoolTimedOut => "it did not answer in time".to_owned(),
        other => other.to_string(),
    }
}
