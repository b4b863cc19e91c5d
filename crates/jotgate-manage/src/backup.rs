//! The database's part of a backup.

use std::path::Path;

use jotgate_repository::Copied;

use crate::authority::check_root;
use crate::{Actor, ManageError, Management};

impl Management {
    /// Writes a copy of everything that is stored to `target`, where nothing must be. Saves and
    /// requests go on meanwhile.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`] without the role RootAdmin: the copy holds private keys.
    /// [`ManageError::Unavailable`].
    pub async fn copy_database(&self, actor: &Actor, target: &Path) -> Result<Copied, ManageError> {
        check_root(actor, || {
            "To take a backup takes the role RootAdmin: it holds private keys.".to_owned()
        })?;
        let copied = self.inner.repository.copy_to(target).await?;
        tracing::info!(
            config.revision = copied.revision,
            backup.author = ?actor.name,
            backup.source = ?actor.source,
            "a backup was taken"
        );
        Ok(copied)
    }
}

#[cfg(test)]
mod tests {
    use crate::Repository;
    use crate::testing::{auditor, forbidden, root, security, site};

    #[tokio::test]
    async fn only_root_administrators_take_backups() {
        let site = site().await;
        let target = site.path.with_file_name("copy.db");
        for actor in [security(), auditor()] {
            let refused = site.management.copy_database(actor, &target).await;
            assert!(forbidden(refused).contains("RootAdmin"));
            assert!(!target.exists());
        }
        let copied = site.management.copy_database(root(), &target).await;
        assert_eq!(copied.unwrap().revision, 1);
        let copy = Repository::open_sqlite(&target).await.unwrap();
        assert_eq!(
            copy.load().await.unwrap().documents.virtual_proxies.len(),
            1
        );
    }
}
