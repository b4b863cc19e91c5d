//! Connections to the database, SQLite or PostgreSQL, and what the two do differently.
//!
//! Every statement is one text for both (SQLite understands `$1`, too). Here is what is not: how a
//! transaction begins, who else may write meanwhile, and who hears of it.

mod connections;
mod statement;

use sqlx::pool::PoolConnection;
use sqlx::{Executor, Sqlite};

pub(crate) use self::connections::{Connections, Taken, connect, within};
pub(crate) use self::statement::{Statement, Value};
use crate::RepositoryError;
use crate::open::Pools;

/// Where a notice is sent to when something has changed that other nodes keep in memory.
pub(crate) const CHANNEL: &str = "jotgate_changes";

/// The writers' lock: whoever has this row is the only one who writes, in all of the fleet. What is
/// read after it is the newest there is.
const LOCK: &str = "SELECT number FROM fleet FOR UPDATE";
/// Counts the change and tells the others, both when the transaction is committed and not before.
const TELL: &str = "WITH counted AS (UPDATE fleet SET number = number + 1 RETURNING number)
                    SELECT pg_notify('jotgate_changes', '') FROM counted";

/// One of the two databases. A copy shares the connections.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    Postgres(Connections),
    Sqlite(Pools),
}

/// A connection, perhaps with a transaction. Dropped in the middle of one, everything is rolled back.
pub(crate) struct Link {
    either: Either,
    is_in_transaction: bool,
}

enum Either {
    Postgres(Taken),
    Sqlite(PoolConnection<Sqlite>),
}

impl Database {
    /// A connection for statements that read.
    pub(crate) async fn reading(&self) -> Result<Link, RepositoryError> {
        Ok(Link::new(match self {
            Self::Postgres(connections) => Either::Postgres(connections.take().await?),
            Self::Sqlite(pools) => Either::Sqlite(pools.readers.acquire().await?),
        }))
    }

    /// A transaction that reads everything as it was at one moment.
    pub(crate) async fn reading_one_moment(&self) -> Result<Link, RepositoryError> {
        let mut link = self.reading().await?;
        link.begin(match self {
            Self::Postgres(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Self::Sqlite(_) => "BEGIN",
        })
        .await?;
        Ok(link)
    }

    /// A connection for a single statement that writes, and that nobody must hear of.
    pub(crate) async fn writing_once(&self) -> Result<Link, RepositoryError> {
        Ok(Link::new(match self {
            Self::Postgres(connections) => Either::Postgres(connections.take().await?),
            Self::Sqlite(pools) => Either::Sqlite(pools.writer.acquire().await?),
        }))
    }

    /// A transaction that writes, beside others that do. SQLite has one at a time.
    pub(crate) async fn writing_beside_others(&self) -> Result<Link, RepositoryError> {
        let mut link = self.writing_once().await?;
        link.begin(match self {
            Self::Postgres(_) => "BEGIN",
            // At once: to become a writer in the middle of a transaction may be refused.
            Self::Sqlite(_) => "BEGIN IMMEDIATE",
        })
        .await?;
        Ok(link)
    }

    /// A transaction that is the only one that writes. What it reads is the newest there is.
    pub(crate) async fn writing(&self) -> Result<Link, RepositoryError> {
        let mut link = self.writing_beside_others().await?;
        if matches!(self, Self::Postgres(_)) {
            Statement::new(LOCK).run(&mut link).await?;
        }
        Ok(link)
    }

    /// Closes the connections once they are idle.
    pub(crate) async fn close(&self) {
        match self {
            Self::Postgres(connections) => connections.close().await,
            Self::Sqlite(pools) => {
                pools.readers.close().await;
                pools.writer.close().await;
            }
        }
    }
}

impl Link {
    const fn new(either: Either) -> Self {
        Self {
            either,
            is_in_transaction: false,
        }
    }

    async fn begin(&mut self, statement: &'static str) -> Result<(), RepositoryError> {
        // Before it is known to have begun: a caller that goes away leaves nothing open.
        self.set_in_transaction(true);
        self.say(statement).await
    }

    /// Commits, and lets other nodes hear of it. On disk when this returns.
    pub(crate) async fn commit_and_tell(mut self) -> Result<(), RepositoryError> {
        if matches!(self.either, Either::Postgres(_)) {
            Statement::new(TELL).run(&mut self).await?;
        }
        self.commit().await
    }

    /// Commits what no other node keeps in memory. On disk when this returns.
    pub(crate) async fn commit(mut self) -> Result<(), RepositoryError> {
        self.say("COMMIT").await?;
        self.set_in_transaction(false);
        Ok(())
    }

    /// Takes everything back. Whether that could be said or not: the connection is not used with
    /// anything open.
    pub(crate) async fn roll_back(mut self) {
        if self.say("ROLLBACK").await.is_ok() {
            self.set_in_transaction(false);
        }
    }

    async fn say(&mut self, statement: &'static str) -> Result<(), RepositoryError> {
        // Not sqlx's own transactions: SQLite rolls back by itself when the disk is full, and sqlx,
        // which counts, would take the connection to be inside one for ever.
        match &mut self.either {
            Either::Postgres(taken) => {
                let connection = taken.start()?;
                let said = within(connection.execute(statement)).await;
                taken.finish(said)?;
            }
            Either::Sqlite(connection) => {
                connection.execute(statement).await?;
            }
        }
        Ok(())
    }

    fn set_in_transaction(&mut self, is_in_transaction: bool) {
        self.is_in_transaction = is_in_transaction;
        if let Either::Postgres(taken) = &mut self.either {
            taken.set_in_transaction(is_in_transaction);
        }
    }
}

/// With something open, the connection is not given to anybody else. PostgreSQL's sees to itself.
impl Drop for Link {
    fn drop(&mut self) {
        if self.is_in_transaction
            && let Either::Sqlite(connection) = &mut self.either
        {
            connection.close_on_drop();
        }
    }
}
