//! The configuration database of a gateway, read and changed behind its back.

use std::path::PathBuf;

use jotgate_scenarios::Gateway;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions};

pub(crate) struct Database(PathBuf);

impl Database {
    pub(crate) fn of(gateway: &Gateway) -> Self {
        Self(gateway.folder().data().join("configuration.db"))
    }

    /// The first column of every row.
    pub(crate) async fn texts(&self, query: &str) -> Vec<String> {
        sqlx::query_scalar(AssertSqlSafe(query.to_owned()))
            .fetch_all(&mut self.open().await)
            .await
            .expect("rows")
    }

    pub(crate) async fn change(&self, statement: &str) {
        sqlx::query(AssertSqlSafe(statement.to_owned()))
            .execute(&mut self.open().await)
            .await
            .expect("a change");
    }

    async fn open(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(&self.0);
        options.connect().await.expect("the database")
    }
}
