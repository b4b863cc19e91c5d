//! Finding rows.

use jotgate_model::Timestamp;

use super::AuditRow;
use crate::database::Statement;
use crate::{Repository, RepositoryError};

/// How many rows one call gives.
pub const MAX_AUDIT_ROWS: u32 = 1000;

/// Which rows: those that fit everything that is set.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Those before the row of this number.
    pub before: Option<i64>,
    /// Those after the row of this number.
    pub after: Option<i64>,
    /// Not older than this.
    pub since: Option<Timestamp>,
    /// Older than this.
    pub until: Option<Timestamp>,
    /// Of exactly this actor.
    pub actor: Option<String>,
    /// Of exactly this action, or of all that begin with it and a dot.
    pub action: Option<String>,
    /// About whatever has exactly this id or name.
    pub subject: Option<String>,
    /// With exactly this outcome.
    pub outcome: Option<String>,
}

impl Repository {
    /// The newest rows that fit, newest first; at most `limit` and [`MAX_AUDIT_ROWS`].
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn audit_rows(
        &self,
        filter: &AuditFilter,
        limit: u32,
    ) -> Result<Vec<AuditRow>, RepositoryError> {
        self.select(filter, limit, "DESC").await
    }

    /// The oldest rows that fit, oldest first; at most `limit` and [`MAX_AUDIT_ROWS`].
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn oldest_audit_rows(
        &self,
        filter: &AuditFilter,
        limit: u32,
    ) -> Result<Vec<AuditRow>, RepositoryError> {
        self.select(filter, limit, "ASC").await
    }

    async fn select(
        &self,
        filter: &AuditFilter,
        limit: u32,
        order: &'static str,
    ) -> Result<Vec<AuditRow>, RepositoryError> {
        let statement = format!(
            "SELECT * FROM audit
             WHERE sequence < $1 AND sequence > $2 AND at >= $3 AND at < $4
               AND ($5 IS NULL OR actor = $5)
               AND ($6 IS NULL OR action = $6 OR substr(action, 1, length($6) + 1) = $6 || '.')
               AND ($7 IS NULL OR subject_id = $7 OR subject_name = $7)
               AND ($8 IS NULL OR outcome = $8)
             ORDER BY sequence {order} LIMIT $9"
        );
        Statement::new(sqlx::AssertSqlSafe(statement))
            .bind(filter.before.unwrap_or(i64::MAX))
            .bind(filter.after.unwrap_or(i64::MIN))
            .bind(filter.since.map_or(i64::MIN, Timestamp::as_millis))
            .bind(filter.until.map_or(i64::MAX, Timestamp::as_millis))
            .bind(&filter.actor)
            .bind(&filter.action)
            .bind(&filter.subject)
            .bind(&filter.outcome)
            .bind(limit.min(MAX_AUDIT_ROWS))
            .all(&mut self.database().reading().await?)
            .await
    }
}
