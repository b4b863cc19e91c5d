//! What can go wrong: with one session, or with the whole journal.

use std::path::PathBuf;

/// Why a session could not be created or ended, or a token id not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The user has as many sessions here as allowed.
    #[error("the user has as many sessions as the virtual proxy allows")]
    Exhausted,
    /// The id that was named for the session belongs to another one.
    #[error("the session id that was named is already in use")]
    IdTaken,
    /// User name and attributes together exceed 64 KiB.
    #[error("the user's name and attributes together are longer than 64 KiB")]
    IdentityTooLarge,
    /// The store cannot keep anything at the moment: its journal cannot be written, it is full, or
    /// it was closed. Trying again later may help.
    #[error("the session store is not available")]
    Unavailable,
}

/// Why a journal could not be opened. Each is a sentence that names the file.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It holds what Jotgate never wrote.
    #[error(
        "the session journal {} is damaged ({detail}); restore a backup, or move the file away to start without sessions",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// It was written by a newer version of Jotgate.
    #[error(
        "the session journal {} has version {found} and this Jotgate knows versions up to {known}; start the newer Jotgate that wrote it",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that is understood.
        known: i64,
    },
    /// It is in the form of an older Jotgate, which still uses it.
    #[error(
        "the session journal {} has the form of an older Jotgate that is still running; stop that one, then start this one: sessions go on",
        path.display()
    )]
    OlderInUse {
        /// The file.
        path: PathBuf,
    },
    /// It is some other file.
    #[error(
        "{} is not a session journal of Jotgate; move the file away or name another data directory",
        path.display()
    )]
    NotAJournal {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be read or written.
    #[error("the session journal {} cannot be opened for reading and writing: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
