//! What seals a row.

use std::fmt;

use aws_lc_rs::hmac;

use super::{AuditHead, AuditRow};

/// The key of the seals. Whoever has it and can write the database can forge the trail.
#[derive(Clone)]
pub struct AuditKey(hmac::Key);

impl AuditKey {
    /// From random bytes.
    #[must_use]
    pub fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The seal of a row: over everything that it says and the seal of the row before. Each part
    /// is preceded by its length, so that no two rows have the same bytes.
    pub(super) fn seal(&self, row: &AuditRow) -> [u8; 32] {
        let mut parts = Parts::new(&self.0, b"jotgate audit row 1");
        parts.number(row.sequence);
        parts.number(row.at);
        for text in [
            &row.actor,
            &row.actor_kind,
            &row.source,
            &row.action,
            &row.subject_kind,
            &row.subject_id,
            &row.subject_name,
        ] {
            parts.bytes(text.as_bytes());
        }
        parts.number(i64::from(row.revision.is_some()));
        parts.number(row.revision.unwrap_or_default());
        for text in [&row.before, &row.after] {
            parts.number(i64::from(text.is_some()));
            parts.bytes(text.as_deref().unwrap_or_default().as_bytes());
        }
        parts.bytes(row.outcome.as_bytes());
        parts.bytes(row.reason.as_bytes());
        parts.bytes(&row.previous);
        parts.seal()
    }

    /// The seal of the newest row's number and seal, where they are kept beside the database.
    pub(super) fn seal_head(&self, head: &AuditHead) -> [u8; 32] {
        let mut parts = Parts::new(&self.0, b"jotgate audit head 1");
        parts.number(head.sequence);
        parts.bytes(&head.mac);
        parts.seal()
    }
}

/// Leaves the key out.
impl fmt::Debug for AuditKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditKey(..)")
    }
}

/// What is sealed, part by part.
struct Parts(hmac::Context);

impl Parts {
    /// `purpose` keeps seals of one kind from passing for another.
    fn new(key: &hmac::Key, purpose: &[u8]) -> Self {
        let mut parts = Self(hmac::Context::with_key(key));
        parts.bytes(purpose);
        parts
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn number(&mut self, number: i64) {
        self.0.update(&number.to_be_bytes());
    }

    fn seal(self) -> [u8; 32] {
        let mut seal = [0; 32];
        seal.copy_from_slice(self.0.sign().as_ref());
        seal
    }
}
