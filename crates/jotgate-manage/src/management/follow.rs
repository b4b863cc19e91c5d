//! Following another process that serves from the same database.

use jotgate_model::Timestamp;

use crate::{ManageError, Management};

impl Management {
    /// Takes over what another process has stored since the last call: configuration,
    /// API keys and revocations. Cheap when that is nothing. Its ends of sessions come with the sessions.
    ///
    /// # Errors
    /// [`ManageError::Unavailable`] when the repository cannot be read, and [`ManageError::Invalid`]
    /// when what is stored cannot be served here; then what was served before goes on.
    pub async fn catch_up(&self, now: Timestamp) -> Result<(), ManageError> {
        let saving = self.inner.saving.lock().await;
        let stored = self.inner.repository.revision().await?;
        if stored != self.snapshot().revision {
            self.inner.reload().await?;
            tracing::info!(
                config.revision = stored,
                "the configuration of another process is served"
            );
        }
        drop(saving);
        let api_keys = self.inner.api_keys.changing().await;
        api_keys.reload(&self.inner.repository).await?;
        drop(api_keys);
        let Some(keys) = self.inner.keys.get() else {
            return Ok(());
        };
        let _revoking = self.inner.revoking.lock().await;
        self.inner.serve_revocations(keys, now).await
    }
}
