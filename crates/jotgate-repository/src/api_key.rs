//! API keys: what programs prove themselves with, each limited to what it is for.
//!
//! Only the hash of a key is stored. Beside the documents: keys are no configuration and have no
//! revision.

use jotgate_model::Timestamp;
use uuid::Uuid;

use crate::{AuditEntry, Repository, RepositoryError};

/// A key as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredApiKey {
    /// Names it in interfaces and in the audit trail.
    pub id: Uuid,
    /// What people call it.
    pub name: String,
    /// The SHA-256 of the key.
    pub hash: [u8; 32],
    /// What it may do, by the names of the actions.
    pub actions: Vec<String>,
    /// At which virtual proxies.
    pub virtual_proxies: Vec<Uuid>,
    /// When it was made.
    pub created: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When it stops to work.
    pub expires: Timestamp,
    /// When it was last used, to the minute.
    pub last_used: Option<Timestamp>,
    /// From which address.
    pub last_used_from: Option<String>,
}

impl Repository {
    /// Every key, also those that are over, in the order in which they were made.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn api_keys(&self) -> Result<Vec<StoredApiKey>, RepositoryError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT id, name, hash, actions, virtual_proxies, created, created_by, expires,
                    last_used, last_used_from
             FROM api_keys ORDER BY created, id",
        )
        .fetch_all(self.readers())
        .await?;
        Ok(rows.into_iter().filter_map(Row::read).collect())
    }

    /// Stores a new key. It is on disk when this returns. `false`: there are `max` already, and
    /// nothing was stored.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn add_api_key(
        &self,
        key: &StoredApiKey,
        max: u32,
        entry: AuditEntry,
    ) -> Result<bool, RepositoryError> {
        let mut transaction = self.writer().begin_with("BEGIN IMMEDIATE").await?;
        let ids: Vec<String> = key.virtual_proxies.iter().map(Uuid::to_string).collect();
        let stored = sqlx::query(
            "INSERT INTO api_keys (id, name, hash, actions, virtual_proxies, created, created_by,
                                   expires)
             SELECT $1, $2, $3, $4, $5, $6, $7, $8
             WHERE (SELECT count(*) FROM api_keys) < $9",
        )
        .bind(key.id.to_string())
        .bind(&key.name)
        .bind(hexadecimal(&key.hash))
        .bind(key.actions.join(","))
        .bind(ids.join(","))
        .bind(key.created.as_millis())
        .bind(&key.created_by)
        .bind(key.expires.as_millis())
        .bind(i64::from(max))
        .execute(&mut *transaction)
        .await?;
        if stored.rows_affected() == 0 {
            return Ok(false);
        }
        self.commit(transaction, &[entry]).await?;
        Ok(true)
    }

    /// Removes a key; `false` when there is none of that id. On disk when this returns.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn remove_api_key(
        &self,
        id: Uuid,
        entry: AuditEntry,
    ) -> Result<bool, RepositoryError> {
        let mut transaction = self.writer().begin_with("BEGIN IMMEDIATE").await?;
        let removed = sqlx::query("DELETE FROM api_keys WHERE id = $1")
            .bind(id.to_string())
            .execute(&mut *transaction)
            .await?;
        if removed.rows_affected() == 0 {
            return Ok(false);
        }
        self.commit(transaction, &[entry]).await?;
        Ok(true)
    }

    /// Notes that a key was used.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn note_api_key_use(
        &self,
        id: Uuid,
        at: Timestamp,
        from: &str,
    ) -> Result<(), RepositoryError> {
        sqlx::query("UPDATE api_keys SET last_used = $1, last_used_from = $2 WHERE id = $3")
            .bind(at.as_millis())
            .bind(from)
            .bind(id.to_string())
            .execute(self.writer())
            .await?;
        Ok(())
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    name: String,
    hash: String,
    actions: String,
    virtual_proxies: String,
    created: i64,
    created_by: String,
    expires: i64,
    last_used: Option<i64>,
    last_used_from: Option<String>,
}

impl Row {
    /// Nothing for what cannot be read: a key that is not understood opens nothing.
    fn read(self) -> Option<StoredApiKey> {
        let list = |text: &str| -> Vec<String> {
            let parts = text.split(',').filter(|part| !part.is_empty());
            parts.map(str::to_owned).collect()
        };
        let ids = list(&self.virtual_proxies)
            .into_iter()
            .map(|id| id.parse().ok());
        Some(StoredApiKey {
            id: self.id.parse().ok()?,
            hash: bytes(&self.hash)?,
            actions: list(&self.actions),
            virtual_proxies: ids.collect::<Option<_>>()?,
            name: self.name,
            created: Timestamp::from_millis(self.created),
            created_by: self.created_by,
            expires: Timestamp::from_millis(self.expires),
            last_used: self.last_used.map(Timestamp::from_millis),
            last_used_from: self.last_used_from,
        })
    }
}

fn hexadecimal(hash: &[u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(text: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    for (at, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    (text.len() == 64).then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::tests::entry;

    fn key(number: u8) -> StoredApiKey {
        StoredApiKey {
            id: Uuid::from_u128(u128::from(number)),
            name: format!("key, {number}"),
            hash: [number; 32],
            actions: vec!["keys.write".to_owned()],
            virtual_proxies: vec![Uuid::from_u128(7), Uuid::from_u128(8)],
            created: Timestamp::from_millis(i64::from(number)),
            created_by: r"LAB\root".to_owned(),
            expires: Timestamp::from_millis(99),
            last_used: None,
            last_used_from: None,
        }
    }

    #[tokio::test]
    async fn keys_come_back_are_limited_and_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("configuration.db");
        let repository = Repository::open_sqlite(&path).await.unwrap();
        assert!(repository.add_api_key(&key(1), 2, entry()).await.unwrap());
        assert!(repository.add_api_key(&key(2), 2, entry()).await.unwrap());
        assert!(!repository.add_api_key(&key(3), 2, entry()).await.unwrap());
        let used = Timestamp::from_millis(50);
        repository
            .note_api_key_use(key(2).id, used, "::1")
            .await
            .unwrap();
        drop(repository);

        let repository = Repository::open_sqlite(&path).await.unwrap();
        let mut second = key(2);
        second.last_used = Some(used);
        second.last_used_from = Some("::1".to_owned());
        assert_eq!(repository.api_keys().await.unwrap(), [key(1), second]);
        assert!(repository.remove_api_key(key(1).id, entry()).await.unwrap());
        assert!(!repository.remove_api_key(key(1).id, entry()).await.unwrap());
        assert_eq!(repository.api_keys().await.unwrap().len(), 1);
    }
}
