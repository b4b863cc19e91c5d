//! The one folder in which everything is that a gateway keeps.
//!
//! It belongs to one process at a time (a lock, held while [`DataDirectory`] lives), to the owner of
//! that process (0700), and to versions of Jotgate that know its format (a marker). A folder that
//! holds something else is refused before anything is written into it.

pub(crate) mod atomic;
mod replacement;
mod scratch;

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use tokio::net::UnixListener;

pub(crate) use self::replacement::Replacement;
pub(crate) use self::scratch::Scratch;

/// The marker: a line with the format that the folder has.
const MARKER: &str = "jotgate-format";
/// The format that this version writes.
const FORMAT: u32 = 1;
/// The folder of what belongs to the running process.
const RUN: &str = "run";
/// What a new file system has at its root.
const LOST_AND_FOUND: &str = "lost+found";

/// The data directory cannot be used: one sentence that names it and says what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct DataDirectoryError(String);

impl DataDirectoryError {
    /// A whole sentence.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

/// The data directory of this process. Others are kept out until it is dropped.
#[derive(Debug)]
pub(crate) struct DataDirectory {
    path: PathBuf,
    lock: File,
    /// Whether what is in `run/` is this process' own.
    is_owner: bool,
    /// Whether the lock was given to somebody else, too.
    is_shared: AtomicBool,
}

/// The addresses that were really taken, in the form of `run/listeners.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listeners {
    /// The gateway over HTTPS.
    pub(crate) gateway: Vec<SocketAddr>,
    /// The gateway over plain HTTP.
    pub(crate) gateway_http: Vec<SocketAddr>,
    /// QRS.
    pub(crate) qrs: SocketAddr,
    /// QPS.
    pub(crate) qps: SocketAddr,
    /// Health and metrics.
    pub(crate) observe: SocketAddr,
}

impl DataDirectory {
    /// Opens the folder at `path`, or makes it, and keeps other processes out of it.
    ///
    /// # Errors
    /// It cannot be made, read or written; it holds something else; it is of a newer version;
    /// another process has it. Then nothing in it has changed.
    pub(crate) fn open(path: &Path) -> Result<Self, DataDirectoryError> {
        let unusable = |what: &str, error: &io::Error| {
            DataDirectoryError(format!(
                "the data directory {} {what} ({error}); make it writable for this user, or choose another with --data-dir",
                path.display()
            ))
        };
        make_folder(path).map_err(|error| unusable("cannot be made", &error))?;
        match read_marker(path).map_err(|error| unusable("cannot be read", &error))? {
            Some(marker) => check_format(path, &marker)?,
            None => {
                refuse_foreign(path, unusable)?;
                mark(path).map_err(|error| unusable("cannot be written", &error))?;
            }
        }
        let run = path.join(RUN);
        make_folder(&run)
            .and_then(|()| fs::set_permissions(&run, Permissions::from_mode(0o700)))
            .map_err(|error| unusable("cannot be written", &error))?;
        let lock = lock(path, &run.join("lock"), unusable)?;
        let directory = Self {
            path: path.to_path_buf(),
            lock,
            is_owner: true,
            is_shared: AtomicBool::new(false),
        };
        directory
            .forget_listeners()
            .and_then(|()| directory.remove_unfinished())
            .and_then(|()| replacement::finish(path))
            .map_err(|error| unusable("cannot be written", &error))?;
        Ok(directory)
    }

