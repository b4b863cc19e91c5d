//! What seals the audit trail of this data directory.

use std::path::Path;

use aws_lc_rs::digest;
use jotgate_api::local_actor;
use jotgate_model::Timestamp;
use jotgate_repository::{AuditHead, AuditKey, AuditTrail, Repository};
use zeroize::Zeroizing;

use crate::cluster_key::{own_key, read_key};
use crate::data_directory::DataDirectoryError;

/// The file of the key. Not the cluster key: that one may have to be replaced.
const KEY_FILE: &str = "audit_key";
/// The file that keeps the end of the trail.
const HEAD_FILE: &str = "audit_head";

/// The configuration in the data directory at `path`, with its audit trail: the one way in which
/// something opens it that changes it.
///
/// # Errors
/// The database or the key of the trail cannot be used.
pub(crate) async fn open_repository(path: &Path) -> Result<Repository, DataDirectoryError> {
    let (repository, end) = open(path).await?;
    let (key, head) = (key(path, &end)?, path.join(HEAD_FILE));
    let trail = if end == AuditHead::BEGINNING && !head.exists() {
        AuditTrail::begin(key, &head, &end).map_err(|error| unwritable(&head, &error))?
    } else {
        AuditTrail::open(key, &head)
    };
    Ok(repository.with_audit(trail))
}

/// Notes in the trail of a configuration that it comes from a backup, which `reason` names. Its end
/// may be another one than before: that is no damage.
///
/// # Errors
/// As [`open_repository`].
pub(crate) async fn note_restore(
    path: &Path,
    reason: String,
    now: Timestamp,
) -> Result<(), DataDirectoryError> {
    let (repository, end) = open(path).await?;
    let (key, head) = (key(path, &end)?, path.join(HEAD_FILE));
    let trail = AuditTrail::begin(key, &head, &end).map_err(|error| unwritable(&head, &error))?;
    let repository = repository.with_audit(trail);
    let noted = jotgate_manage::note_restore(&repository, &local_actor(None), reason, now).await;
    // Everything is in one file after that.
    repository.close().await;
    noted.map_err(|error| DataDirectoryError::new(error.to_string()))
}

async fn open(path: &Path) -> Result<(Repository, AuditHead), DataDirectoryError> {
    let unusable = |error: &dyn std::fmt::Display| DataDirectoryError::new(error.to_string());
    let opened = Repository::open_sqlite(&path.join("configuration.db")).await;
    let repository = opened.map_err(|error| unusable(&error))?;
    let end = repository.audit_head().await;
    Ok((repository, end.map_err(|error| unusable(&error))?))
}

/// The key, which is made for a trail that has no row yet. Afterwards a missing key is an error: with
/// another one, the rows that are there could never be verified again.
fn key(path: &Path, end: &AuditHead) -> Result<AuditKey, DataDirectoryError> {
    let file = path.join(KEY_FILE);
    if *end != AuditHead::BEGINNING && read_key(&file)?.is_none() {
        let sentence = format!(
            "{} is missing, the key of the audit trail; restore it from a backup, or write 32 random bytes to it, after which the rows before can no longer be verified",
            file.display()
        );
        return Err(DataDirectoryError::new(sentence));
    }
    let material = own_key(path, KEY_FILE)?;
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(digest::digest(&digest::SHA256, &material).as_ref());
    Ok(AuditKey::new(&key))
}

fn unwritable(path: &Path, error: &std::io::Error) -> DataDirectoryError {
    DataDirectoryError::new(format!("{} cannot be written ({error})", path.display()))
}
