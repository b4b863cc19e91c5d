//! `cargo xtask bench cluster`: three nodes with PostgreSQL and Redis. What is measured, and what must hold,
//! stands in `tests/cluster/`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;

use crate::{binary, install, workspace};

/// Measures `program`, or the binary as a user builds it.
///
/// # Errors
///
/// When something does not install, build or start.
pub(crate) fn run(rounds: u32, program: Option<PathBuf>) -> Result<ExitCode> {
    install::postgresql()?;
    install::debian(&install::REDIS)?;
    let program = program.map_or_else(binary::built, Ok)?;
    workspace::run_beside(&program, "cluster", &rounds.to_string())
}
