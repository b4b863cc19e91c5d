//! Joining the nodes that share a database.
//!
//! The key of the audit trail is in the database, sealed with the cluster key: every node of the fleet
//! has it, and nobody who has the database only. That a node can open it shows that its cluster key
//! is the one of the others.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::{hkdf, rand};
use jotgate_api::local_actor;
use jotgate_manage::move_database;
use jotgate_model::Timestamp;
use jotgate_repository::{AuditHead, AuditKey, AuditTrail, DatabaseUrl, Repository};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::audit_trail::{key_bytes, open_repository};
use crate::data_directory::{DataDirectoryError, atomic};
use crate::settings::Secret;

/// The file that tells which node of which fleet a data directory is: two ids, one in each line.
const FILE: &str = "fleet";
/// The file that keeps the end of the fleet's audit trail, as this node knows it.
const HEAD_FILE: &str = "fleet_audit_head";
/// The setting that names a fleet.
const FLEET: &str = "fleet";
/// The setting with the sealed key of the audit trail.
const AUDIT_KEY: &str = "audit_key";
/// What the sealing key is derived for.
const PURPOSE: &[u8] = b"jotgate audit key in the database 1";
/// The length of the nonce before the sealed key.
const NONCE: usize = 12;

/// A node of a fleet.
pub(crate) struct Joined {
    /// The shared database, with the shared trail.
    pub(crate) repository: Repository,
    /// The gateway that this node is.
    pub(crate) proxy: Uuid,
}

/// Opens the database at `url` as the node that the data directory at `path` is. One that was no node of
/// this fleet becomes one.
///
/// # Errors
/// The database cannot be used, or belongs to another cluster key; the data directory cannot be read
/// or written.
pub(crate) async fn join(
    path: &Path,
    url: &Secret,
    cluster_key: &[u8; 32],
) -> Result<Joined, DataDirectoryError> {
    let unusable = |error: &dyn std::fmt::Display| DataDirectoryError::new(error.to_string());
    let url = DatabaseUrl::new(String::from_utf8_lossy(url.expose()));
    let opened = Repository::open_postgres(&url).await;
    let repository = opened.map_err(|error| unusable(&error))?;
    let offered = Uuid::new_v4().to_string();
    let fleet = repository.first_setting(FLEET, &offered).await;
    let fleet = fleet.map_err(|error| unusable(&error))?;
    let offered = seal(&*random_key()?, cluster_key)?;
    let sealed = repository.first_setting(AUDIT_KEY, &offered).await;
    let sealed = sealed.map_err(|error| unusable(&error))?;
    let key = AuditKey::new(&*open(&sealed, cluster_key)?);
    let (file, head) = (path.join(FILE), path.join(HEAD_FILE));
    if let Some(proxy) = member(&file, &fleet)? {
        let repository = repository.with_audit(AuditTrail::open(key, &head));
        return Ok(Joined { repository, proxy });
    }
    // What the trail had before this node came is for the others to know. Its end is kept before the
    // node is one: where the other file is, an end that is missing was taken away.
    let end = repository.audit_head().await;
    let end = end.map_err(|error| unusable(&error))?;
    let proxy = Uuid::new_v4();
    let trail = become_member(path, key, &end, &fleet, proxy)?;
    let repository = repository.with_audit(trail);
    Ok(Joined { repository, proxy })
}

