//! Where lines end up: a file that may be moved away at any time, on a disk that may be full, or
//! standard output.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::AccessLogTarget;

/// An open output.
pub(super) struct Output {
    place: Place,
    /// Whether the last line was cut by an error: then a line break comes before the next one.
    torn: bool,
    /// Whether the last batch was lost: that is said once, not for each.
    failing: bool,
}

enum Place {
    File { path: PathBuf, file: File },
    StandardOutput(io::Stdout),
}

impl Output {
    /// Opens `target`; nothing when there is none.
    pub(super) fn open(target: &AccessLogTarget) -> io::Result<Option<Self>> {
        let place = match target {
            AccessLogTarget::Off => return Ok(None),
            AccessLogTarget::StandardOutput => Place::StandardOutput(io::stdout()),
            AccessLogTarget::File(path) => Place::File {
                path: path.clone(),
                file: append_to(path)?,
            },
        };
        Ok(Some(Self {
            place,
            torn: false,
            failing: false,
        }))
    }

    /// Writes whole lines. Returns how many of them were lost.
    pub(super) fn write(&mut self, lines: &[u8]) -> u64 {
        let result = match &mut self.place {
            Place::StandardOutput(output) => write_lines(output, lines, &mut self.torn),
            Place::File { path, file } => {
                if let Some(opened) = follow(path, file) {
                    *file = opened;
                    self.torn = false;
                }
                write_lines(file, lines, &mut self.torn)
            }
        };
        match result {
            Ok(()) => {
                if self.failing {
                    tracing::info!("the access log is written again");
                }
                self.failing = false;
                0
            }
            Err((lost, error)) => {
                if !self.failing {
                    tracing::warn!(%error, "lines of the access log are lost; jotgate_access_log_dropped_total counts them");
                }
                self.failing = true;
                lost
            }
        }
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// The file that is at `path` now, when `file` was moved away or removed. When there is none and none
/// can be made, lines go on into the old one: they are not lost where it was only moved.
fn follow(path: &Path, file: &File) -> Option<File> {
    let id = |data: fs::Metadata| (data.dev(), data.ino());
    let here = fs::metadata(path).map(id).ok();
    if here.is_some() && here == file.metadata().map(id).ok() {
        return None;
    }
    append_to(path).ok()
}

/// Writes `lines`. A line that is cut in the middle is finished with a line break before the next, so
/// that it spoils no other.
fn write_lines(
    output: &mut impl Write,
    lines: &[u8],
    torn: &mut bool,
) -> Result<(), (u64, io::Error)> {
    let all = |rest: &[u8]| rest.iter().filter(|byte| **byte == b'\n').count() as u64;
    if *torn {
        output
            .write_all(b"\n")
            .map_err(|error| (all(lines), error))?;
        *torn = false;
    }
    let mut rest = lines;
    while !rest.is_empty() {
        let error = match output.write(rest) {
            Ok(0) => io::Error::from(ErrorKind::WriteZero),
            Ok(written) => {
                let (done, left) = rest.split_at(written);
                *torn = done.last().is_some_and(|byte| *byte != b'\n');
                rest = left;
                continue;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => error,
        };
        return Err((all(rest), error));
    }
    output.flush().map_err(|error| (0, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes so many bytes, then none until there is room again.
    struct Disk {
        content: Vec<u8>,
        room: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.room == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            let taken = bytes.len().min(self.room);
            self.content.extend_from_slice(&bytes[..taken]);
            self.room -= taken;
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_loses_whole_lines_and_recovers() {
        let mut disk = Disk {
            content: Vec::new(),
            room: 6,
        };
        let mut torn = false;
        let (lost, error) = write_lines(&mut disk, b"one\ntwo\nthree\n", &mut torn).unwrap_err();
        assert_eq!((lost, error.kind()), (2, ErrorKind::StorageFull));
        let (lost, _) = write_lines(&mut disk, b"four\n", &mut torn).unwrap_err();
        assert_eq!(lost, 1);
        disk.room = 100;
        write_lines(&mut disk, b"five\n", &mut torn).unwrap();
        assert_eq!(disk.content, b"one\ntw\nfive\n");
    }

    #[test]
    fn a_moved_or_removed_file_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.log");
        let moved = folder.path().join("access.log.1");
        let target = AccessLogTarget::File(path.clone());
        let mut output = Output::open(&target).unwrap().unwrap();
        assert_eq!(output.write(b"one\n"), 0);
        fs::rename(&path, &moved).unwrap();
        assert_eq!(output.write(b"two\n"), 0);
        fs::remove_file(&path).unwrap();
        assert_eq!(output.write(b"three\n"), 0);
        assert_eq!(fs::read(&moved).unwrap(), b"one\n");
        assert_eq!(fs::read(&path).unwrap(), b"three\n");
    }

    #[test]
    fn lines_stay_in_the_old_file_while_no_new_one_can_be_made() {
        let folder = tempfile::tempdir().unwrap();
        let logs = folder.path().join("logs");
        let moved = folder.path().join("moved");
        fs::create_dir(&logs).unwrap();
        let target = AccessLogTarget::File(logs.join("access.log"));
        let mut output = Output::open(&target).unwrap().unwrap();
        fs::rename(&logs, &moved).unwrap();
        assert_eq!(output.write(b"one\n"), 0);
        assert_eq!(fs::read(moved.join("access.log")).unwrap(), b"one\n");
    }
}
