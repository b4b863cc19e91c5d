//! What can go wrong: with one session, or with the whole journal.

use std::path::PathBuf;

use crate::EndReason;

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
    /// It was ended before anybody could use it: its user was blocked, say, or its key removed.
    #[error("the session was ended while it was being opened")]
    Ended(EndReason),
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
    /// The address of the shared store cannot be read.
    #[error("the session store's URL is not usable: {why}")]
    StoreUrl {
        /// What is wrong with it, without its text: there may be a password in it.
        why: &'static str,
    },
    /// Nobody answers there.
    #[error(
        "the session store does not answer: {why}; check --session-store-url, that Redis is running, and that it lets this machine in (`bind`, `protected-mode`)"
    )]
    StoreUnreachable {
        /// What was tried.
        why: String,
    },
    /// User or password are wrong, or the user may not do what is needed.
    #[error(
        "the session store refuses this node: {why}; check user and password in --session-store-url, and give the user the rights that docs/OPERATIONS.md lists"
    )]
    StoreRefuses {
        /// What it said.
        why: String,
    },
    /// Its certificate is not to be trusted, or is somebody else's.
    #[error(
        "the certificate of the session store is not accepted: {why}; --session-store-ca-file names the certificate that it is signed with, and --session-store-url must call the host by a name that stands in it"
    )]
    StoreUntrusted {
        /// What is wrong with it.
        why: String,
    },
    /// Another version of Jotgate uses it.
    #[error(
        "the session store is of version {found}, which this Jotgate does not know; start the version that made it, or give this one another database"
    )]
    StoreVersion {
        /// The version.
        found: String,
    },
    /// It throws values away when its memory is full.
    #[error(
        "the session store has a memory limit and the policy {policy}: it would forget sessions and used tokens; set maxmemory-policy noeviction"
    )]
    StoreEvicts {
        /// Its policy.
        policy: String,
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

/// What a Redis says of a user who is a stranger to it, or may not do something. A script that may not says so
/// in words.
const REFUSALS: [&str; 6] = [
    "WRONGPASS",
    "NOAUTH",
    "NOPERM",
    "NoPerm",
    "AuthenticationFailed",
    "user executing the script can't",
];

impl OpenError {
    /// For what a shared store, or the way to it, said.
    pub(crate) fn of_store(why: String) -> Self {
        if why.contains("invalid peer certificate") {
            Self::StoreUntrusted { why }
        } else if REFUSALS.iter().any(|refusal| why.contains(refusal)) {
            Self::StoreRefuses { why }
        } else {
            Self::StoreUnreachable { why }
        }
    }
}
