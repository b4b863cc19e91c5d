//! The audit trail: who did what, as a chain of rows that is only added to.
//!
//! Each row is sealed with HMAC-SHA-256 (RFC 2104) over all of its columns and the seal of the row
//! before; the key is not in the database. Whoever can write the database can then neither alter,
//! insert nor move a row, nor remove one but from the end, without [`Repository::verify_audit`]
//! finding it. The end is told twice elsewhere: each row to the log, and the newest one to a file.
//!
//! A row is written in the transaction of what it tells, after the lock of the writer is held: the
//! row before it is the newest one, whichever process wrote that.

mod changes;
mod head;
mod kept;
mod list;
mod row;
mod seal;
mod trail;
mod verify;

pub(crate) use changes::change_entry;
pub use head::AuditHead;
pub use list::{AuditFilter, MAX_AUDIT_ROWS};
pub use row::{AuditActor, AuditEntry, AuditRow, Outcome, Subject};
pub use seal::AuditKey;
pub use trail::AuditTrail;
pub use verify::{AuditProblem, AuditVerdict, Damage};

#[cfg(test)]
pub(crate) mod tests;
