//! Adding rows.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use jotgate_model::ActorKind;

use super::kept::{HeadFile, Kept};
use super::{AuditActor, AuditEntry, AuditHead, AuditKey, AuditRow, Outcome, Subject};
use crate::database::{Link, Statement};
use crate::{Repository, RepositoryError};

/// The action of a row that tells of a damage which was found while the trail was written.
pub(super) const DAMAGED: &str = "audit.damaged";

/// What the trail of a database is sealed with, and where its end is kept beside it. A copy shares
/// everything.
#[derive(Clone, Debug)]
pub struct AuditTrail {
    pub(super) key: AuditKey,
    pub(super) file: HeadFile,
    /// The newest row that this process knows of: it must be there when the next one is written.
    known: Arc<Mutex<Kept>>,
}

impl AuditTrail {
    /// The trail whose end is kept in the file at `path`.
    #[must_use]
    pub fn open(key: AuditKey, path: &Path) -> Self {
        let file = HeadFile::new(path, &key);
        let known = Arc::new(Mutex::new(file.read()));
        Self { key, file, known }
    }

    /// The same, where the trail is known to end with `head`: for a database that has no row yet, and
    /// for one that was restored.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn begin(key: AuditKey, path: &Path, head: &AuditHead) -> io::Result<Self> {
        HeadFile::new(path, &key).replace(head)?;
        Ok(Self::open(key, path))
    }

    /// Adds rows in the transaction of what they tell. The writer's lock must be held.
    async fn append(
        &self,
        link: &mut Link,
        entries: &[AuditEntry],
    ) -> Result<Vec<AuditRow>, RepositoryError> {
        let Some(first) = entries.first() else {
            return Ok(Vec::new());
        };
        let mut head = newest(link).await?;
        let damage = self.damage(link, head).await?;
        let damage = damage.map(|reason| damage_entry(first, reason));
        let mut rows = Vec::with_capacity(entries.len());
        for entry in damage.iter().chain(entries) {
            let mut row = AuditRow::after(&head, entry);
            head = AuditHead {
                sequence: row.sequence,
                mac: self.key.seal(&row),
            };
            row.mac = head.mac.to_vec();
            insert(link, &row).await?;
            rows.push(row);
        }
        Ok(rows)
    }

    /// What is wrong with the end of the trail, before something is put behind it: once that has
    /// happened, nothing else would tell.
    async fn damage(
        &self,
        link: &mut Link,
        head: AuditHead,
    ) -> Result<Option<String>, RepositoryError> {
        let path = self.file.path().display();
        Ok(match self.known() {
            Kept::Head(known) => {
                let there = known == head || has(link, &known).await?;
                (!there).then(|| {
                    format!(
                        "the trail ended with row {}, and row {known} had been written",
                        head.sequence
                    )
                })
            }
            Kept::Missing => Some(format!("the file {path} was missing")),
            Kept::Unusable(why) => Some(format!("the file {path} {why}")),
        })
    }

    fn known(&self) -> Kept {
        let known = self.known.lock();
        known.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells the log and the file how the trail ends, now that the rows are on disk.
    async fn tell(&self, rows: &[AuditRow]) {
        let Some(newest) = rows.last().and_then(AuditRow::head) else {
            return;
        };
        for row in rows {
            log(row);
        }
        // What was known before a damage is in its row from now on.
        let damaged = rows.iter().any(|row| row.action == DAMAGED);
        {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            let is_older = matches!(&*known, Kept::Head(known) if known.sequence > newest.sequence);
            if damaged || !is_older {
                *known = Kept::Head(newest);
            }
        }
        let file = self.file.clone();
        let write = move || match damaged {
            true => file.replace(&newest),
            false => file.write(&newest),
        };
        let written = tokio::task::spawn_blocking(write).await;
        if let Err(error) = written.unwrap_or_else(|error| Err(io::Error::other(error))) {
            let path = self.file.path().display();
            tracing::error!(%error, %path, "the end of the audit trail was not kept in its file");
        }
    }
}

impl AuditRow {
    /// What the log and the file keep of it.
    #[must_use]
    pub fn head(&self) -> Option<AuditHead> {
        let mac = self.mac.as_slice().try_into().ok()?;
        Some(AuditHead {
            sequence: self.sequence,
            mac,
        })
    }
}

impl Repository {
    /// Keeps an audit trail of what changes from now on. Without one, nothing is noted.
    #[must_use]
    pub fn with_audit(mut self, trail: AuditTrail) -> Self {
        self.trail = Some(trail);
        self
    }

