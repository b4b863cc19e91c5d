//! A change that proves itself: a request is sent when it is served, and it is taken back when the
//! answer is not the expected one.

use std::fmt;
use std::time::Duration;

use jotgate_model::Timestamp;
use jotgate_repository::{AuditEntry, Outcome, Subject};

use crate::audit::entry;
use crate::authority::check_may_change;
use crate::drafts::{Base, steps};
use crate::management::{Intent, Saved};
use crate::{Actor, ManageError, Management};

/// How long a probe takes when nobody says.
pub const USUAL_PROBE_TIME: Duration = Duration::from_secs(5);
/// How long a probe may take.
pub const MAX_PROBE_TIME: Duration = Duration::from_secs(30);
/// Bytes of an answer's body that are shown.
const MAX_LOOK: usize = 1024;
/// Characters of its path.
const MAX_PATH: usize = 2048;
/// Characters of its token.
const MAX_TOKEN: usize = 16 * 1024;

/// What is asked when a change is served.
#[derive(Clone)]
pub struct Probe {
    /// The path at the gateway, with a query or not.
    pub path: String,
    /// A token to sign in with.
    pub token: Option<String>,
    /// The status that the answer must have.
    pub expect: u16,
    /// How long the answer may take.
    pub limit: Duration,
    /// How many bytes of the answer's body are looked at.
    pub keep: usize,
}

