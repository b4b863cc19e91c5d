//! The file: an SQLite database in WAL mode, with every transaction synchronised to the disk.

mod insert;
mod load;
mod schema;
mod shared;

use std::fmt::{Display, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jotgate_model::UnixTime;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Error};

use self::schema::prepare;
pub(crate) use self::shared::Follower;
use super::queue::{Batch, TokenUse};
use super::storage::Written;
use crate::secret::fill_random;
use crate::{OpenError, Session};

/// How many ends one statement writes.
const ENDS_AT_ONCE: usize = 1_000;

/// The open journal. Holds keys and hashes, never a secret.
pub(crate) struct JournalFile {
    connection: SqliteConnection,
    /// Tells the changes of this process from those of another one.
    writer: i64,
}

impl JournalFile {
    /// Opens or makes the journal, and writes to it once: a disk that takes nothing is found now.
    pub(crate) async fn open(path: &Path, now: UnixTime) -> Result<Self, OpenError> {
        let unreadable = |source: Box<dyn std::error::Error + Send + Sync>| OpenError::Unreadable {
            path: path.to_owned(),
            source,
        };
        create_private(path).map_err(|error| unreadable(Box::new(error)))?;
        let mut connection = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(Duration::from_secs(2))
            .disable_statement_logging()
            .connect()
            .await
            .map_err(|error| explain(error, path))?;
        prepare(&mut connection, path, now).await?;
        let mut random = [0; 8];
        fill_random(&mut random);
        let writer = i64::from_ne_bytes(random);
        Ok(Self { connection, writer })
    }

    /// Writes a batch, as a whole or not at all. When it is `shared`, notes the changes for another
    /// process.
    pub(crate) async fn write(&mut self, batch: &Batch, shared: bool) -> Result<Written, Error> {
        let result = self.write_in_transaction(batch, shared).await;
        if result.is_err() {
            // Not sqlx's own transactions: SQLite rolls back by itself when the disk is full, and
            // sqlx, which counts, would take the connection to be inside one for ever. Where there
            // is nothing left to roll back, this fails and may.
            self.run("ROLLBACK").await.ok();
        }
        result
    }

    async fn write_in_transaction(
        &mut self,
        batch: &Batch,
        shared: bool,
    ) -> Result<Written, Error> {
        self.run("BEGIN IMMEDIATE").await?;
        let numbers = insert::sessions(&mut self.connection, &batch.creations).await?;
        for ends in batch.ends.chunks(ENDS_AT_ONCE) {
            delete_sessions(&mut self.connection, ends).await?;
        }
        let mut repeated = Vec::new();
        for token_use in &batch.token_uses {
            if !insert_token_use(&mut self.connection, token_use).await? {
                repeated.push(token_use.id);
            }
        }
        if shared {
            self.note_batch(batch, &numbers).await?;
        }
        self.run("COMMIT").await?;
        Ok(Written {
            numbers,
            repeated,
            refused: Vec::new(),
        })
    }

    /// Writes when sessions were last used.
    pub(crate) async fn write_activity(&mut self, sessions: &[Arc<Session>]) -> Result<(), Error> {
        let live = sessions.iter().filter(|session| session.ended().is_none());
        let rows = json_array(live.filter_map(|session| {
            let number = session.number()?;
            Some(format!("[{number},{}]", session.last_activity().0))
        }));
        sqlx::query(
            // Another process may have seen the session later.
            "INSERT INTO last_activity (session, at)
             SELECT value ->> 0, value ->> 1 FROM json_each(?1) WHERE true
             ON CONFLICT (session) DO UPDATE SET at = max(at, excluded.at)",
        )
        .bind(rows)
        .execute(&mut self.connection)
        .await?;
        Ok(())
    }

    /// Writes something, to see whether that works.
    pub(crate) async fn probe(&mut self) -> Result<(), Error> {
        self.run("UPDATE journal SET opened = opened").await
    }

    /// Removes tokens that ran out before `now`.
    pub(crate) async fn forget_tokens(&mut self, now: UnixTime) -> Result<(), Error> {
        sqlx::query("DELETE FROM used_token WHERE until <= ?1")
            .bind(now.0)
            .execute(&mut self.connection)
            .await?;
        Ok(())
    }

    /// Folds the write-ahead log into the file and closes it.
    pub(crate) async fn close(mut self) -> Result<(), Error> {
        self.run("PRAGMA wal_checkpoint(TRUNCATE)").await?;
        self.connection.close().await
    }

    async fn run(&mut self, statement: &'static str) -> Result<(), Error> {
        sqlx::query(statement)
            .execute(&mut self.connection)
            .await
            .map(drop)
    }
}

/// Makes the file if there is none, readable by its owner only: it holds names and attributes of
/// users. SQLite gives its other files the same mode.
fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

async fn insert_token_use(
    connection: &mut SqliteConnection,
    token_use: &TokenUse,
) -> Result<bool, Error> {
    let inserted = sqlx::query(
        "INSERT INTO used_token (id, until) VALUES (?1, ?2)
         ON CONFLICT (id) DO UPDATE SET until = excluded.until WHERE used_token.until <= ?3",
    )
    .bind(token_use.id.as_bytes().as_slice())
    .bind(token_use.until.0)
    .bind(token_use.now.0)
    .execute(connection)
    .await?;
    Ok(inserted.rows_affected() > 0)
}

/// One that was never written needs no removal, and has no number.
async fn delete_sessions(
    connection: &mut SqliteConnection,
    ended: &[Arc<Session>],
) -> Result<(), Error> {
    delete_numbers(
        connection,
        ended.iter().filter_map(|session| session.number()),
    )
    .await
}

async fn delete_numbers(
    connection: &mut SqliteConnection,
    numbers: impl Iterator<Item = i64>,
) -> Result<(), Error> {
    let numbers = json_array(numbers);
    for delete in [
        "DELETE FROM session WHERE number IN (SELECT value FROM json_each(?1))",
        "DELETE FROM last_activity WHERE session IN (SELECT value FROM json_each(?1))",
    ] {
        sqlx::query(delete)
            .bind(numbers.as_str())
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// A JSON array of items that are JSON already: one parameter instead of thousands.
fn json_array(items: impl Iterator<Item = impl Display>) -> String {
    let mut array = String::from("[");
    for item in items {
        if array.len() > 1 {
            array.push(',');
        }
        // Writing to a String cannot fail.
        write!(array, "{item}").ok();
    }
    array.push(']');
    array
}

/// What an error says about the file.
pub(crate) fn explain(error: Error, path: &Path) -> OpenError {
    const CORRUPT: i32 = 11;
    const NOT_A_DATABASE: i32 = 26;
    let path = path.to_owned();
    let code = error
        .as_database_error()
        .and_then(|e| e.code())
        .and_then(|code| code.parse::<i32>().ok())
        .map(|code| code & 0xFF);
    match (code, &error) {
        (Some(NOT_A_DATABASE), _) => OpenError::NotAJournal { path },
        (Some(CORRUPT), _) | (_, Error::ColumnDecode { .. } | Error::Decode(_)) => {
            OpenError::Damaged {
                path,
                detail: error.to_string(),
            }
        }
        _ => OpenError::Unreadable {
            path,
            source: Box::new(error),
        },
    }
}

#[cfg(test)]
mod tests;
