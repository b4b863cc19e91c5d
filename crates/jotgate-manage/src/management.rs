//! The current snapshot, and the one way to change it.

mod follow;
mod late;

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use jotgate_keys::KeyRing;
use jotgate_model::{People, Snapshot, Timestamp};
use jotgate_repository::{
    AuditEntry, Change, ChangeSet, Kind, Repository, RepositoryError, Subject,
};
use jotgate_session::Sessions;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::api_keys::ApiKeys;
use crate::audit::{Audit, entry};
use crate::background::in_background;
use crate::live::LiveSide;
use crate::local::Local;
use crate::process::ProcessSide;
use crate::sessions::end_sessions_of;
use crate::site::{NewSite, load_or_create};
use crate::stamp::stamp;
use crate::users::load_people;
use crate::{Actor, ManageError, OwnKey, rules};
use follow::Followed;

/// How long a save is repeated when other processes save at the same time. Each time one of them
/// was faster, so that all of them get on.
pub(crate) const PERSEVERANCE: Duration = Duration::from_secs(5);

/// The use cases. A copy shares everything.
#[derive(Clone)]
pub struct Management {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) repository: Repository,
    pub(crate) sessions: Sessions,
    /// What is written a moment later.
    pub(crate) audit: Audit,
    publish: Box<dyn Fn(Arc<Snapshot>) + Send + Sync>,
    pub(crate) snapshot: ArcSwap<Snapshot>,
    /// Held from the reading of what a save is based on until the answer.
    pub(crate) saving: Mutex<()>,
    /// The few users that requests must know of.
    pub(crate) people: Arc<ArcSwap<People>>,
    /// Passwords and attempts.
    pub(crate) local: Local,
    /// What programs prove themselves with.
    pub(crate) api_keys: ApiKeys,
    /// Held from the reading of a user that is changed until the change holds.
    pub(crate) changing_people: Mutex<()>,
    /// Set by [`Management::use_keys`].
    pub(crate) keys: OnceLock<Arc<KeyRing>>,
    /// Set by [`Management::use_live`].
    pub(crate) live: OnceLock<LiveSide>,
    /// Set by [`Management::use_own_key`].
    pub(crate) own_key: OnceLock<OwnKey>,
    /// Set by [`Management::use_process`].
    pub(crate) process: OnceLock<ProcessSide>,
    /// Held from the change of a revocation until it holds for requests.
    pub(crate) revoking: Mutex<()>,
    /// How far this process has followed others.
    pub(crate) followed: Followed,
}

/// Who changes something, when, and the note for the list of revisions.
#[derive(Clone)]
pub(crate) struct Intent {
    pub(crate) actor: Actor,
    pub(crate) note: String,
    pub(crate) now: Timestamp,
}

impl Intent {
    /// What the trail has of it when nothing is saved.
    fn attempt(&self) -> AuditEntry {
        let actor = self.actor.for_audit();
        AuditEntry {
            reason: self.note.clone(),
            ..entry(actor, "configuration.save", Subject::default(), self.now)
        }
    }
}

/// The configuration on both sides of a save.
pub(crate) struct Saved {
    pub(crate) before: Arc<Snapshot>,
    pub(crate) after: Arc<Snapshot>,
}

impl Management {
    /// Reads the stored configuration, creates the `site` in an empty database, and publishes the
    /// first snapshot.
    ///
    /// `publish` is called with the first and every later snapshot before the call that made it
    /// returns: whatever requests need of it must be in place when `publish` returns. It is called
    /// by one save at a time and must not block for long.
    ///
    /// # Errors
    /// [`ManageError::Unavailable`] when the repository cannot be read or written, and
    /// [`ManageError::Invalid`] when what is stored cannot be served.
    pub async fn start(
        repository: Repository,
        sessions: Sessions,
        publish: impl Fn(Arc<Snapshot>) + Send + Sync + 'static,
        site: NewSite,
    ) -> Result<Self, ManageError> {
        let (stored, proxy_id) = load_or_create(&repository, &site).await?;
        let snapshot = Snapshot::build(stored.revision, stored.documents, proxy_id, None)?;
        let snapshot = Arc::new(snapshot);
        let people = load_people(&repository).await?;
        let api_keys = ApiKeys::load(&repository).await?;
        publish(snapshot.clone());
        Ok(Self {
            inner: Arc::new(Inner {
                audit: Audit::start(repository.clone()),
                repository,
                sessions,
                publish: Box::new(publish),
                snapshot: ArcSwap::new(snapshot),
                saving: Mutex::new(()),
                people: Arc::new(ArcSwap::from_pointee(people)),
                local: Local::default(),
                api_keys,
                changing_people: Mutex::new(()),
                keys: OnceLock::new(),
                live: OnceLock::new(),
                own_key: OnceLock::new(),
                process: OnceLock::new(),
                revoking: Mutex::new(()),
                followed: Followed::since(site.now),
            }),
        })
    }

    /// Closes the database: everything is in one file after that. Nothing can be saved any more.
    pub async fn close(&self) {
        self.inner.followed.stop();
        // Not in the middle of a save.
        let _saving = self.inner.saving.lock().await;
        self.inner.audit.flush().await;
        self.inner.repository.close().await;
    }

