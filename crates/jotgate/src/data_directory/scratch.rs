//! A folder for what is unfinished, gone when nobody needs it.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::atomic;

/// A folder for the owner alone. What a killed process leaves of it is removed by the next start.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Makes one inside the data directory.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub(crate) fn make(data_directory: &Path) -> io::Result<Self> {
        let path = atomic::unfinished_name(data_directory);
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        match fs::remove_dir_all(&self.0) {
            // It has been given another name.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::warn!(%error, path = %self.0.display(), "an unfinished folder stays behind");
            }
            Ok(()) => {}
        }
    }
}