/// Moves everything that the data directory at `path` keeps of its configuration to the empty database
/// at `url`, of which it is the first node then. Whole or not at all. Gives how many rows there were.
///
/// # Errors
/// The data directory or the database cannot be used, or the database is not empty.
pub(crate) async fn move_there(
    path: &Path,
    url: &Secret,
    cluster_key: &[u8; 32],
    now: Timestamp,
) -> Result<u64, DataDirectoryError> {
    let unusable = |error: &dyn std::fmt::Display| DataDirectoryError::new(error.to_string());
    let from = open_repository(path).await?;
    let proxy = from.setting("local_proxy").await;
    let proxy = proxy.map_err(|error| unusable(&error))?;
    let proxy = proxy.and_then(|proxy| proxy.parse().ok()).ok_or_else(|| {
        DataDirectoryError::new(
            "the data directory has not been served from yet; there is nothing to move",
        )
    })?;
    let end = from.audit_head().await.map_err(|error| unusable(&error))?;
    let url = DatabaseUrl::new(String::from_utf8_lossy(url.expose()));
    let opened = Repository::open_postgres(&url).await;
    let to = opened.map_err(|error| unusable(&error))?;
    // Before anything is written: this may be a node of that very database.
    let (revision, last) = (to.revision().await, to.audit_head().await);
    let last = last.map_err(|error| unusable(&error))?;
    if revision.map_err(|error| unusable(&error))? > 0 || last != AuditHead::BEGINNING {
        let sentence = "something is stored in the database already; make an empty one";
        return Err(DataDirectoryError::new(sentence));
    }
    let (key, fleet) = (key_bytes(path)?, Uuid::new_v4().to_string());
    let sealed = seal(&key, cluster_key)?;
    // Before it is decided: until then the database names another fleet, or none.
    let trail = become_member(path, AuditKey::new(&key), &end, &fleet, proxy)?;
    let to = to.with_audit(trail);
    let settings = [(FLEET, &*fleet), (AUDIT_KEY, &*sealed)];
    let moved = move_database(&from, &to, &settings, &local_actor(None), now).await;
    to.close().await;
    from.close().await;
    moved.map_err(|error| unusable(&error))
}

/// Whether the data directory at `path` is that of a node whose configuration is in a database.
pub(crate) fn is_node(path: &Path) -> bool {
    path.join(FILE).exists()
}

/// Refuses what would read the configuration in a data directory that is elsewhere: of a node that was
/// moved there, an old one is still there.
///
/// # Errors
/// The data directory is that of a node.
pub(crate) fn refuse_of_node(path: &Path) -> Result<(), DataDirectoryError> {
    if !is_node(path) {
        return Ok(());
    }
    Err(DataDirectoryError::new(format!(
        "the gateway of {} does not run, and what it serves is in the database that it shares with \
         other nodes; start it, or ask another node with --server",
        path.display()
    )))
}

/// Makes the data directory a node of that fleet, in which the trail ends with `end`.
fn become_member(
    path: &Path,
    key: AuditKey,
    end: &AuditHead,
    fleet: &str,
    proxy: Uuid,
) -> Result<AuditTrail, DataDirectoryError> {
    let (file, head) = (path.join(FILE), path.join(HEAD_FILE));
    let trail = AuditTrail::begin(key, &head, end).map_err(|error| unwritable(&head, &error))?;
    let text = format!("{fleet}\n{proxy}\n");
    atomic::replace(&file, text.as_bytes(), atomic::OWNER_ONLY)
        .map_err(|error| unwritable(&file, &error))?;
    Ok(trail)
}

/// Which node of that fleet the file says this is, if any.
fn member(file: &Path, fleet: &str) -> Result<Option<Uuid>, DataDirectoryError> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let sentence = format!("{} cannot be read ({error})", file.display());
            return Err(DataDirectoryError::new(sentence));
        }
    };
    let Some((of_fleet, proxy)) = text.trim().split_once('\n') else {
        return Ok(None);
    };
    Ok(proxy.parse().ok().filter(|_| of_fleet == fleet))
}

fn random_key() -> Result<Zeroizing<[u8; 32]>, DataDirectoryError> {
    let mut key = Zeroizing::new([0; 32]);
    rand::fill(&mut *key).map_err(|_| {
        DataDirectoryError::new(
            "the key of the audit trail cannot be made: the system gives no random bytes",
        )
    })?;
    Ok(key)
}

