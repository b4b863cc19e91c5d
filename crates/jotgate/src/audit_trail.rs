//! What seals the audit trail of this data directory.

use std::path::Path;

use aws_lc_rs::digest;
use jotgate_api::local_actor;
use jotgate_model::Timestamp;
use jotgate_repository::{AuditHead, AuditKey, AuditTrail, Repository};
use zeroize::Zeroizing;

use crate::cluster_key::{new_key, read_key, write_key};
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
    let trail = match stored_key(path, &end)? {
        Some(key) => AuditTrail::open(key, &path.join(HEAD_FILE)),
        None => begin(path)?,
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
    let trail = match stored_key(path, &end)? {
        Some(key) => {
            let head = path.join(HEAD_FILE);
            AuditTrail::begin(key, &head, &end).map_err(|error| unwritable(&head, &error))?
        }
        None => begin(path)?,
    };
    let repository = repository.with_audit(trail);
    let noted = jotgate_manage::note_restore(&repository, &local_actor(None), reason, now).await;
    // Everything is in one file after that.
    repository.close().await;
    noted.map_err(|error| DataDirectoryError::new(error.to_string()))
}

/// What the trail of the data directory at `path` is sealed with: for a database that is to continue it.
///
/// # Errors
/// There is no key, or it cannot be read.
pub(crate) fn key_bytes(path: &Path) -> Result<Zeroizing<[u8; 32]>, DataDirectoryError> {
    let file = path.join(KEY_FILE);
    let material = read_key(&file)?;
    let material = material.ok_or_else(|| {
        DataDirectoryError::new(format!(
            "{} is missing, the key of the audit trail",
            file.display()
        ))
    })?;
    Ok(bytes_of(&material))
}

/// Whether the data directory at `path` has no key of an audit trail.
pub(crate) fn is_key_missing(path: &Path) -> bool {
    !path.join(KEY_FILE).exists()
}

async fn open(path: &Path) -> Result<(Repository, AuditHead), DataDirectoryError> {
    let unusable = |error: &dyn std::fmt::Display| DataDirectoryError::new(error.to_string());
    let opened = Repository::open_sqlite(&path.join("configuration.db")).await;
    let repository = opened.map_err(|error| unusable(&error))?;
    let end = repository.audit_head().await;
    Ok((repository, end.map_err(|error| unusable(&error))?))
}

/// The key; nothing for a trail that has not begun. That a trail has rows and no key is an error: with
/// another one, those rows could never be verified again.
fn stored_key(path: &Path, end: &AuditHead) -> Result<Option<AuditKey>, DataDirectoryError> {
    let file = path.join(KEY_FILE);
    match read_key(&file)? {
        Some(material) => Ok(Some(key_of(&material))),
        None if *end == AuditHead::BEGINNING => Ok(None),
        None => Err(DataDirectoryError::new(format!(
            "{} is missing, the key of the audit trail; restore it from a backup, or write 32 random bytes to it, after which the rows before can no longer be verified",
            file.display()
        ))),
    }
}

/// A new trail. Its end is kept before there is a key: where the key is, an end that is missing was
/// taken away.
fn begin(path: &Path) -> Result<AuditTrail, DataDirectoryError> {
    let (file, head) = (path.join(KEY_FILE), path.join(HEAD_FILE));
    let material = new_key(&file)?;
    let trail = AuditTrail::begin(key_of(&material), &head, &AuditHead::BEGINNING)
        .map_err(|error| unwritable(&head, &error))?;
    write_key(&file, &material)?;
    Ok(trail)
}

fn key_of(material: &[u8]) -> AuditKey {
    AuditKey::new(&bytes_of(material))
}

fn bytes_of(material: &[u8]) -> Zeroizing<[u8; 32]> {
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(digest::digest(&digest::SHA256, material).as_ref());
    key
}

fn unwritable(path: &Path, error: &std::io::Error) -> DataDirectoryError {
    DataDirectoryError::new(format!("{} cannot be written ({error})", path.display()))
}
