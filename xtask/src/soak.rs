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
    workspace::run_beside(&program, "soak", &minutes.to_string())
}
