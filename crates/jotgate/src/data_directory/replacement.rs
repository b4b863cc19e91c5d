//! Another content for a data directory, taken as a whole or not at all.
//!
//! The folder itself cannot be exchanged: it may be a mounted volume, and the lock is inside. So the
//! new content is prepared in a folder beside the old one. Giving that folder its final name decides:
//! from then on, whoever opens the data directory first finishes what was begun, also after a kill at
//! any moment. What follows:
//!
//! 1. everything that is there is moved to `old` in that folder, part by part;
//! 2. `old` gets its final name, in the data directory: nothing is moved away any more;
//! 3. everything in `new` is moved into the data directory, part by part; the folder goes.

use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::scratch::Scratch;
use super::{DataDirectory, atomic};

/// What a gateway keeps, with the files that SQLite puts beside its own.
const PARTS: [&str; 12] = [
    "audit_head",
    "audit_key",
    "certificates",
    "cluster_key",
    "configuration.db",
    "configuration.db-journal",
    "configuration.db-shm",
    "configuration.db-wal",
    "sessions.db",
    "sessions.db-journal",
    "sessions.db-shm",
    "sessions.db-wal",
];
/// What the folder of a decided replacement begins with; the rest is its date.
const DECIDED: &str = ".jotgate-replacing-";
/// What the folder with the content before begins with.
const BEFORE: &str = "before-restore-";

/// A content that is being prepared.
#[derive(Debug)]
pub(crate) struct Replacement {
    scratch: Scratch,
    new: PathBuf,
}

impl Replacement {
    /// An empty one.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub(crate) fn make(directory: &DataDirectory) -> io::Result<Self> {
        let scratch = Scratch::make(directory.path())?;
        let (new, old) = (scratch.path().join("new"), scratch.path().join("old"));
        for folder in [&new, &old] {
            DirBuilder::new().mode(0o700).create(folder)?;
        }
        Ok(Self { scratch, new })
    }

    /// Where the content is put.
    pub(crate) fn folder(&self) -> &Path {
        &self.new
    }

    /// Puts it in the place of what is there, and gives the folder in which that is kept; nothing
    /// when nothing was there. `date` becomes part of its name.
    ///
    /// # Errors
    /// Whatever the file system says. It holds or does not hold as a whole: the next start finishes
    /// it when it was decided.
    pub(crate) fn commit(
        self,
        directory: &DataDirectory,
        date: &str,
    ) -> io::Result<Option<PathBuf>> {
        let path = directory.path();
        let mut name = date.to_owned();
        for number in 2.. {
            if !path.join(format!("{BEFORE}{name}")).try_exists()? {
                break;
            }
            name = format!("{date}-{number}");
        }
        atomic::sync_folder(&self.new)?;
        atomic::sync_folder(self.scratch.path())?;
        fs::rename(self.scratch.path(), path.join(format!("{DECIDED}{name}")))?;
        atomic::sync_folder(path)?;
        finish(path)
    }
}

/// Finishes what was decided, if anything was, and gives the folder with the content before.
///
/// # Errors
/// Whatever the file system says. Trying again goes on where it ended.
pub(super) fn finish(directory: &Path) -> io::Result<Option<PathBuf>> {
    let Some((decided, before)) = find(directory)? else {
        return Ok(None);
    };
    let (old, new) = (decided.join("old"), decided.join("new"));
    if old.try_exists()? {
        for part in PARTS {
            move_if_there(&directory.join(part), &old.join(part))?;
        }
        atomic::sync_folder(&old)?;
        atomic::sync_folder(directory)?;
        fs::rename(&old, &before)?;
        atomic::sync_folder(&decided)?;
        atomic::sync_folder(directory)?;
    }
    for part in PARTS {
        move_if_there(&new.join(part), &directory.join(part))?;
    }
    atomic::sync_folder(directory)?;
    fs::remove_dir_all(&decided)?;
    // An empty one says nothing; another one is not removed by this.
    drop(fs::remove_dir(&before));
    atomic::sync_folder(directory)?;
    Ok(before.try_exists()?.then_some(before))
}

/// The folder of a decided replacement, and the name for the content before it.
pub(super) fn find(directory: &Path) -> io::Result<Option<(PathBuf, PathBuf)>> {
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        if let Some(date) = name.to_str().and_then(|name| name.strip_prefix(DECIDED)) {
            let before = directory.join(format!("{BEFORE}{date}"));
            return Ok(Some((directory.join(&name), before)));
        }
    }
    Ok(None)
}

fn move_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        moved => moved,
    }
}

#[cfg(test)]
mod tests;
