//! A disk that is soon full: a file system in memory, or where none may be mounted a limit for the
//! size of files.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use jotgate_scenarios::{Folder, Gateway, GatewayBuilder};

/// The disk of a data directory.
pub(crate) enum SmallDisk {
    /// A file system of that size, mounted over the data directory.
    Mounted {
        /// The data directory.
        data: PathBuf,
    },
    /// The gateway's files may not grow.
    Limited,
}

impl SmallDisk {
    /// Puts the data directory of `folder` on one.
    pub(crate) fn below(folder: &Folder) -> Self {
        let data = folder.data();
        let kept = folder.path().join("kept");
        fs::rename(&data, &kept).expect("the data directory is moved");
        fs::create_dir(&data).expect("a mount point");
        let mounted = succeeds(
            Command::new("mount")
                .args(["-t", "tmpfs", "-o", "size=6m,mode=0700", "tmpfs"])
                .arg(&data),
        );
        if mounted {
            let copied = Command::new("cp")
                .arg("-a")
                .arg(kept.join("."))
                .arg(&data)
                .status();
            assert!(
                copied.is_ok_and(|status| status.success()),
                "the data directory is copied"
            );
            Self::Mounted { data }
        } else {
            fs::remove_dir(&data).expect("no mount point");
            fs::rename(&kept, &data).expect("the data directory is moved back");
            Self::Limited
        }
    }

    /// Starts the gateway on it.
    pub(crate) async fn start(&self, builder: GatewayBuilder) -> Gateway {
        match self {
            Self::Mounted { .. } => builder.await,
            // Whoever writes more than it may gets a signal, which ends it unless it is ignored.
            Self::Limited => {
                builder
                    .under(&["env", "--ignore-signal=XFSZ"])
                    .setting("--access-log", "off")
                    .await
            }
        }
    }

    /// From now on it is full.
    pub(crate) fn fill(&self, gateway: &Gateway) {
        match self {
            Self::Mounted { data } => {
                let mut file = File::create(filler(data)).expect("a file");
                for size in [64 << 10, 4 << 10, 512, 1] {
                    while file.write_all(&vec![0; size]).is_ok() {}
                }
            }
            Self::Limited => {
                let size = |name: &str| {
                    gateway
                        .folder()
                        .data()
                        .join(name)
                        .metadata()
                        .map_or(0, |file| file.len())
                };
                let longest = [
                    "configuration.db",
                    "configuration.db-wal",
                    "sessions.db",
                    "sessions.db-wal",
                ]
                .map(size);
                limit(gateway, &longest.iter().max().expect("four").to_string());
            }
        }
    }

    /// From now on there is space again.
    pub(crate) fn empty(&self, gateway: &Gateway) {
        match self {
            Self::Mounted { data } => fs::remove_file(filler(data)).expect("the file is removed"),
            Self::Limited => limit(gateway, "unlimited"),
        }
    }

    /// A mounted one is full; a limit shows as an error of another kind.
    pub(crate) fn assert_says_why(&self, sentence: &str) {
        match self {
            Self::Mounted { .. } => assert!(sentence.contains("the disk is full"), "{sentence}"),
            Self::Limited => assert!(sentence.contains("disk"), "{sentence}"),
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if let Self::Mounted { data } = self {
            // Also while the gateway of a failed test still has it open.
            succeeds(Command::new("umount").arg("--lazy").arg(data));
        }
    }
}

fn filler(data: &Path) -> PathBuf {
    // The name of something unfinished: whatever stays behind is removed by the next start.
    data.join(".jotgate-unfinished-filler")
}

fn limit(gateway: &Gateway, size: &str) {
    let id = gateway.process().id().to_string();
    let limited = succeeds(Command::new("prlimit").args([
        "--pid",
        &id,
        &format!("--fsize={size}:unlimited"),
    ]));
    assert!(limited, "the size of files cannot be limited");
}

fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}
