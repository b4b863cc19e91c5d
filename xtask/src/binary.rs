//! The program under test: built once, in release, as a user builds it.

use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};

use crate::{count, process, workspace};

/// Builds `jotgate` unless this run has built it, and says where it is.
///
/// # Errors
///
/// When it does not build.
pub(crate) fn built() -> Result<PathBuf> {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    if let Some(path) = BUILT.get() {
        return Ok(path.clone());
    }
    let path = build()?;
    Ok(BUILT.get_or_init(|| path).clone())
}

fn build() -> Result<PathBuf> {
    let mut cargo = workspace::cargo();
    cargo.args(["build", "--release", "--locked", "--package", "jotgate"]);
    cargo.arg("--message-format=json-render-diagnostics");
    let outcome = process::run(cargo, |line| !line.starts_with('{'))?;
    ensure!(outcome.success, "the binary could not be built");
    count::artifacts(&outcome.output)
        .filter_map(|artifact| artifact.executable)
        .last()
        .context("cargo built the package jotgate, but named no program")
}
