//! `cargo xtask screenshots`: pictures of every page of the console, to be looked at.

use std::env;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};

use crate::{binary, install, workspace};

/// Builds the binary, unless `JOTGATE_BINARY` names one, fills a gateway, and takes the pictures.
///
/// # Errors
///
/// When what it needs cannot be installed or built, or a page cannot be shown.
pub(crate) fn run() -> Result<()> {
    install::debian(&install::CHROMIUM)?;
    install::npm("e2e")?;
    let binary = match env::var_os("JOTGATE_BINARY") {
        Some(given) => PathBuf::from(given),
        None => binary::built()?,
    };
    let mut node = Command::new("node");
    node.arg("screenshots.mjs")
        .current_dir(workspace::root().join("e2e"))
        .env("JOTGATE_BINARY", binary);
    ensure!(node.status()?.success(), "the pictures were not taken");
    Ok(())
}
