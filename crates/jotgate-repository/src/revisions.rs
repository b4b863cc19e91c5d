//! The saves of the past: their list, and the documents as they were after each.

use std::collections::HashMap;

use jotgate_model::Timestamp;

use crate::repository::{current_revision, number};
use crate::{Document, Kind, Repository, RepositoryError, Stored};

/// One save, for the list of revisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Its number.
    pub revision: u64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub author: String,
    /// Why, in one line.
    pub note: String,
}

impl Repository {
    /// The newest saves, or the newest of those before revision `before`; at most `limit`, newest
    /// first.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn revisions(
        &self,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<Revision>, RepositoryError> {
        let rows: Vec<(i64, i64, String, String)> = sqlx::query_as(
            "SELECT revision, at, author, note FROM revisions WHERE revision < $1
             ORDER BY revision DESC LIMIT $2",
        )
        .bind(before.map_or(i64::MAX, number))
        .bind(i64::from(limit))
        .fetch_all(self.readers())
        .await?;
        Ok(rows
            .into_iter()
            .map(|(revision, at, author, note)| Revision {
                revision: revision.unsigned_abs(),
                at: Timestamp::from_millis(at),
                author,
                note,
            })
            .collect())
    }

    /// All documents as they were after that save; nothing when there was none of that number.
    ///
    /// # Errors
    /// [`RepositoryError::Damaged`] and [`RepositoryError::Unavailable`].
    pub async fn documents_at(&self, revision: u64) -> Result<Option<Stored>, RepositoryError> {
        let mut transaction = self.readers().begin().await?;
        if revision == 0 || revision > current_revision(&mut *transaction).await? {
            return Ok(None);
        }
        let current: Vec<(String, String, String)> =
            sqlx::query_as("SELECT kind, id, json FROM documents")
                .fetch_all(&mut *transaction)
                .await?;
        let later: Vec<(String, String, Option<String>)> = sqlx::query_as(
            "SELECT kind, id, json_before FROM changes WHERE revision > $1
             ORDER BY revision DESC, position DESC",
        )
        .bind(number(revision))
        .fetch_all(&mut *transaction)
        .await?;
        // What is now, with every later change taken back: the earliest one comes last, and wins.
        let mut texts: HashMap<(String, String), Option<String>> = current
            .into_iter()
            .map(|(kind, id, json)| ((kind, id), Some(json)))
            .collect();
        for (kind, id, before) in later {
            texts.insert((kind, id), before);
        }
        let mut documents = jotgate_model::Documents::default();
        for ((kind, id), json) in texts {
            if let (Some(kind), Some(json)) = (Kind::from_name(&kind), json) {
                Document::decode(kind, &id, &json)?.insert_into(&mut documents);
            }
        }
        Ok(Some(Stored {
            revision,
            documents,
        }))
    }
}
