//! The built program from outside: exit codes, and which stream says what.

#![expect(clippy::unwrap_used, reason = "what a test cannot do is its failure")]

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Runs `jotgate` in a folder of its own, with nothing in its environment but `variables`.
fn jotgate(folder: &Path, words: &[&str], variables: &[(&str, &str)], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_jotgate"))
        .args(words)
        .env_clear()
        .envs(variables.iter().copied())
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A program that ends without reading closes the pipe.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    child.wait_with_output().unwrap()
}

/// Runs it, expects `code` and one sentence, and gives the sentence.
fn refused(folder: &Path, words: &[&str], variables: &[(&str, &str)], code: i32) -> String {
    let output = jotgate(folder, words, variables, "");
    let sentence = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{words:?}: {sentence}");
    assert!(output.stdout.is_empty(), "{words:?}");
    assert!(sentence.starts_with("jotgate: "), "{sentence}");
    assert_eq!(sentence.matches('\n').count(), 1, "{sentence}");
    sentence
}

#[test]
fn help_and_version_end_with_0() {
    let folder = tempfile::tempdir().unwrap();
    for words in [
        vec!["--help"],
        vec!["--version"],
        vec!["serve", "--help"],
        vec!["help", "token", "check"],
    ] {
        let output = jotgate(folder.path(), &words, &[], "");
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        assert!(
            !output.stdout.is_empty() && output.stderr.is_empty(),
            "{words:?}"
        );
    }
}

#[test]
fn wrong_usage_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    for words in [
        vec!["sreve"],
        vec!["serve", "--lisen=x"],
        vec!["serve", "--listen"],
        vec!["keygen"],
    ] {
        refused(folder.path(), &words, &[], 2);
    }
    assert_eq!(jotgate(folder.path(), &[], &[], "").status.code(), Some(2));
}

#[test]
fn a_bad_setting_ends_with_64_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("jotgate.toml"), "lisen = []").unwrap();
    let check = |words: &[&str], variables: &[(&str, &str)], expected: &str| {
        let sentence = refused(folder.path(), words, variables, 64);
        assert!(sentence.contains(expected), "{sentence}");
    };
    check(&["serve", "--listen=x"], &[], "--listen: \"x\"");
    check(&["demo", "--listen=x"], &[], "--listen: \"x\"");
    check(
        &["serve", "--check", "--header-timeout=0"],
        &[],
        "--header-timeout",
    );
    check(
        &["serve"],
        &[("JOTGATE_LISTEN", "x")],
        "JOTGATE_LISTEN: \"x\"",
    );
    check(
        &["serve"],
        &[("JOTGATE_LISEN", "x")],
        "did you mean JOTGATE_LISTEN?",
    );
    check(
        &["serve", "--config=jotgate.toml"],
        &[],
        "jotgate.toml: \"lisen\"",
    );
    check(
        &["serve"],
        &[("JOTGATE_CONFIG", "jotgate.toml")],
        "jotgate.toml: \"lisen\"",
    );
    check(
        &["serve", "--check", "--tls-certificate=a", "--tls-key=b"],
        &[],
        "a cannot be read",
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn good_settings_are_checked_without_a_trace() {
    let folder = tempfile::tempdir().unwrap();
    let output = jotgate(folder.path(), &["serve", "--check"], &[], "");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_foreign_data_directory_ends_with_65() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.txt"), "").unwrap();
    let sentence = refused(folder.path(), &["serve", "--data-dir=."], &[], 65);
    assert!(sentence.contains("thesis.txt"), "{sentence}");
}

/// This process stands for a gateway that runs.
#[test]
fn a_data_directory_in_use_ends_with_65() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("jotgate-data/run");
    fs::create_dir_all(&run).unwrap();
    fs::write(folder.path().join("jotgate-data/jotgate-format"), "1\n").unwrap();
    let lock = File::create(run.join("lock")).unwrap();
    lock.lock().unwrap();
    for command in ["serve", "demo"] {
        let sentence = refused(folder.path(), &[command], &[], 65);
        assert!(
            sentence.contains("is in use by another process"),
            "{sentence}"
        );
    }
    drop(lock);
}

#[test]
fn keys_are_made_and_tokens_signed_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let run = |words: &[&str], input: &str| {
        let output = jotgate(folder.path(), words, &[], input);
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (code, _) = run(&["keygen", "--out", "keys"], "");
    assert_eq!(code, Some(0));
    let sentence = refused(folder.path(), &["keygen", "--out", "keys"], &[], 2);
    assert!(
        sentence.contains("private_key.pem is there already"),
        "{sentence}"
    );

    let claims = ["--claim", "userId=boz", "--claim", "userDirectory=example"];
    let words = [
        &["token", "sign", "--key", "keys/private_key.pem"],
        &claims[..],
    ]
    .concat();
    let (code, token) = run(&words, "");
    assert_eq!(code, Some(0));
    assert_eq!(token.lines().count(), 1);

    for file in ["keys/certificate.pem", "keys/public_key.pem"] {
        let words = ["token", "check", "-", "--certificate", file];
        let (code, text) = run(&words, &token);
        assert_eq!(code, Some(0), "{text}");
        assert!(text.ends_with("accepted: example\\boz\n"), "{text}");
        let forged = token.replace("eyJhbGciOiJSUzI1NiI", "eyJhbGciOiJSUzM4NCI");
        let (code, text) = run(&words, &forged);
        assert_eq!(code, Some(1), "{text}");
    }
    let other = [
        "token",
        "check",
        token.trim(),
        "--certificate",
        "keys/none.pem",
    ];
    let sentence = refused(folder.path(), &other, &[], 2);
    assert!(!sentence.contains("eyJ"), "{sentence}");
}
