//! Who asks for a change.

use jotgate_model::{ActorKind, Role};

/// Whoever asks for a change, after authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// `DIRECTORY\user`: kept in the documents that this actor changes and in the revisions.
    pub name: String,
    /// What stands behind the name.
    pub kind: ActorKind,
    /// The address that the request came from, or `console`.
    pub source: String,
    /// What the actor may do.
    pub privilege: Privilege,
}

/// What an actor may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privilege {
    /// Everything.
    RootAdmin,
    /// Everything but what would let the actor, or somebody else, become an administrator.
    SecurityAdmin,
    /// Reads everything and changes nothing.
    AuditAdmin,
}

impl From<Role> for Privilege {
    fn from(role: Role) -> Self {
        match role {
            Role::RootAdmin => Self::RootAdmin,
            Role::SecurityAdmin => Self::SecurityAdmin,
            Role::AuditAdmin => Self::AuditAdmin,
        }
    }
}