    /// The configuration as it is served now.
    #[must_use]
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.inner.snapshot.load_full()
    }

    /// Makes all of the changes or none. Dates, authors and missing ids of rows are filled in.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`], [`ManageError::Invalid`] with every field at fault, and
    /// [`ManageError::Unavailable`].
    pub async fn apply(
        &self,
        actor: &Actor,
        changes: Vec<Change>,
        note: &str,
        now: Timestamp,
    ) -> Result<Arc<Snapshot>, ManageError> {
        let intent = Intent {
            actor: actor.clone(),
            note: note.to_owned(),
            now,
        };
        self.save(intent, move |_| Ok(changes.clone())).await
    }

    /// Saves what `plan` makes of the current snapshot, and answers the snapshot that has it.
    ///
    /// The work is a task of its own: a client that goes away in the middle must not leave a
    /// configuration that is stored but not served.
    pub(crate) async fn save(
        &self,
        intent: Intent,
        plan: impl Fn(&Snapshot) -> Result<Vec<Change>, ManageError> + Send + Sync + 'static,
    ) -> Result<Arc<Snapshot>, ManageError> {
        Ok(self.save_over(intent, plan).await?.after)
    }

    /// As [`Self::save`], and answers what it was based on as well.
    pub(crate) async fn save_over(
        &self,
        intent: Intent,
        plan: impl Fn(&Snapshot) -> Result<Vec<Change>, ManageError> + Send + Sync + 'static,
    ) -> Result<Saved, ManageError> {
        let inner = self.inner.clone();
        let plan = Arc::new(plan);
        let task = tokio::spawn(async move {
            let saved = inner.save(&intent, &plan).await;
            inner.audit_refusal(saved, || intent.attempt())
        });
        task.await.unwrap_or_else(|error| {
            tracing::error!(%error, "a save ended early");
            let reason = "of an error in Jotgate itself, which its log describes";
            Err(ManageError::Unavailable(reason.to_owned()))
        })
    }
}

impl fmt::Debug for Management {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let revision = self.inner.snapshot.load().revision;
        f.debug_struct("Management")
            .field("revision", &revision)
            .finish_non_exhaustive()
    }
}

impl Inner {
    async fn save(
        &self,
        intent: &Intent,
        plan: &Arc<impl Fn(&Snapshot) -> Result<Vec<Change>, ManageError> + Send + Sync + 'static>,
    ) -> Result<Saved, ManageError> {
        let _saving = self.saving.lock().await;
        let end = Instant::now() + PERSEVERANCE;
        while Instant::now() < end {
            let current = self.snapshot.load_full();
            let planning = planned(intent.clone(), plan.clone(), current.clone());
            let Some((changes, next)) = in_background(planning).await?? else {
                let (before, after) = (current.clone(), current);
                return Ok(Saved { before, after });
            };
            match self.try_save(intent, &current, changes, next).await {
                Err(Failure::ChangedElsewhere) => self.take_over_stored().await?,
                Err(Failure::Final(error)) => return Err(error),
                Ok(after) => {
                    let before = current;
                    return Ok(Saved { before, after });
                }
            }
        }
        let reason = "the configuration keeps being changed elsewhere; try again";
        Err(ManageError::Unavailable(reason.to_owned()))
    }

    async fn try_save(
        &self,
        intent: &Intent,
        current: &Snapshot,
        changes: Vec<Change>,
        next: Snapshot,
    ) -> Result<Arc<Snapshot>, Failure> {
        let set = ChangeSet {
            changes,
            author: intent.actor.for_audit(),
            note: intent.note.clone(),
            at: intent.now,
        };
        match self.repository.apply(current.revision, &set).await {
            Ok(_) => {}
            Err(RepositoryError::Conflict { .. }) => return Err(Failure::ChangedElsewhere),
            Err(error) => return Err(Failure::Final(error.into())),
        }
        let next = Arc::new(next);
        self.publish(next.clone());
        tracing::info!(
            config.revision = next.revision,
            config.author = ?intent.actor.name,
            config.source = ?intent.actor.source,
            config.note = ?intent.note,
            "configuration saved"
        );
        for id in deleted_virtual_proxies(&set.changes) {
            end_sessions_of(&self.sessions, id).await;
        }
        Ok(next)
    }

    /// Takes over the configuration that somebody else has stored, but for the sessions of [`Self::take_over_stored`].
    async fn reload(&self) -> Result<(), ManageError> {
        let stored = self.repository.load().await?;
        let current = self.snapshot.load_full();
        let next = Snapshot::build(stored.revision, stored.documents, current.proxy_id, None)?;
        let is_gone = |id: &Uuid| !next.documents.virtual_proxies.contains_key(id);
        let before = current.documents.virtual_proxies.keys().copied();
        let gone: Vec<Uuid> = before.filter(is_gone).collect();
        self.publish(Arc::new(next));
        for id in gone {
            end_sessions_of(&self.sessions, id).await;
        }
        Ok(())
    }

    fn publish(&self, snapshot: Arc<Snapshot>) {
        self.snapshot.store(snapshot.clone());
        (self.publish)(snapshot);
    }
}

/// The changes that a plan makes of the current configuration and what comes of them, checked; nothing
/// where it changes nothing.
fn planned(
    intent: Intent,
    plan: Arc<impl Fn(&Snapshot) -> Result<Vec<Change>, ManageError>>,
    current: Arc<Snapshot>,
) -> impl FnOnce() -> Result<Option<(Vec<Change>, Snapshot)>, ManageError> {
    move || {
        let mut changes = plan(&current)?;
        if changes.is_empty() {
            return Ok(None);
        }
        stamp(&mut changes, &current.documents, &intent);
        let next = rules::check(&current, &changes, &intent.actor)?;
        Ok(Some((changes, next)))
    }
}

/// Why a save did not happen.
enum Failure {
    /// Somebody else has stored a revision in the meantime: what it is based on is read again.
    ChangedElsewhere,
    /// For a reason that stays.
    Final(ManageError),
}

fn deleted_virtual_proxies(changes: &[Change]) -> impl Iterator<Item = Uuid> {
    changes.iter().filter_map(|change| match change {
        Change::Delete {
            kind: Kind::VirtualProxy,
            id,
        } => Some(*id),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
