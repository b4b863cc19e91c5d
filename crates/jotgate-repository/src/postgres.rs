//! Opening a database of PostgreSQL: is it there, is it ours, do we know its schema.
//!
//! Several nodes may start at once, and two adjacent versions may share the database: migrations run
//! under a lock, and a newer schema is refused only when it says that this program cannot use it.

use std::fmt;
use std::io::ErrorKind;
use std::str::FromStr;
use std::time::Duration;

use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, Executor, PgConnection};
use tokio::time::{Instant, sleep, timeout};
use zeroize::Zeroizing;

use crate::OpenError;
use crate::database::{Connections, connect, within};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How long a start waits for a server that does not let anybody in yet.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it waits between two attempts.
const PAUSE: Duration = Duration::from_millis(500);
/// How long migrations may take, those of other nodes included.
const MIGRATION: Duration = Duration::from_secs(300);

/// What the server itself gives up after, in milliseconds where nothing else is said: a little before nobody waits any more. What
/// a node left open that fell silent keeps nobody out for longer, and takes no place of others for
/// more than half a minute: connections whose other end does not answer are closed.
const LIMITS: [(&str, &str); 7] = [
    ("statement_timeout", "4500"),
    ("lock_timeout", "3000"),
    ("idle_in_transaction_session_timeout", "5000"),
    // In seconds, but the last one. Of no effect on a socket of the system.
    ("tcp_keepalives_idle", "5"),
    ("tcp_keepalives_interval", "3"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "15000"),
];

/// Where a database is, and what opens it. Not shown: it may hold a password.
#[derive(Clone)]
pub struct DatabaseUrl(Zeroizing<String>);

impl DatabaseUrl {
    /// `postgres://user:password@host:port/database`, with the parameters of libpq, such as
    /// `sslmode=verify-full`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self(Zeroizing::new(url.into()))
    }

    fn options(&self) -> Result<PgConnectOptions, OpenError> {
        // What is wrong is not repeated: it may be a part of the password.
        let options = PgConnectOptions::from_str(&self.0).map_err(|_| OpenError::BadUrl)?;
        let options = options.application_name("jotgate").options(LIMITS);
        // That a table is there already is what one expects.
        Ok(options.options([("client_min_messages", "warning")]))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// The database without what opens it, for people.
fn place(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or(options.get_username());
    let host = match options.get_socket() {
        Some(folder) => folder.display().to_string(),
        None => format!("{}:{}", options.get_host(), options.get_port()),
    };
    format!("PostgreSQL {database} at {host}")
}

pub(crate) async fn open(url: &DatabaseUrl) -> Result<Connections, OpenError> {
    let options = url.options()?;
    let place = place(&options);
    let fail = |error: sqlx::Error| OpenError::Unreachable {
        place: place.clone(),
        reason: match unread_file(&options, &error) {
            Some(why) => format!("a file that its address names, such as sslrootcert, {why}"),
            None => crate::error::describe(&error),
        },
    };
    let mut connection = first_connection(&options).await.map_err(fail)?;
    let migrated = timeout(MIGRATION, migrate(&mut connection, &MIGRATIONS)).await;
    match migrated.unwrap_or(Err(Unfit::Database(sqlx::Error::PoolTimedOut))) {
        Ok(()) => {}
        Err(Unfit::Foreign) => return Err(OpenError::Foreign { place }),
        Err(Unfit::Newer { found, known }) => {
            let path = place.into();
            return Err(OpenError::NewerVersion { path, found, known });
        }
        Err(Unfit::Database(error)) => return Err(fail(error)),
    }
    // With it the lock goes, however this went.
    drop(within(connection.close()).await);
    Ok(Connections::new(options))
}

/// Waits for a server that is being started, or has no place at the moment.
async fn first_connection(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    let end = Instant::now() + PATIENCE;
    loop {
        match within(connect(options)).await {
            Err(error)
                if Instant::now() < end
                    && may_pass(&error)
                    && unread_file(options, &error).is_none() =>
            {
                tracing::warn!(%error, "the database lets nobody in yet");
                sleep(PAUSE).await;
            }
            decided => return decided,
        }
    }
}

/// Why a certificate or key that the address names cannot be read. The library calls that an error of
/// the connection. A socket of the system is a file as well, and may be there in a moment.
fn unread_file(options: &PgConnectOptions, error: &sqlx::Error) -> Option<String> {
    let sqlx::Error::Io(error) = error else {
        return None;
    };
    let is_file = matches!(
        error.kind(),
        ErrorKind::NotFound | ErrorKind::PermissionDenied
    );
    let is_socket = options.get_socket().is_some() || options.get_host().starts_with('/');
    (is_file && !is_socket).then(|| format!("cannot be read ({error})"))
}

/// Whether it may be better in a moment. A wrong password stays wrong.
fn may_pass(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(error) => {
            // https://www.postgresql.org/docs/current/errcodes-appendix.html
            matches!(
                error.code().as_deref(),
                Some("53300" | "57P01" | "57P02" | "57P03")
            )
        }
        _ => false,
    }
}

/// Why the database cannot be used.
enum Unfit {
    Database(sqlx::Error),
    Foreign,
    Newer { found: i64, known: i64 },
}

