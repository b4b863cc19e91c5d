//! The native endpoints, below `/jotgate/v1/`.

use jotgate_scenarios::{Client, Gateway, Request};
use serde_json::{Value, json};

/// What every address begins with.
pub(crate) const BASE: &str = "/jotgate/v1";

/// The endpoints, for whoever shows an administrator's certificate.
#[derive(Clone)]
pub(crate) struct Native(Client);

impl Native {
    /// Of that gateway.
    pub(crate) fn of(gateway: &Gateway) -> Self {
        let (address, certificates) = (gateway.listeners().qrs, gateway.certificates());
        Self(Client::tls_with_certificate(
            address,
            &certificates,
            "client",
        ))
    }

    /// A request; `path` begins behind [`BASE`].
    pub(crate) fn request(&self, method: &str, path: &str) -> Request {
        let request = self.0.request(method, &format!("{BASE}{path}"));
        let request = request.header("X-Qlik-User", "UserDirectory=INTERNAL; UserId=test");
        request.header("Content-Type", "application/json")
    }

    /// The answer to a request that must go well.
    pub(crate) async fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let request = self.request(method, path);
        let request = match body {
            Value::Null => request,
            body => request.body(body.to_string()),
        };
        let answer = request.send().await;
        let text = answer.text();
        assert!(
            (200..300).contains(&answer.status),
            "{method} {path}: {text}"
        );
        if text.is_empty() {
            Value::Null
        } else {
            answer.json()
        }
    }

    /// A new API key for these actions at these virtual proxies.
    pub(crate) async fn api_key(&self, actions: &[&str], virtual_proxies: &[&str]) -> String {
        let body = json!({
            "name": "rotation", "actions": actions, "virtualProxies": virtual_proxies, "days": 1,
        });
        let made = self.ask("POST", "/api-keys", &body).await;
        made["key"].as_str().expect("a key").to_owned()
    }
}
