//! The trail of a gateway that does not run, in its data directory.

use std::path::Path;

use jotgate_repository::{AuditFilter, AuditHead, AuditRow, Repository, RepositoryError};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::verdict;
use crate::audit_trail::{is_key_missing, open_repository};
use crate::client::runtime;
use crate::data_directory::DataDirectory;
use crate::exit::{Exit, Failure};
use crate::fleet::refuse_of_node;

/// The trail; nobody else has the data directory meanwhile.
pub(super) struct Trail {
    runtime: Runtime,
    directory: DataDirectory,
}

impl Trail {
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        DataDirectory::finish_interrupted(path)?;
        refuse_of_node(path)?;
        if !path.join("configuration.db").is_file() {
            let sentence = format!(
                "the data directory {} holds no configuration; name another with --data-dir or --server",
                path.display()
            );
            return Err(Failure::new(Exit::DataDirectory, sentence));
        }
        Ok(Self {
            runtime: runtime()?,
            directory: DataDirectory::open(path)?,
        })
    }

    /// The newest rows that fit.
    pub(super) fn rows(&self, filter: &AuditFilter, limit: u64) -> Result<Vec<Value>, Failure> {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        self.runtime.block_on(async {
            let path = self.directory.path().join("configuration.db");
            let repository = Repository::open_sqlite(&path)
                .await
                .map_err(|error| unusable(&error))?;
            let rows = repository.audit_rows(filter, limit).await;
            repository.close().await;
            let rows = rows.map_err(|error| unusable(&error))?;
            Ok(rows.iter().map(AuditRow::to_value).collect())
        })
    }

    /// The verdict, in the form of the interface.
    pub(super) fn verify(&self, head: Option<AuditHead>) -> Result<Value, Failure> {
        let path = self.directory.path();
        if is_key_missing(path) {
            let sentence = format!(
                "the key of the audit trail, {}, is missing: nothing can be verified without it",
                path.join("audit_key").display()
            );
            let problem = Some((1, "key_missing", &*sentence));
            return Ok(verdict(0, &AuditHead::BEGINNING.to_string(), problem));
        }
        let heads: Vec<AuditHead> = head.into_iter().collect();
        let found = self.runtime.block_on(async {
            let repository = open_repository(path).await?;
            let found = repository.verify_audit(&heads).await;
            repository.close().await;
            found.map_err(|error: RepositoryError| unusable(&error))
        })?;
        let problem = found.problem.as_ref();
        let problem = problem.map(|p| (p.row, p.damage.name(), &*p.sentence));
        Ok(verdict(found.good, &found.head.to_string(), problem))
    }
}

fn unusable(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::DataDirectory, error.to_string())
}
