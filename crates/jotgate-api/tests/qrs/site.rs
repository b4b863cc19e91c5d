//! A site with a repository of its own, and a client for it.

use std::sync::Arc;

use axum::body::Body;
use axum::{Extension, Router};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use jotgate_api::{Build, CertificateExports, certificate_caller, qrs_router};
use jotgate_manage::{
    Actor, ActorKind, CertificateExport, Management, NewSite, Privilege, Repository,
};
use jotgate_model::{Timestamp, UnixTime};
use jotgate_session::Sessions;
use serde_json::Value;
use tempfile::TempDir;
use tower::ServiceExt;
use uuid::Uuid;

pub(crate) const KEY: &str = "abcdefghijklmnop";

/// The date of the example on Qlik's help page.
pub(crate) fn clock() -> Timestamp {
    Timestamp::from_millis(1_487_786_991_896)
}

pub(crate) struct Site {
    pub(crate) router: Router,
    pub(crate) management: Management,
    _directory: TempDir,
}

fn build() -> Build {
    Build {
        version: Build::INTERFACE_VERSION,
        date: clock(),
    }
}

/// Writes certificates to no disk at all.
struct NoDisk;

impl CertificateExports for NoDisk {
    fn folder(&self) -> String {
        "/data/certificates/exported".to_owned()
    }

    fn export(&self, export: &CertificateExport, _: UnixTime) -> Result<(), String> {
        match export.machines() {
            [full] if full == "full" => Err("the disk is full".to_owned()),
            _ => Ok(()),
        }
    }
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Site {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("jotgate.db");
        let repository = Repository::open_sqlite(&file).await.unwrap();
        let site = NewSite {
            host_name: "central.example.com".to_owned(),
            node_services: Vec::new(),
            now: Timestamp::from_millis(1_400_000_000_000),
            proxy: None,
        };
        let management = Management::start(repository, Sessions::in_memory(), |_| {}, site)
            .await
            .unwrap();
        Self {
            router: certificate_caller(
                qrs_router(management.clone(), clock, build(), Some(Arc::new(NoDisk))),
                None,
            ),
            management,
            _directory: directory,
        }
    }

    /// The site as somebody with that role sees it who comes through a virtual proxy.
    pub(crate) fn seen_by(self, privilege: Privilege) -> Self {
        let actor = Actor {
            name: r"LAB\ana".to_owned(),
            kind: ActorKind::User,
            source: "a test".to_owned(),
            privilege,
        };
        let router = qrs_router(self.management.clone(), clock, build(), None);
        Self {
            router: router.layer(Extension(actor)),
            ..self
        }
    }

    /// Sends a request that is as it should be, but for what `change` does to it.
    pub(crate) async fn send(
        &self,
        method: Method,
        address: &str,
        body: impl Into<Body>,
        change: impl FnOnce(&mut Request<Body>),
    ) -> Answer {
        let joint = if address.contains('?') { '&' } else { '?' };
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{address}{joint}xrfkey={KEY}"))
            .header("X-Qlik-Xrfkey", KEY)
            .header(
                "X-Qlik-User",
                "UserDirectory=INTERNAL; UserId=sa_repository",
            )
            .body(body.into())
            .unwrap();
        change(&mut request);
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer {
            status: head.status,
            headers: head.headers,
            text: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    pub(crate) async fn get(&self, address: &str) -> Answer {
        self.send(Method::GET, address, Body::empty(), |_| {}).await
    }

    /// A GET that must succeed.
    pub(crate) async fn read(&self, address: &str) -> Value {
        let answer = self.get(address).await;
        assert_eq!(answer.status, 200, "{address}: {}", answer.text);
        answer.json()
    }

    pub(crate) async fn post(&self, address: &str, body: &Value) -> Answer {
        self.send(Method::POST, address, body.to_string(), |_| {})
            .await
    }

    pub(crate) async fn put(&self, address: &str, body: &Value) -> Answer {
        self.send(Method::PUT, address, body.to_string(), |_| {})
            .await
    }

    pub(crate) async fn delete(&self, address: &str) -> Answer {
        self.send(Method::DELETE, address, Body::empty(), |_| {})
            .await
    }

    /// A POST that must succeed.
    pub(crate) async fn create(&self, address: &str, body: &Value) -> Value {
        let answer = self.post(address, body).await;
        assert_eq!(answer.status, 201, "{address}: {}", answer.text);
        answer.json()
    }

    /// The id of the local entity of that type.
    pub(crate) async fn local_id(&self, entity: &str) -> String {
        let local = self.read(&format!("/qrs/{entity}/local")).await;
        local["id"].as_str().unwrap().to_owned()
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        let kind = &self.headers["content-type"];
        assert_eq!(kind, "application/json;charset=utf-8", "{}", self.text);
        serde_json::from_str(&self.text).unwrap()
    }

    /// Status and text of a refusal.
    pub(crate) fn refusal(&self) -> (u16, String) {
        let kind = &self.headers["content-type"];
        assert_eq!(kind, "text/plain;charset=utf-8", "{}", self.text);
        (self.status.as_u16(), anonymous(&self.text))
    }
}

/// The answer for a snapshot: indented, ids replaced by numbers in the order in which they appear.
pub(crate) fn shown(value: &Value) -> String {
    anonymous(&serde_json::to_string_pretty(value).unwrap())
}

fn anonymous(text: &str) -> String {
    const LENGTH: usize = 36;
    let mut ids: Vec<Uuid> = Vec::new();
    let mut shown = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let id = rest.get(..LENGTH).and_then(|id| id.parse::<Uuid>().ok());
        match id {
            Some(id) if !id.is_nil() => {
                let known = ids.iter().position(|known| *known == id);
                let number = known.unwrap_or_else(|| {
                    ids.push(id);
                    ids.len() - 1
                });
                shown.push_str(&format!("<id {}>", number + 1));
                rest = &rest[LENGTH..];
            }
            _ => {
                shown.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    shown
}
