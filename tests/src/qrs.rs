//! The administrator: QRS with the client certificate, as programs use it.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use crate::{Answer, Backend, Client, Keys};

const XRFKEY: &str = "0123456789abcdef";

/// QRS.
#[derive(Clone)]
pub struct Qrs(Client);

/// What QRS answered.
pub type QrsAnswer = Answer;

impl Qrs {
    pub(crate) fn new(address: SocketAddr, certificates: &Path) -> Self {
        Self(Client::tls_with_certificate(
            address,
            certificates,
            "client",
        ))
    }

    /// Sends a request below `/qrs`; `path` may have a query.
    pub async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> QrsAnswer {
        let joint = if path.contains('?') { '&' } else { '?' };
        let mut request = self
            .0
            .request(method, &format!("/qrs{path}{joint}xrfkey={XRFKEY}"))
            .header("X-Qlik-Xrfkey", XRFKEY)
            .header(
                "X-Qlik-User",
                "UserDirectory=INTERNAL; UserId=sa_repository",
            );
        if let Some(body) = body {
            request = request
                .header("Content-Type", "application/json")
                .body(body.to_string());
        }
        request.send().await
    }

    /// Reads.
    ///
    /// # Panics
    /// When the answer is not 200.
    pub async fn get(&self, path: &str) -> Value {
        self.expect("GET", path, None, 200).await.json()
    }

    /// Creates.
    ///
    /// # Panics
    /// When the answer is not 201.
    pub async fn create(&self, path: &str, entity: &Value) -> Value {
        self.expect("POST", path, Some(entity), 201).await.json()
    }

    /// Updates.
    ///
    /// # Panics
    /// When the answer is not 200.
    pub async fn update(&self, path: &str, entity: &Value) -> Value {
        self.expect("PUT", path, Some(entity), 200).await.json()
    }

    /// Deletes.
    ///
    /// # Panics
    /// When the answer is not 204.
    pub async fn delete(&self, path: &str) {
        self.expect("DELETE", path, None, 204).await;
    }

    async fn expect(&self, method: &str, path: &str, body: Option<&Value>, status: u16) -> Answer {
        let answer = self.send(method, path, body).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        answer
    }

    /// A node that forwards everything to that backend. Gives its id.
    pub async fn node(&self, backend: &Backend) -> String {
        self.node_with(json!({ "services": [{ "path": "/", "uri": backend.uri() }] }))
            .await
    }

    /// A node with these properties beside the usual ones. Gives its id.
    pub async fn node_with(&self, properties: Value) -> String {
        let name = format!("node {}", uuid::Uuid::new_v4());
        let mut node = json!({ "name": name, "hostName": "127.0.0.1", "proxyEnabled": false });
        merge(&mut node, properties);
        id(&self.create("/servernodeconfiguration", &node).await)
    }

    /// The proxy service, whole.
    pub async fn proxy_service(&self) -> Value {
        self.get("/proxyservice/local").await
    }

    /// Links virtual proxies to the proxy, as the real system's clients do: the whole entity goes back.
    pub async fn link(&self, ids: &[&str]) {
        let mut proxy = self.proxy_service().await;
        let linked = proxy["settings"]["virtualProxies"]
            .as_array_mut()
            .expect("a list");
        linked.extend(ids.iter().map(|id| json!({ "id": id })));
        let path = format!("/proxyservice/{}", id(&proxy));
        self.update(&path, &proxy).await;
    }

    /// A virtual proxy that is about to be made.
    pub fn virtual_proxy(&self, prefix: &str) -> VirtualProxyBuilder {
        let entity = json!({
            "prefix": prefix,
            "description": format!("the virtual proxy {prefix}"),
            "authenticationMethod": 4,
            "sessionCookieHeaderName": format!("X-Qlik-Session-{prefix}"),
            "jwtPublicKeyCertificate": Keys::first().public_key(),
            "jwtAttributeUserId": "userId",
            "jwtAttributeUserDirectory": "userDirectory",
        });
        VirtualProxyBuilder {
            qrs: self.clone(),
            entity,
            nodes: Vec::new(),
            linked: true,
        }
    }

    /// A linked virtual proxy with JWT authentication: the short form.
    pub async fn jwt_virtual_proxy(
        &self,
        prefix: &str,
        keys: &Keys,
        backend: &Backend,
    ) -> VirtualProxy {
        self.virtual_proxy(prefix)
            .keys(keys)
            .backend(backend)
            .await
            .create()
            .await
    }

