//! Why a use case did not do what it was asked for.

use jotgate_model::{FieldErrors, Timestamp};
use jotgate_repository::{Kind, RepositoryError};
use uuid::Uuid;

use crate::ProbeFailure;
use crate::drafts::Conflict;

/// Why nothing was changed. Each reads as one sentence for the administrator.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManageError {
    /// The document was changed after the version that the change is based on.
    #[error(
        "The {kind} was changed at {stored} by {stored_by}, after the version of {sent} that this \
         change is based on; read it again and repeat the change."
    )]
    Conflict {
        /// What it describes.
        kind: Kind,
        /// Its id.
        id: Uuid,
        /// When the stored document was changed.
        stored: Timestamp,
        /// Who changed it.
        stored_by: String,
        /// The version that the change is based on.
        sent: Timestamp,
    },
    /// The actor may not do that, or nobody may.
    #[error("{0}")]
    Forbidden(String),
    /// Fields that cannot be accepted, each with what to do about it.
    #[error("{0}")]
    Invalid(FieldErrors),
    /// There is no such document.
    #[error("There is no {kind} with the id {id}.")]
    NotFound {
        /// What was asked for.
        kind: Kind,
        /// Under which id.
        id: Uuid,
    },
    /// The user was changed after the version that the change is based on.
    #[error(
        "The user was changed at {stored} by {stored_by:?}, after the version of {sent} that this \
         change is based on; read it again and repeat the change."
    )]
    UserConflict {
        /// When the stored user was changed.
        stored: Timestamp,
        /// Who changed it.
        stored_by: String,
        /// The version that the change is based on.
        sent: Timestamp,
    },
    /// There is no such user.
    #[error("There is no user with the id {id}.")]
    UserNotFound {
        /// Under which id.
        id: Uuid,
    },
    /// No virtual proxy has that id or prefix.
    #[error("There is no virtual proxy with the id or prefix {0:?}.")]
    NoVirtualProxy(String),
    /// There is none of these with that id.
    #[error("There is no {0} with that id.")]
    Missing(&'static str),
    /// There never was that revision.
    #[error("There is no revision {0}.")]
    NoRevision(u64),
    /// Others have changed, since the revision that a draft is based on, what it changes.
    #[error(
        "The configuration is at revision {current}, and this change is based on revision {base}: \
         others have changed {} meanwhile. Look at both versions and repeat the change from \
         revision {current}.",
        told(conflicts)
    )]
    Outdated {
        /// The revision that the draft is based on.
        base: u64,
        /// The current one.
        current: u64,
        /// What both have changed; nothing where any change counts.
        conflicts: Vec<Conflict>,
    },
    /// The change was saved and served, its probe has failed, and it was taken back if that could be.
    #[error("{0}")]
    ProbeFailed(Box<ProbeFailure>),
    /// The repository does not do its work. Traffic goes on with the last configuration. Should it
    /// have failed while it acknowledged, the change is stored all the same: then the next save, or
    /// the next start, finds it.
    #[error("The configuration could not be read or saved because {0}.")]
    Unavailable(String),
}

impl ManageError {
    /// One field that cannot be accepted.
    pub(crate) fn field(field: impl Into<String>, problem: impl Into<String>) -> Self {
        let mut errors = FieldErrors::default();
        errors.push(field, problem);
        Self::Invalid(errors)
    }
}

/// The documents, the first few by name.
fn told(conflicts: &[Conflict]) -> String {
    const NAMED: usize = 3;
    let named = conflicts.iter().take(NAMED);
    let named = named.map(|document| format!("the {} \"{}\"", document.kind, document.name));
    let mut told = named.collect::<Vec<_>>().join(", ");
    if conflicts.is_empty() {
        told.push_str("it");
    }
    if conflicts.len() > NAMED {
        told.push_str(&format!(" and {} more", conflicts.len() - NAMED));
    }
    told
}

impl From<FieldErrors> for ManageError {
    fn from(errors: FieldErrors) -> Self {
        Self::Invalid(errors)
    }
}

impl From<RepositoryError> for ManageError {
    fn from(error: RepositoryError) -> Self {
        Self::Unavailable(error.to_string())
    }
}
