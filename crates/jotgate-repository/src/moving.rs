//! Everything in a SQLite file, moved to an empty database of PostgreSQL.

use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row};

use crate::database::{Database, Link, Statement, Value};
use crate::{AuditEntry, Repository, RepositoryError};

/// How many rows one statement stores.
const PAGE: usize = 500;

/// The setting that names the gateway of a database of one's own. Of several nodes each knows itself.
const LOCAL_PROXY: &str = "local_proxy";

/// The tables, in an order in which each row finds what it refers to. A column is its name with what
/// it holds: `#` a number, `*` bytes, else a text.
const TABLES: [(&str, &str); 9] = [
    ("documents", "kind id revision# json"),
    ("revisions", "revision# at# author note"),
    (
        "changes",
        "revision# position# kind id json_before json_after",
    ),
    ("settings", "key value"),
    (
        "revocations",
        "id kind token virtual_proxy jti user_directory user_id issued_before# until# at# author note",
    ),
    (
        "users",
        "id key directory user_id name roles attributes blocked# created# modified# modified_by \
         last_seen#",
    ),
    ("passwords", "user_id hash changed#"),
    (
        "api_keys",
        "id name hash actions virtual_proxies created# created_by expires# last_used# last_used_from",
    ),
    (
        "audit",
        "sequence# at# actor actor_kind source action subject_kind subject_id subject_name revision# \
         before after outcome reason previous* mac*",
    ),
];

/// A column.
struct Column {
    name: &'static str,
    holds: Holds,
}

#[derive(Clone, Copy)]
enum Holds {
    Bytes,
    Number,
    Text,
}

impl Repository {
    /// Stores everything that is here in `target`, a database of PostgreSQL in which nothing was stored
    /// yet, and `settings` beside it: whole or not at all. `entry` tells of it in the trail of `target`.
    /// Nothing changes here. Gives how many rows there were.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`], also when the target is not empty, or this is no SQLite file.
    pub async fn move_to(
        &self,
        target: &Self,
        settings: &[(&str, &str)],
        entry: AuditEntry,
    ) -> Result<u64, RepositoryError> {
        let mut link = target.database().writing().await?;
        refuse_unless_empty(&mut link).await?;
        // What a node may have written that has not come any further.
        Statement::new("DELETE FROM settings")
            .run(&mut link)
            .await?;
        let mut count = 0;
        for (table, columns) in TABLES {
            count += self
                .move_table(table, &columns_of(columns), &mut link)
                .await?;
        }
        for (key, value) in settings {
            Statement::new("INSERT INTO settings (key, value) VALUES ($1, $2)")
                .bind(*key)
                .bind(*value)
                .run(&mut link)
                .await?;
        }
        Statement::new("DELETE FROM settings WHERE key = $1")
            .bind(LOCAL_PROXY)
            .run(&mut link)
            .await?;
        target.commit(link, &[entry]).await?;
        Ok(count)
    }

    async fn move_table(
        &self,
        table: &str,
        columns: &[Column],
        link: &mut Link,
    ) -> Result<u64, RepositoryError> {
        let Database::Sqlite(pools) = self.database() else {
            let problem = "only what is in a data directory can be moved";
            return Err(RepositoryError::Unavailable(problem.to_owned()));
        };
        let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
        let names = names.join(", ");
        let page = format!(
            "SELECT rowid AS place, {names} FROM {table} WHERE rowid > $1 ORDER BY rowid LIMIT {PAGE}"
        );
        let (mut place, mut count) = (i64::MIN, 0);
        loop {
            let rows = sqlx::query(AssertSqlSafe(page.clone())).bind(place);
            let rows = rows.fetch_all(&pools.readers).await?;
            let Some(last) = rows.last() else {
                return Ok(count);
            };
            place = last.try_get("place")?;
            let mut statement = insertion(table, &names, columns.len(), rows.len());
            for row in &rows {
                for column in columns {
                    statement = statement.bind(value(row, column)?);
                }
            }
            count += statement.run(link).await?;
        }
    }
}

async fn refuse_unless_empty(link: &mut Link) -> Result<(), RepositoryError> {
    for (table, _) in TABLES.iter().filter(|(table, _)| *table != "settings") {
        let count = format!("SELECT count(*) FROM {table}");
        let (count,): (i64,) = Statement::new(AssertSqlSafe(count)).one(link).await?;
        if count > 0 {
            let problem = "something is stored in it already; make an empty one";
            return Err(RepositoryError::Unavailable(problem.to_owned()));
        }
    }
    Ok(())
}

fn columns_of(text: &'static str) -> Vec<Column> {
    let words = text.split_whitespace();
    let column = |word: &'static str| match (word.strip_suffix('#'), word.strip_suffix('*')) {
        (Some(name), _) => (name, Holds::Number),
        (_, Some(name)) => (name, Holds::Bytes),
        (None, None) => (word, Holds::Text),
    };
    let columns = words.map(column);
    columns
        .map(|(name, holds)| Column { name, holds })
        .collect()
}

/// `INSERT INTO t (a, b) VALUES ($1, $2), ($3, $4)`.
fn insertion(table: &str, names: &str, columns: usize, rows: usize) -> Statement {
    let row = |row: usize| {
        let places: Vec<String> = (1..=columns)
            .map(|column| format!("${}", row * columns + column))
            .collect();
        format!("({})", places.join(", "))
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    let rows = rows.join(", ");
    Statement::new(AssertSqlSafe(format!(
        "INSERT INTO {table} ({names}) VALUES {rows}"
    )))
}

fn value(row: &SqliteRow, column: &Column) -> Result<Value, sqlx::Error> {
    Ok(match column.holds {
        Holds::Bytes => Value::Bytes(row.try_get(column.name)?),
        Holds::Number => Value::Number(row.try_get(column.name)?),
        Holds::Text => Value::Text(row.try_get(column.name)?),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A table or a column that a later migration adds is moved as well.
    #[tokio::test]
    async fn every_column_of_every_table_is_moved() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.db");
        let repository = Repository::open_sqlite(&path).await.unwrap();
        let there: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT t.name, c.name, c.type FROM sqlite_schema t, pragma_table_info(t.name) c
             WHERE t.type = 'table' AND t.name NOT LIKE '\\_%' ESCAPE '\\'",
        )
        .fetch_all(&repository.sqlite().readers)
        .await
        .unwrap();
        let moved = TABLES.iter().flat_map(|(table, columns)| {
            let columns = columns_of(columns).into_iter();
            columns.map(|column| {
                let holds = match column.holds {
                    Holds::Bytes => "BLOB",
                    Holds::Number => "INTEGER",
                    Holds::Text => "TEXT",
                };
                (
                    (*table).to_owned(),
                    column.name.to_owned(),
                    holds.to_owned(),
                )
            })
        });
        assert_eq!(
            moved.collect::<BTreeSet<_>>(),
            there.into_iter().collect::<BTreeSet<_>>()
        );
    }
}
