use std::path::PathBuf;
use std::sync::Arc;

use jotgate_model::Timestamp;
use jotgate_model::entity::{ProxyService, ServerNodeConfiguration, VirtualProxyConfig};
use uuid::Uuid;

use super::*;
use crate::AuditActor;

mod round_trip;

struct Fixture {
    _directory: tempfile::TempDir,
    path: PathBuf,
    repository: Repository,
}

async fn fixture() -> Fixture {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("jotgate.db");
    let repository = Repository::open_sqlite(&path).await.unwrap();
    Fixture {
        _directory: directory,
        path,
        repository,
    }
}

fn author() -> AuditActor {
    AuditActor {
        name: r"LAB\root".to_owned(),
        kind: jotgate_model::ActorKind::User,
        source: "::1".to_owned(),
    }
}

fn set(changes: Vec<Change>) -> ChangeSet {
    ChangeSet {
        changes,
        author: author(),
        note: "a test".to_owned(),
        at: Timestamp::from_millis(1_700_000_000_123),
    }
}

fn node(id: u128, name: &str) -> Document {
    let mut node = ServerNodeConfiguration {
        name: name.to_owned(),
        ..Default::default()
    };
    node.metadata.id = Uuid::from_u128(id);
    Document::Node(Arc::new(node))
}

fn put(id: u128, name: &str) -> Change {
    Change::Put(node(id, name))
}

fn delete(id: u128) -> Change {
    Change::Delete {
        kind: Kind::Node,
        id: Uuid::from_u128(id),
    }
}

async fn names(repository: &Repository) -> Vec<String> {
    let stored = repository.load().await.unwrap();
    let nodes = stored.documents.nodes.values();
    nodes.map(|node| node.name.clone()).collect()
}

#[tokio::test]
async fn a_save_that_fails_in_the_middle_changes_nothing() {
    let f = fixture().await;
    f.repository
        .apply(0, &set(vec![put(1, "a")]))
        .await
        .unwrap();
    let trap = "CREATE TRIGGER trap BEFORE INSERT ON documents WHEN new.json LIKE '%boom%'
                BEGIN SELECT raise(FAIL, 'boom'); END";
    let mut writer = f.repository.sqlite().writer.acquire().await.unwrap();
    sqlx::query(trap).execute(&mut *writer).await.unwrap();
    drop(writer);
    let changes = vec![put(2, "b"), delete(1), put(3, "boom")];
    let error = f.repository.apply(1, &set(changes)).await.unwrap_err();
    assert_eq!(error, RepositoryError::Unavailable("boom".to_owned()));
    assert_eq!(names(&f.repository).await, ["a"]);
    assert_eq!(f.repository.revision().await, Ok(1));
    // And the next one is not disturbed.
    f.repository
        .apply(1, &set(vec![put(2, "b")]))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_full_disk_is_named_and_changes_nothing() {
    let f = fixture().await;
    // The same result code as from a disk without space, https://sqlite.org/rescode.html#full
    let limit = sqlx::query("PRAGMA max_page_count = 1");
    limit.execute(&f.repository.sqlite().writer).await.unwrap();
    let large = set(vec![put(1, &"x".repeat(100_000))]);
    let error = f.repository.apply(0, &large).await.unwrap_err();
    let sentence = "the configuration database is not available: the disk is full";
    assert_eq!(error.to_string(), sentence);
    assert_eq!(f.repository.revision().await, Ok(0));
}

#[tokio::test]
async fn each_revision_keeps_what_was_before_and_after() {
    let f = fixture().await;
    let sets = [
        vec![put(1, "a")],
        vec![put(1, "b")],
        vec![delete(1), delete(9)],
    ];
    for (revision, changes) in (0..).zip(sets) {
        f.repository.apply(revision, &set(changes)).await.unwrap();
    }
    let rows: Vec<(i64, String, Option<String>, Option<String>)> = sqlx::query_as(
        "SELECT revision, kind, json_before, json_after FROM changes ORDER BY revision, position",
    )
    .fetch_all(&f.repository.sqlite().readers)
    .await
    .unwrap();
    let json = |name| Some(node(1, name).encode().unwrap());
    let kind = || "ServerNodeConfiguration".to_owned();
    assert_eq!(
        rows,
        [
            (1, kind(), None, json("a")),
            (2, kind(), json("a"), json("b")),
            (3, kind(), json("b"), None),
        ]
    );
}

async fn store_raw(f: &Fixture, kind: &str, id: &str, json: &str) {
    sqlx::query("INSERT INTO documents (kind, id, revision, json) VALUES ($1, $2, 1, $3)")
        .bind(kind)
        .bind(id)
        .bind(json)
        .execute(&f.repository.sqlite().writer)
        .await
        .unwrap();
}

#[tokio::test]
async fn what_a_newer_version_added_is_ignored_and_what_it_dropped_gets_the_default() {
    let f = fixture().await;
    let id = Uuid::from_u128(5).to_string();
    let json = format!(r#"{{"id":"{id}","name":"n","fromTheFuture":{{"x":[1]}}}}"#);
    store_raw(&f, "ServerNodeConfiguration", &id, &json).await;
    store_raw(&f, "FutureThing", &id, "[]").await;
    let documents = f.repository.load().await.unwrap().documents;
    let node = &documents.nodes[&Uuid::from_u128(5)];
    assert!(node.name == "n" && node.engine_enabled);
}

#[tokio::test]
async fn a_damaged_document_is_named() {
    let id = Uuid::from_u128(5).to_string();
    for json in [
        r#"{"id":"#.to_owned(),
        format!(r#"{{"id":"{id}","name":7}}"#),
        format!(r#"{{"id":"{}"}}"#, Uuid::from_u128(6)),
    ] {
        let f = fixture().await;
        store_raw(&f, "ServerNodeConfiguration", &id, &json).await;
        let Err(error) = f.repository.load().await else {
            panic!("{json}");
        };
        let sentence = error.to_string();
        assert!(
            sentence.starts_with(&format!("the stored node {id} cannot be read: ")),
            "{sentence}"
        );
    }
}

#[test]
fn secrets_are_in_no_debug_output() {
    let node = ServerNodeConfiguration {
        client_key: "top secret".into(),
        ..Default::default()
    };
    let set = set(vec![Change::Put(Document::Node(Arc::new(node)))]);
    assert!(!format!("{set:?}").contains("top secret"));
}

#[test]
fn changes_in_memory_are_those_on_disk() {
    let mut documents = Documents::default();
    for change in [put(1, "a"), put(2, "b"), put(1, "c"), delete(2), delete(3)] {
        change.apply_to(&mut documents);
    }
    assert_eq!(documents.nodes.len(), 1);
    assert_eq!(documents.nodes[&Uuid::from_u128(1)].name, "c");
}

#[test]
fn kinds_are_found_by_their_names() {
    for kind in [Kind::Node, Kind::ProxyService, Kind::VirtualProxy] {
        assert_eq!(Kind::from_name(kind.name()), Some(kind));
    }
    assert_eq!(Kind::from_name("virtualproxyconfig"), None);
}

fn empty_documents() -> [Document; 5] {
    [
        Document::CustomProperty(Arc::default()),
        Document::Tag(Arc::default()),
        Document::Node(Arc::<ServerNodeConfiguration>::default()),
        Document::ProxyService(Arc::<ProxyService>::default()),
        Document::VirtualProxy(Arc::<VirtualProxyConfig>::default()),
    ]
}
