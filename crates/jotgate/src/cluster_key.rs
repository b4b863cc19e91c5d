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
        None => own_key(&directory.path().join(FILE))?,
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

/// Random bytes for a key that is to be in that file.
///
/// # Errors
/// The system has none.
pub(crate) fn new_key(path: &Path) -> Result<Zeroizing<Vec<u8>>, DataDirectoryError> {
    let mut bytes = Zeroizing::new(vec![0; 32]);
    rand::fill(&mut bytes).map_err(|_| {
        let path = path.display();
        let sentence = format!("{path} cannot be made: the system gives no random bytes");
        DataDirectoryError::new(sentence)
    })?;
    Ok(bytes)
}

/// Writes a key to a file that must not be there, for the owner alone.
///
/// # Errors
/// The file cannot be written.
pub(crate) fn write_key(path: &Path, bytes: &[u8]) -> Result<(), DataDirectoryError> {
    atomic::create(path, bytes, atomic::OWNER_ONLY).map_err(|error| {
        DataDirectoryError::new(format!("{} cannot be written ({error})", path.display()))
    })
}

fn own_key(path: &Path) -> Result<Zeroizing<Vec<u8>>, DataDirectoryError> {
    if let Some(key) = read_key(path)? {
        return Ok(key);
    }
    let bytes = new_key(path)?;
    write_key(path, &bytes)?;
    Ok(bytes)
}
