//! Who asks for a change.

/// Whoever asks for a change, after authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// `DIRECTORY\user`: kept in the documents that this actor changes and in the revisions.
    pub name: String,
    /// The address that the request came from, or `console`.
    pub source: String,
    /// What the actor may do.
    pub privilege: Privilege,
}

/// What an actor may do: the administrator roles of the real system that may change anything here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privilege {
    /// Everything.
    RootAdmin,
    /// Everything but what would let the actor become somebody with more rights: how users prove
    /// who they are where roles count.
    SecurityAdmin,
}
