//! Where things are.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::Result;

/// The folder of the workspace's `Cargo.toml`.
pub(crate) fn root() -> &'static Path {
    // The parent of a manifest's folder inside a workspace always exists.
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
}

/// Tools that the project installs for itself; nothing of the user's is touched.
pub(crate) fn tools() -> PathBuf {
    root().join("target/tools")
}

/// `program`, run from the workspace's root.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// The cargo that runs this program.
///
/// On a build machine (`CI` is set) it keeps no incremental state: a clone that is built once never
/// reads it, and it takes 6 GB.
pub(crate) fn cargo() -> Command {
    let mut cargo = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    if std::env::var_os("CI").is_some() {
        cargo.env("CARGO_INCREMENTAL", "0");
    }
    cargo
}

/// Builds a program of the scenarios' package and runs it with one argument against `jotgate`.
///
/// # Errors
///
/// When cargo cannot be started.
pub(crate) fn run_beside(jotgate: &Path, program: &str, argument: &str) -> Result<ExitCode> {
    let mut cargo = cargo();
    cargo.args(["run", "--quiet", "--locked"]);
    cargo.args(["--package", "jotgate-scenarios"]);
    cargo.args(["--bin", program, "--", argument]);
    cargo.env("JOTGATE_BINARY", jotgate);
    Ok(match cargo.status()?.success() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
