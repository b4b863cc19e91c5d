//! Installing what the suites need and a plain machine lacks.
//!
//! A plain machine has Rust, a C compiler, Node.js 20 with npm, Python 3.11 and, for one client, 3.12. Everything here does nothing when
//! what it installs is there, and fails with one sentence that says what to do when it cannot.
//! Versions are pinned: by npm's lock files, by hashes in Python's `requirements.txt`, and by
//! [`CARGO_DENY`].

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::must;
use crate::workspace;

/// The version of cargo-deny that reads `deny.toml`.
const CARGO_DENY: &str = "0.20.2";

/// A program, and the Debian package that brings it.
pub(crate) struct DebianPackage {
    name: &'static str,
    program: &'static str,
}

/// The browser of the browser tests. Playwright's own download is not used: the distribution's
/// browser gets security updates, and installs from a mirror.
pub(crate) const CHROMIUM: DebianPackage = DebianPackage {
    name: "chromium",
    program: "/usr/bin/chromium",
};

/// What the commands that the demo prints, and those of the manual, are run with.
pub(crate) const CURL: DebianPackage = DebianPackage {
    name: "curl",
    program: "/usr/bin/curl",
};

/// What the commands of the manual change JSON with.
pub(crate) const JQ: DebianPackage = DebianPackage {
    name: "jq",
    program: "/usr/bin/jq",
};

/// The database of a fleet. Tests run servers of their own; no cluster is made and no service started.
const POSTGRESQL: DebianPackage = DebianPackage {
    name: "postgresql",
    program: "/usr/share/doc/postgresql",
};

/// The session store of a fleet. Tests run servers of their own; the service that the package starts is not
/// used, and may be stopped.
pub(crate) const REDIS: DebianPackage = DebianPackage {
    name: "redis-server",
    program: "/usr/bin/redis-server",
};

/// What reads the units of the package.
pub(crate) const SYSTEMD: DebianPackage = DebianPackage {
    name: "systemd",
    program: "/usr/bin/systemd-analyze",
};

/// What gives a node another time than its neighbours.
pub(crate) const FAKETIME: DebianPackage = DebianPackage {
    name: "faketime",
    program: "/usr/bin/faketime",
};

/// What cuts a node off from its neighbours: network namespaces. Takes root.
pub(crate) const IPROUTE2: DebianPackage = DebianPackage {
    name: "iproute2",
    program: "/usr/sbin/ip",
};

/// What benchmarks compare Jotgate with, and the load that they use. The services that the packages
/// start are not used, and may be stopped.
pub(crate) const NGINX: DebianPackage = DebianPackage {
    name: "nginx",
    program: "/usr/sbin/nginx",
};
pub(crate) const HAPROXY: DebianPackage = DebianPackage {
    name: "haproxy",
    program: "/usr/sbin/haproxy",
};
pub(crate) const WRK: DebianPackage = DebianPackage {
    name: "wrk",
    program: "/usr/bin/wrk",
};

/// Installs `package` with apt-get.
///
/// # Errors
///
/// When the program is missing and this is not root on a Debian.
pub(crate) fn debian(package: &DebianPackage) -> Result<()> {
    if Path::new(package.program).exists() {
        return Ok(());
    }
    let name = package.name;
    if !Path::new("/usr/bin/apt-get").exists() || !is_root() {
        bail!(
            "{} is missing: run `apt-get install {name}` as root, or this command as root on a Debian",
            package.program
        );
    }
    println!("installing the Debian package {name}");
    let apt = |arguments: &[&str]| {
        let mut apt = workspace::command("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").args(arguments);
        apt
    };
    must(
        apt(&["update", "--quiet"]),
        "`apt-get update` failed: are the package sources reachable?",
    )?;
    must(
        apt(&[
            "install",
            "--yes",
            "--quiet",
            "--no-install-recommends",
            name,
        ]),
        "`apt-get install` failed, see above",
    )
}

/// Installs PostgreSQL, without the cluster that Debian makes of its own accord.
///
/// # Errors
///
/// As [`debian`].
pub(crate) fn postgresql() -> Result<()> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut versions = versions.filter_map(Result::ok);
    if versions.any(|version| version.path().join("bin/initdb").exists()) {
        return Ok(());
    }
    // The package takes a file that is there already as its own.
    let setting = Path::new("/etc/postgresql-common/createcluster.conf");
    if is_root() && !setting.exists() {
        fs::create_dir_all("/etc/postgresql-common")?;
        fs::write(setting, "create_main_cluster = false\n")?;
    }
    debian(&POSTGRESQL)
}

