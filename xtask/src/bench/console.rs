//! How long the pages of the console take in a large site.

use std::process::Command;

use anyhow::{Result, ensure};

use crate::{binary, workspace};

/// Builds the binary, fills a gateway, and prints what each page takes.
///
/// # Errors
///
/// When it does not build, a page cannot be shown, or one takes too long.
pub(crate) fn console() -> Result<()> {
    let mut node = Command::new("node");
    node.arg("console-timing.mjs")
        .current_dir(workspace::root().join("e2e"))
        .env("JOTGATE_BINARY", binary::built()?);
    ensure!(node.status()?.success(), "a page takes too long");
    Ok(())
}
