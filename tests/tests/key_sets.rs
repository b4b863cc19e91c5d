//! Published keys over a real socket, against the built binary: sources, rotations, failures, floods.
//!
//! The issuer is a server in this process that counts what is fetched and fails as it is told to. A
//! source that fails changes no verdict, and a rotation costs no request.

#[path = "support/issuer.rs"]
mod issuer;
#[path = "support/key_server.rs"]
mod key_server;

#[path = "key_sets/failures.rs"]
mod failures;
#[path = "key_sets/issuers.rs"]
mod issuers;
#[path = "key_sets/policy.rs"]
mod policy;
#[path = "key_sets/rotation.rs"]
mod rotation;
#[path = "key_sets/sources.rs"]
mod sources;

use jotgate_scenarios::{Answer, Backend, Gateway, GatewayBuilder, Qrs, VirtualProxyBuilder};
use serde_json::json;

/// A gateway in front of a backend, for virtual proxies that tests make.
struct Site {
    gateway: Gateway,
    _backend: Backend,
    node: String,
}

impl Site {
    async fn new() -> Self {
        Self::on(Gateway::serve()).await
    }

    async fn on(builder: GatewayBuilder) -> Self {
        let (backend, gateway) = (Backend::echo().await, builder.await);
        let node = gateway.qrs().node(&backend).await;
        Self {
            gateway,
            _backend: backend,
            node,
        }
    }

    fn qrs(&self) -> Qrs {
        self.gateway.qrs()
    }

    /// A virtual proxy without keys.
    fn vp(&self, prefix: &str) -> VirtualProxyBuilder {
        let vp = self.qrs().virtual_proxy(prefix).node(&self.node);
        vp.set("jwtPublicKeyCertificate", "")
    }

    /// One with the key set at that address.
    fn with_keys_at(&self, prefix: &str, address: &str) -> VirtualProxyBuilder {
        self.vp(prefix).set("jwtJwksUri", address)
    }

    async fn ask(&self, prefix: &str, token: &str) -> Answer {
        let path = format!("/{prefix}/hub/");
        self.gateway
            .plain_client()
            .get(&path)
            .bearer(token)
            .send()
            .await
    }

    /// The reason of the refusal; empty when there is none.
    async fn reason(&self, prefix: &str, token: &str) -> String {
        let answer = self.ask(prefix, token).await;
        if answer.status == 200 {
            return String::new();
        }
        assert!(
            matches!(answer.status, 401 | 503),
            "{}: {}",
            answer.status,
            answer.text()
        );
        answer.reason().to_owned()
    }

    async fn assert_served(&self, prefix: &str, token: &str, what: &str) {
        let answer = self.ask(prefix, token).await;
        let found = (answer.status, answer.reason());
        assert_eq!(found, (200, ""), "{what}: {}", answer.text());
    }
}

/// All algorithms that can be switched on.
fn every_algorithm() -> serde_json::Value {
    json!([
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"
    ])
}
