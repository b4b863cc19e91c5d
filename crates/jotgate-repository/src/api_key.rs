//! API keys: what programs prove themselves with, each limited to what it is for.
//!
//! Only the hash of a key is stored. Beside the documents: keys are no configuration and have no
//! revision.

use jotgate_model::Timestamp;
use uuid::Uuid;

use crate::database::Statement;
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
        let rows: Vec<Row> = Statement::new(
            "SELECT id, name, hash, actions, virtual_proxies, created, created_by, expires,
                    last_used, last_used_from
             FROM api_keys ORDER BY created, id",
        )
        .all(&mut self.database().reading().await?)
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
        let mut link = self.database().writing().await?;
        let ids: Vec<String> = key.virtual_proxies.iter().map(Uuid::to_string).collect();
        let stored = Statement::new(
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
        .run(&mut link)
        .await?;
        if stored == 0 {
            link.roll_back().await;
            return Ok(false);
        }
        self.commit(link, &[entry]).await?;
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
        let mut link = self.database().writing().await?;
        let removed = Statement::new("DELETE FROM api_keys WHERE id = $1")
            .bind(id.to_string())
            .run(&mut link)
            .await?;
        if removed == 0 {
            link.roll_back().await;
            return Ok(false);
        }
        self.commit(link, &[entry]).await?;
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
        Statement::new("UPDATE api_keys SET last_used = $1, last_used_from = $2 WHERE id = $3")
            .bind(at.as_millis())
            .bind(from)
            .bind(id.to_string())
            .run(&mut self.database().writing_once().await?)
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
