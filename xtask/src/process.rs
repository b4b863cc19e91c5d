//! Running a program: what it prints is shown as it comes and kept for counting.

use std::io::{BufRead, BufReader, Write, stdout};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

/// What a program did.
pub(crate) struct Outcome {
    /// Whether it exited with 0.
    pub(crate) success: bool,
    /// Both of its output streams, in the order in which they were written.
    pub(crate) output: String,
}

/// Runs `command` to its end and echoes the lines that `shown` wants.
///
/// # Errors
///
/// When the program cannot be started; a failing program is an [`Outcome`].
pub(crate) fn run(mut command: Command, shown: fn(&str) -> bool) -> Result<Outcome> {
    let name = command.get_program().to_string_lossy().into_owned();
    let (reader, writer) = std::io::pipe()?;
    command
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    let mut child = command
        .spawn()
        .with_context(|| format!("`{name}` could not be started: is it installed?"))?;
    // `command` still holds the writing ends: without them the end of the output is seen.
    drop(command);
    let output = copy(BufReader::new(reader), shown)?;
    Ok(Outcome {
        success: child.wait()?.success(),
        output,
    })
}

/// Runs `command` with everything shown.
///
/// # Errors
///
/// With `otherwise` as the message when it fails.
pub(crate) fn must(command: Command, otherwise: &'static str) -> Result<()> {
    anyhow::ensure!(run(command, |_| true)?.success, otherwise);
    Ok(())
}

fn copy(mut from: impl BufRead, shown: fn(&str) -> bool) -> Result<String> {
    let mut all = String::new();
    let mut line = Vec::new();
    // By bytes: programs under test may print what is not UTF-8.
    while from.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        if shown(&text) {
            stdout().write_all(text.as_bytes())?;
            stdout().flush()?;
        }
        all.push_str(&text);
        line.clear();
    }
    Ok(all)
}
