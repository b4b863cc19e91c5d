//! Shell commands as somebody pastes them.

use std::path::Path;
use std::process::{Command, Output};

use jotgate_scenarios::binary;

/// Runs `program` (`sh`, `bash`) with these arguments in `folder`. Programs find `jotgate` first, and
/// nothing of this machine's own set-up changes what curl does.
pub(crate) async fn run(
    program: &str,
    arguments: &[&str],
    folder: &Path,
    environment: &[(&str, &str)],
) -> Output {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .env("HOME", folder);
    for proxy in [
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        // How the tests are told which binary to run; the binary itself would call it unknown.
        "JOTGATE_BINARY",
    ] {
        command.env_remove(proxy);
    }
    let beside = binary()
        .parent()
        .expect("a folder")
        .canonicalize()
        .expect("a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{}:{path}", beside.display()));
    command.envs(environment.iter().copied());
    // The backend of the test answers meanwhile.
    let running = tokio::task::spawn_blocking(move || command.output());
    let output = running.await.expect("the command runs to its end");
    output.unwrap_or_else(|error| panic!("{program} cannot be started: {error}"))
}

/// Its standard output as text, when it succeeded.
pub(crate) fn succeeded(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{}\n{}\n{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}
