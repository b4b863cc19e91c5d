//! Changing a gateway with the command line: one file, revisions, the socket of the data directory.

#[path = "support/started.rs"]
mod started;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use jotgate_scenarios::{Backend, Gateway, Keys};
use serde_json::Value;
use started::ended;

/// Runs `jotgate` against the gateway of the data directory and expects `code`.
async fn jotgate(gateway: &Gateway, words: &[&str], code: i32) -> String {
    let data = gateway.folder().data();
    let mut arguments = words.to_vec();
    arguments.extend(["--data-dir", data.to_str().expect("text")]);
    let ended = ended(&arguments, &[]).await;
    assert_eq!(
        ended.code,
        Some(code),
        "{words:?}: {}{}",
        ended.stdout,
        ended.stderr
    );
    ended.stdout + &ended.stderr
}

async fn site() -> (Gateway, Backend, PathBuf) {
    let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
    let qrs = gateway.qrs();
    qrs.jwt_virtual_proxy("jwt", Keys::first(), &backend).await;
    let file = gateway.folder().path().join("site.toml");
    (gateway, backend, file)
}

#[tokio::test]
async fn a_file_is_exported_compared_and_applied() {
    let (gateway, _backend, path) = site().await;
    let file = path.to_str().expect("text");
    jotgate(&gateway, &["export", file], 0).await;
    let mode = path.metadata().expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let exported = fs::read_to_string(&path).expect("the file");
    assert_eq!(jotgate(&gateway, &["export"], 0).await, exported);
    assert_eq!(
        jotgate(&gateway, &["diff", file, "--exit-code"], 0).await,
        "nothing differs\n"
    );
    assert_eq!(
        jotgate(&gateway, &["apply", file], 0).await,
        "nothing differs\n"
    );

    let changed = exported.replace("prefix = \"jwt\"", "prefix = \"portal\"");
    assert_ne!(changed, exported);
    // Another prefix is another virtual proxy, unless the file says which one is meant.
    let list: Value = {
        let list = jotgate(&gateway, &["revisions", "list", "--json"], 0).await;
        serde_json::from_str(&list).expect("JSON")
    };
    let before = list["revisions"][0]["revision"].as_u64().expect("a number");
    let changed = changed.replace(
        "virtualProxies = [\n    \"/\",\n    \"jwt\",",
        "virtualProxies = [\n    \"/\",\n    \"portal\",",
    );
    fs::write(&path, &changed).expect("a file");
    let said = jotgate(&gateway, &["diff", file, "--exit-code"], 1).await;
    assert!(
        said.contains("created") && said.contains("deleted"),
        "{said}"
    );
    let dry = jotgate(&gateway, &["apply", file, "--dry-run"], 0).await;
    assert_eq!(dry.lines().count(), said.lines().count(), "{dry}");
    let token = Keys::first().token().sign();
    let hub = async |prefix: &str| {
        let path = format!("/{prefix}/hub/");
        gateway
            .client()
            .get(&path)
            .bearer(&token)
            .send()
            .await
            .status
    };
    assert_eq!(hub("jwt").await, 200, "nothing has changed yet");
    let said = jotgate(&gateway, &["apply", file, "--note", "a new name"], 0).await;
    assert!(
        said.ends_with(&format!("revision {}\n", before + 1)),
        "{said}"
    );
    assert_eq!((hub("jwt").await, hub("portal").await), (400, 200));

    let said = jotgate(&gateway, &["revisions", "list"], 0).await;
    assert!(
        said.lines().next().expect("a line").ends_with("a new name"),
        "{said}"
    );
    let number = before.to_string();
    jotgate(&gateway, &["revisions", "restore", &number], 0).await;
    assert_eq!((hub("jwt").await, hub("portal").await), (200, 400));
    let third = (before + 2).to_string();
    let said = jotgate(&gateway, &["revisions", "diff", &number, &third], 0).await;
    assert_eq!(said, "nothing differs\n");

    // What others have changed since the base stays, and the same change of both is refused.
    let qrs = gateway.qrs();
    let vp = qrs.find("jwt").await;
    vp.set("jwtAudience", "theirs").await;
    let mine = exported.replace(
        "prefix = \"jwt\"",
        "prefix = \"jwt\"\njwtAudience = \"mine\"",
    );
    assert_ne!(mine, exported);
    fs::write(&path, mine).expect("a file");
    let said = jotgate(&gateway, &["apply", file, "--base", &third], 1).await;
    let told = format!("based on revision {third}");
    assert!(
        said.contains(&told) && said.contains("the virtual proxy jwt"),
        "{said}"
    );
}

