//! Passwords of local users, as hashes.

use jotgate_model::{Timestamp, UserKey};

use crate::database::{Link, Statement};
use crate::{AuditEntry, Repository, RepositoryError, StoredUser};

impl Repository {
    /// The hash of a user's password, if there is one.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn password_hash(&self, key: &UserKey) -> Result<Option<String>, RepositoryError> {
        let hash: Option<(String,)> = Statement::new(
            "SELECT hash FROM passwords
             WHERE user_id = (SELECT id FROM users WHERE key = $1)",
        )
        .bind(key.as_str())
        .optional(&mut self.database().reading().await?)
        .await?;
        Ok(hash.map(|(hash,)| hash))
    }

    /// Stores a user together with the hash of a password. `false`: the user is no longer as it was read, `before`, and
    /// nothing was stored. On disk when this returns.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn put_user_with_password(
        &self,
        before: Option<&StoredUser>,
        user: &StoredUser,
        hash: &str,
        now: Timestamp,
        entry: AuditEntry,
    ) -> Result<bool, RepositoryError> {
        let mut link = self.database().writing().await?;
        if !crate::user::is_still(&mut link, before, user).await? {
            link.roll_back().await;
            return Ok(false);
        }
        put(&mut link, user, hash, now).await?;
        self.commit(link, &[entry]).await?;
        Ok(true)
    }

    /// Stores them, and removes a setting that has exactly this value. `false`: it has another one, or
    /// none, and nothing was stored. Whatever comes at once, one succeeds.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn trade_setting_for_user(
        &self,
        setting: (&str, &str),
        user: &StoredUser,
        hash: &str,
        now: Timestamp,
        entry: AuditEntry,
    ) -> Result<bool, RepositoryError> {
        let mut link = self.database().writing().await?;
        let taken = Statement::new("DELETE FROM settings WHERE key = $1 AND value = $2")
            .bind(setting.0)
            .bind(setting.1)
            .run(&mut link)
            .await?;
        if taken == 0 {
            link.roll_back().await;
            return Ok(false);
        }
        put(&mut link, user, hash, now).await?;
        self.commit(link, &[entry]).await?;
        Ok(true)
    }
}

async fn put(
    link: &mut Link,
    user: &StoredUser,
    hash: &str,
    now: Timestamp,
) -> Result<(), RepositoryError> {
    crate::user::put(link, user).await?;
    // By name: the user may have been there before, under another id.
    Statement::new(
        "INSERT INTO passwords (user_id, hash, changed)
         SELECT id, $1, $2 FROM users WHERE key = $3
         ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, changed = excluded.changed",
    )
    .bind(hash)
    .bind(now.as_millis())
    .bind(user.user.key().as_str())
    .run(link)
    .await?;
    Ok(())
}
