//! What a row says.

use jotgate_model::{ActorKind, Timestamp};
use serde_json::{Map, Value, json};

use super::AuditHead;

/// The most characters of a text that somebody else chose.
const MAX_TEXT: usize = 1024;

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditActor {
    /// `DIRECTORY\user`, or what else stands for the actor.
    pub name: String,
    /// What stands behind the name.
    pub kind: ActorKind,
    /// Where the actor asked from: an address, or `this machine`.
    pub source: String,
}

/// What something was done to. Each may be empty; none holds a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// What kind of thing it is, such as `VirtualProxyConfig`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
}

/// Something that somebody did, or was refused.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: AuditActor,
    /// What, by a name that stays: `configuration.update`.
    pub action: &'static str,
    /// To what.
    pub subject: Subject,
    /// The revision of the configuration that it made.
    pub revision: Option<u64>,
    /// The fields that changed, as they were; nothing when there was nothing before. No secrets.
    pub before: Option<Map<String, Value>>,
    /// The same fields as they are now; nothing when there is nothing any more. No secrets.
    pub after: Option<Map<String, Value>>,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, in one line: the actor's note, or what was wrong.
    pub reason: String,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Done,
    /// It went wrong.
    Failed,
    /// The actor may not do that, or is not who it claims to be.
    Refused,
}

impl Outcome {
    /// The word that is stored.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

/// A row as it is stored. What a later version wrote is no less true, so nothing is parsed here.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct AuditRow {
    /// From 1, without gaps.
    pub sequence: i64,
    /// Milliseconds since the Unix epoch.
    pub at: i64,
    /// Who.
    pub actor: String,
    /// What stands behind the name ([`ActorKind::name`]).
    pub actor_kind: String,
    /// From where.
    pub source: String,
    /// What.
    pub action: String,
    /// To what kind of thing.
    pub subject_kind: String,
    /// Its id.
    pub subject_id: String,
    /// What people call it.
    pub subject_name: String,
    /// The revision that it made.
    pub revision: Option<i64>,
    /// The fields before, as a JSON object.
    pub before: Option<String>,
    /// The fields after, as a JSON object.
    pub after: Option<String>,
    /// What became of it ([`Outcome::name`]).
    pub outcome: String,
    /// Why.
    pub reason: String,
    /// The seal of the row before.
    pub previous: Vec<u8>,
    /// The seal of this one.
    pub mac: Vec<u8>,
}

impl AuditRow {
    /// The row that follows `head`, without its seal.
    pub(super) fn after(head: &AuditHead, entry: &AuditEntry) -> Self {
        let object = |fields: &Map<String, Value>| Value::Object(fields.clone()).to_string();
        Self {
            sequence: head.sequence.saturating_add(1),
            at: entry.at.as_millis(),
            actor: shortened(&entry.actor.name),
            actor_kind: entry.actor.kind.name().to_owned(),
            source: shortened(&entry.actor.source),
            action: entry.action.to_owned(),
            subject_kind: shortened(&entry.subject.kind),
            subject_id: shortened(&entry.subject.id),
            subject_name: shortened(&entry.subject.name),
            revision: entry.revision.map(crate::repository::number),
            before: entry.before.as_ref().map(object),
            after: entry.after.as_ref().map(object),
            outcome: entry.outcome.name().to_owned(),
            reason: shortened(&entry.reason),
            previous: head.mac.to_vec(),
            mac: Vec::new(),
        }
    }

    /// The row for programs: the form of the interface, the export and the command line.
    #[must_use]
    pub fn to_value(&self) -> Value {
        // What is no JSON was written by somebody else, and is shown as it is.
        let parsed = |text: &String| {
            serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()))
        };
        json!({
            "sequence": self.sequence,
            "at": Timestamp::from_millis(self.at).to_string(),
            "actor": {"name": self.actor, "kind": self.actor_kind, "source": self.source},
            "action": self.action,
            "subject": {"kind": self.subject_kind, "id": self.subject_id, "name": self.subject_name},
            "revision": self.revision,
            "before": self.before.as_ref().map(parsed),
            "after": self.after.as_ref().map(parsed),
            "outcome": self.outcome,
            "reason": self.reason,
            "mac": super::head::hexadecimal(&self.mac),
        })
    }
}

/// Without NUL, which PostgreSQL does not store.
fn shortened(text: &str) -> String {
    let visible = |c| {
        if c == '\0' {
            char::REPLACEMENT_CHARACTER
        } else {
            c
        }
    };
    text.chars().take(MAX_TEXT).map(visible).collect()
}
