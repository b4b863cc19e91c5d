//! Where tests keep their files.
//!
//! Hundreds of databases are written through to the disk while compilers write gigabytes to it: then one
//! write takes seconds, and what is tested is the disk. In memory they are as safe from a `kill -9`.

use std::path::Path;
use std::{env, fs};

/// Memory that looks like a folder.
const MEMORY: &str = "/dev/shm";

/// How much room the tests need there, in MiB, with a browser that needs its own.
const ROOM: u64 = 4_096;

/// The folder for `TMPDIR`, unless somebody has chosen one, or there is no such memory with enough room.
pub(crate) fn folder() -> Option<&'static Path> {
    let chosen = env::var_os("TMPDIR").is_some();
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let fits = !chosen && holds_programs(&mounts) && room() >= Some(ROOM);
    fits.then_some(Path::new(MEMORY))
}

/// Whether it is memory, and programs can be started from there.
fn holds_programs(mounts: &str) -> bool {
    mounts.lines().any(|line| {
        let mut fields = line.split(' ').skip(1);
        let (at, kind) = (fields.next(), fields.next());
        let options = fields.next().unwrap_or_default();
        let has = |option| options.split(',').any(|other| other == option);
        at == Some(MEMORY) && kind == Some("tmpfs") && has("rw") && !has("noexec")
    })
}

/// In MiB.
fn room() -> Option<u64> {
    let mut df = crate::workspace::command("df");
    df.args(["--output=avail", "--block-size=1M", MEMORY]);
    let told = String::from_utf8(df.output().ok()?.stdout).ok()?;
    told.lines().nth(1)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_start_from_memory_unless_it_is_mounted_otherwise() {
        for (mounts, expected) in [
            ("tmpfs /dev/shm tmpfs rw,nosuid,nodev 0 0", true),
            (
                "a / ext4 rw 0 0\nshm /dev/shm tmpfs rw,nosuid,inode64 0 0\n",
                true,
            ),
            ("tmpfs /dev/shm tmpfs rw,nosuid,nodev,noexec 0 0", false),
            ("tmpfs /dev/shm tmpfs ro 0 0", false),
            ("overlay /dev/shm ext4 rw 0 0", false),
            ("tmpfs /run tmpfs rw 0 0", false),
            ("", false),
        ] {
            assert_eq!(holds_programs(mounts), expected, "{mounts}");
        }
    }
}
