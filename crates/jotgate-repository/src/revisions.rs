//! The saves of the past: their list, and the documents as they were after each.

use std::collections::{BTreeMap, HashMap};

use jotgate_model::{Documents, Timestamp, Uuid};

use crate::database::Statement;
use crate::document::damaged;
use crate::repository::{current_revision, number};
use crate::{Change, Document, Kind, Repository, RepositoryError, Stored};

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
        let rows: Vec<(i64, i64, String, String)> = Statement::new(
            "SELECT revision, at, author, note FROM revisions WHERE revision < $1
             ORDER BY revision DESC LIMIT $2",
        )
        .bind(before.map_or(i64::MAX, number))
        .bind(i64::from(limit))
        .all(&mut self.database().reading().await?)
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
        let mut link = self.database().reading_one_moment().await?;
        if revision == 0 || revision > current_revision(&mut link).await? {
            link.roll_back().await;
            return Ok(None);
        }
        let current: Vec<(String, String, String)> =
            Statement::new("SELECT kind, id, json FROM documents")
                .all(&mut link)
                .await?;
        let later: Vec<(String, String, Option<String>)> = Statement::new(
            "SELECT kind, id, json_before FROM changes WHERE revision > $1
             ORDER BY revision DESC, position DESC",
        )
        .bind(number(revision))
        .all(&mut link)
        .await?;
        link.commit().await?;
        // What is now, with every later change taken back: the earliest one comes last, and wins.
        let mut texts: HashMap<(String, String), Option<String>> = current
            .into_iter()
            .map(|(kind, id, json)| ((kind, id), Some(json)))
            .collect();
        for (kind, id, before) in later {
            texts.insert((kind, id), before);
        }
        let mut documents = Documents::default();
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

    /// What the saves after `older`, up to `newer`, have done to documents, each document once, the kinds and
    /// their ids in order. Nothing when there was no save of one of the numbers.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn touched_between(
        &self,
        older: u64,
        newer: u64,
    ) -> Result<Option<Vec<Touched>>, RepositoryError> {
        let mut link = self.database().reading_one_moment().await?;
        if older == 0 || newer > current_revision(&mut link).await? {
            link.roll_back().await;
            return Ok(None);
        }
        let changes: Vec<(String, String, Option<String>, Option<String>)> = Statement::new(
            "SELECT kind, id, json_before, json_after FROM changes
             WHERE revision > $1 AND revision <= $2 ORDER BY revision, position",
        )
        .bind(number(older))
        .bind(number(newer))
        .all(&mut link)
        .await?;
        link.commit().await?;
        let mut touched = BTreeMap::new();
        for (kind, id, before, after) in changes {
            let Some(kind) = Kind::from_name(&kind) else {
                continue;
            };
            let (_, last) = touched.entry((kind, id)).or_insert((before, None));
            *last = after;
        }
        let touched = touched
            .into_iter()
            .map(|((kind, id), (before, after))| Touched {
                kind,
                id,
                before,
                after,
            });
        Ok(Some(touched.collect()))
    }
}

/// A document that saves have touched, as it was before them and after. It is read only when somebody asks:
/// one save may touch ten thousand.
#[derive(Clone, Debug)]
pub struct Touched {
    kind: Kind,
    id: String,
    before: Option<String>,
    after: Option<String>,
}

impl Touched {
    /// Whether it was there before, and whether it was there after.
    #[must_use]
    pub const fn was_there(&self) -> (bool, bool) {
        (self.before.is_some(), self.after.is_some())
    }

    /// The document before and after.
    ///
    /// # Errors
    /// [`RepositoryError::Damaged`].
    pub fn documents(&self) -> Result<(Option<Document>, Option<Document>), RepositoryError> {
        let read = |json: &Option<String>| {
            let decode = |json: &String| Document::decode(self.kind, &self.id, json);
            json.as_ref().map(decode).transpose()
        };
        Ok((read(&self.before)?, read(&self.after)?))
    }

    /// Makes of `documents`, which have it as it was after, those that have it as it was before.
    ///
    /// # Errors
    /// [`RepositoryError::Damaged`].
    pub fn take_back(&self, documents: &mut Documents) -> Result<(), RepositoryError> {
        let change = match &self.before {
            Some(json) => Change::Put(Document::decode(self.kind, &self.id, json)?),
            None => Change::Delete {
                kind: self.kind,
                id: Uuid::parse_str(&self.id)
                    .map_err(|error| damaged(self.kind, &self.id, &error))?,
            },
        };
        change.apply_to(documents);
        Ok(())
    }
}