/// Installs the npm packages of `folder` exactly as its lock file names them.
///
/// # Errors
///
/// When npm is missing or fails.
pub(crate) fn npm(folder: &str) -> Result<()> {
    let folder = workspace::root().join(folder);
    let lock = folder.join("package-lock.json");
    unless_done(&lock, &folder.join("node_modules/.installed-lock"), || {
        println!("installing the npm packages of {}", folder.display());
        let mut npm = Command::new("npm");
        npm.current_dir(&folder)
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
        must(
            npm,
            "`npm ci` failed: Node.js 20 or later with npm and a reachable registry are needed",
        )
    })
}

/// Installs the Python packages of `requirements` into an environment of their own, which is made
/// in `environment` below `target/tools`.
///
/// # Errors
///
/// When Python is missing, or pip fails or gets a file with another hash.
pub(crate) fn python(environment: &str, requirements: &str) -> Result<()> {
    python_of(Path::new("python3"), environment, requirements)
}

/// A Python of version 3.12 or later, which some clients need: on the search path, or pyenv's.
///
/// # Errors
///
/// When there is none.
pub(crate) fn newer_python() -> Result<PathBuf> {
    let minors = 12..=19;
    let mut found: Vec<PathBuf> = vec![PathBuf::from("python3")];
    found.extend(minors.map(|minor| PathBuf::from(format!("python3.{minor}"))));
    if let Some(home) = env::home_dir()
        && let Ok(versions) = fs::read_dir(home.join(".pyenv/versions"))
    {
        let versions = versions.filter_map(Result::ok);
        found.extend(versions.map(|version| version.path().join("bin/python")));
    }
    let is_newer = |python: &PathBuf| {
        let ask = "import sys; sys.exit(sys.version_info < (3, 12))";
        let asked = Command::new(python).args(["-c", ask]).output();
        asked.is_ok_and(|asked| asked.status.success())
    };
    found.into_iter().find(is_newer).context(
        "qlik-sense-mcp-server needs Python 3.12 or later: install one on the search path, or with pyenv",
    )
}

/// As [`python`], with that Python.
///
/// # Errors
///
/// As [`python`].
pub(crate) fn python_of(python: &Path, environment: &str, requirements: &str) -> Result<()> {
    let requirements = workspace::root().join(requirements);
    let environment = workspace::tools().join(environment);
    unless_done(&requirements, &environment.join(".installed-lock"), || {
        println!(
            "installing the Python packages of {}",
            requirements.display()
        );
        let mut venv = workspace::command(python);
        venv.args(["-m", "venv", "--clear"]).arg(&environment);
        must(
            venv,
            "no Python environment could be made: Python 3.11 or later with venv is needed",
        )?;
        let mut pip = workspace::command(environment.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "--require-hashes"])
            .args(["--disable-pip-version-check", "--requirement"])
            .arg(&requirements);
        must(pip, "`pip install` failed: is the package index reachable?")
    })
}

/// Installs cargo-deny below `target/tools`.
///
/// # Errors
///
/// When it cannot be built.
pub(crate) fn cargo_deny() -> Result<()> {
    let root = workspace::tools();
    let installed = Command::new(root.join("bin/cargo-deny"))
        .arg("--version")
        .output();
    let wanted = format!("cargo-deny {CARGO_DENY}");
    if installed.is_ok_and(|o| String::from_utf8_lossy(&o.stdout).trim() == wanted) {
        return Ok(());
    }
    println!("installing {wanted}, which takes some minutes the first time");
    let mut cargo = workspace::cargo();
    cargo
        .args(["install", "--quiet", "--locked", "--force", "--version"])
        .args([CARGO_DENY, "cargo-deny", "--root"])
        .arg(root);
    must(
        cargo,
        "cargo-deny could not be installed: is the crate registry reachable?",
    )
}

/// Runs `install` unless the copy of `lock` in `mark` tells that it was run for this very file.
fn unless_done(lock: &Path, mark: &Path, install: impl FnOnce() -> Result<()>) -> Result<()> {
    let wanted = fs::read(lock).with_context(|| format!("{} is missing", lock.display()))?;
    if fs::read(mark).is_ok_and(|done| done == wanted) {
        return Ok(());
    }
    install()?;
    fs::write(mark, wanted)?;
    Ok(())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}
