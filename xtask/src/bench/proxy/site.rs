//! What the gateway is configured with: the steps of the manual's first virtual proxy.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::load::write_headers;
use crate::workspace;

pub(super) const CERTIFICATE: &str = "server.pem";
pub(super) const KEY: &str = "server_key.pem";
/// Sessions that take turns.
const SESSIONS: usize = 200;

/// A gateway with the virtual proxies `jwt` and `open` in front of the backend.
pub(super) struct Site {
    certificates: PathBuf,
    qrs: u16,
    pub(super) plain_port: u16,
    pub(super) tls_port: u16,
    /// The header with a session's cookie.
    pub(super) plain_cookie: String,
    pub(super) tls_cookie: String,
}

impl Site {
    /// Configures the gateway whose data is in `folder`, and leaves there what its clients send.
    pub(super) fn set_up(folder: &Path, backend: u16, tokens: usize) -> Result<Self> {
        let listeners = fs::read(folder.join("data/run/listeners.json"))?;
        let listeners: Value = serde_json::from_slice(&listeners)?;
        let port = |name: &str| {
            let address = match &listeners[name] {
                Value::Array(all) => all.first().and_then(Value::as_str),
                one => one.as_str(),
            };
            let port = address.and_then(|text| text.rsplit_once(':'));
            let (_, port) = port.with_context(|| format!("listeners.json has no {name}"))?;
            Ok::<u16, anyhow::Error>(port.trim_end_matches('/').parse()?)
        };
        let mut site = Self {
            certificates: folder.join("data/certificates"),
            qrs: port("qrs")?,
            plain_port: port("gatewayHttp")?,
            tls_port: port("gateway")?,
            plain_cookie: String::new(),
            tls_cookie: String::new(),
        };
        site.configure(backend)?;
        let signed = site.sign(tokens.max(SESSIONS))?;
        let authorization: Vec<String> = signed
            .lines()
            .map(|token| format!("Authorization: Bearer {token}"))
            .collect();
        write_headers(folder, "none", &[])?;
        write_headers(folder, "tokens", &authorization)?;
        write_headers(folder, "token", &authorization[..1])?;
        // From the end: the first ones are wanted unknown.
        let users = &authorization[authorization.len() - SESSIONS..];
        let plain = log_in(
            &format!("http://127.0.0.1:{}/jwt/x", site.plain_port),
            users,
        )?;
        let tls = log_in(&format!("https://127.0.0.1:{}/jwt/x", site.tls_port), users)?;
        write_headers(folder, "cookies", &plain)?;
        write_headers(folder, "tls-cookies", &tls)?;
        site.plain_cookie = plain[0].clone();
        site.tls_cookie = tls[0].clone();
        Ok(site)
    }

    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.certificates.join(name)
    }

    fn configure(&self, backend: u16) -> Result<()> {
        let mut node = self.qrs("GET", "servernodeconfiguration/local", None)?;
        let id = node["id"].clone();
        node["services"] = json!([{"path": "/", "uri": format!("http://127.0.0.1:{backend}")}]);
        self.put("servernodeconfiguration", &node)?;
        let mut proxy = self.qrs("GET", "proxyservice/local", None)?;
        let certificate = fs::read_to_string(self.file(CERTIFICATE))?;
        let jwt = json!({
            "description": "Tokens", "prefix": "jwt", "sessionCookieHeaderName": "X-Qlik-Session-jwt",
            "authenticationMethod": 4, "jwtPublicKeyCertificate": certificate,
            "jwtAttributeUserId": "userId", "jwtAttributeUserDirectory": "userDirectory",
            "jwtAttributeMap": [{"jwtAttribute": "Group", "senseAttribute": "Group", "isMandatory": false}],
            "loadBalancingServerNodes": [{"id": id}]
        });
        let open = json!({
            "description": "Everybody", "prefix": "open", "sessionCookieHeaderName": "X-Qlik-Session-open",
            "authenticationMethod": 0, "anonymousAccessMode": 2, "loadBalancingServerNodes": [{"id": id}]
        });
        for virtual_proxy in [jwt, open] {
            let made = self.qrs("POST", "virtualproxyconfig", Some(&virtual_proxy))?;
            let linked = proxy["settings"]["virtualProxies"].as_array_mut();
            linked
                .context("proxyservice has no virtual proxies")?
                .push(json!({"id": made["id"]}));
        }
        self.put("proxyservice", &proxy)
    }

    fn put(&self, entity: &str, value: &Value) -> Result<()> {
        let id = value["id"].as_str().context("an entity has no id")?;
        self.qrs("PUT", &format!("{entity}/{id}"), Some(value))
            .map(drop)
    }

    fn qrs(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let xrf = "0123456789abcdef";
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--show-error",
            "--fail-with-body",
            "--insecure",
            "--request",
            method,
        ]);
        curl.arg("--cert")
            .arg(self.file("client.pem"))
            .arg("--key")
            .arg(self.file("client_key.pem"));
        curl.args([
            "--header",
            "X-Qlik-User: UserDirectory=INTERNAL; UserId=sa_repository",
        ]);
        curl.args(["--header", &format!("X-Qlik-Xrfkey: {xrf}")]);
        curl.arg(format!(
            "https://localhost:{}/qrs/{path}?xrfkey={xrf}",
            self.qrs
        ));
        if let Some(body) = body {
            curl.args(["--data", &body.to_string()]);
        }
        let text = output(curl).with_context(|| format!("{method} {path}"))?;
        Ok(serde_json::from_str(&text)?)
    }

    /// Tokens of so many users.
    fn sign(&self, count: usize) -> Result<String> {
        println!("signing {count} tokens");
        let mut cargo = workspace::cargo();
        cargo.args([
            "run",
            "--quiet",
            "--locked",
            "--package",
            "jotgate",
            "--example",
            "sign-many",
            "--",
        ]);
        cargo.arg(self.file(KEY)).arg(count.to_string());
        output(cargo)
    }
}

/// Sends each header once, and gives the cookies that come back as headers.
fn log_in(url: &str, headers: &[String]) -> Result<Vec<String>> {
    let mut cookies = Vec::new();
    for header in headers {
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--show-error",
            "--insecure",
            "--include",
            "--header",
            header,
            url,
        ]);
        let text = output(curl)?;
        let cookie = text.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            let value = value.split(';').next()?;
            name.eq_ignore_ascii_case("set-cookie")
                .then(|| format!("Cookie: {value}"))
        });
        cookies.push(cookie.with_context(|| format!("no session from {url}: {text}"))?);
    }
    Ok(cookies)
}

fn output(mut command: Command) -> Result<String> {
    let output = command.output()?;
    let text = String::from_utf8(output.stdout)?;
    ensure!(
        output.status.success(),
        "{} failed: {text} {}",
        command.get_program().display(),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(text)
}
