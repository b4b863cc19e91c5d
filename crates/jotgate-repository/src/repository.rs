//! The operations: load, apply, and small settings.

use std::path::Path;

use jotgate_model::Documents;
use sqlx::{SqliteConnection, SqliteExecutor};

use crate::audit::change_entry;
use crate::open::{Pools, open};
use crate::{AuditRow, AuditTrail, Change, ChangeSet, Document, Kind, OpenError, RepositoryError};

/// The stored configuration. A copy shares the connections.
#[derive(Clone, Debug)]
pub struct Repository {
    pools: Pools,
    pub(crate) trail: Option<AuditTrail>,
}

/// Everything that is stored, at one revision.
#[derive(Clone)]
pub struct Stored {
    /// How many saves there were; 0 for a new database.
    pub revision: u64,
    /// The documents.
    pub documents: Documents,
}

impl Repository {
    /// Opens the database in the file `path`, or makes one there. The directory must exist.
    ///
    /// # Errors
    /// A file that is something else, that a newer version wrote, or that cannot be read and
    /// written. A file that is not ours is left as it was.
    pub async fn open_sqlite(path: &Path) -> Result<Self, OpenError> {
        let pools = open(path).await?;
        Ok(Self { pools, trail: None })
    }

    /// Reads everything, as it was at one moment.
    ///
    /// # Errors
    /// [`RepositoryError::Damaged`] for a document that cannot be read, and
    /// [`RepositoryError::Unavailable`].
    pub async fn load(&self) -> Result<Stored, RepositoryError> {
        let mut transaction = self.pools.readers.begin().await?;
        let revision = current_revision(&mut *transaction).await?;
        let rows: Vec<(String, String, String)> =
            sqlx::query_as("SELECT kind, id, json FROM documents")
                .fetch_all(&mut *transaction)
                .await?;
        let mut documents = Documents::default();
        for (kind, id, json) in rows {
            if let Some(kind) = Kind::from_name(&kind) {
                Document::decode(kind, &id, &json)?.insert_into(&mut documents);
            }
        }
        Ok(Stored {
            revision,
            documents,
        })
    }

    /// Makes all of the changes, or none, and answers the new revision once it is on disk.
    ///
    /// # Errors
    /// [`RepositoryError::Conflict`] when the stored revision is not `expected`, and
    /// [`RepositoryError::Unavailable`].
    pub async fn apply(&self, expected: u64, set: &ChangeSet) -> Result<u64, RepositoryError> {
        let mut connection = self.pools.writer.acquire().await?;
        let result = self
            .apply_in_transaction(&mut connection, expected, set)
            .await;
        if let Ok((_, rows)) = &result {
            self.audited(rows).await;
        } else {
            // Not sqlx's own transactions: SQLite rolls back by itself when the disk is full, and sqlx,
            // which counts, would take the connection to be inside one for ever. Where there is nothing
            // left to roll back, this fails and may.
            sqlx::query("ROLLBACK").execute(&mut *connection).await.ok();
        }
        result.map(|(revision, _)| revision)
    }

    async fn apply_in_transaction(
        &self,
        connection: &mut SqliteConnection,
        expected: u64,
        set: &ChangeSet,
    ) -> Result<(u64, Vec<AuditRow>), RepositoryError> {
        sqlx::query("BEGIN IMMEDIATE")
            .execute(&mut *connection)
            .await?;
        let stored = current_revision(&mut *connection).await?;
        if stored != expected {
            return Err(RepositoryError::Conflict { stored });
        }
        let revision = stored.saturating_add(1);
        sqlx::query("INSERT INTO revisions (revision, at, author, note) VALUES ($1, $2, $3, $4)")
            .bind(number(revision))
            .bind(set.at.as_millis())
            .bind(&set.author.name)
            .bind(&set.note)
            .execute(&mut *connection)
            .await?;
        let mut entries = Vec::with_capacity(set.changes.len());
        for (position, change) in (0_i64..).zip(&set.changes) {
            let before = write_change(connection, revision, position, change).await?;
            let Written::Changed { before } = before else {
                continue;
            };
            entries.push(change_entry(set, revision, change, before.as_deref()));
        }
        let rows = self.audit(connection, &entries).await?;
        sqlx::query("COMMIT").execute(&mut *connection).await?;
        Ok((revision, rows))
    }