#[tokio::test]
async fn a_mistake_in_a_file_changes_nothing_and_is_told_in_one_sentence() {
    let (gateway, _backend, path) = site().await;
    let file = path.to_str().expect("text");
    let exported = jotgate(&gateway, &["export"], 0).await;
    for (wrong, told) in [
        ("format = 2", "format"),
        ("format = 1\n[[node", "line 2"),
        ("", "format"),
    ] {
        fs::write(&path, wrong).expect("a file");
        let said = jotgate(&gateway, &["apply", file], 1).await;
        assert!(said.contains(told) && said.lines().count() == 1, "{said}");
    }
    let bad = exported.replace("jwtAttributeUserId = ", "jwtAttributeUserld = ");
    assert_ne!(bad, exported);
    fs::write(&path, bad).expect("a file");
    let said = jotgate(&gateway, &["apply", file], 1).await;
    assert!(
        said.contains("virtualProxy \"jwt\": jwtAttributeUserld"),
        "{said}"
    );
    assert_eq!(jotgate(&gateway, &["export"], 0).await, exported);
}

#[tokio::test]
async fn the_socket_is_for_the_owner_and_gone_with_the_gateway() {
    let (gateway, _backend, path) = site().await;
    let socket = gateway.folder().data().join("run/control.sock");
    let mode = |path: PathBuf| path.metadata().expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(socket.clone()), 0o600);
    assert_eq!(mode(gateway.folder().data().join("run")), 0o700);
    let while_it_runs = jotgate(&gateway, &["export"], 0).await;

    let folder = gateway.folder().clone();
    let data = folder.data();
    let data = data.to_str().expect("text");
    assert_eq!(gateway.stop().await.code, Some(0));
    assert!(!socket.exists());
    let stopped = ended(&["export", "--data-dir", data], &[]).await;
    assert_eq!(stopped.stdout, while_it_runs, "{}", stopped.stderr);
    fs::write(&path, while_it_runs).expect("a file");
    let apply = ended(
        &["apply", path.to_str().expect("text"), "--data-dir", data],
        &[],
    )
    .await;
    assert_eq!(apply.code, Some(65));
    assert!(apply.stderr.contains("no gateway runs"), "{}", apply.stderr);
    let nothing = ended(&["export", "--data-dir", "/nowhere"], &[]).await;
    assert_eq!(nothing.code, Some(65), "{}", nothing.stderr);
}

#[tokio::test]
async fn an_administrators_certificate_does_the_same_from_elsewhere() {
    let (gateway, _backend, _) = site().await;
    let certificates = gateway.certificates();
    let file = |name: &str| certificates.join(name).to_str().expect("text").to_owned();
    let server = format!("https://localhost:{}", gateway.listeners().qrs.port());
    let remote = async |certificate: &str| {
        let (certificate, key) = (
            format!("{certificate}.pem"),
            format!("{certificate}_key.pem"),
        );
        let (certificate, key, root) = (file(&certificate), file(&key), file("root.pem"));
        let mut words = vec!["export", "--server", &server];
        words.extend(["--certificate", &certificate, "--key", &key, "--ca", &root]);
        ended(&words, &[]).await
    };
    let exported = remote("client").await;
    assert_eq!(
        exported.stdout,
        jotgate(&gateway, &["export"], 0).await,
        "{}",
        exported.stderr
    );
    let refused = remote("server").await;
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(70), ""));
}

#[tokio::test]
async fn pages_of_other_sites_change_nothing() {
    let (gateway, _backend, _) = site().await;
    let administrator = jotgate_scenarios::Client::tls_with_certificate(
        gateway.listeners().qrs,
        &gateway.certificates(),
        "client",
    );
    let user = "UserDirectory=INTERNAL; UserId=sa_repository";
    let post = async |kind: &str| {
        let request = administrator.request("POST", "/jotgate/v1/configuration/apply");
        let request = request
            .header("X-Qlik-User", user)
            .header("Content-Type", kind);
        let answer = request.body("{\"configuration\":{}}").send().await;
        (answer.status, answer.text())
    };
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        assert_eq!(post(kind).await.0, 415, "{kind}");
    }
    let (status, text) = post("application/json").await;
    assert_eq!(status, 400, "{text}");
    let problem: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(problem["errors"][0]["field"], "format");
    let nowhere = administrator
        .get("/jotgate/v1/none")
        .header("X-Qlik-User", user);
    assert_eq!(nowhere.send().await.status, 404);
}
