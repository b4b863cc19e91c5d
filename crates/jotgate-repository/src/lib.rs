//! The configuration on disk, in SQLite or in PostgreSQL: documents, revisions, and a few settings; beside it revocations, users and the audit trail.
//!
//! Requests never come here. They are judged by a snapshot in memory; this crate keeps what the
//! snapshot is made of. A save is one transaction that holds all of its changes or none, counts the
//! revision up by one, and is on disk before it is acknowledged. It names the revision that it is
//! based on and is refused when that is not the stored one, so that two writers can never undo each
//! other unseen. Each revision keeps what every changed document was before and is after.
//!
//! Documents are read tolerantly (unknown fields and kinds are ignored, missing fields get their
//! default), because two adjacent versions of the program may share a database.

mod api_key;
mod audit;
mod copy;
mod database;
mod difference;
mod document;
mod error;
mod feed;
mod moving;
mod open;
mod password;
mod postgres;
mod report;
mod repository;
mod revisions;
mod revocation;
mod user;

pub use api_key::StoredApiKey;
pub use audit::{
    AuditActor, AuditEntry, AuditFilter, AuditHead, AuditKey, AuditProblem, AuditRow, AuditTrail,
    AuditVerdict, Damage, MAX_AUDIT_ROWS, Outcome, Subject,
};
pub use copy::Copied;
pub use difference::{Difference, MASK, SECRET_FIELDS, differences};
pub use document::{Change, ChangeSet, Document, Kind};
pub use error::{OpenError, RepositoryError};
pub use feed::{Feed, Marks};
pub use postgres::DatabaseUrl;
pub use report::{Heard, Report};
pub use repository::{Repository, Stored};
pub use revisions::{Revision, Touched};
pub use revocation::{Revocation, Revoked};
pub use user::{NotedSignIn, StoredUser, UserNarrowing, UserOrder};
