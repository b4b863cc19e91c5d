//! The keys of a draft are tried before anything is saved: certificates, key sets, and tokens seen.

mod support {
    #[expect(dead_code, reason = "what only key sets need")]
    pub(crate) mod issuer;
    #[expect(dead_code, reason = "what only key sets need")]
    pub(crate) mod key_server;
    #[expect(dead_code, reason = "what only API keys need")]
    pub(crate) mod native;
    pub(crate) mod started;
}

use std::fs;
use std::time::{Duration, Instant};

use jotgate_scenarios::{Backend, Gateway, Keys, VirtualProxy};
use serde_json::{Value, json};
use support::issuer::{Issuer, key_set};
use support::key_server::{KeyServer, Mode};
use support::native::Native;
use support::started::ended;

struct Site {
    gateway: Gateway,
    backend: Backend,
    vp: VirtualProxy,
    native: Native,
}

impl Site {
    /// A virtual proxy that takes tokens of the issuer with the first key, by its public key.
    async fn new() -> Self {
        let (backend, gateway) = (Backend::echo().await, Gateway::serve().await);
        let vp = gateway.qrs().virtual_proxy("jwt").backend(&backend).await;
        let vp = vp.set("jwtPublicKeyCertificate", Issuer::rsa(0).public_key());
        let vp = vp.create().await;
        let native = Native::of(&gateway);
        Self {
            gateway,
            backend,
            vp,
            native,
        }
    }

    async fn ask(&self, token: &str) -> u16 {
        let request = self.gateway.client().get("/jwt/hub/").bearer(token);
        request.send().await.status
    }

    /// What a preview says of keys.
    async fn keys_with(&self, properties: Value) -> Value {
        let id = self.vp.path().rsplit('/').next().expect("an id").to_owned();
        let put = json!({"kind": "VirtualProxyConfig", "id": id, "properties": properties});
        let body = json!({"changes": [{"put": put}]});
        let tried = self
            .native
            .ask("POST", "/configuration/preview", &body)
            .await;
        tried["keys"].clone()
    }
}

#[tokio::test]
async fn a_key_set_without_the_key_of_recent_tokens_is_told_before_it_is_saved() {
    let site = Site::new().await;
    for _ in 0..2 {
        assert_eq!(site.ask(&Issuer::rsa(0).token()).await, 200);
    }
    assert_eq!(site.ask(&Issuer::rsa(2).token()).await, 401);
    let server = KeyServer::start(Mode::document(key_set([Issuer::rsa(1)]))).await;
    let moved = json!({"jwtPublicKeyCertificate": "", "jwtJwksUri": server.at("/keys")});
    let keys = site.keys_with(moved.clone()).await;
    let source = &keys["sources"][0];
    assert_eq!(source["outcome"], "fetched", "{keys}");
    assert_eq!(source["usableKeys"], 1);
    assert_eq!(source["virtualProxies"], json!(["jwt"]));
    assert_eq!(source["missingKids"], json!(["rsa-0", "rsa-2"]), "{keys}");
    assert!(source["remedy"].is_string());
    let tokens = &keys["tokens"][0];
    assert_eq!(
        (&tokens["accepted"], &tokens["lost"]),
        (&json!(2), &json!(2)),
        "{keys}"
    );
    assert_eq!(tokens["missing"][0]["kid"], "rsa-0");

    // With all of them nobody would notice.
    let all = [Issuer::rsa(0), Issuer::rsa(1), Issuer::rsa(2)];
    server.set(Mode::document(key_set(all)));
    let keys = site.keys_with(moved).await;
    assert_eq!(keys["sources"][0]["missingKids"], json!([]), "{keys}");
    assert_eq!(keys["tokens"][0]["lost"], 0, "{keys}");
    assert_eq!(server.requests(), 2, "one fetch for each preview");
    assert_eq!(site.ask(&Issuer::rsa(1).token()).await, 401, "not saved");
}

#[tokio::test]
async fn what_is_wrong_with_each_key_set_is_a_finding_and_nobody_waits_for_long() {
    let site = Site::new().await;
    assert_eq!(site.ask(&Issuer::rsa(0).token()).await, 200);
    let modes = [
        ("timeout", Mode::Silence),
        ("status", Mode::Status(503)),
        ("key_set_invalid", Mode::document("{\"keys\": []}")),
        (
            "redirect_refused",
            Mode::Redirect("https://a.example/".to_owned()),
        ),
    ];
    let mut servers = Vec::new();
    let mut issuers = Vec::new();
    for (number, (outcome, mode)) in modes.into_iter().enumerate() {
        let server = KeyServer::start(mode).await;
        let issuer = format!("https://issuer{number}.example");
        issuers.push(json!({"issuer": issuer, "jwksUri": server.at("/keys")}));
        servers.push((server, outcome));
    }
    let began = Instant::now();
    let keys = site.keys_with(json!({"jwtIssuers": issuers})).await;
    assert!(began.elapsed() < Duration::from_secs(30), "all at once");
    let sources = keys["sources"].as_array().expect("sources");
    for (server, outcome) in &servers {
        let address = json!(server.at("/keys"));
        let mut found = sources.iter().filter(|source| source["address"] == address);
        let source = found.next().expect("the key set");
        assert_eq!(source["outcome"], *outcome, "{source}");
        assert!(source["detail"].is_string() && source["remedy"].is_string());
    }
    let tokens = &keys["tokens"][0];
    assert_eq!(
        (&tokens["lost"], &tokens["unknown"]),
        (&json!(0), &json!(0))
    );
}

/// The command line says the same.
#[tokio::test]
async fn a_dry_run_prints_an_expired_certificate_a_dead_backend_and_a_dead_key_set() {
    let site = Site::new().await;
    let old = Keys::first().certificate_until(2021);
    let both = Issuer::rsa(0).public_key() + &old;
    site.vp.set("jwtPublicKeyCertificate", both).await;
    assert_eq!(site.ask(&Issuer::rsa(0).token()).await, 200);
    let dead = Backend::nowhere().await;
    let data = site.gateway.folder().data();
    let data = data.to_str().expect("text");
    let file = site.gateway.folder().path().join("site.toml");
    let path = file.to_str().expect("text");
    let exported = ended(&["export", path, "--data-dir", data], &[]).await;
    assert_eq!(exported.code, Some(0), "{}", exported.stderr);
    let text = fs::read_to_string(&file).expect("the file");
    let text = text.replace(&site.backend.uri(), &format!("http://{dead}"));
    let keys = format!("jwtJwksUri = \"http://{dead}/keys\"\nprefix = \"jwt\"");
    fs::write(&file, text.replace("prefix = \"jwt\"", &keys)).expect("a file");
    let tried = ended(&["apply", path, "--dry-run", "--data-dir", data], &[]).await;
    assert_eq!(tried.code, Some(0), "{}", tried.stderr);
    for line in [
        "certificate \"CN=rcgen self signed cert\" of \"/jwt\" has expired (2021-01-01T00:00:00.000Z); its key verifies tokens all the same\n",
        &format!("key set http://{dead}/keys cannot be reached: connection refused ("),
        "  Check the port, and the firewalls between the gateway and the server.\n",
        &format!("backend http://{dead} of \"node "),
        "refuses connections (",
        "  Start the backend, or correct the port.\n",
    ] {
        assert!(tried.stdout.contains(line), "{line}: {}", tried.stdout);
    }
    assert_eq!(site.ask(&Issuer::rsa(0).token()).await, 200);
}