    /// Finishes a restore that was interrupted at `path`, for whoever looks at the folder without
    /// opening it. A process that has the folder has finished it already.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(crate) fn finish_interrupted(path: &Path) -> Result<(), DataDirectoryError> {
        if matches!(replacement::find(path), Ok(Some(_))) {
            drop(Self::open(path)?);
        }
        Ok(())
    }

    /// Takes the folder at `path` over from the process that gave its `lock`: a lock belongs to the
    /// open file, not to a process. Nothing in the folder changes, since that process still serves.
    ///
    /// # Errors
    /// The folder is of a newer version, or none of ours.
    pub(crate) fn take_over(path: &Path, lock: File) -> Result<Self, DataDirectoryError> {
        match read_marker(path) {
            Ok(Some(marker)) => check_format(path, &marker)?,
            Ok(None) | Err(_) => {
                return Err(DataDirectoryError(format!(
                    "the data directory {} has no readable file {MARKER}; start without --take-over",
                    path.display()
                )));
            }
        }
        Ok(Self {
            path: path.to_path_buf(),
            lock,
            is_owner: false,
            is_shared: AtomicBool::new(false),
        })
    }

    /// The lock once more, for the process that takes over.
    ///
    /// # Errors
    /// There are no more descriptors.
    pub(crate) fn lock(&self) -> io::Result<File> {
        self.is_shared.store(true, Ordering::Relaxed);
        self.lock.try_clone()
    }

    /// The process that had the folder leaves it to this one, and the lock says so.
    ///
    /// # Errors
    /// The lock cannot be written. The folder is this process' own all the same.
    pub(crate) fn own(&mut self) -> io::Result<()> {
        self.is_owner = true;
        let number = format!("{}\n", std::process::id());
        self.lock.set_len(0)?;
        self.lock.write_all_at(number.as_bytes(), 0)
    }

    /// Another process has taken over: what belongs to the running process is its own.
    pub(crate) fn pass_on(&mut self) {
        self.is_owner = false;
    }

    /// Where a process asks that is to take over.
    pub(crate) fn upgrade_socket(path: &Path) -> PathBuf {
        path.join(RUN).join("upgrade.sock")
    }

    /// The folder itself.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the certificates are.
    pub(crate) fn certificates(&self) -> PathBuf {
        self.path.join("certificates")
    }

    /// Where the socket of the command line and the list of the addresses are.
    pub(crate) fn run(&self) -> PathBuf {
        self.path.join(RUN)
    }

    /// Writes the addresses that were taken to `run/listeners.json`, for whoever chose port 0. The
    /// file is there only while the process is.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn write_listeners(&self, listeners: &Listeners) -> Result<(), DataDirectoryError> {
        let path = self.listeners();
        serde_json::to_vec(listeners)
            .map_err(io::Error::other)
            .and_then(|json| atomic::write_secret(&path, &json))
            .map_err(|error| {
                DataDirectoryError(format!(
                    "{} cannot be written ({error}); look at the space and the permissions there",
                    path.display()
                ))
            })
    }

    /// Listens on the socket of the command line, for the owner of the folder alone: `run` lets
    /// nobody else in.
    ///
    /// # Errors
    /// Whatever the system says, such as that the path is too long for a socket.
    pub(crate) fn bind_control(&self) -> io::Result<UnixListener> {
        let path = control_socket(&self.path);
        remove_if_there(&path)?;
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(atomic::OWNER_ONLY))?;
        Ok(listener)
    }

    fn listeners(&self) -> PathBuf {
        self.run().join("listeners.json")
    }

    /// The list of a process that is no more would send clients to strangers' ports.
    fn forget_listeners(&self) -> io::Result<()> {
        remove_if_there(&self.listeners())
    }

    /// What a process left that was killed while it wrote.
    fn remove_unfinished(&self) -> io::Result<()> {
        for folder in [self.path.clone(), self.run()] {
            for entry in fs::read_dir(folder)? {
                let entry = entry?;
                if !is_unfinished(&entry.file_name()) {
                    continue;
                }
                if entry.file_type()?.is_dir() {
                    fs::remove_dir_all(entry.path())?;
                } else {
                    fs::remove_file(entry.path())?;
                }
            }
        }
        Ok(())
    }
}

impl Drop for DataDirectory {
    fn drop(&mut self) {
        // What stays behind is removed by the next start.
        if self.is_owner {
            drop(self.forget_listeners());
            drop(fs::remove_file(Self::upgrade_socket(&self.path)));
            drop(fs::remove_file(control_socket(&self.path)));
        }
        // To close the file is not enough: a child that is being started has it, too, until it has
        // become another program.
        if self.is_owner && !self.is_shared.load(Ordering::Relaxed) {
            drop(self.lock.unlock());
        }
    }
}

