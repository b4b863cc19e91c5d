//! Opening a SQLite file: is it ours, do we know its schema, does it keep what it acknowledges.
//!
//! A file that is not ours is left as it was. A file that is ours is brought to the newest schema
//! before anything else uses it; each migration is a transaction of its own.

use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::OpenError;

/// Stands in the header of the file: "JTG8" (<https://sqlite.org/fileformat.html#application_id>).
pub(crate) const APPLICATION_ID: i32 = 0x4a54_4738;
/// How long a statement waits for another process that holds the lock.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a caller waits for a connection: saves are short, so this is a stuck disk.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);
const READERS: u32 = 2;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// Connections to one file.
#[derive(Clone, Debug)]
pub(crate) struct Pools {
    /// One connection: SQLite has one writer at a time, and waiting here is fairer than there.
    pub(crate) writer: SqlitePool,
    /// Connections that cannot write.
    pub(crate) readers: SqlitePool,
}

pub(crate) async fn open(path: &Path) -> Result<Pools, OpenError> {
    // SQLite waits for another writer, but not for another connection that also turns the log on,
    // and the migrator has no lock for a file. Other processes stay out by the lock of the data
    // directory.
    static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _turn = ONE_AT_A_TIME.lock().await;
    create_private_file(path)?;
    let fail = |error| OpenError::from_sqlx(path, &error);
    let options = SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT);

    // Without a journal mode: asking for one would write to a file that is not ours.
    let mut probe = options.connect().await.map_err(fail)?;
    claim(path, &mut probe).await?;
    probe.close().await.map_err(fail)?;

    let options = options
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let pool = |size| {
        SqlitePoolOptions::new()
            .max_connections(size)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            // Connections to a file do not age.
            .idle_timeout(None)
            .max_lifetime(None)
    };
    let writer = pool(1).connect_with(options.clone()).await.map_err(fail)?;
    check_journal(path, &writer).await?;
    migrate(path, &writer).await?;
    let readers = pool(READERS).connect_lazy_with(options.read_only(true));
    Ok(Pools { writer, readers })
}

/// Makes the file readable by its owner only: documents hold private keys. SQLite gives the files
/// that it puts beside it the same permissions. A file that is there is not opened: closing it would
/// drop the locks that SQLite holds in this process (<https://sqlite.org/howtocorrupt.html>, 2.2).
fn create_private_file(path: &Path) -> Result<(), OpenError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => {
            let (path, reason) = (path.to_owned(), error.to_string());
            Err(match error.kind() {
                std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::StorageFull => {
                    OpenError::Unwritable { path, reason }
                }
                _ => OpenError::Unreadable { path, reason },
            })
        }
    }
}

/// Checks that the file is ours or empty, and marks an empty one.
async fn claim(path: &Path, probe: &mut SqliteConnection) -> Result<(), OpenError> {
    let fail = |error| OpenError::from_sqlx(path, &error);
    let application = application_id(probe).await.map_err(fail)?;
    if application == APPLICATION_ID {
        return Ok(());
    }
    let tables: i64 = sqlx::query_scalar("SELECT count(*) FROM sqlite_schema")
        .fetch_one(&mut *probe)
        .await
        .map_err(fail)?;
    if application != 0 || tables > 0 {
        return Err(OpenError::NotADatabase {
            path: path.to_owned(),
        });
    }
    // A pragma takes no bound value.
    sqlx::query("PRAGMA application_id = 0x4a544738")
        .execute(&mut *probe)
        .await
        .map_err(fail)?;
    Ok(())
}

pub(crate) async fn application_id(connection: &mut SqliteConnection) -> sqlx::Result<i32> {
    sqlx::query_scalar("PRAGMA application_id")
        .fetch_one(connection)
        .await
}

/// Some network file systems quietly refuse the write-ahead log.
async fn check_journal(path: &Path, writer: &SqlitePool) -> Result<(), OpenError> {
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(writer)
        .await
        .map_err(|error| OpenError::from_sqlx(path, &error))?;
    if mode.eq_ignore_ascii_case("wal") {
        return Ok(());
    }
    Err(OpenError::Unwritable {
        path: path.to_owned(),
        reason: "its file system does not support a write-ahead log".to_owned(),
    })
}

/// The newest migration of this program.
pub(crate) fn known_schema() -> i64 {
    MIGRATIONS.iter().map(|m| m.version).max().unwrap_or(0)
}

async fn migrate(path: &Path, writer: &SqlitePool) -> Result<(), OpenError> {
    let known = known_schema();
    let fail = |error: MigrateError| match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            OpenError::from_sqlx(path, &error)
        }
        other => OpenError::Unreadable {
            path: path.to_owned(),
            reason: other.to_string(),
        },
    };
    let mut connection = writer
        .acquire()
        .await
        .map_err(|error| OpenError::from_sqlx(path, &error))?;
    let table = &MIGRATIONS.table_name;
    connection
        .ensure_migrations_table(table)
        .await
        .map_err(fail)?;
    let applied = connection
        .list_applied_migrations(table)
        .await
        .map_err(fail)?;
    let found = applied.iter().map(|m| m.version).max().unwrap_or(0);
    if found > known {
        return Err(OpenError::NewerVersion {
            path: path.to_owned(),
            found,
            known,
        });
    }
    MIGRATIONS.run(&mut *connection).await.map_err(fail)
}

#[cfg(test)]
mod migration_tests;
#[cfg(test)]
mod tests;