/// Leaves out the token, and the query, which may have a ticket.
impl fmt::Debug for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probe")
            .field("path", &without_query(&self.path))
            .field("expect", &self.expect)
            .finish_non_exhaustive()
    }
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProbeAnswer {
    /// The status.
    pub status: u16,
    /// The id of the reason, when the gateway has refused.
    pub reason: Option<String>,
    /// The reference of the request in the live feed.
    pub reference: Option<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Location`.
    pub location: Option<String>,
    /// How its body begins, as far as it was looked at.
    pub start: String,
    /// Whether the body is longer, or took too long.
    pub is_cut: bool,
}

/// A change whose probe has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeFailure {
    /// The path that was asked.
    pub path: String,
    /// The status that was expected.
    pub expected: u16,
    /// What came instead, or why nothing came.
    pub found: Result<ProbeAnswer, String>,
    /// The revision that the change was.
    pub revision: u64,
    /// The revision that has taken it back, or why it stays.
    pub restored: Result<u64, String>,
}

/// What logs may have: leaves out the query, which may have a ticket.
impl fmt::Display for ProbeFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.restored {
            Ok(_) => f.write_str("Rolled back: ")?,
            Err(_) => write!(f, "Revision {} stays although ", self.revision)?,
        }
        let path = without_query(&self.path);
        write!(f, "the probe of {path} {}", told(&self.found))?;
        write!(f, " where {} was expected.", self.expected)?;
        match &self.restored {
            Ok(_) => Ok(()),
            Err(why) => write!(f, " It could not be rolled back: {why}"),
        }
    }
}

fn without_query(path: &str) -> &str {
    path.split_once('?').map_or(path, |(path, _)| path)
}

fn told(found: &Result<ProbeAnswer, String>) -> String {
    match found {
        Ok(ProbeAnswer {
            status,
            reason: Some(reason),
            ..
        }) => format!("got {status} ({reason})"),
        Ok(answer) => format!("got {}", answer.status),
        Err(why) => format!("got no answer ({why})"),
    }
}

impl Probe {
    /// Whether it can be asked.
    pub(crate) fn check(&self) -> Result<(), ManageError> {
        let visible = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        let wrong = |field: &str, problem: String| Err(ManageError::field(field, problem));
        if !self.path.starts_with('/')
            || self.path.starts_with("//")
            || self.path.len() > MAX_PATH
            || !visible(&self.path)
            || self.path.contains('#')
        {
            let problem =
                format!("must be a path such as /portal/hub/ of at most {MAX_PATH} characters");
            return wrong("probe.path", problem);
        }
        let token = self.token.as_deref();
        if token.is_some_and(|token| token.is_empty() || token.len() > MAX_TOKEN || !visible(token))
        {
            let problem = format!("must be a token of at most {MAX_TOKEN} characters");
            return wrong("probe.token", problem);
        }
        if !(200..=599).contains(&self.expect) {
            let problem = format!("is {}; use a status from 200 to 599", self.expect);
            return wrong("probe.expect", problem);
        }
        if self.limit < Duration::from_secs(1) || self.limit > MAX_PROBE_TIME {
            let most = MAX_PROBE_TIME.as_secs();
            return wrong("probe.timeout", format!("must be 1 to {most} seconds"));
        }
        Ok(())
    }
}

impl Management {
    /// Sends a token with a request through the request path, as a client would, and says what comes
    /// back. It opens a session for whoever the token names.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`], [`ManageError::Invalid`] for a path or token that no request can have,
    /// and [`ManageError::Unavailable`] where no requests are served or no answer came.
    pub async fn send_token(
        &self,
        actor: &Actor,
        path: &str,
        token: &str,
    ) -> Result<ProbeAnswer, ManageError> {
        check_may_change(actor)?;
        let probe = Probe {
            path: path.to_owned(),
            token: Some(token.to_owned()),
            expect: 200,
            limit: USUAL_PROBE_TIME,
            keep: MAX_LOOK,
        };
        probe.check()?;
        let answer = (self.live()?.probe)(probe).await;
        answer.map_err(ManageError::Unavailable)
    }

    /// Asks, and takes the change back when the answer is not the expected one.
    pub(crate) async fn prove(
        &self,
        actor: &Actor,
        probe: &Probe,
        saved: &Saved,
        now: Timestamp,
    ) -> Result<ProbeAnswer, ManageError> {
        let found = match self.live() {
            Ok(live) => (live.probe)(probe.clone()).await,
            Err(error) => Err(error.to_string()),
        };
        match found {
            Ok(answer) if answer.status == probe.expect => {
                let (path, status) = (without_query(&probe.path), answer.status);
                let kept = format!("Kept: the probe of {path} got {status}, as was expected.");
                self.note_verdict(actor, saved, Outcome::Done, kept, now)
                    .await;
                Ok(answer)
            }
            found => {
                let restored = self
                    .take_back(actor, &found, probe.expect, saved, now)
                    .await;
                let failure = ProbeFailure {
                    path: probe.path.clone(),
                    expected: probe.expect,
                    found,
                    revision: saved.after.revision,
                    restored: restored.map_err(|error| error.to_string()),
                };
                tracing::warn!(config.revision = failure.revision, "{failure}");
                self.note_verdict(actor, saved, Outcome::Failed, failure.to_string(), now)
                    .await;
                Err(ManageError::ProbeFailed(Box::new(failure)))
            }
        }
    }

    /// What became of the change, and why, for the trail.
    async fn note_verdict(
        &self,
        actor: &Actor,
        saved: &Saved,
        outcome: Outcome,
        reason: String,
        now: Timestamp,
    ) {
        let actor = actor.for_audit();
        let proved = entry(actor, "configuration.prove", Subject::default(), now);
        let verdict = AuditEntry {
            revision: Some(saved.after.revision),
            outcome,
            reason,
            ..proved
        };
        self.inner.audit_done(verdict).await;
    }

    /// Makes a revision that undoes `saved`, and nothing that others have saved since.
    async fn take_back(
        &self,
        actor: &Actor,
        found: &Result<ProbeAnswer, String>,
        expected: u16,
        saved: &Saved,
        now: Timestamp,
    ) -> Result<u64, ManageError> {
        let (revision, found) = (saved.after.revision, told(found));
        let intent = Intent {
            actor: actor.clone(),
            note: format!(
                "roll back revision {revision}: the probe {found} where {expected} was expected"
            ),
            now,
        };
        let base = Base {
            revision,
            documents: saved.after.documents.clone(),
        };
        let back = steps(&saved.after.documents, &saved.before.documents);
        let saved = self.save_over(intent, move |current| {
            base.carry_over(back.clone(), current)
        });
        Ok(saved.await?.after.revision)
    }
}

#[cfg(test)]
mod tests;