    /// Adds rows, all of them or none. They are on disk when this returns.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn append_audit(&self, entries: &[AuditEntry]) -> Result<(), RepositoryError> {
        let mut link = self.database().writing().await?;
        let rows = self.audit(&mut link, entries).await?;
        link.commit().await?;
        self.audited(&rows).await;
        Ok(())
    }

    /// The number and the seal of the newest row.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`].
    pub async fn audit_head(&self) -> Result<AuditHead, RepositoryError> {
        newest(&mut self.database().reading().await?).await
    }

    /// Commits a transaction that holds the writer's lock, together with the rows that tell of it,
    /// and lets other nodes hear of it.
    pub(crate) async fn commit(
        &self,
        mut link: Link,
        entries: &[AuditEntry],
    ) -> Result<(), RepositoryError> {
        let rows = self.audit(&mut link, entries).await?;
        link.commit_and_tell().await?;
        self.audited(&rows).await;
        Ok(())
    }

    /// Adds rows to a transaction that holds the writer's lock.
    pub(crate) async fn audit(
        &self,
        link: &mut Link,
        entries: &[AuditEntry],
    ) -> Result<Vec<AuditRow>, RepositoryError> {
        match &self.trail {
            Some(trail) => trail.append(link, entries).await,
            None => Ok(Vec::new()),
        }
    }

    /// To be called when the transaction of the rows is on disk.
    pub(crate) async fn audited(&self, rows: &[AuditRow]) {
        if let Some(trail) = &self.trail {
            trail.tell(rows).await;
        }
    }
}

/// One line for each row: whoever cuts off the end of the trail would have to change the log as well,
/// which may be elsewhere.
fn log(row: &AuditRow) {
    let Some(head) = row.head() else {
        return;
    };
    tracing::info!(
        audit.head = %head,
        audit.action = %row.action,
        audit.outcome = %row.outcome,
        audit.actor = ?row.actor,
        audit.source = ?row.source,
        audit.subject = ?row.subject_name,
        "audit"
    );
}

fn damage_entry(first: &AuditEntry, reason: String) -> AuditEntry {
    tracing::error!(%reason, "the audit trail is damaged");
    AuditEntry {
        at: first.at,
        actor: AuditActor {
            name: r"INTERNAL\jotgate".to_owned(),
            kind: ActorKind::System,
            source: "this machine".to_owned(),
        },
        action: DAMAGED,
        subject: Subject::default(),
        revision: None,
        before: None,
        after: None,
        outcome: Outcome::Failed,
        reason,
    }
}

async fn newest(link: &mut Link) -> Result<AuditHead, RepositoryError> {
    let newest: Option<AuditRow> =
        Statement::new("SELECT * FROM audit ORDER BY sequence DESC LIMIT 1")
            .optional(link)
            .await?;
    // A seal of another length is nobody's: what comes after it does not continue it either.
    Ok(newest.map_or(AuditHead::BEGINNING, |row| {
        row.head().unwrap_or(AuditHead {
            sequence: row.sequence,
            mac: [0; 32],
        })
    }))
}

async fn has(link: &mut Link, head: &AuditHead) -> Result<bool, RepositoryError> {
    if *head == AuditHead::BEGINNING {
        return Ok(true);
    }
    let mac: Option<(Vec<u8>,)> = Statement::new("SELECT mac FROM audit WHERE sequence = $1")
        .bind(head.sequence)
        .optional(link)
        .await?;
    Ok(mac.is_some_and(|(mac,)| mac == head.mac))
}

async fn insert(link: &mut Link, row: &AuditRow) -> Result<(), RepositoryError> {
    Statement::new(
        "INSERT INTO audit (sequence, at, actor, actor_kind, source, action, subject_kind,
                            subject_id, subject_name, revision, before, after, outcome, reason,
                            previous, mac)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
    )
    .bind(row.sequence)
    .bind(row.at)
    .bind(&row.actor)
    .bind(&row.actor_kind)
    .bind(&row.source)
    .bind(&row.action)
    .bind(&row.subject_kind)
    .bind(&row.subject_id)
    .bind(&row.subject_name)
    .bind(row.revision)
    .bind(&row.before)
    .bind(&row.after)
    .bind(&row.outcome)
    .bind(&row.reason)
    .bind(&row.previous)
    .bind(&row.mac)
    .run(link)
    .await?;
    Ok(())
}
