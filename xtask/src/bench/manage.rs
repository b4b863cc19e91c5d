//! How long administration takes in a large site: an example of the crate that answers it.

use anyhow::{Result, ensure};

use crate::{process, workspace};

/// Builds and runs the example, which prints the table.
///
/// # Errors
///
/// When it does not build, or stops.
pub(crate) fn manage() -> Result<()> {
    let mut cargo = workspace::cargo();
    cargo.args(["run", "--release", "--locked", "--package", "jotgate-api"]);
    cargo.args(["--example", "manage_timing"]);
    let outcome = process::run(cargo, |_| true)?;
    ensure!(outcome.success, "the example did not come to its end");
    Ok(())
}
