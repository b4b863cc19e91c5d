//! What each gateway of a fleet says of itself, for people who look at another one.
//!
//! Nobody acts on it: a gateway that is silent here may serve all the same, behind a database that it
//! does not reach.

use std::time::Duration;

use uuid::Uuid;

use crate::database::{Database, Statement};
use crate::repository::number;
use crate::{Repository, RepositoryError};

/// The longest problem that is kept, in characters.
const MAX_PROBLEM: usize = 500;

/// What a gateway says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The id of its proxy service.
    pub gateway: Uuid,
    /// The version of the program.
    pub version: String,
    /// The number of the configuration that it serves.
    pub revision: u64,
    /// What is wrong with it, in one sentence; empty when nothing is.
    pub problem: String,
}

/// A report, and how old it is by the clock of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// What was said last.
    pub report: Report,
    /// How long ago that was.
    pub age: Duration,
}

impl Repository {
    /// Keeps what a gateway says of itself instead of what it said before. Nothing to do for SQLite, which
    /// no other gateway has.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn report(&self, report: &Report) -> Result<(), RepositoryError> {
        if matches!(self.database(), Database::Sqlite(_)) {
            return Ok(());
        }
        // PostgreSQL keeps no NUL.
        let problem = report.problem.chars().take(MAX_PROBLEM);
        let problem: String = problem.filter(|&letter| letter != '\0').collect();
        Statement::new(
            "INSERT INTO reports (gateway, version, revision, problem, at)
             VALUES ($1, $2, $3, $4, clock_timestamp())
             ON CONFLICT (gateway) DO UPDATE SET version = excluded.version,
                 revision = excluded.revision, problem = excluded.problem, at = excluded.at",
        )
        .bind(report.gateway.to_string())
        .bind(&report.version)
        .bind(number(report.revision))
        .bind(problem)
        .run(&mut self.database().writing_once().await?)
        .await?;
        Ok(())
    }

    /// The last report of every gateway. Nothing for SQLite.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn reports(&self) -> Result<Vec<Heard>, RepositoryError> {
        if matches!(self.database(), Database::Sqlite(_)) {
            return Ok(Vec::new());
        }
        let rows: Vec<(String, String, i64, String, i64)> = Statement::new(
            "SELECT gateway, version, revision, problem,
                    CAST(extract(epoch FROM clock_timestamp() - at) * 1000 AS BIGINT)
             FROM reports",
        )
        .all(&mut self.database().reading().await?)
        .await?;
        let heard = |(gateway, version, revision, problem, age): (String, _, i64, _, i64)| {
            let report = Report {
                gateway: gateway.parse().ok()?,
                version,
                revision: revision.unsigned_abs(),
                problem,
            };
            // The clock of the server may have been put back.
            let age = Duration::from_millis(age.max(0).unsigned_abs());
            Some(Heard { report, age })
        };
        Ok(rows.into_iter().filter_map(heard).collect())
    }

    /// Forgets gateways that have said nothing for a month: machines come and go.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn forget_old_reports(&self) -> Result<(), RepositoryError> {
        if matches!(self.database(), Database::Sqlite(_)) {
            return Ok(());
        }
        let old = "DELETE FROM reports WHERE at < clock_timestamp() - INTERVAL '30 days'";
        let mut link = self.database().writing_once().await?;
        Statement::new(old).run(&mut link).await?;
        Ok(())
    }
}
