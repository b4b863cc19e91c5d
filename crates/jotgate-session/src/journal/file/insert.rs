//! Writing new sessions, many with one statement: a statement costs more than a row of it, since it
//! goes to the thread that has the database and back.

use std::sync::LazyLock;

use sqlx::Error;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteConnection};

use crate::journal::queue::Creation;

/// How many rows a statement writes: the most that fit are taken first. A few sizes only, so that
/// SQLite parses each of them once.
const SIZES: [usize; 3] = [64, 8, 1];

/// The statements of those sizes.
static STATEMENTS: LazyLock<[String; 3]> = LazyLock::new(|| {
    SIZES.map(|rows| {
        let row = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        format!(
            "INSERT INTO session (key, public_id, virtual_proxy, named, user_directory,
                user_id, attributes, created, expires, token_issued, key_fingerprint,
                client_address, user_agent)
             VALUES {}",
            vec![row; rows].join(", ")
        )
    })
});

/// Writes the sessions of all creations, in their order, and gives their numbers. To be called in a
/// transaction.
pub(super) async fn sessions(
    connection: &mut SqliteConnection,
    creations: &[Creation],
) -> Result<Vec<i64>, Error> {
    let mut numbers = Vec::with_capacity(creations.len());
    let mut rest = creations;
    for (size, statement) in SIZES.into_iter().zip(&*STATEMENTS) {
        while let Some((now, later)) = rest.split_at_checked(size) {
            let mut query = sqlx::query(statement.as_str());
            for creation in now {
                query = bind(query, creation)?;
            }
            let last = query.execute(&mut *connection).await?.last_insert_rowid();
            // AUTOINCREMENT counts by one, and nobody else writes within this transaction.
            numbers.extend(last.saturating_sub_unsigned(size as u64) + 1..=last);
            rest = later;
        }
    }
    Ok(numbers)
}

type Insert = Query<'static, Sqlite, SqliteArguments>;

fn bind(query: Insert, creation: &Creation) -> Result<Insert, Error> {
    let session = &creation.session;
    let attributes: Vec<(&str, &str)> = session.attributes().collect();
    let attributes = serde_json::to_string(&attributes).map_err(|e| Error::Encode(Box::new(e)))?;
    Ok(query
        .bind(session.key().as_bytes().to_vec())
        .bind(session.public_id().to_owned())
        .bind(session.virtual_proxy().as_bytes().to_vec())
        .bind(session.is_named())
        .bind(session.user_directory().to_owned())
        .bind(session.user_id().to_owned())
        .bind(attributes)
        .bind(session.created().0)
        .bind(session.expires().map(|time| time.0))
        .bind(session.token_issued().map(|time| time.0))
        .bind(session.key_fingerprint().map(|print| print.to_vec()))
        .bind(session.client_address().to_owned())
        .bind(session.user_agent().to_owned()))
}
