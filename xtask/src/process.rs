//! Running a program: what it prints is shown as it comes and kept for counting.

use std::fs;
use std::io::{BufRead, BufReader, Write, stdout};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

/// A program that takes longer than this hangs. Long enough for a build from nothing on a busy
/// machine with two cores, short enough for CI to show what hung.
const LIMIT: Duration = Duration::from_secs(30 * 60);

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
    let (ended, end) = channel::<()>();
    let pid = child.id();
    let watchdog = thread::spawn(move || kill_after(LIMIT, pid, &end));
    let output = copy(BufReader::new(reader), shown)?;
    let success = child.wait()?.success();
    drop(ended);
    let killed = watchdog.join().unwrap_or(false);
    anyhow::ensure!(
        !killed,
        "`{name}` was ended because it took longer than {LIMIT:?}"
    );
    Ok(Outcome { success, output })
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

/// Ends `pid` and everything it started unless `end` is heard first; says whether it did.
fn kill_after(limit: Duration, pid: u32, end: &Receiver<()>) -> bool {
    if end.recv_timeout(limit) != Err(RecvTimeoutError::Timeout) {
        return false;
    }
    let family: Vec<String> = family_of(pid).iter().map(u32::to_string).collect();
    // Who has ended in the meantime cannot be killed, which is fine.
    drop(Command::new("kill").arg("-KILL").args(family).status());
    true
}

/// `pid` and its descendants, by the parents that proc(5) tells; `pid` alone where there is no /proc.
pub(crate) fn family_of(pid: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let child = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(format!("/proc/{child}/stat")).ok()?;
            // The name, in parentheses, may hold anything: the parent is the second field behind it.
            let (_, fields) = stat.rsplit_once(')')?;
            Some((child, fields.split_whitespace().nth(1)?.parse().ok()?))
        })
        .collect();
    let mut family = vec![pid];
    let mut next = 0;
    while let Some(parent) = family.get(next).copied() {
        family.extend(
            parents
                .iter()
                .filter(|(_, of)| *of == parent)
                .map(|(child, _)| child),
        );
        next += 1;
    }
    family
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_streams_are_kept_in_order_and_the_end_is_told() {
        let mut sh = Command::new("sh");
        sh.args(["-c", "echo one; echo two >&2; echo three; exit 3"]);
        let outcome = run(sh, |_| false).unwrap();
        assert_eq!(outcome.output, "one\ntwo\nthree\n");
        assert!(!outcome.success);
    }

    #[test]
    fn a_program_that_hangs_is_ended_with_its_children() {
        let mut sh = Command::new("sh");
        sh.args(["-c", "sleep 60 & wait"]).stdout(Stdio::piped());
        let mut child = sh.spawn().unwrap();
        let (_kept, end) = channel();
        assert!(kill_after(Duration::from_millis(300), child.id(), &end));
        // The end of its output comes only when nobody of the family holds it any more.
        let output = child.stdout.take().unwrap();
        assert_eq!(copy(BufReader::new(output), |_| false).unwrap(), "");
        assert!(!child.wait().unwrap().success());
    }

    #[test]
    fn a_program_that_ends_is_left_alone() {
        let (ended, end) = channel::<()>();
        drop(ended);
        assert!(!kill_after(LIMIT, std::process::id(), &end));
    }
}
