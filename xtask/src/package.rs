//! The Debian package: one command, from the built binary and what is in `packaging/`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::{binary, workspace};

/// Files of the package: where they are in the project, where they go, and their mode.
const FILES: &[(&str, &str, u32)] = &[
    (
        "packaging/systemd/jotgate.service",
        "usr/lib/systemd/system/jotgate.service",
        0o644,
    ),
    (
        "packaging/systemd/jotgate.socket",
        "usr/lib/systemd/system/jotgate.socket",
        0o644,
    ),
    (
        "packaging/debian/sysusers.conf",
        "usr/lib/sysusers.d/jotgate.conf",
        0o644,
    ),
    (
        "packaging/debian/jotgate.toml",
        "etc/jotgate/jotgate.toml",
        0o640,
    ),
    ("LICENSE", "usr/share/doc/jotgate/copyright", 0o644),
    ("README.md", "usr/share/doc/jotgate/README.md", 0o644),
    ("CHANGELOG.md", "usr/share/doc/jotgate/CHANGELOG.md", 0o644),
    ("SECURITY.md", "usr/share/doc/jotgate/SECURITY.md", 0o644),
    (
        "packaging/prometheus/alerts.yml",
        "usr/share/doc/jotgate/examples/alerts.yml",
        0o644,
    ),
    (
        "packaging/grafana/jotgate.json",
        "usr/share/doc/jotgate/examples/grafana.json",
        0o644,
    ),
];

/// What `dpkg` runs, and its lists.
const CONTROL: &[(&str, u32)] = &[
    ("conffiles", 0o644),
    ("postinst", 0o755),
    ("prerm", 0o755),
    ("postrm", 0o755),
];

/// Makes `jotgate_<version>_<architecture>.deb` in `out`, of `binary` or of the one that is built now.
///
/// # Errors
///
/// When the binary does not build, or `dpkg-deb` is not there.
pub(crate) fn run(binary: Option<PathBuf>, out: &Path) -> Result<PathBuf> {
    let binary = match binary {
        Some(binary) => binary,
        None => binary::built()?,
    };
    let root = workspace::root();
    let tree = tempfile::tempdir()?;
    let place = |from: &Path, to: &str, mode: u32| -> Result<()> {
        let to = tree.path().join(to);
        fs::create_dir_all(to.parent().context("a file in a folder")?)?;
        fs::copy(from, &to).with_context(|| format!("{} cannot be packed", from.display()))?;
        fs::set_permissions(&to, fs::Permissions::from_mode(mode))?;
        Ok(())
    };
    place(&binary, "usr/bin/jotgate", 0o755)?;
    for (from, to, mode) in FILES {
        place(&root.join(from), to, *mode)?;
    }
    for (name, mode) in CONTROL {
        let from = root.join("packaging/debian").join(name);
        place(&from, &format!("DEBIAN/{name}"), *mode)?;
    }
    let architecture = said(workspace::command("dpkg").arg("--print-architecture"))
        .context("the Debian package `dpkg` is needed to make a Debian package")?;
    let version = env!("CARGO_PKG_VERSION");
    let size = size_of(tree.path())?.div_ceil(1024);
    let control = fs::read_to_string(root.join("packaging/debian/control"))?
        .replace("@VERSION@", version)
        .replace("@ARCHITECTURE@", &architecture)
        .replace("@DEPENDS@", &libc_of(&binary)?)
        .replace("@SIZE@", &size.to_string());
    fs::write(tree.path().join("DEBIAN/control"), control)?;
    open_folders(tree.path())?;
    fs::create_dir_all(out)?;
    let package = out.join(format!("jotgate_{version}_{architecture}.deb"));
    let mut build = workspace::command("dpkg-deb");
    build.args(["--root-owner-group", "--build"]);
    build.arg(tree.path()).arg(&package);
    said(&mut build)?;
    println!("{}", package.display());
    Ok(package)
}

/// The C library that a binary needs at least: the newest version of a symbol that it names.
fn libc_of(binary: &Path) -> Result<String> {
    let bytes = fs::read(binary)?;
    let mut newest = (2, 17);
    let mut rest = bytes.as_slice();
    const MARK: &[u8] = b"GLIBC_";
    while let Some(at) = rest.windows(MARK.len()).position(|part| part == MARK) {
        rest = &rest[at + MARK.len()..];
        let text: String = rest
            .iter()
            .take_while(|byte| byte.is_ascii_digit() || **byte == b'.')
            .map(|byte| char::from(*byte))
            .collect();
        let mut parts = text.split('.').map(str::parse::<u32>);
        if let (Some(Ok(major)), Some(Ok(minor))) = (parts.next(), parts.next()) {
            newest = newest.max((major, minor));
        }
    }
    Ok(format!("libc6 (>= {}.{}), libgcc-s1", newest.0, newest.1))
}

fn size_of(folder: &Path) -> Result<u64> {
    let mut size = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.metadata()?;
        size += if kind.is_dir() {
            size_of(&entry.path())?
        } else {
            kind.len()
        };
    }
    Ok(size)
}

/// Whatever this process makes folders with, everybody may read those of a package.
fn open_folders(folder: &Path) -> Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_folders(&entry.path())?;
        }
    }
    Ok(())
}

/// What a command prints, when it works.
fn said(command: &mut std::process::Command) -> Result<String> {
    let output = command.output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}", error.trim());
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
