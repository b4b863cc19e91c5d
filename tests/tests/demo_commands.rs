//! The demo: what it prints can be pasted, and it starts again where it was.

#[path = "support/shell.rs"]
mod shell;
#[path = "support/started.rs"]
mod started;

use std::path::Path;
use std::sync::Arc;

use jotgate_scenarios::{Cookie, Folder, Gateway, Process, eventually};
use serde_json::Value;
use started::ended;

const MISSING: &str = "Could not authenticate the request: Expected an authentication header.";

/// The commands that the demo printed, in their order.
fn commands(printed: &str) -> Vec<String> {
    let lines = printed.lines().filter_map(|line| line.strip_prefix("  "));
    lines
        .filter(|line| line.starts_with("curl "))
        .map(str::to_owned)
        .collect()
}

fn printed_token(printed: &str) -> String {
    printed
        .lines()
        .find(|line| line.starts_with("eyJ"))
        .expect("a token")
        .to_owned()
}

/// What it printed: its pipe may be read a little after it is ready.
async fn printed(process: &Process) -> String {
    let whole = async || {
        let text = process.stdout();
        text.contains("Ctrl-C").then_some(text)
    };
    eventually("what the demo prints", whole).await
}

/// Runs the commands as they are printed, and once more to see their status.
async fn assert_commands_work(printed: &str, folder: &Path) {
    let commands = commands(printed);
    assert_eq!(commands.len(), 4, "{printed}");
    let mut said = Vec::new();
    for command in &commands {
        said.push(shell::succeeded(
            &shell::run("sh", &["-c", command], folder, &[]).await,
        ));
    }
    assert!(said[0].contains(MISSING), "{}", said[0]);
    assert!(
        said[0].contains("reason: credentials_missing"),
        "{}",
        said[0]
    );
    assert!(
        said[1].contains("boz") && said[1].contains("</html>"),
        "{}",
        said[1]
    );
    assert!(
        said[2].contains("boz") && said[2].contains("</html>"),
        "{}",
        said[2]
    );
    let stored: Value = serde_json::from_str(&said[3]).expect("JSON");
    let of_the_demo = stored
        .as_array()
        .expect("a list")
        .iter()
        .filter(|vp| vp["prefix"] == "jwt");
    assert_eq!(of_the_demo.count(), 1, "{stored}");
    for (command, status) in commands.iter().zip(["401", "200", "200", "200"]) {
        let command = format!("{command} --silent --output /dev/null --write-out '%{{http_code}}'");
        let output = shell::run("sh", &["-c", &command], folder, &[]).await;
        assert_eq!(shell::succeeded(&output), status, "{command}");
    }
}

#[tokio::test]
async fn what_the_demo_prints_works_as_printed() {
    let gateway = Gateway::demo().first_start().await;
    let printed = printed(gateway.process()).await;
    for part in ["/jwt/hub/", "boz", "401", "Ctrl-C"] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
    assert_commands_work(&printed, gateway.folder().path()).await;
}

#[tokio::test]
async fn what_the_demo_prints_works_with_a_relative_data_directory() {
    let folder = Arc::new(Folder::empty());
    let inside = folder.path().to_str().expect("text").to_owned();
    let demo = Gateway::demo()
        .folder(folder.clone())
        .under(&["env", "-C", &inside]);
    let gateway = demo.setting("--data-dir", "./data").await;
    assert_commands_work(&printed(gateway.process()).await, folder.path()).await;
}

#[tokio::test]
async fn what_the_demo_prints_works_with_an_odd_data_directory() {
    let folder = Folder::empty();
    let data = folder.path().join("my $HOME's data");
    let data = data.to_str().expect("text");
    let mut arguments = vec!["demo", "--data-dir", data, "--access-log", "off"];
    for listener in [
        "--listen",
        "--qrs-listen",
        "--qps-listen",
        "--observe-listen",
    ] {
        arguments.extend([listener, "127.0.0.1:0"]);
    }
    let process = Process::start(&arguments, &[]);
    let printed = printed(&process).await;
    assert_commands_work(&printed, folder.path()).await;
}

#[tokio::test]
async fn the_token_of_the_demo_is_accepted_and_good_for_its_certificate() {
    let gateway = Gateway::demo().await;
    let token = printed_token(&printed(gateway.process()).await);
    let answer = gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .send()
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let certificate = gateway.certificates().join("server.pem");
    let certificate = certificate.to_str().expect("text");
    let checked = ended(
        &["token", "check", &token, "--certificate", certificate],
        &[],
    )
    .await;
    assert_eq!(
        (checked.code, checked.stderr.as_str()),
        (Some(0), ""),
        "{}",
        checked.stdout
    );
    assert!(
        checked.stdout.contains(r"accepted: example\boz"),
        "{}",
        checked.stdout
    );
}

#[tokio::test]
async fn a_demo_starts_again_where_it_was() {
    let gateway = Gateway::demo().first_start().await;
    let first = printed(gateway.process()).await;
    let token = printed_token(&first);
    let cookie: Cookie = gateway
        .client()
        .get("/jwt/hub/")
        .bearer(&token)
        .send()
        .await
        .cookie();
    let gateway = gateway.restart().await;
    let second = printed(gateway.process()).await;
    assert_commands_work(&second, gateway.folder().path()).await;
    // What was good before is good still.
    let client = gateway.client();
    assert_eq!(
        client.get("/jwt/hub/").cookie(&cookie).send().await.status,
        200
    );
    assert_eq!(
        client.get("/jwt/hub/").bearer(&token).send().await.status,
        200
    );
}