    /// The virtual proxy with that prefix.
    ///
    /// # Panics
    /// When there is none.
    pub async fn find(&self, prefix: &str) -> VirtualProxy {
        let all = self.get("/virtualproxyconfig/full").await;
        let found = all
            .as_array()
            .expect("a list")
            .iter()
            .find(|vp| vp["prefix"] == prefix);
        VirtualProxy {
            qrs: self.clone(),
            id: id(found.expect("the virtual proxy")),
            prefix: prefix.to_owned(),
        }
    }
}

/// A virtual proxy that is about to be made.
#[must_use]
pub struct VirtualProxyBuilder {
    qrs: Qrs,
    entity: Value,
    nodes: Vec<String>,
    linked: bool,
}

impl VirtualProxyBuilder {
    /// Verifies tokens of these keys.
    pub fn keys(self, keys: &Keys) -> Self {
        self.set("jwtPublicKeyCertificate", keys.public_key())
    }

    /// Forwards to a new node for that backend, beside those that it forwards to already.
    pub async fn backend(self, backend: &Backend) -> Self {
        let node = self.qrs.node(backend).await;
        self.node(node)
    }

    /// Forwards to that node as well.
    pub fn node(mut self, id: impl Into<String>) -> Self {
        self.nodes.push(id.into());
        self
    }

    /// With that property.
    pub fn set(mut self, property: &str, value: impl Into<Value>) -> Self {
        self.entity[property] = value.into();
        self
    }

    /// Takes a claim into an attribute.
    pub fn map(self, claim: &str, attribute: &str) -> Self {
        self.mapped(claim, attribute, false)
    }

    /// Takes a claim into an attribute that must be there.
    pub fn map_mandatory(self, claim: &str, attribute: &str) -> Self {
        self.mapped(claim, attribute, true)
    }

    fn mapped(mut self, claim: &str, attribute: &str, mandatory: bool) -> Self {
        let row =
            json!({ "jwtAttribute": claim, "senseAttribute": attribute, "isMandatory": mandatory });
        match self.entity["jwtAttributeMap"].as_array_mut() {
            Some(rows) => rows.push(row),
            None => self.entity["jwtAttributeMap"] = json!([row]),
        }
        self
    }

    /// Is not linked to the proxy.
    pub const fn unlinked(mut self) -> Self {
        self.linked = false;
        self
    }

    /// Sends it, whatever comes back. It is not linked.
    pub async fn try_create(self) -> QrsAnswer {
        self.qrs
            .send("POST", "/virtualproxyconfig", Some(&self.entity()))
            .await
    }

    /// Creates it and links it.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn create(self) -> VirtualProxy {
        let created = self.qrs.create("/virtualproxyconfig", &self.entity()).await;
        let id = id(&created);
        if self.linked {
            self.qrs.link(&[&id]).await;
        }
        VirtualProxy {
            prefix: created["prefix"].as_str().expect("a prefix").to_owned(),
            qrs: self.qrs,
            id,
        }
    }

    fn entity(&self) -> Value {
        let mut entity = self.entity.clone();
        let nodes = self.nodes.iter().map(|id| json!({ "id": id }));
        entity["loadBalancingServerNodes"] = nodes.collect();
        entity
    }
}

/// A virtual proxy that is there.
#[derive(Clone)]
pub struct VirtualProxy {
    qrs: Qrs,
    /// Its id.
    pub id: String,
    /// Its prefix.
    pub prefix: String,
}

impl VirtualProxy {
    /// The whole entity.
    pub async fn entity(&self) -> Value {
        self.qrs.get(&self.path()).await
    }

    /// Reads the whole entity, changes it, and sends it back.
    pub async fn update(&self, change: impl FnOnce(&mut Value)) -> Value {
        let mut entity = self.entity().await;
        change(&mut entity);
        self.qrs.update(&self.path(), &entity).await
    }

    /// Changes one property.
    pub async fn set(&self, property: &str, value: impl Into<Value>) -> Value {
        self.update(|entity| entity[property] = value.into()).await
    }

    /// Deletes it.
    pub async fn delete(&self) {
        self.qrs.delete(&self.path()).await;
    }

    /// `/virtualproxyconfig/ID`.
    #[must_use]
    pub fn path(&self) -> String {
        format!("/virtualproxyconfig/{}", self.id)
    }
}

fn id(entity: &Value) -> String {
    entity["id"]
        .as_str()
        .unwrap_or_else(|| panic!("no id: {entity}"))
        .to_owned()
}

fn merge(into: &mut Value, properties: Value) {
    if let (Value::Object(into), Value::Object(properties)) = (into, properties) {
        into.extend(properties);
    }
}
