//! A copy of the database as it is at one moment, while others go on reading and writing.

use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use crate::database::Database;
use crate::open::{APPLICATION_ID, BUSY_TIMEOUT, application_id, known_schema};
use crate::{OpenError, Repository, RepositoryError};

/// What is not done here.
const ELSEWHERE: &str = "it is PostgreSQL's: make backups with its own tools, such as pg_dump";

/// What a copy holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The newest migration that was applied to it.
    pub schema: i64,
    /// The number of its newest save.
    pub revision: u64,
}

impl Repository {
    /// The newest schema that this program knows, and brings every database to.
    #[must_use]
    pub fn known_schema() -> i64 {
        known_schema()
    }

    /// Writes a copy to `target`, where nothing must be: one file, without a log beside it. Saves go
    /// on meanwhile; the copy has those that were acknowledged when this was called.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`], always for PostgreSQL.
    pub async fn copy_to(&self, target: &Path) -> Result<Copied, RepositoryError> {
        let Database::Sqlite(pools) = self.database() else {
            return Err(RepositoryError::Unavailable(ELSEWHERE.to_owned()));
        };
        let mut connection = pools.readers.acquire().await?;
        copy(&mut connection, target).await
    }

    /// As [`Self::copy_to`], of the file `path` that nobody has open. It is not brought to the newest
    /// schema, and may be of a newer one than this program knows.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`], also for a file that is something else.
    pub async fn copy_file(path: &Path, target: &Path) -> Result<Copied, RepositoryError> {
        let mut connection = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(BUSY_TIMEOUT)
            .connect()
            .await?;
        if application_id(&mut connection).await? != APPLICATION_ID {
            let path = path.to_owned();
            let error = OpenError::NotADatabase { path };
            return Err(RepositoryError::Unavailable(error.to_string()));
        }
        let copied = copy(&mut connection, target).await?;
        connection.close().await?;
        Ok(copied)
    }

    /// Whether the database has what it should, by SQLite's own account: the first fault, or nothing.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`], always for PostgreSQL.
    pub async fn fault(&self) -> Result<Option<String>, RepositoryError> {
        let Database::Sqlite(pools) = self.database() else {
            return Err(RepositoryError::Unavailable(ELSEWHERE.to_owned()));
        };
        let found: String = sqlx::query_scalar("PRAGMA integrity_check(1)")
            .fetch_one(&pools.readers)
            .await?;
        Ok((found != "ok").then_some(found))
    }
}

/// `VACUUM INTO` reads in one transaction, which keeps no writer from its work (the database has a
/// write-ahead log), and runs on the connection's own thread.
async fn copy(connection: &mut SqliteConnection, target: &Path) -> Result<Copied, RepositoryError> {
    let target_text = target.to_str().ok_or_else(|| {
        let problem = format!("the path {} is no text", target.display());
        RepositoryError::Unavailable(problem)
    })?;
    sqlx::query("VACUUM INTO $1")
        .bind(target_text)
        .execute(&mut *connection)
        .await?;
    let mut copy = SqliteConnectOptions::new()
        .filename(target)
        .read_only(true)
        .connect()
        .await?;
    let copied = Copied {
        schema: sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations")
            .fetch_one(&mut copy)
            .await?,
        revision: sqlx::query_scalar::<_, i64>("SELECT coalesce(max(revision), 0) FROM revisions")
            .fetch_one(&mut copy)
            .await?
            .unsigned_abs(),
    };
    copy.close().await?;
    Ok(copied)
}

#[cfg(test)]
mod tests;