/// The socket of the command line of the gateway that has that data directory.
pub(crate) fn control_socket(data_directory: &Path) -> PathBuf {
    data_directory.join(RUN).join("control.sock")
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes a folder for the owner alone, unless there is one.
fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// The marker's text, if there is a marker.
fn read_marker(path: &Path) -> io::Result<Option<String>> {
    const MOST: u64 = 64;
    let file = match File::open(path.join(MARKER)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = Vec::new();
    file.take(MOST).read_to_end(&mut bytes)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn check_format(path: &Path, marker: &str) -> Result<(), DataDirectoryError> {
    match marker.trim().parse::<u32>() {
        Ok(format) if (1..=FORMAT).contains(&format) => Ok(()),
        Ok(format) if format > FORMAT => Err(DataDirectoryError(format!(
            "the data directory {} was written by a newer Jotgate (its format is {format}, this one knows {FORMAT}); start the newer one, or choose another with --data-dir",
            path.display()
        ))),
        _ => Err(DataDirectoryError(format!(
            "the data directory {} has a file {MARKER} that Jotgate did not write; restore it from a backup, or choose another directory with --data-dir",
            path.display()
        ))),
    }
}

/// Only an empty folder is taken. What a killed process left of its marker does not count.
fn refuse_foreign(
    path: &Path,
    unusable: impl Fn(&str, &io::Error) -> DataDirectoryError,
) -> Result<(), DataDirectoryError> {
    let entries = fs::read_dir(path).map_err(|error| unusable("cannot be read", &error))?;
    for entry in entries {
        let name = entry
            .map_err(|error| unusable("cannot be read", &error))?
            .file_name();
        if name != LOST_AND_FOUND && !is_unfinished(&name) {
            return Err(DataDirectoryError(format!(
                "the data directory {} holds {name:?}, which Jotgate did not write; choose an empty directory with --data-dir",
                path.display()
            )));
        }
    }
    Ok(())
}

fn is_unfinished(name: &std::ffi::OsStr) -> bool {
    name.as_encoded_bytes()
        .starts_with(atomic::UNFINISHED.as_bytes())
}

/// Takes an empty folder: from now on it is ours.
fn mark(path: &Path) -> io::Result<()> {
    match fs::set_permissions(path, Permissions::from_mode(0o700)) {
        // A mounted volume may belong to somebody else and still be ours to write.
        Err(error) if error.kind() != ErrorKind::PermissionDenied => return Err(error),
        _ => {}
    }
    let marker = format!("{FORMAT}\n");
    atomic::write_secret(&path.join(MARKER), marker.as_bytes())
}

fn lock(
    path: &Path,
    file_path: &Path,
    unusable: impl Fn(&str, &io::Error) -> DataDirectoryError,
) -> Result<File, DataDirectoryError> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(atomic::OWNER_ONLY)
        .open(file_path)
        .map_err(|error| unusable("cannot be written", &error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(in_use(path, &mut file)),
        Err(TryLockError::Error(error)) => return Err(unusable("cannot be locked", &error)),
    }
    // The number is for people. It also shows at once whether the disk takes what is written.
    file.set_len(0)
        .and_then(|()| writeln!(file, "{}", std::process::id()))
        .and_then(|()| file.sync_all())
        .map_err(|error| unusable("cannot be written", &error))?;
    Ok(file)
}

fn in_use(path: &Path, lock: &mut File) -> DataDirectoryError {
    const MOST: u64 = 10;
    let mut text = String::new();
    let number = match lock.take(MOST).read_to_string(&mut text) {
        Ok(_) => text.trim().parse::<u32>().ok(),
        Err(_) => None,
    };
    let who = match number {
        Some(number) => format!("another process (number {number})"),
        None => "another process".to_owned(),
    };
    DataDirectoryError(format!(
        "the data directory {} is in use by {who}; stop it, or choose another directory with --data-dir",
        path.display()
    ))
}

#[cfg(test)]
mod tests;
