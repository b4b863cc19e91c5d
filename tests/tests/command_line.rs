//! The commands of the binary, from outside. What help says has snapshots of its own.

#[path = "support/refused.rs"]
mod refused;
#[path = "support/shell.rs"]
mod shell;
#[path = "support/started.rs"]
mod started;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use jotgate_scenarios::{Client, Folder, Gateway, Listeners, eventually};
use refused::assert_refused;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use started::ended;

#[tokio::test]
async fn serve_says_where_it_serves() {
    let gateway = Gateway::serve().first_start().await;
    let whole = async || {
        let text = gateway.process().stdout();
        text.contains("readyz").then_some(text)
    };
    let printed = eventually("what it prints", whole).await;
    let listeners = gateway.listeners();
    for address in [listeners.gateway[0], listeners.qrs, listeners.observe] {
        assert!(
            printed.contains(&address.to_string()),
            "{address}: {printed}"
        );
    }
    let certificates = gateway.certificates();
    for name in ["root", "server", "client"] {
        let mode = |end: &str| {
            let file = certificates.join(format!("{name}{end}.pem"));
            file.metadata().expect("a file").permissions().mode() & 0o777
        };
        assert_eq!((mode(""), mode("_key")), (0o644, 0o600), "{name}");
    }
    let text =
        fs::read_to_string(gateway.folder().data().join("run/listeners.json")).expect("a list");
    let list: Value = serde_json::from_str(&text).expect("JSON");
    let names: Vec<&String> = list.as_object().expect("an object").keys().collect();
    assert_eq!(names, ["gateway", "gatewayHttp", "qrs", "qps", "observe"]);
}

#[tokio::test]
async fn serve_check_says_that_all_is_well_and_makes_nothing() {
    let folder = Folder::empty();
    let data = folder.data();
    let data = data.to_str().expect("text");
    let checked = ended(
        &[
            "serve",
            "--check",
            "--data-dir",
            data,
            "--backend",
            "http://127.0.0.1:9000",
        ],
        &[],
    )
    .await;
    assert_eq!((checked.code, checked.stderr.as_str()), (Some(0), ""));
    assert_eq!(checked.stdout.lines().count(), 1, "{}", checked.stdout);
    assert!(!folder.data().exists());
}

#[tokio::test]
async fn a_flag_wins_over_the_environment_and_the_environment_over_the_file() {
    let folder = Folder::empty();
    let file = folder.path().join("jotgate.toml");
    fs::write(
        &file,
        "header-timeout = \"file\"\nbody-timeout = \"file\"\nidle-timeout = \"file\"\n",
    )
    .expect("a file");
    let config = format!("--config={}", file.display());
    let good = ("JOTGATE_BODY_TIMEOUT", "5s");
    let flags = ["serve", "--check", &config, "--header-timeout=5s"];
    let refused = ended(&flags, &[good, ("JOTGATE_HEADER_TIMEOUT", "environment")]).await;
    assert_refused(&refused, 64, &["idle-timeout", "\"file\""]);
    let refused = ended(
        &[&flags[..], &["--idle-timeout=5s"]].concat(),
        &[("JOTGATE_BODY_TIMEOUT", "environment")],
    )
    .await;
    assert_refused(&refused, 64, &["JOTGATE_BODY_TIMEOUT", "\"environment\""]);
    let checked = ended(&[&flags[..], &["--idle-timeout=5s"]].concat(), &[good]).await;
    assert_eq!(checked.code, Some(0), "{}", checked.stderr);
}

#[tokio::test]
async fn keygen_makes_a_pair_that_only_its_owner_can_read_and_never_replaces_one() {
    let folder = Folder::empty();
    let keys = folder.path().join("keys/portal");
    let out = keys.to_str().expect("text");
    let made = ended(
        &[
            "keygen",
            "--out",
            out,
            "--subject",
            "portal.example.com",
            "--days",
            "30",
        ],
        &[],
    )
    .await;
    assert_eq!((made.code, made.stderr.as_str()), (Some(0), ""));
    let mut before = Vec::new();
    for (name, mode) in [
        ("private_key.pem", 0o600),
        ("certificate.pem", 0o644),
        ("public_key.pem", 0o644),
    ] {
        let file = keys.join(name);
        assert!(
            made.stdout.contains(file.to_str().expect("text")),
            "{}",
            made.stdout
        );
        assert_eq!(
            file.metadata().expect("a file").permissions().mode() & 0o777,
            mode,
            "{name}"
        );
        before.push(fs::read(file).expect("a file"));
    }
    assert!(!made.stdout.contains("-----BEGIN"), "{}", made.stdout);
    assert_refused(
        &ended(&["keygen", "--out", out], &[]).await,
        2,
        &["private_key.pem", "is not overwritten"],
    );
    // One of the three is enough.
    fs::remove_file(keys.join("private_key.pem")).expect("removed");
    assert_refused(
        &ended(&["keygen", "--out", out], &[]).await,
        2,
        &["certificate.pem", "is not overwritten"],
    );
    assert!(!keys.join("private_key.pem").exists(), "a part was written");
    assert_eq!(
        fs::read(keys.join("certificate.pem")).expect("a file"),
        before[1]
    );
}

