//! Where a gateway of a test keeps its data.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, UNIX_EPOCH};

use rustix::process::Signal;
use tempfile::TempDir;

use super::process::{Process, binary, target};
use crate::PATIENCE;

/// A temporary folder with the data directory and the access log of one gateway. It can be handed to
/// the next gateway, and is removed when nobody has it any more.
pub struct Folder(TempDir);

impl Folder {
    /// A folder without a data directory: the gateway that gets it starts for the first time.
    ///
    /// # Panics
    /// When it cannot be made.
    #[must_use]
    pub fn empty() -> Self {
        Self(
            tempfile::Builder::new()
                .prefix("jotgate-")
                .tempdir()
                .expect("a temporary folder"),
        )
    }

    /// A folder with the data directory that `command` makes on its first start. Making keys takes a
    /// while, so that it is done once for each build of the binary, and copied.
    #[must_use]
    pub fn of_a_new_site(command: &str) -> Self {
        let folder = Self::empty();
        copy(&template(command), &folder.data());
        folder
    }

    /// A folder with a copy of that one's data directory, whose gateway has ended: for a second node.
    ///
    /// # Panics
    /// When it cannot be copied.
    #[must_use]
    pub fn copy_of(other: &Self) -> Self {
        let folder = Self::empty();
        copy(&other.data(), &folder.data());
        folder
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }

    /// The access log.
    #[must_use]
    pub fn access_log(&self) -> PathBuf {
        self.0.path().join("access.log")
    }

    /// The folder itself, for other files of the test.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// The data directory of a gateway that was started once and ended.
fn template(command: &str) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let built = binary().metadata().expect("the binary");
    let age = built
        .modified()
        .ok()
        .and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let build = format!(
        "{:x}-{:x}",
        built.len(),
        age.expect("the date of the binary").as_nanos()
    );
    let folder = target().join("jotgate-scenarios");
    let ready = folder.join(format!("{command}-{build}"));
    if !ready.is_dir() {
        fs::create_dir_all(&folder).expect("a folder for templates");
        let made = tempfile::Builder::new()
            .prefix("unfinished-")
            .tempdir_in(&folder)
            .expect("a folder");
        make(command, &made.path().join("data"));
        // Another test binary may have been faster: its template is as good.
        drop(fs::rename(made.path().join("data"), &ready));
    }
    ready
}

fn make(command: &str, data: &Path) {
    let free = "127.0.0.1:0";
    let data_text = data.to_str().expect("a path that is text");
    let mut arguments = vec![command, "--data-dir", data_text, "--access-log", "off"];
    for setting in [
        "--listen",
        "--qrs-listen",
        "--qps-listen",
        "--observe-listen",
    ] {
        arguments.extend([setting, free]);
    }
    let mut process = Process::start(&arguments, &[]);
    let started = Instant::now();
    while !data.join("run/listeners.json").is_file() {
        assert!(
            process.ended().is_none(),
            "the first start of `jotgate {command}` failed"
        );
        assert!(
            started.elapsed() < PATIENCE,
            "the first start of `jotgate {command}` takes too long"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    // The signal is handled from the moment that the addresses are known.
    process.signal(Signal::TERM);
    while process.ended().is_none() {
        assert!(
            started.elapsed() < 2 * PATIENCE,
            "`jotgate {command}` does not end"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(fs::remove_dir_all(data.join("run")));
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a template") {
        let entry = entry.expect("an entry of a template");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
