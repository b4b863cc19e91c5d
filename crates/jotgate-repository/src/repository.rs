//! The operations: load, apply, and small settings.

use std::path::Path;

use jotgate_model::Documents;

use crate::audit::change_entry;
use crate::database::{Database, Link, Statement};
use crate::{
    AuditRow, AuditTrail, Change, ChangeSet, DatabaseUrl, Document, Kind, OpenError,
    RepositoryError,
};
use crate::{open, postgres};

/// The stored configuration. A copy shares the connections.
#[derive(Clone, Debug)]
pub struct Repository {
    database: Database,
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
        let pools = open::open(path).await?;
        let database = Database::Sqlite(pools);
        let trail = None;
        Ok(Self { database, trail })
    }

    /// Opens a database of PostgreSQL, and makes the tables in an empty one. Several nodes may do that
    /// at once. Waits a while for a server that is being started.
    ///
    /// # Errors
    /// A database that cannot be reached, that holds something else, or that a newer version wrote.
    pub async fn open_postgres(url: &DatabaseUrl) -> Result<Self, OpenError> {
        let connections = postgres::open(url).await?;
        let database = Database::Postgres(connections);
        let trail = None;
        Ok(Self { database, trail })
    }

    /// Reads everything, as it was at one moment.
    ///
    /// # Errors
    /// [`RepositoryError::Damaged`] for a document that cannot be read, and
    /// [`RepositoryError::Unavailable`].
    pub async fn load(&self) -> Result<Stored, RepositoryError> {
        let mut link = self.database.reading_one_moment().await?;
        let revision = current_revision(&mut link).await?;
        let rows: Vec<(String, String, String)> =
            Statement::new("SELECT kind, id, json FROM documents")
                .all(&mut link)
                .await?;
        link.commit().await?;
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
        let mut link = self.database.writing().await?;
        match self.apply_in_transaction(&mut link, expected, set).await {
            Ok((revision, rows)) => {
                link.commit_and_tell().await?;
                self.audited(&rows).await;
                Ok(revision)
            }
            Err(error) => {
                link.roll_back().await;
                Err(error)
            }
        }
    }

    async fn apply_in_transaction(
        &self,
        link: &mut Link,
        expected: u64,
        set: &ChangeSet,
    ) -> Result<(u64, Vec<AuditRow>), RepositoryError> {
        let stored = current_revision(link).await?;
        if stored != expected {
            return Err(RepositoryError::Conflict { stored });
        }
        let revision = stored.saturating_add(1);
        let insert = "INSERT INTO revisions (revision, at, author, note) VALUES ($1, $2, $3, $4)";
        Statement::new(insert)
            .bind(number(revision))
            .bind(set.at.as_millis())
            .bind(&set.author.name)
            .bind(&set.note)
            .run(link)
            .await?;
        let mut entries = Vec::with_capacity(set.changes.len());
        for (position, change) in (0_i64..).zip(&set.changes) {
            let before = write_change(link, revision, position, change).await?;
            let Written::Changed { before } = before else {
                continue;
            };
            entries.push(change_entry(set, revision, change, before.as_deref()));
        }
        let rows = self.audit(link, &entries).await?;
        Ok((revision, rows))
    }

    /// The number of the newest save; 0 for a new database.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn revision(&self) -> Result<u64, RepositoryError> {
        current_revision(&mut self.database.reading().await?).await
    }

    /// The value of a setting, if it was ever set.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn setting(&self, key: &str) -> Result<Option<String>, RepositoryError> {
        let mut link = self.database.reading().await?;
        let value: Option<(String,)> = Statement::new("SELECT value FROM settings WHERE key = $1")
            .bind(key)
            .optional(&mut link)
            .await?;
        Ok(value.map(|(value,)| value))
    }

    /// Sets a setting that has no value yet, and gives the value that it has then: whoever comes at
    /// once, all get the same. On disk when this returns.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn first_setting(&self, key: &str, value: &str) -> Result<String, RepositoryError> {
        let mut link = self.database.writing().await?;
        Statement::new(
            "INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING",
        )
        .bind(key)
        .bind(value)
        .run(&mut link)
        .await?;
        let (value,): (String,) = Statement::new("SELECT value FROM settings WHERE key = $1")
            .bind(key)
            .one(&mut link)
            .await?;
        link.commit().await?;
        Ok(value)
    }

    /// Sets a setting; it is on disk when this returns.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn set_setting(&self, key: &str, value: &str) -> Result<(), RepositoryError> {
        let mut link = self.database.writing_once().await?;
        Statement::new(
            "INSERT INTO settings (key, value) VALUES ($1, $2)
             ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        )
        .bind(key)
        .bind(value)
        .run(&mut link)
        .await?;
        Ok(())
    }

    /// Puts `new` in the place of `old`, and says whether `old` was there.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn replace_setting(
        &self,
        key: &str,
        old: &str,
        new: &str,
    ) -> Result<bool, RepositoryError> {
        let mut link = self.database.writing_once().await?;
        let replaced =
            Statement::new("UPDATE settings SET value = $1 WHERE key = $2 AND value = $3")
                .bind(new)
                .bind(key)
                .bind(old)
                .run(&mut link)
                .await?;
        Ok(replaced > 0)
    }

    pub(crate) const fn database(&self) -> &Database {
        &self.database
    }

    /// Closes the connections once they are idle. Not needed for anything to be kept: what was
    /// acknowledged is on disk. Every copy of this repository is closed with it.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// For tests that look at the file itself.
    #[cfg(test)]
    pub(crate) fn sqlite(&self) -> &open::Pools {
        match &self.database {
            Database::Sqlite(pools) => pools,
            Database::Postgres(_) => panic!("this is PostgreSQL"),
        }
    }
}

pub(crate) async fn current_revision(link: &mut Link) -> Result<u64, RepositoryError> {
    let (newest,): (Option<i64>,) = Statement::new("SELECT max(revision) FROM revisions")
        .one(link)
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
    link: &mut Link,
    revision: u64,
    position: i64,
    change: &Change,
) -> Result<Written, RepositoryError> {
    let (kind, id) = (change.kind().name(), change.id().to_string());
    let before: Option<(String,)> =
        Statement::new("SELECT json FROM documents WHERE kind = $1 AND id = $2")
            .bind(kind)
            .bind(&id)
            .optional(link)
            .await?;
    let before = before.map(|(json,)| json);
    let after = match change {
        Change::Put(document) => Some(document.encode()?),
        Change::Delete { .. } => None,
    };
    let statement = match &after {
        Some(json) => Statement::new(
            "INSERT INTO documents (kind, id, revision, json) VALUES ($1, $2, $3, $4)
             ON CONFLICT (kind, id) DO UPDATE SET revision = excluded.revision, json = excluded.json",
        )
        .bind(kind)
        .bind(&id)
        .bind(number(revision))
        .bind(json),
        None => Statement::new("DELETE FROM documents WHERE kind = $1 AND id = $2")
            .bind(kind)
            .bind(&id),
    };
    if before.is_none() && after.is_none() {
        return Ok(Written::Nothing);
    }
    statement.run(link).await?;
    Statement::new(
        "INSERT INTO changes (revision, position, kind, id, json_before, json_after)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(number(revision))
    .bind(position)
    .bind(kind)
    .bind(&id)
    .bind(&before)
    .bind(after)
    .run(link)
    .await?;
    Ok(Written::Changed { before })
}

/// Revisions count up by one and never come near the limit of a signed number.
pub(crate) fn number(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
