//! No secret in any output: everything that a gateway does is done with marked secrets, and then all
//! that it wrote is searched for them.

#[path = "support/native.rs"]
mod native;

use std::path::Path;

use jotgate_scenarios::{Answer, Backend, Ended, Gateway, Keys, Reply};
use native::{BASE, Native};
use serde_json::json;

/// What must not be found, with a name for the report.
#[derive(Default)]
struct Secrets(Vec<(&'static str, String)>);

/// What is searched, with a name for the report.
#[derive(Default)]
struct Written(Vec<(String, String)>);

impl Secrets {
    fn add(&mut self, name: &'static str, text: &str) {
        assert!(
            text.len() >= 12,
            "{name} is too short to be searched for: {text:?}"
        );
        self.0.push((name, text.to_owned()));
    }

    /// A token, whole and by its signature.
    fn add_token(&mut self, token: &str) {
        self.add("a token", token);
        self.add(
            "a token's signature",
            token.rsplit('.').next().expect("a signature"),
        );
    }

    /// Every line of a private key but the first, which all keys have in common.
    fn add_key(&mut self, name: &'static str, pem: &str) {
        for line in pem
            .lines()
            .filter(|line| !line.contains("-----"))
            .skip(1)
            .filter(|line| line.len() == 64)
        {
            self.add(name, line);
        }
    }
}

impl Written {
    fn add(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.0.push((name.into(), text.into()));
    }

    fn add_answer(&mut self, name: &str, answer: &Answer) {
        let mut headers = answer.headers.clone();
        // The one place where the cookie belongs.
        headers.remove("set-cookie");
        self.add(name, format!("{headers:?}\n{}", answer.text()));
    }

    fn assert_without(&self, secrets: &Secrets) {
        for (name, text) in &self.0 {
            for (secret, value) in &secrets.0 {
                if let Some(at) = text.find(value.as_str()) {
                    let line = text[..at].rfind('\n').map_or(0, |end| end + 1);
                    let shown: String = text[line..].chars().take(300).collect();
                    panic!("{secret} is in {name}: {shown}");
                }
            }
        }
    }
}

#[tokio::test]
async fn no_secret_is_written_with_the_usual_log() {
    let (secrets, written) = everything("info").await;
    written.assert_without(&secrets);
}

#[tokio::test]
async fn no_secret_is_written_with_the_log_that_support_asks_for() {
    let (secrets, written) = everything("debug").await;
    written.assert_without(&secrets);
}

#[tokio::test]
async fn no_secret_is_written_with_the_most_detailed_log() {
    let (secrets, written) = everything("trace").await;
    written.assert_without(&secrets);
}

/// The search finds what is there.
#[tokio::test]
#[should_panic(expected = "a token is in the log")]
async fn a_secret_that_is_written_would_be_found() {
    let mut secrets = Secrets::default();
    secrets.add_token(&Keys::first().token().sign());
    let mut written = Written::default();
    written.add("the log", format!("x\nbefore {} after", secrets.0[0].1));
    written.assert_without(&secrets);
}

async fn everything(level: &str) -> (Secrets, Written) {
    let backend = Backend::answering(|request| match request.target().as_str() {
        "/close" => Reply::close(),
        "/garbage" => Reply::raw("nonsense\r\n\r\n").then_close(),
        _ if request.is_upgrade() => Reply::web_socket_echo(),
        _ => Reply::text("hello"),
    })
    .await;
    let gateway = Gateway::serve().setting("--log", level).first_start().await;
    let (mut secrets, mut written) = (Secrets::default(), Written::default());
    let certificates = gateway.certificates();
    for name in ["root_key.pem", "server_key.pem", "client_key.pem"] {
        secrets.add_key(
            "a key of the gateway",
            &std::fs::read_to_string(certificates.join(name)).expect("a key"),
        );
    }
    configure(&gateway, &backend, &mut secrets, &mut written).await;
    use_it(&gateway, &mut secrets, &mut written).await;
    sign_in(&gateway, &mut secrets, &mut written).await;
    use_api_keys(&gateway, &backend, &mut secrets, &mut written).await;
    written.add(
        "the metrics",
        gateway.observer().get("/metrics").send().await.text(),
    );
    let (folder, again) = (gateway.folder().clone(), gateway.again());
    add_ended(&mut written, gateway.stop().await);
    let gateway = again.await;
    add_ended(&mut written, gateway.stop().await);
    let log = std::fs::read_to_string(folder.access_log()).expect("the access log");
    assert!(log.lines().count() >= 15, "{log}");
    written.add("the access log", log);
    add_databases(&mut written, &folder.data());
    (secrets, written)
}

fn add_ended(written: &mut Written, ended: Ended) {
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    written.add("standard output", ended.stdout);
    written.add("standard error", ended.stderr);
}

/// The sessions are kept as hashes, and a private key that was refused is not kept at all.
fn add_databases(written: &mut Written, data: &Path) {
    for entry in std::fs::read_dir(data).expect("the data directory") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        if path.is_file() && name.contains(".db") {
            let bytes = std::fs::read(&path).expect("a database");
            written.add(name, String::from_utf8_lossy(&bytes));
        }
    }
}

/// Saves, good and bad ones.
async fn configure(
    gateway: &Gateway,
    backend: &Backend,
    secrets: &mut Secrets,
    written: &mut Written,
) {
    let qrs = gateway.qrs();
    let vp = qrs.virtual_proxy("jwt").backend(backend).await;
    let vp = vp
        .set(
            "authenticationModuleRedirectUri",
            "https://portal.example/login",
        )
        .create()
        .await;
    let pasted = Keys::second().private_key();
    secrets.add_key("a private key that was pasted by mistake", &pasted);
    let mut entity = vp.entity().await;
    for wrong in [
        pasted.clone(),
        format!("{}{pasted}", Keys::first().certificate()),
        pasted.replace("-----", "--"),
    ] {
        entity["jwtPublicKeyCertificate"] = wrong.into();
        let answer = qrs.send("PUT", &vp.path(), Some(&entity)).await;
        assert_eq!(answer.status, 400, "{}", answer.text());
        written.add_answer("the refusal of a private key", &answer);
    }
    let certificates = gateway.certificates();
    let read = |name: &str| std::fs::read_to_string(certificates.join(name)).expect("a file");
    let node = json!({
        "name": "with a client certificate", "hostName": "127.0.0.1",
        "services": [{ "path": "/", "uri": backend.uri() }],
        "clientCertificate": read("client.pem"), "clientKey": "-----BEGIN PRIVATE KEY-----\nmarkerkeymarkerkey\n-----END PRIVATE KEY-----\n",
    });
    secrets.add("a node's key that is none", "markerkeymarkerkey");
    let answer = qrs
        .send("POST", "/servernodeconfiguration", Some(&node))
        .await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    written.add_answer("the refusal of a node", &answer);
    written.add_answer(
        "all virtual proxies",
        &qrs.send("GET", "/virtualproxyconfig/full", None).await,
    );
    written.add_answer(
        "all nodes",
        &qrs.send("GET", "/servernodeconfiguration/full", None).await,
    );
}

/// Requests, good and bad ones.
async fn use_it(gateway: &Gateway, secrets: &mut Secrets, written: &mut Written) {
    let client = gateway.client();
    let token = Keys::first()
        .token()
        .claim("private", "a claim that nobody maps")
        .sign();
    secrets.add_token(&token);
    secrets.add("a claim that is not mapped", "a claim that nobody maps");
    let opened = client.get("/jwt/hub/").bearer(&token).send().await;
    let cookie = opened.cookie();
    secrets.add("a session's cookie", &cookie.value);
    written.add_answer("the first page", &opened);
    let csrf = client
        .get("/jwt/qps/csrftoken")
        .cookie(&cookie)
        .send()
        .await
        .header("qlik-csrf-token")
        .to_owned();
    secrets.add("a csrf token", &csrf);

    let mut bad: Vec<String> = vec![
        Keys::second().token().sign(),
        Keys::first().token().expires_in(-3600).sign(),
        Keys::first()
            .token()
            .claim("userId", json!(["a list"]))
            .sign(),
        Keys::first().token().header("crit", json!(["x"])).sign(),
        format!("{token}.{}", "x".repeat(40)),
        format!("{token}{}", "A".repeat(9000)),
    ];
    bad.push(token[..token.len() - 20].to_owned());
    for (number, bad) in bad.iter().enumerate() {
        secrets.add("a bad token", bad);
        let answer = client.get("/jwt/hub/").bearer(bad).send().await;
        assert_eq!(answer.status, 401, "{number}");
        written.add_answer("the refusal of a token", &answer);
    }
    for path in [
        "/jwt/close",
        "/jwt/garbage",
        "/nobody/hub/",
        "/jwt/%2e%2e/",
        "/jwt/qmc/",
        "/jwt/qps/user",
        "/jwt/jotgate/session",
    ] {
        for accept in ["text/html", "application/json", "*/*"] {
            let request = client
                .get(path)
                .cookie(&cookie)
                .bearer(&token)
                .header("Accept", accept);
            written.add_answer(path, &request.send().await);
        }
    }
    let mut socket = client
        .get(&format!("/jwt/app/x&qlik-csrf-token={csrf}"))
        .cookie(&cookie)
        .open_socket()
        .await
        .expect("a WebSocket");
    socket
        .assert_echo("a message that is nobody's business")
        .await;
    secrets.add("a message", "a message that is nobody's business");
    let query = client
        .get(&format!(
            "/jwt/app/x?qlik-csrf-token={csrf}&secret=in-the-query"
        ))
        .cookie(&cookie);
    drop(query.open_socket().await);
    secrets.add("a query", "in-the-query");
    let body = client
        .post("/jwt/x")
        .cookie(&cookie)
        .body("a body that is nobody's business")
        .send()
        .await;
    assert_eq!(body.status, 200);
    secrets.add("a body", "a body that is nobody's business");
    written.add_answer(
        "the end",
        &client
            .request("DELETE", "/jwt/qps/user")
            .cookie(&cookie)
            .send()
            .await,
    );
    written.add_answer(
        "a dead cookie",
        &client.get("/jwt/hub/").cookie(&cookie).send().await,
    );
    drop(
        client
            .raw()
            .await
            .try_send(format!(
                "GET /jwt/ HTTP/1.1\r\nAuthorization: Bearer {token}\r\nbad header\r\n\r\n"
            ))
            .await,
    );
}

/// A sign-in by form, and one that fails.
async fn sign_in(gateway: &Gateway, secrets: &mut Secrets, written: &mut Written) {
    let client = gateway.client();
    let page = client.get("/jwt/hub/").accepts_html().send().await;
    let before = page.cookie();
    let state = page
        .header("location")
        .rsplit_once("&state=")
        .expect("a state")
        .1
        .to_owned();
    secrets.add("a pre-session cookie", &before.value);
    let bad = Keys::second().token().user("example", "anna").sign();
    let good = Keys::first().token().user("example", "anna").sign();
    for token in [&bad, &good] {
        secrets.add_token(token);
        let fields = [
            ("token", token.as_str()),
            ("state", &state),
            ("returnTo", "/jwt/hub/"),
        ];
        let answer = client
            .post("/jwt/jotgate/sign-in")
            .form(&fields)
            .cookie(&before)
            .send()
            .await;
        for cookie in answer
            .cookies()
            .iter()
            .filter(|cookie| !cookie.value.is_empty())
        {
            secrets.add("a session's cookie", &cookie.value);
        }
        written.add_answer("a sign-in", &answer);
    }
}

/// An API key, where it belongs and where it does not: no backend gets it either.
async fn use_api_keys(
    gateway: &Gateway,
    backend: &Backend,
    secrets: &mut Secrets,
    written: &mut Written,
) {
    let open = gateway.qrs().virtual_proxy("open").backend(backend).await;
    open.set("anonymousAccessMode", 2).create().await;
    let native = Native::of(gateway);
    let good = native.api_key(&["configuration.read"], &["jwt"]).await;
    let bad = format!("{good}x");
    let before = backend.received().len();
    for key in [&good, &bad] {
        secrets.add("an API key", key);
        for path in [
            &format!("{BASE}/virtualproxies/jwt"),
            &format!("{BASE}/users"),
            &format!("/jwt{BASE}/users"),
            &format!("/open{BASE}/users"),
            "/jwt/hub/",
            "/open/hub/",
        ] {
            let request = gateway.client().get(path).bearer(key);
            written.add_answer(path, &request.send().await);
        }
        let request = gateway.client().get("/open/hub/");
        let request = request.header("Authorization", format!("Basic x, Bearer {key}"));
        written.add_answer("a key among others", &request.send().await);
    }
    let received = backend.received();
    assert!(received.len() > before, "the backend was asked");
    assert!(!format!("{received:?}").contains(&good), "{received:?}");
    let listed = native.ask("GET", "/api-keys", &json!(null)).await;
    written.add("the list of keys", listed.to_string());
}
