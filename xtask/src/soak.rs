//! `cargo xtask soak`: good load and abuse at once, for minutes. What is done and what must hold stands
//! in `tests/soak/`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use crate::{binary, workspace};

/// Runs it against `program`, or the binary as a user builds it.
///
/// # Errors
///
/// When something does not build or cannot be started.
pub(crate) fn run(minutes: u32, program: Option<PathBuf>) -> Result<ExitCode> {
    let program = program.map_or_else(binary::built, Ok)?;
    let mut cargo = workspace::cargo();
    cargo
        .args([
            "run",
            "--quiet",
            "--locked",
            "--package",
            "jotgate-scenarios",
        ])
        .args(["--bin", "soak", "--", &minutes.to_string()])
        .env("JOTGATE_BINARY", program);
    Ok(match cargo.status()?.success() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