    /// The number of the newest save; 0 for a new database.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn revision(&self) -> Result<u64, RepositoryError> {
        current_revision(&self.pools.readers).await
    }

    /// The value of a setting, if it was ever set.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn setting(&self, key: &str) -> Result<Option<String>, RepositoryError> {
        Ok(
            sqlx::query_scalar("SELECT value FROM settings WHERE key = $1")
                .bind(key)
                .fetch_optional(&self.pools.readers)
                .await?,
        )
    }

    /// Sets a setting; it is on disk when this returns.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn set_setting(&self, key: &str, value: &str) -> Result<(), RepositoryError> {
        sqlx::query(
            "INSERT INTO settings (key, value) VALUES ($1, $2)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )
        .bind(key)
        .bind(value)
        .execute(&self.pools.writer)
        .await?;
        Ok(())
    }

    pub(crate) const fn readers(&self) -> &sqlx::SqlitePool {
        &self.pools.readers
    }

    pub(crate) const fn writer(&self) -> &sqlx::SqlitePool {
        &self.pools.writer
    }

    /// Closes the connections once they are idle. Not needed for anything to be kept: what was
    /// acknowledged is on disk. Every copy of this repository is closed with it.
    pub async fn close(&self) {
        self.pools.readers.close().await;
        self.pools.writer.close().await;
    }
}

pub(crate) async fn current_revision(
    executor: impl SqliteExecutor<'_>,
) -> Result<u64, RepositoryError> {
    let newest: Option<i64> = sqlx::query_scalar("SELECT max(revision) FROM revisions")
        .fetch_one(executor)
        .await?;
    Ok(newest.unwrap_or(0).unsigned_abs())
}

/// What became of a change.
enum Written {
    /// The document was this before, or nothing.
    Changed { before: Option<String> },
    /// What was to be deleted was not there.
    Nothing,
}

/// Changes one document and notes what it was before.
async fn write_change(
    connection: &mut SqliteConnection,
    revision: u64,
    position: i64,
    change: &Change,
) -> Result<Written, RepositoryError> {
    let (kind, id) = (change.kind().name(), change.id().to_string());
    let before: Option<String> =
        sqlx::query_scalar("SELECT json FROM documents WHERE kind = $1 AND id = $2")
            .bind(kind)
            .bind(&id)
            .fetch_optional(&mut *connection)
            .await?;
    let after = match change {
        Change::Put(document) => Some(document.encode()?),
        Change::Delete { .. } => None,
    };
    let statement = match &after {
        Some(json) => sqlx::query(
            "INSERT INTO documents (kind, id, revision, json) VALUES ($1, $2, $3, $4)
             ON CONFLICT (kind, id) DO UPDATE SET revision = excluded.revision, json = excluded.json",
        )
        .bind(kind)
        .bind(&id)
        .bind(number(revision))
        .bind(json),
        None => sqlx::query("DELETE FROM documents WHERE kind = $1 AND id = $2")
            .bind(kind)
            .bind(&id),
    };
    if before.is_none() && after.is_none() {
        return Ok(Written::Nothing);
    }
    statement.execute(&mut *connection).await?;
    sqlx::query(
        "INSERT INTO changes (revision, position, kind, id, json_before, json_after)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(number(revision))
    .bind(position)
    .bind(kind)
    .bind(&id)
    .bind(&before)
    .bind(after)
    .execute(connection)
    .await?;
    Ok(Written::Changed { before })
}

/// Revisions count up by one and never come near the limit of a signed number.
pub(crate) fn number(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