impl From<sqlx::Error> for Unfit {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl From<MigrateError> for Unfit {
    fn from(error: MigrateError) -> Self {
        Self::Database(match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error,
            other => sqlx::Error::Protocol(other.to_string()),
        })
    }
}

async fn migrate(connection: &mut PgConnection, migrations: &Migrator) -> Result<(), Unfit> {
    // Until the connection is closed. "JTG8", as in the header of SQLite's file.
    connection
        .execute(
            "SET statement_timeout = 0; SET lock_timeout = 0;
             SELECT pg_advisory_lock(1246250808)",
        )
        .await?;
    let (encoding, tables, is_ours): (String, i64, bool) = sqlx::query_as(
        "SELECT current_setting('server_encoding'),
                (SELECT count(*) FROM information_schema.tables
                 WHERE table_schema = current_schema()),
                to_regclass('_sqlx_migrations') IS NOT NULL",
    )
    .fetch_one(&mut *connection)
    .await?;
    if encoding != "UTF8" {
        let problem = format!("its encoding is {encoding}, and must be UTF8");
        return Err(sqlx::Error::Protocol(problem).into());
    }
    if tables > 0 && !is_ours {
        return Err(Unfit::Foreign);
    }
    let table = &migrations.table_name;
    connection.ensure_migrations_table(table).await?;
    let applied = connection.list_applied_migrations(table).await?;
    let found = applied.iter().map(|m| m.version).max().unwrap_or(0);
    let known = migrations.iter().map(|m| m.version).max().unwrap_or(0);
    if found <= known {
        return Ok(migrations.run(connection).await?);
    }
    let oldest: i64 = sqlx::query_scalar("SELECT oldest FROM fleet")
        .fetch_one(connection)
        .await?;
    if oldest > known {
        return Err(Unfit::Newer { found, known });
    }
    tracing::warn!(
        found,
        known,
        "a newer version of Jotgate has brought the database to its schema"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_published_migration_never_changes() {
        let known = MIGRATIONS.iter().map(|migration| {
            let checksum = migration.checksum.iter().take(4);
            let digits: String = checksum.map(|byte| format!("{byte:02x}")).collect();
            format!("{} {digits}", migration.version)
        });
        assert_eq!(
            known.collect::<Vec<_>>(),
            ["1 7aa26a63", "2 b93e8706", "3 67047de6"]
        );
    }

    /// What a program of an earlier schema brings with it.
    fn known_by(schema: usize) -> Migrator {
        let known = MIGRATIONS.iter().take(schema).cloned().collect();
        Migrator::with_migrations(known)
    }

    /// As a fleet is upgraded: a database of every earlier schema is brought to the newest one, and
    /// nodes of that schema go on, and may be restarted, until a migration says that they cannot.
    #[tokio::test]
    async fn a_node_of_an_earlier_schema_goes_on_with_the_newest_one() {
        let newest = MIGRATIONS.iter().count();
        for schema in 1..newest {
            let url = DatabaseUrl::new(jotgate_test_postgres::Server::shared().database());
            let mut earlier = connect(&url.options().unwrap()).await.unwrap();
            let known = known_by(schema);
            assert!(migrate(&mut earlier, &known).await.is_ok());
            let row = "INSERT INTO settings (key, value) VALUES ($1, 'kept')";
            let before = sqlx::query(row).bind("of before");
            before.execute(&mut earlier).await.unwrap();
            // While it runs, a node of this version comes.
            earlier
                .execute("SELECT pg_advisory_unlock_all()")
                .await
                .unwrap();
            let newer = crate::Repository::open_postgres(&url).await.unwrap();
            let kept = newer.setting("of before").await.unwrap();
            assert_eq!(kept.as_deref(), Some("kept"));
            let after = sqlx::query(row).bind("of after");
            after.execute(&mut earlier).await.unwrap();
            assert!(newer.setting("of after").await.unwrap().is_some());
            // It is restarted.
            assert!(migrate(&mut earlier, &known).await.is_ok());
            let version = i64::try_from(newest).unwrap();
            sqlx::query("UPDATE fleet SET oldest = $1")
                .bind(version)
                .execute(&mut earlier)
                .await
                .unwrap();
            let refused = migrate(&mut earlier, &known).await;
            assert!(matches!(refused, Err(Unfit::Newer { found, .. }) if found == version));
        }
    }

    #[test]
    fn the_place_is_told_without_the_password() {
        for (url, expected) in [
            (
                "postgres://me:hunter2@db.example:5433/jotgate",
                "PostgreSQL jotgate at db.example:5433",
            ),
            ("postgres://me:hunter2@db", "PostgreSQL me at db:5432"),
        ] {
            let url = DatabaseUrl::new(url);
            assert_eq!(place(&url.options().unwrap()), expected);
            assert!(!format!("{url:?}").contains("hunter2"));
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_being_repeated() {
        let url = DatabaseUrl::new("postgres://me:hunter2@db:port/x?sslmode=hunter2");
        let sentence = url.options().unwrap_err().to_string();
        assert!(!sentence.contains("hunter2"), "{sentence}");
    }
}
