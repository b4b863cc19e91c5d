//! The database's part of a backup.

use std::path::Path;

use jotgate_model::Timestamp;
use jotgate_repository::{AuditEntry, Copied, Repository, RepositoryError, Subject};

use crate::audit::entry;
use crate::authority::check_root;
use crate::{Actor, ManageError, Management};

impl Management {
    /// Writes a copy of everything that is stored to `target`, where nothing must be. Saves and
    /// requests go on meanwhile.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`] without the role RootAdmin: the copy holds private keys.
    /// [`ManageError::Unavailable`].
    pub async fn copy_database(
        &self,
        actor: &Actor,
        target: &Path,
        now: Timestamp,
    ) -> Result<Copied, ManageError> {
        let attempt = || entry(actor.for_audit(), "backup.take", Subject::default(), now);
        let checked = check_root(actor, || {
            "To take a backup takes the role RootAdmin: it holds private keys.".to_owned()
        });
        self.inner.audit_refusal(checked, attempt)?;
        let copied = self.inner.repository.copy_to(target).await?;
        // Behind it: what is in the backup does not tell of the backup.
        self.inner.audit_done(attempt()).await;
        tracing::info!(
            config.revision = copied.revision,
            backup.author = ?actor.name,
            backup.source = ?actor.source,
            "a backup was taken"
        );
        Ok(copied)
    }
}

/// Notes in the trail of a database that it comes from a backup, which `reason` names.
///
/// # Errors
/// [`RepositoryError::Unavailable`].
pub async fn note_restore(
    repository: &Repository,
    actor: &Actor,
    reason: String,
    now: Timestamp,
) -> Result<(), RepositoryError> {
    let restored = entry(actor.for_audit(), "backup.restore", Subject::default(), now);
    let restored = AuditEntry { reason, ..restored };
    repository.append_audit(&[restored]).await
}

/// Stores everything that is in a SQLite file in an empty database of PostgreSQL, with `settings`
/// beside it, and notes that in the trail there. Gives how many rows there were.
///
/// # Errors
/// [`RepositoryError::Unavailable`]; then nothing was stored.
pub async fn move_database(
    from: &Repository,
    to: &Repository,
    settings: &[(&str, &str)],
    actor: &Actor,
    now: Timestamp,
) -> Result<u64, RepositoryError> {
    let moved = entry(actor.for_audit(), "database.move", Subject::default(), now);
    from.move_to(to, settings, moved).await
}

#[cfg(test)]
mod tests {
    use crate::Repository;
    use crate::testing::{at, auditor, forbidden, root, security, site};

    #[tokio::test]
    async fn only_root_administrators_take_backups() {
        let site = site().await;
        let target = site.path.with_file_name("copy.db");
        for actor in [security(), auditor()] {
            let refused = site.management.copy_database(actor, &target, at(1)).await;
            assert!(forbidden(refused).contains("RootAdmin"));
            assert!(!target.exists());
        }
        let copied = site.management.copy_database(root(), &target, at(1)).await;
        assert_eq!(copied.unwrap().revision, 1);
        let copy = Repository::open_sqlite(&target).await.unwrap();
        assert_eq!(
            copy.load().await.unwrap().documents.virtual_proxies.len(),
            1
        );
    }
}
