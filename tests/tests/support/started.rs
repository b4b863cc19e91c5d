//! Running the binary to its end.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use jotgate_scenarios::{Ended, PATIENCE, Process, binary};

/// Runs `jotgate` with these arguments and waits until it ends by itself.
pub(crate) async fn ended(arguments: &[&str], environment: &[(&str, &str)]) -> Ended {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let environment: Vec<(String, String)> = environment.iter().map(owned).collect();
    Process::start(arguments, &environment).wait(PATIENCE).await
}

/// The same in that folder, with something on standard input.
pub(crate) fn ended_in(folder: &Path, arguments: &[&str], input: &str) -> Ended {
    let mut child = Command::new(binary())
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary can be started");
    // What ends without reading closes the pipe.
    drop(child.stdin.take().expect("a pipe").write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("its output");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Ended {
        code: output.status.code(),
        signal: None,
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

/// It ended with that code and nothing but one sentence on standard error, which holds every one of
/// the texts: what is wrong, and why or what to do.
pub(crate) fn assert_refused(ended: &Ended, code: i32, texts: &[&str]) {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    assert_eq!(ended.stdout, "", "nothing belongs on standard output: {ended:?}");
    assert_one_sentence(&ended.stderr, texts);
}

/// As [`assert_refused`], when lines of the log may stand before the sentence.
pub(crate) fn assert_refused_after_log(ended: &Ended, code: i32, texts: &[&str]) {
    assert_eq!(ended.code, Some(code), "{ended:?}");
    let is_log = |line: &&str| line.starts_with(|first: char| first.is_ascii_digit());
    let lines: Vec<&str> = ended.stderr.lines().filter(|line| !is_log(line)).collect();
    assert_one_sentence(&format!("{}\n", lines.join("\n")), texts);
}

fn assert_one_sentence(stderr: &str, texts: &[&str]) {
    assert!(stderr.starts_with("jotgate: "), "{stderr}");
    assert!(stderr.ends_with('\n') && stderr.matches('\n').count() == 1, "not one line: {stderr}");
    assert!(stderr.len() < 600, "{} bytes: {stderr}", stderr.len());
    for text in texts {
        assert!(stderr.contains(text), "{text:?} is missing: {stderr}");
    }
}
