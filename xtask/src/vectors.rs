//! `cargo xtask vectors DIR`: a folder of token vectors through the verdict.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::{process, workspace};

/// Judges every token below `dir` and prints each disagreement. What the files look like stands in
/// `crates/jotgate-token/examples/vectors.rs`.
///
/// # Errors
///
/// When there is no such folder, or the program that judges does not build.
pub(crate) fn run(dir: &Path) -> Result<ExitCode> {
    let dir = dir
        .canonicalize()
        .with_context(|| format!("{} is no folder", dir.display()))?;
    let mut cargo = workspace::cargo();
    cargo
        .args(["run", "--quiet", "--locked", "--package", "jotgate-token"])
        .args(["--example", "vectors", "--"])
        .arg(dir);
    Ok(match process::run(cargo, |_| true)?.success {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
