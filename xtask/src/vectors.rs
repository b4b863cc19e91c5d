//! `cargo xtask vectors DIR`: a folder of token vectors through the verdict, and raw requests through the
//! gateway.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::{binary, process, workspace};

/// The file of raw requests, where the folder has one.
const REQUESTS: &str = "framing_requests.json";

/// Judges every token below `dir` and prints each disagreement; then sends the raw requests through the
/// gateway and prints each that a backend could misread. What the files look like stands in
/// `crates/jotgate-token/examples/vectors.rs` and `tests/examples/framing.rs`.
///
/// # Errors
///
/// When there is no such folder, or a program does not build.
pub(crate) fn run(dir: &Path) -> Result<ExitCode> {
    let dir = dir
        .canonicalize()
        .with_context(|| format!("{} is no folder", dir.display()))?;
    let mut cargo = workspace::cargo();
    cargo
        .args(["run", "--quiet", "--locked", "--package", "jotgate-token"])
        .args(["--example", "vectors", "--"])
        .arg(&dir);
    let mut good = process::run(cargo, |_| true)?.success;
    let requests = dir.join(REQUESTS);
    if requests.exists() {
        let mut cargo = workspace::cargo();
        cargo
            .env("JOTGATE_BINARY", binary::built()?)
            .args(["run", "--quiet", "--locked"])
            .args(["--package", "jotgate-scenarios", "--example", "framing"])
            .arg("--")
            .arg(&requests);
        good &= process::run(cargo, |_| true)?.success;
    }
    Ok(match good {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
