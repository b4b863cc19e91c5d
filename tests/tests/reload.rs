//! Certificates and settings that change while the gateway runs.

#[path = "support/certificates.rs"]
mod certificates;

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use certificates::{Pair, for_names};
use jotgate_scenarios::{Backend, Client, Folder, Gateway, GatewayBuilder, Keys, eventually};
use rustix::process::Signal;

/// Files of a pair that a gateway serves, and pairs that trust nothing but themselves.
struct Files(Arc<Folder>);

impl Files {
    fn new() -> Self {
        Self(Arc::new(Folder::of_a_new_site("serve")))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Puts a pair where the gateway looks for it. The key comes first, as a careful tool does it.
    fn install(&self, pair: &Pair) {
        for (name, text) in [
            ("served_key.pem", &pair.key),
            ("served.pem", &pair.certificate),
        ] {
            let unfinished = self.path("unfinished");
            fs::write(&unfinished, text).expect("a file");
            fs::rename(&unfinished, self.path(name)).expect("in its place");
        }
    }

    fn builder(&self) -> GatewayBuilder {
        let text = |name| self.path(name).to_str().expect("text").to_owned();
        Gateway::serve()
            .folder(self.0.clone())
            .setting("--tls-certificate", text("served.pem"))
            .setting("--tls-key", text("served_key.pem"))
    }

    /// A client that gets an answer only when exactly that certificate is served.
    fn client_that_trusts(&self, gateway: &Gateway, pair: &Pair) -> Client {
        let folder = tempfile::tempdir_in(self.0.path())
            .expect("a folder")
            .keep();
        fs::write(folder.join("root.pem"), &pair.certificate).expect("a file");
        Client::tls(gateway.listeners().gateway[0], &folder)
    }
}

async fn is_served(client: &Client) -> bool {
    client.get("/").try_send().await.is_ok()
}

async fn until_served(client: &Client) {
    eventually("the new certificate", async || {
        is_served(client).await.then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_hangup_serves_the_changed_pair_and_drops_no_connection() {
    let (first, second) = (
        for_names(&["localhost", "first.example"]),
        for_names(&["localhost", "second.example"]),
    );
    let files = Files::new();
    files.install(&first);
    let (gateway, backend) = (files.builder().await, Backend::echo().await);
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let (old, new) = (
        files.client_that_trusts(&gateway, &first),
        files.client_that_trusts(&gateway, &second),
    );
    assert!(is_served(&old).await && !is_served(&new).await);
    let cookie = old
        .get("/jwt/")
        .bearer(&Keys::first().token().sign())
        .send()
        .await
        .cookie();
    let mut connection = old.connection().await;
    let mut socket = old
        .get("/jwt/")
        .cookie(&cookie)
        .open_socket()
        .await
        .unwrap_or_else(|no| panic!("{no:?}"));
    let answer = connection
        .send(old.get("/jwt/").cookie(&cookie))
        .await
        .expect("an answer");
    assert_eq!(answer.status, 200);

    files.install(&second);
    gateway.signal(Signal::HUP);
    until_served(&new).await;
    // Not only because the files were looked at in between.
    let told = async || {
        gateway
            .process()
            .stderr()
            .contains("have been read again")
            .then_some(())
    };
    eventually("a line in the log", told).await;
    assert!(
        !is_served(&old).await,
        "the old certificate is served still"
    );

    let answer = connection
        .send(old.get("/jwt/").cookie(&cookie))
        .await
        .expect("the connection is kept");
    assert_eq!(answer.status, 200);
    socket.assert_echo("after the change").await;
    assert_eq!(new.get("/jwt/").cookie(&cookie).send().await.status, 200);
}

#[tokio::test]
async fn a_pair_that_changes_on_disk_is_served_without_a_signal() {
    let (first, second) = (for_names(&["localhost"]), for_names(&["localhost"]));
    let files = Files::new();
    files.install(&first);
    let gateway = files.builder().await;
    let new = files.client_that_trusts(&gateway, &second);
    files.install(&second);
    until_served(&new).await;
}

#[tokio::test]
async fn a_pair_that_cannot_be_used_is_refused_and_the_one_before_goes_on() {
    let (first, second) = (for_names(&["localhost"]), for_names(&["localhost"]));
    let files = Files::new();
    files.install(&first);
    let gateway = files.builder().await;
    let (old, new) = (
        files.client_that_trusts(&gateway, &first),
        files.client_that_trusts(&gateway, &second),
    );
    let broken = [
        Pair {
            certificate: "nothing".to_owned(),
            key: first.key.clone(),
        },
        // The key of one and the certificate of the other: what is there while files are copied.
        Pair {
            certificate: second.certificate.clone(),
            key: first.key.clone(),
        },
        Pair {
            certificate: first.certificate.clone(),
            key: "nothing".to_owned(),
        },
    ];
    for pair in broken {
        files.install(&pair);
        let before = gateway
            .process()
            .stderr()
            .matches("the one before goes on")
            .count();
        gateway.signal(Signal::HUP);
        let told = async || {
            let log = gateway.process().stderr();
            (log.matches("the one before goes on").count() > before).then_some(log)
        };
        let log = eventually("a line in the log", told).await;
        let line = log
            .lines()
            .rfind(|line| line.contains("the one before goes on"))
            .expect("a line");
        assert!(line.contains("served"), "no file is named: {line}");
        assert!(!log.contains("PRIVATE KEY"), "{log}");
        assert!(is_served(&old).await && !is_served(&new).await);
    }
    let failures = gateway
        .metric("jotgate_certificate_reload_failures_total")
        .await;
    assert!(failures >= 3.0, "{failures}");
    let expiry = gateway
        .metric("jotgate_certificate_expiry_timestamp_seconds")
        .await;
    assert!(expiry > 1_700_000_000.0, "{expiry}");
    files.install(&second);
    gateway.signal(Signal::HUP);
    until_served(&new).await;
}

#[tokio::test]
async fn a_pair_that_is_gone_is_refused_and_the_one_before_goes_on() {
    let first = for_names(&["localhost"]);
    let files = Files::new();
    files.install(&first);
    let gateway = files.builder().await;
    let client = files.client_that_trusts(&gateway, &first);
    fs::remove_file(files.path("served.pem")).expect("removed");
    gateway.signal(Signal::HUP);
    let told = async || {
        gateway
            .process()
            .stderr()
            .contains("the one before goes on")
            .then_some(())
    };
    eventually("a line in the log", told).await;
    assert!(is_served(&client).await);
}

#[tokio::test]
async fn the_names_of_a_changed_certificate_are_the_gateways_own() {
    let (first, second) = (
        for_names(&["localhost"]),
        for_names(&["localhost", "portal.example.com"]),
    );
    let files = Files::new();
    files.install(&first);
    let (gateway, backend) = (files.builder().await, Backend::echo().await);
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let new = files.client_that_trusts(&gateway, &second);
    files.install(&second);
    gateway.signal(Signal::HUP);
    until_served(&new).await;
    let token = Keys::first().token().sign();
    let opens = async || {
        let request = new
            .get("/jwt/")
            .bearer(&token)
            .origin("https://portal.example.com");
        request.open_socket().await.is_ok().then_some(())
    };
    eventually("a WebSocket from a page of the new name", opens).await;
}

#[tokio::test]
async fn a_hangup_reads_limits_again_and_bad_ones_are_refused() {
    let folder = Arc::new(Folder::of_a_new_site("serve"));
    let file = folder.path().join("jotgate.toml");
    let write = |text: &str| fs::write(&file, text).expect("a file");
    write("max-body-bytes = \"1KiB\"\n");
    let path = file.to_str().expect("text");
    let (gateway, backend) = (
        Gateway::serve()
            .folder(folder.clone())
            .setting("--config", path)
            .await,
        Backend::echo().await,
    );
    gateway
        .qrs()
        .jwt_virtual_proxy("jwt", Keys::first(), &backend)
        .await;
    let token = Keys::first().token().sign();
    let status = async || {
        let request = gateway
            .client()
            .post("/jwt/")
            .bearer(&token)
            .body("x".repeat(2000));
        request.send().await.status
    };
    assert_eq!(status().await, 413);
    write("max-body-bytes = \"4KiB\"\n");
    gateway.signal(Signal::HUP);
    eventually("the larger limit", async || {
        (status().await == 200).then_some(())
    })
    .await;
    write("max-body-bytes = \"lots\"\n");
    gateway.signal(Signal::HUP);
    let told = async || {
        gateway
            .process()
            .stderr()
            .contains("is no size")
            .then_some(())
    };
    eventually("a line in the log", told).await;
    assert_eq!(status().await, 200);
}
