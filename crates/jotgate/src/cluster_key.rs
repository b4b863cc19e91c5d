//! The key that the nodes of a fleet share; a single node makes its own.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use aws_lc_rs::{digest, rand};
use zeroize::Zeroizing;

use crate::data_directory::{DataDirectory, DataDirectoryError, atomic};
use crate::settings::Secret;

/// The file of a node's own key.
const FILE: &str = "cluster_key";

/// 32 bytes that sealed sessions, CSRF tokens and sign-in states are made with: from the given key,
/// or from the data directory's own, which is made when it is missing.
///
/// # Errors
/// The file cannot be read or written.
pub(crate) fn cluster_key(
    given: Option<&Secret>,
    directory: &DataDirectory,
) -> Result<Zeroizing<[u8; 32]>, DataDirectoryError> {
    let material = match given {
        Some(secret) => Zeroizing::new(secret.expose().to_vec()),
        None => own_key(directory.path(), FILE)?,
    };
    let mut key = Zeroizing::new([0; 32]);
    key.copy_from_slice(digest::digest(&digest::SHA256, &material).as_ref());
    Ok(key)
}

/// The key in that file, if there is one.
///
/// # Errors
/// The file cannot be read, or holds less than a key.
pub(crate) fn read_key(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, DataDirectoryError> {
    let wrong = |what: String| DataDirectoryError::new(format!("{} {what}", path.display()));
    match fs::read(path) {
        Ok(bytes) if bytes.len() >= 32 => Ok(Some(Zeroizing::new(bytes))),
        Ok(bytes) => Err(wrong(format!(
            "has {} bytes where at least 32 belong; restore a backup, or remove it to get a new one",
            bytes.len()
        ))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(wrong(format!("cannot be read ({error})"))),
    }
}

/// The key in that file of a data directory, which is made when it is missing.
///
/// # Errors
/// The file cannot be read or written.
pub(crate) fn own_key(
    directory: &Path,
    file: &str,
) -> Result<Zeroizing<Vec<u8>>, DataDirectoryError> {
    let path = directory.join(file);
    if let Some(key) = read_key(&path)? {
        return Ok(key);
    }
    let wrong = |what: String| DataDirectoryError::new(format!("{} {what}", path.display()));
    let mut bytes = Zeroizing::new(vec![0; 32]);
    rand::fill(&mut bytes)
        .map_err(|_| wrong("cannot be made: the system gives no random bytes".to_owned()))?;
    atomic::create(&path, &bytes, atomic::OWNER_ONLY)
        .map_err(|error| wrong(format!("cannot be written ({error})")))?;
    Ok(bytes)
}