#[tokio::test]
async fn keygen_makes_keys_of_the_length_that_is_asked_for() {
    let folder = Folder::empty();
    for (bits, public_key) in [("2048", 294), ("3072", 422), ("4096", 550)] {
        let keys = folder.path().join(bits);
        let made = ended(
            &[
                "keygen",
                "--out",
                keys.to_str().expect("text"),
                "--bits",
                bits,
            ],
            &[],
        )
        .await;
        assert_eq!(made.code, Some(0), "{}", made.stderr);
        let pem = fs::read_to_string(keys.join("public_key.pem")).expect("a file");
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = base64_simd::STANDARD.decode_to_vec(body).expect("base64");
        assert_eq!(der.len(), public_key, "{bits}");
    }
    let out = folder.path().join("weak");
    let out = out.to_str().expect("text");
    assert_refused(
        &ended(&["keygen", "--out", out, "--bits", "1024"], &[]).await,
        2,
        &["1024", "2048"],
    );
    assert_refused(
        &ended(&["keygen", "--out", out, "--days", "0"], &[]).await,
        2,
        &["--days"],
    );
    assert_refused(
        &ended(&["keygen", "--out", out, "--subject", ""], &[]).await,
        2,
        &["--subject"],
    );
    assert_refused(
        &ended(&["keygen", "--out", "/proc/keys"], &[]).await,
        2,
        &["/proc/keys", "cannot be written"],
    );
    assert_refused(&ended(&["keygen"], &[]).await, 2, &["--out", "--help"]);
    assert!(!folder.path().join("weak").exists());
}

#[tokio::test]
async fn a_signal_to_stop_ends_it_with_0_and_leaves_no_list_of_addresses() {
    for signal in [Signal::TERM, Signal::INT] {
        let gateway = Gateway::serve().await;
        let folder = gateway.folder().clone();
        gateway.signal(signal);
        let ended = gateway.wait().await;
        assert_eq!(
            (ended.code, ended.signal),
            (Some(0), None),
            "{signal:?}: {}",
            ended.stderr
        );
        assert!(!folder.data().join("run/listeners.json").exists());
    }
}

/// The access log goes to standard output, and whoever reads that may go.
#[tokio::test]
async fn a_gateway_whose_standard_output_is_closed_serves_on() {
    let folder = Folder::empty();
    let data = folder.data();
    let line = format!(
        "(jotgate serve --data-dir {} --listen 127.0.0.1:0 --qrs-listen 127.0.0.1:0 \
         --qps-listen 127.0.0.1:0 --observe-listen 127.0.0.1:0; echo $? > code) | head -n 1",
        data.display()
    );
    let inside = folder.path().to_owned();
    let running = tokio::spawn(async move { shell::run("sh", &["-c", &line], &inside, &[]).await });
    let read = async || {
        let list = fs::read(data.join("run/listeners.json")).ok()?;
        serde_json::from_slice::<Listeners>(&list).ok()
    };
    let listeners = eventually("the list of addresses", read).await;
    let client = Client::tls(listeners.gateway[0], &data.join("certificates"));
    for _ in 0..10 {
        assert_eq!(client.get("/x").send().await.status, 401);
    }
    let number = fs::read_to_string(data.join("run/lock")).expect("the lock");
    let process = number.trim().parse().ok().and_then(Pid::from_raw);
    kill_process(process.expect("a process"), Signal::TERM).expect("a signal");
    let output = running.await.expect("the shell ends");
    assert!(shell::succeeded(&output).starts_with("Jotgate serves https://127.0.0.1:"));
    let code = fs::read_to_string(folder.path().join("code")).expect("a code");
    assert_eq!(
        code.trim(),
        "0",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
