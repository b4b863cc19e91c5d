//! Files that are there completely or not at all, also after a loss of power.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use uuid::Uuid;

/// What the names of unfinished files and folders begin with.
pub(crate) const UNFINISHED: &str = ".jotgate-unfinished-";

/// The permissions of a file that holds a secret.
pub(crate) const OWNER_ONLY: u32 = 0o600;
/// The permissions of a file that everybody may read.
pub(crate) const PUBLIC: u32 = 0o644;

/// A name for something unfinished in `folder`.
pub(crate) fn unfinished_name(folder: &Path) -> PathBuf {
    folder.join(format!("{UNFINISHED}{}", Uuid::new_v4().simple()))
}

/// Writes `bytes` to `path`, in place of what is there.
///
/// # Errors
/// Whatever the file system says; `path` is as it was.
pub(crate) fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    write_then(path, bytes, mode, |unfinished| fs::rename(unfinished, path))
}

/// Writes `bytes` to `path`, in place of what is there, for the owner alone.
///
/// # Errors
/// Whatever the file system says; `path` is as it was.
pub(crate) fn write_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace(path, bytes, OWNER_ONLY)
}

/// Writes `bytes` to `path`, where nothing must be.
///
/// # Errors
/// `AlreadyExists` when something is there; else whatever the file system says.
pub(crate) fn create(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    write_then(path, bytes, mode, |unfinished| name_new(unfinished, path))
}

/// Gives a finished file its name, which nothing must have.
///
/// # Errors
/// `AlreadyExists` when something has it; else whatever the file system says.
pub(crate) fn name_new(unfinished: &Path, path: &Path) -> io::Result<()> {
    // Unlike a rename, a link never takes the place of something else.
    match fs::hard_link(unfinished, path) {
        Ok(()) => fs::remove_file(unfinished),
        // Not every file system has links; then looking first has to do.
        Err(error) if error.kind() != ErrorKind::AlreadyExists && !path.exists() => {
            fs::rename(unfinished, path)
        }
        Err(error) => Err(error),
    }
}

/// The folder that a file is in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes the entries of `folder` durable: a new name is not on the disk before its folder is.
///
/// # Errors
/// Whatever the file system says.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn write_then(
    path: &Path,
    bytes: &[u8],
    mode: u32,
    finish: impl FnOnce(&Path) -> io::Result<()>,
) -> io::Result<()> {
    let folder = folder_of(path);
    let unfinished = unfinished_name(folder);
    let result = write_synced(&unfinished, bytes, mode).and_then(|()| finish(&unfinished));
    if result.is_err() {
        // The error that counts is the first one.
        drop(fs::remove_file(&unfinished));
    }
    result.and_then(|()| sync_folder(folder))
}

fn write_synced(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_unfinished_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        replace(&path, b"one", PUBLIC).unwrap();
        replace(&path, b"two", OWNER_ONLY).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_new_file_never_takes_the_place_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        create(&path, b"one", OWNER_ONLY).unwrap();
        let error = create(&path, b"two", OWNER_ONLY).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
