//! Places with an empty database, and what goes into them.

use std::path::PathBuf;
use std::sync::Arc;

use jotgate_model::entity::ServerNodeConfiguration;
use jotgate_model::{ActorKind, Timestamp};
use jotgate_repository::{
    AuditActor, AuditEntry, AuditHead, AuditKey, AuditTrail, Change, ChangeSet, DatabaseUrl,
    Document, Kind, Outcome, Repository, Subject,
};
use jotgate_test_postgres::Server;
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// A database that several nodes can open, and a folder for what each keeps beside it.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    /// Nothing for SQLite in that folder.
    url: Option<String>,
}

impl Place {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, url: None }
    }

    pub(crate) fn postgres() -> Self {
        let url = Some(Server::shared().database());
        let folder = tempfile::tempdir().unwrap();
        Self { folder, url }
    }

    /// The kind of place, and how another process finds it.
    pub(crate) fn address(&self) -> (&'static str, String) {
        match &self.url {
            Some(url) => ("postgres", url.clone()),
            None => ("sqlite", self.file().display().to_string()),
        }
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("configuration.db")
    }

    /// A node without an audit trail.
    pub(crate) async fn open(&self) -> Repository {
        let (kind, address) = self.address();
        open(kind, &address).await
    }

    /// A node that writes the trail, and keeps its end in a file of its own.
    pub(crate) async fn node(&self, name: &str) -> Repository {
        let repository = self.open().await;
        let end = repository.audit_head().await.unwrap();
        let head = self.folder.path().join(name);
        repository.with_audit(AuditTrail::begin(key(), &head, &end).unwrap())
    }
}

pub(crate) async fn open(kind: &str, address: &str) -> Repository {
    match kind {
        "postgres" => Repository::open_postgres(&DatabaseUrl::new(address)).await,
        _ => Repository::open_sqlite(address.as_ref()).await,
    }
    .unwrap()
}

pub(crate) fn key() -> AuditKey {
    AuditKey::new(&[7; 32])
}

/// A new trail's end.
pub(crate) const BEGINNING: AuditHead = AuditHead::BEGINNING;

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1000)
}

pub(crate) fn entry(number: i64) -> AuditEntry {
    let fields = |value: Value| match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    AuditEntry {
        at: at(number),
        actor: AuditActor {
            name: format!("LAB\\user{}", number % 2),
            kind: ActorKind::Certificate,
            source: "127.0.0.1".to_owned(),
        },
        action: "configuration.update",
        subject: Subject {
            kind: "Tag".to_owned(),
            id: number.to_string(),
            name: "ü'\"\n".to_owned(),
        },
        revision: Some(number.unsigned_abs()),
        before: (number > 1).then(|| fields(json!({"name": "x"}))),
        after: Some(fields(json!({"name": "y"}))),
        outcome: Outcome::Done,
        reason: String::new(),
    }
}

pub(crate) fn set(changes: Vec<Change>) -> ChangeSet {
    ChangeSet {
        changes,
        author: entry(1).actor,
        note: "a test".to_owned(),
        at: Timestamp::from_millis(1_700_000_000_123),
    }
}

pub(crate) fn put(id: u128, name: &str) -> Change {
    let mut node = ServerNodeConfiguration {
        name: name.to_owned(),
        ..Default::default()
    };
    node.metadata.id = Uuid::from_u128(id);
    Change::Put(Document::Node(Arc::new(node)))
}

pub(crate) fn delete(id: u128) -> Change {
    let (kind, id) = (Kind::Node, Uuid::from_u128(id));
    Change::Delete { kind, id }
}

pub(crate) async fn names(repository: &Repository) -> Vec<String> {
    let stored = repository.load().await.unwrap();
    let nodes = stored.documents.nodes.values();
    nodes.map(|node| node.name.clone()).collect()
}
