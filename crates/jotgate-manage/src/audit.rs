//! The audit trail, as administration writes and reads it.
//!
//! Three ways lead into it:
//! - A change that is stored has its row in the same transaction (`jotgate-repository`).
//! - What an administrator does to things that are not stored there, such as ending a session, is
//!   written before it is answered.
//! - What must not wait, or what strangers can cause, is handed over to [`Audit`] and written a moment
//!   later: refusals, sign-ins, tickets. A crash may lose what waits; the log has it.

mod queue;
mod refusals;

use std::net::IpAddr;

use jotgate_model::{ActorKind, Timestamp, User};
use jotgate_repository::{
    AuditActor, AuditEntry, AuditFilter, AuditHead, AuditRow, AuditVerdict, Outcome, Subject,
};
use serde_json::{Map, Value};

pub(crate) use self::queue::Audit;
use crate::management::Inner;
use crate::{Actor, KeyCaller, ManageError, Management};

impl Actor {
    /// Jotgate itself.
    pub(crate) fn system() -> Self {
        Self {
            name: r"INTERNAL\jotgate".to_owned(),
            kind: ActorKind::System,
            source: "this machine".to_owned(),
            privilege: crate::Privilege::RootAdmin,
        }
    }

    /// The actor as the trail names it.
    pub(crate) fn for_audit(&self) -> AuditActor {
        AuditActor {
            name: self.name.clone(),
            kind: self.kind,
            source: self.source.clone(),
        }
    }
}

/// What an actor did, without what it changed.
pub(crate) fn entry(
    actor: AuditActor,
    action: &'static str,
    subject: Subject,
    now: Timestamp,
) -> AuditEntry {
    AuditEntry {
        at: now,
        actor,
        action,
        subject,
        revision: None,
        before: None,
        after: None,
        outcome: Outcome::Done,
        reason: String::new(),
    }
}

/// What something is done to.
pub(crate) fn subject(kind: &str, id: impl ToString, name: impl ToString) -> Subject {
    Subject {
        kind: kind.to_owned(),
        id: id.to_string(),
        name: name.to_string(),
    }
}

/// Fields with their values.
type Fields = Map<String, Value>;

/// The fields of both sides that are not the same; all of them where one side is missing.
pub(crate) fn differing(
    before: Option<Fields>,
    after: Option<Fields>,
) -> (Option<Fields>, Option<Fields>) {
    let (Some(old), Some(new)) = (&before, &after) else {
        return (before, after);
    };
    let without = |fields: &Fields, others: &Fields| {
        let mut fields = fields.clone();
        fields.retain(|name, value| others.get(name) != Some(value));
        fields
    };
    (Some(without(old, new)), Some(without(new, old)))
}

impl Inner {
    /// Writes what was done. That it could not be written does not undo it: the log tells, and so
    /// does the trail, once it can be written again.
    pub(crate) async fn audit_done(&self, entry: AuditEntry) {
        if let Err(error) = self.repository.append_audit(&[entry]).await {
            tracing::error!(%error, "a row of the audit trail was not written");
            self.audit.lose(1);
        }
    }

    /// Notes a refusal, and passes the result on.
    pub(crate) fn audit_refusal<T>(
        &self,
        result: Result<T, ManageError>,
        attempt: impl FnOnce() -> AuditEntry,
    ) -> Result<T, ManageError> {
        if let Err(error) = &result {
            self.note_failure(error, attempt);
        }
        result
    }

    /// Notes what the actor may not do, and what went wrong in Jotgate itself. Wrong input is neither.
    pub(crate) fn note_failure(&self, error: &ManageError, attempt: impl FnOnce() -> AuditEntry) {
        let outcome = match error {
            ManageError::Forbidden(_) => Outcome::Refused,
            ManageError::Unavailable(_) => Outcome::Failed,
            _ => return,
        };
        let mut entry = attempt();
        entry.outcome = outcome;
        entry.reason = match &*entry.reason {
            "" => error.to_string(),
            note => format!("{note}: {error}"),
        };
        self.audit.refused(entry);
    }
}

impl Management {
    /// Where events go that must not wait.
    #[cfg(test)]
    pub(crate) fn audit(&self) -> &Audit {
        &self.inner.audit
    }

    /// Notes that somebody without an administrator's certificate tried a port of administrators.
    /// Never waits; strangers may cause as many as they like.
    pub fn note_refused_certificate(&self, address: IpAddr, why: &str, now: Timestamp) {
        let actor = AuditActor {
            name: "unknown".to_owned(),
            kind: ActorKind::Certificate,
            source: address.to_string(),
        };
        self.note_refused(actor, "management.connect", why, now);
    }

    /// Notes that a user tried to administer who may not. Never waits.
    pub fn note_refused_user(&self, user: &User, address: IpAddr, why: &str, now: Timestamp) {
        let actor = AuditActor {
            name: user.to_string(),
            kind: ActorKind::of_directory(&user.directory),
            source: address.to_string(),
        };
        self.note_refused(actor, "management.request", why, now);
    }

    /// Notes that a program asked for what its key does not allow. Never waits.
    pub fn note_refused_key(&self, key: &KeyCaller, what: &str, now: Timestamp) {
        let why = format!("{what} is not allowed to this key");
        self.note_refused(key.for_audit(), "management.request", &why, now);
    }

    pub(crate) fn note_refused(
        &self,
        actor: AuditActor,
        action: &'static str,
        why: &str,
        now: Timestamp,
    ) {
        self.inner.audit.refused(AuditEntry {
            outcome: Outcome::Refused,
            reason: why.to_owned(),
            ..entry(actor, action, Subject::default(), now)
        });
    }

    /// The newest rows of the trail that fit, newest first; at most `limit` and
    /// [`jotgate_repository::MAX_AUDIT_ROWS`]. Also what was handed over just before.
    ///
    /// # Errors
    /// [`ManageError::Unavailable`].
    pub async fn audit_rows(
        &self,
        filter: &AuditFilter,
        limit: u32,
    ) -> Result<Vec<AuditRow>, ManageError> {
        self.inner.audit.flush().await;
        Ok(self.inner.repository.audit_rows(filter, limit).await?)
    }

    /// The oldest rows that fit, oldest first: for going through all of them without holding all of
    /// them.
    ///
    /// # Errors
    /// As [`Self::audit_rows`].
    pub async fn oldest_audit_rows(
        &self,
        filter: &AuditFilter,
        limit: u32,
    ) -> Result<Vec<AuditRow>, ManageError> {
        let rows = self.inner.repository.oldest_audit_rows(filter, limit);
        Ok(rows.await?)
    }

    /// Checks that every row of the trail is as it was written, and that those are still there which
    /// `heads` name.
    ///
    /// # Errors
    /// As [`Self::audit_rows`].
    pub async fn verify_audit(&self, heads: &[AuditHead]) -> Result<AuditVerdict, ManageError> {
        Ok(self.inner.repository.verify_audit(heads).await?)
    }
}

#[cfg(test)]
mod tests;