/// Seals a key, in hexadecimal digits: nonce, sealed key, tag (RFC 5116).
fn seal(key: &[u8; 32], cluster_key: &[u8; 32]) -> Result<String, DataDirectoryError> {
    let fault = |_| DataDirectoryError::new("the key of the audit trail cannot be sealed");
    let mut sealed = Zeroizing::new(key.to_vec());
    let nonce = sealing_key(cluster_key)
        .and_then(|sealing| sealing.seal_in_place_append_tag(Aad::from(PURPOSE), &mut *sealed))
        .map_err(fault)?;
    let bytes = nonce.as_ref().iter().chain(sealed.iter());
    Ok(bytes.map(|byte| format!("{byte:02x}")).collect())
}

fn open(sealed: &str, cluster_key: &[u8; 32]) -> Result<Zeroizing<[u8; 32]>, DataDirectoryError> {
    opened(sealed, cluster_key).ok_or_else(|| {
        DataDirectoryError::new(
            "the database belongs to nodes with another cluster key; give this one the same \
             --cluster-key-file as the others (the first node's own key is the file cluster_key in its \
             data directory)",
        )
    })
}

fn opened(sealed: &str, cluster_key: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
    let bytes = (0..sealed.len()).step_by(2);
    let bytes: Option<Vec<u8>> = bytes
        .map(|at| u8::from_str_radix(sealed.get(at..at + 2)?, 16).ok())
        .collect();
    let mut bytes = Zeroizing::new(bytes?);
    let (nonce, sealed) = bytes.split_at_mut_checked(NONCE)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let sealing = sealing_key(cluster_key).ok()?;
    let key = sealing
        .open_in_place(nonce, Aad::from(PURPOSE), sealed)
        .ok()?;
    Some(Zeroizing::new((&*key).try_into().ok()?))
}

/// What seals the key of the trail (HKDF, RFC 5869): the cluster key has other uses beside.
fn sealing_key(
    cluster_key: &[u8; 32],
) -> Result<RandomizedNonceKey, aws_lc_rs::error::Unspecified> {
    let extracted = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(cluster_key);
    let mut derived = Zeroizing::new([0; 32]);
    extracted
        .expand(&[PURPOSE], hkdf::HKDF_SHA256)?
        .fill(&mut *derived)?;
    RandomizedNonceKey::new(&AES_256_GCM, &*derived)
}

fn unwritable(path: &Path, error: &std::io::Error) -> DataDirectoryError {
    DataDirectoryError::new(format!("{} cannot be written ({error})", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_cluster_key_opens_the_audit_key() {
        let sealed = seal(&[7; 32], &[1; 32]).unwrap();
        assert_eq!(*open(&sealed, &[1; 32]).unwrap(), [7; 32]);
        let other = open(&sealed, &[2; 32]).unwrap_err().to_string();
        assert!(other.contains("--cluster-key-file"), "{other}");
        assert_ne!(sealed, seal(&[7; 32], &[1; 32]).unwrap());
    }

    #[test]
    fn what_was_touched_is_not_opened() {
        let sealed = seal(&[7; 32], &[1; 32]).unwrap();
        for at in 0..sealed.len() {
            let mut touched = sealed.clone();
            let digit = if sealed[at..].starts_with('0') {
                "1"
            } else {
                "0"
            };
            touched.replace_range(at..=at, digit);
            assert!(open(&touched, &[1; 32]).is_err());
            assert!(open(&sealed[..at], &[1; 32]).is_err());
        }
        for wrong in ["", "x", "ü", "+1+1"] {
            assert!(open(wrong, &[1; 32]).is_err());
        }
    }

    #[test]
    fn a_data_directory_is_a_node_of_one_fleet() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        assert_eq!(member(&file, "a").unwrap(), None);
        let id = Uuid::from_u128(7);
        fs::write(&file, format!("a\n{id}\n")).unwrap();
        assert_eq!(member(&file, "a").unwrap(), Some(id));
        assert_eq!(member(&file, "b").unwrap(), None);
        fs::write(&file, "a\nb").unwrap();
        assert_eq!(member(&file, "a").unwrap(), None);
    }
}
