//! A statement with its values, for either database.

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Database, Encode, FromRow, Postgres, SqlSafeStr, SqlStr, Sqlite, Type};

use super::{Either, Link, within};
use crate::RepositoryError;

/// What a row can be read as.
pub(crate) trait FromEither:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>
{
}

impl<T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>> FromEither for T {}

/// A statement with values in the places of `$1`, `$2` and so on.
#[must_use = "a statement does something when it is run"]
pub(crate) struct Statement {
    text: SqlStr,
    values: Vec<Value>,
}

/// The types that columns have. A flag is a number.
pub(crate) enum Value {
    Bytes(Vec<u8>),
    Number(Option<i64>),
    Text(Option<String>),
}

impl Statement {
    pub(crate) fn new(text: impl SqlSafeStr) -> Self {
        let (text, values) = (text.into_sql_str(), Vec::new());
        Self { text, values }
    }

    /// Adds the value of the next place.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Does something, and gives how many rows were concerned.
    pub(crate) async fn run(self, link: &mut Link) -> Result<u64, RepositoryError> {
        Ok(match &mut link.either {
            Either::Postgres(taken) => {
                let connection = taken.start()?;
                let done = within(self.without_nul().query::<Postgres>().execute(connection)).await;
                taken.finish(done)?.rows_affected()
            }
            Either::Sqlite(connection) => {
                let done = self.query::<Sqlite>().execute(&mut **connection).await;
                done?.rows_affected()
            }
        })
    }

    /// All rows.
    pub(crate) async fn all<R: FromEither>(
        self,
        link: &mut Link,
    ) -> Result<Vec<R>, RepositoryError> {
        let read: Result<Vec<R>, sqlx::Error> = match &mut link.either {
            Either::Postgres(taken) => {
                let connection = taken.start()?;
                let rows =
                    within(self.without_nul().query::<Postgres>().fetch_all(connection)).await;
                taken.finish(rows)?.iter().map(R::from_row).collect()
            }
            Either::Sqlite(connection) => {
                let rows = self.query::<Sqlite>().fetch_all(&mut **connection).await;
                rows?.iter().map(R::from_row).collect()
            }
        };
        Ok(read?)
    }

    /// The first row, if there is any.
    pub(crate) async fn optional<R: FromEither>(
        self,
        link: &mut Link,
    ) -> Result<Option<R>, RepositoryError> {
        Ok(self.all(link).await?.into_iter().next())
    }

    /// The only row.
    pub(crate) async fn one<R: FromEither>(self, link: &mut Link) -> Result<R, RepositoryError> {
        let row = self.optional(link).await?;
        row.ok_or_else(|| sqlx::Error::RowNotFound.into())
    }

    /// For PostgreSQL, whose texts hold no NUL: it refuses the statement, which would look as if the database were away. The sign for a
    /// missing character takes its place.
    fn without_nul(mut self) -> Self {
        for value in &mut self.values {
            if let Value::Text(Some(text)) = value
                && text.contains('\0')
            {
                *text = text.replace('\0', "\u{fffd}");
            }
        }
        self
    }

    fn query<DB: Database>(self) -> sqlx::query::Query<'static, DB, DB::Arguments>
    where
        Vec<u8>: for<'q> Encode<'q, DB> + Type<DB>,
        Option<i64>: for<'q> Encode<'q, DB> + Type<DB>,
        Option<String>: for<'q> Encode<'q, DB> + Type<DB>,
    {
        let query = sqlx::query(self.text);
        let values = self.values.into_iter();
        values.fold(query, |query, value| match value {
            Value::Bytes(bytes) => query.bind(bytes),
            Value::Number(number) => query.bind(number),
            Value::Text(text) => query.bind(text),
        })
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

impl From<Option<&String>> for Value {
    fn from(text: Option<&String>) -> Self {
        Self::Text(text.cloned())
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<&Option<String>> for Value {
    fn from(text: &Option<String>) -> Self {
        text.as_ref().into()
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        i64::from(number).into()
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Number(number)
    }
}

impl From<&Vec<u8>> for Value {
    fn from(bytes: &Vec<u8>) -> Self {
        Self::Bytes(bytes.clone())
    }
}
