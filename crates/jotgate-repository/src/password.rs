//! Passwords of local users, as hashes.

use jotgate_model::{Timestamp, UserKey};
use sqlx::SqliteConnection;

use crate::{AuditEntry, Repository, RepositoryError, StoredUser};

impl Repository {
    /// The hash of a user's password, if there is one.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn password_hash(&self, key: &UserKey) -> Result<Option<String>, RepositoryError> {
        let hash = sqlx::query_scalar(
            "SELECT hash FROM passwords
             WHERE user_id = (SELECT id FROM users WHERE key = $1)",
        )
        .bind(key.as_str())
        .fetch_optional(self.readers())
        .await?;
        Ok(hash)
    }

    /// Stores a user together with the hash of a password. On disk when this returns.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn put_user_with_password(
        &self,
        user: &StoredUser,
        hash: &str,
        now: Timestamp,
        entry: AuditEntry,
    ) -> Result<(), RepositoryError> {
        let mut transaction = self.writer().begin_with("BEGIN IMMEDIATE").await?;
        put(&mut transaction, user, hash, now).await?;
        self.commit(transaction, &[entry]).await
    }

    /// The same, and removes a setting that has exactly this value. `false`: it has another one, or
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
        let mut transaction = self.writer().begin_with("BEGIN IMMEDIATE").await?;
        let taken = sqlx::query("DELETE FROM settings WHERE key = $1 AND value = $2")
            .bind(setting.0)
            .bind(setting.1)
            .execute(&mut *transaction)
            .await?;
        if taken.rows_affected() == 0 {
            return Ok(false);
        }
        put(&mut transaction, user, hash, now).await?;
        self.commit(transaction, &[entry]).await?;
        Ok(true)
    }
}

async fn put(
    connection: &mut SqliteConnection,
    user: &StoredUser,
    hash: &str,
    now: Timestamp,
) -> Result<(), RepositoryError> {
    crate::user::put(connection, user).await?;
    // By name: the user may have been there before, under another id.
    sqlx::query(
        "INSERT INTO passwords (user_id, hash, changed)
         SELECT id, $1, $2 FROM users WHERE key = $3
         ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, changed = excluded.changed",
    )
    .bind(hash)
    .bind(now.as_millis())
    .bind(user.user.key().as_str())
    .execute(connection)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use jotgate_model::User;

    use super::*;
    use crate::audit::tests::entry;

    #[tokio::test]
    async fn a_setting_buys_one_user() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.db");
        let repository = Repository::open_sqlite(&path).await.unwrap();
        let now = Timestamp::from_millis(1000);
        let user = |id: &str| StoredUser::new(User::new("INTERNAL", id), "x", now);
        repository.set_setting("link", "v").await.unwrap();
        let trade = async |value: &str, id: &str, hash: &str| {
            let user = user(id);
            let traded =
                repository.trade_setting_for_user(("link", value), &user, hash, now, entry());
            traded.await.unwrap()
        };
        assert!(!trade("w", "anna", "h1").await);
        assert!(trade("v", "anna", "h2").await);
        assert!(!trade("v", "boz", "h3").await);
        let hash = async |id: &str| {
            repository
                .password_hash(&user(id).user.key())
                .await
                .unwrap()
        };
        assert_eq!(hash("ANNA").await.as_deref(), Some("h2"));
        assert_eq!(hash("boz").await, None);
        assert_eq!(repository.count_users().await.unwrap(), 1);

        // Another password of the same user; with the user it is gone.
        let again = user("Anna");
        let put = repository.put_user_with_password(&again, "h4", now, entry());
        put.await.unwrap();
        assert_eq!(hash("anna").await.as_deref(), Some("h4"));
        let stored = repository.user_of_name(&again.user.key()).await.unwrap();
        repository
            .delete_user(stored.unwrap().id, entry())
            .await
            .unwrap();
        assert_eq!(hash("anna").await, None);
    }
}
