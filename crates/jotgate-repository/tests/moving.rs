//! From a data directory to a database of several nodes.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use jotgate_model::entity::ServerNodeConfiguration;
use jotgate_model::{ActorKind, Timestamp, UnixTime, User};
use jotgate_repository::{
    AuditActor, AuditEntry, AuditFilter, AuditHead, AuditKey, AuditTrail, Change, ChangeSet,
    DatabaseUrl, Document, Outcome, Repository, Revocation, Revoked, StoredApiKey, StoredUser,
    Subject,
};
use jotgate_test_postgres::Server;
use uuid::Uuid;

const DOCUMENTS: u128 = 1200;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn entry(action: &'static str) -> AuditEntry {
    AuditEntry {
        at: at(7),
        actor: AuditActor {
            name: r"LAB\root".to_owned(),
            kind: ActorKind::User,
            source: "::1".to_owned(),
        },
        action,
        subject: Subject::default(),
        revision: None,
        before: None,
        after: None,
        outcome: Outcome::Done,
        reason: String::new(),
    }
}

fn trail(head: &Path, end: &AuditHead) -> AuditTrail {
    AuditTrail::begin(AuditKey::new(&[7; 32]), head, end).unwrap()
}

/// A file with something in every table, and more than a page in some.
async fn filled(folder: &Path) -> Repository {
    let repository = Repository::open_sqlite(&folder.join("a.db")).await.unwrap();
    let repository = repository.with_audit(trail(&folder.join("head"), &AuditHead::BEGINNING));
    let node = |id: u128| {
        let mut node = ServerNodeConfiguration {
            name: format!("node ü {id}"),
            ..Default::default()
        };
        node.metadata.id = Uuid::from_u128(id);
        Change::Put(Document::Node(Arc::new(node)))
    };
    let set = |changes| ChangeSet {
        changes,
        author: entry("").actor,
        note: "a test".to_owned(),
        at: at(3),
    };
    let many = set((0..DOCUMENTS).map(node).collect());
    repository.apply(0, &many).await.unwrap();
    repository.apply(1, &set(vec![node(0)])).await.unwrap();
    let user = StoredUser::new(User::new("INTERNAL", "anna"), "x", at(1));
    let put = repository.put_user_with_password(None, &user, "hash", at(2), entry("user"));
    assert_eq!(put.await, Ok(true));
    let (id, subject) = (Uuid::from_u128(1), Revoked::Token { hash: [1; 32] });
    let revocation = Revocation {
        id,
        subject,
        until: None,
        at: at(1),
        author: "a".to_owned(),
        note: String::new(),
    };
    let added = repository.add_revocation(&revocation, 9, UnixTime(0), entry("revocation"));
    assert!(added.await.unwrap());
    let key = StoredApiKey {
        id,
        name: "key".to_owned(),
        hash: [2; 32],
        actions: vec!["keys.rotate".to_owned()],
        virtual_proxies: vec![id],
        created: at(1),
        created_by: "a".to_owned(),
        expires: at(9),
        last_used: None,
        last_used_from: None,
    };
    assert!(repository.add_api_key(&key, 9, entry("key")).await.unwrap());
    repository.set_setting("link", "value").await.unwrap();
    repository.set_setting("local_proxy", "id").await.unwrap();
    repository
}

async fn target(folder: &Path, url: &str, end: &AuditHead) -> Repository {
    let target = Repository::open_postgres(&DatabaseUrl::new(url)).await;
    target
        .unwrap()
        .with_audit(trail(&folder.join("other"), end))
}

#[tokio::test]
async fn everything_is_moved_and_the_trail_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let source = filled(folder.path()).await;
    let end = source.audit_head().await.unwrap();
    let target = target(folder.path(), &Server::shared().database(), &end).await;
    // As a node leaves it that has not come any further.
    target.first_setting("fleet", "unfinished").await.unwrap();
    let moved = source.move_to(&target, &[("fleet", "new")], entry("move"));
    assert!(moved.await.unwrap() > 3 * 1200);

    let (before, after) = (source.load().await.unwrap(), target.load().await.unwrap());
    assert_eq!((after.revision, before.revision), (2, 2));
    assert_eq!(after.documents.nodes, before.documents.nodes);
    assert_eq!(
        target.revisions(None, 9).await,
        source.revisions(None, 9).await
    );
    let earlier = target.documents_at(1).await.unwrap().unwrap();
    assert_eq!(earlier.documents.nodes.len(), 1200);
    assert_eq!(target.users(0, 9).await, source.users(0, 9).await);
    let key = User::new("INTERNAL", "anna").key();
    assert_eq!(target.password_hash(&key).await.unwrap().unwrap(), "hash");
    assert_eq!(target.api_keys().await, source.api_keys().await);
    let revoked = target.revocations(UnixTime(0)).await;
    assert_eq!(revoked, source.revocations(UnixTime(0)).await);
    assert_eq!(target.setting("link").await.unwrap().unwrap(), "value");
    assert_eq!(target.setting("fleet").await.unwrap().unwrap(), "new");
    assert_eq!(target.setting("local_proxy").await.unwrap(), None);

    let verdict = target.verify_audit(&[end]).await.unwrap();
    assert_eq!((verdict.problem, verdict.good), (None, end.sequence + 1));
    let rows = target.audit_rows(&AuditFilter::default(), 1).await.unwrap();
    assert_eq!(rows[0].action, "move");
}

#[tokio::test]
async fn what_is_not_empty_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let source = filled(folder.path()).await;
    let url = Server::shared().database();
    let target = target(folder.path(), &url, &AuditHead::BEGINNING).await;
    target.append_audit(&[entry("first")]).await.unwrap();
    target.set_setting("fleet", "there").await.unwrap();
    let moved = source.move_to(&target, &[("fleet", "new")], entry("move"));
    let sentence = moved.await.unwrap_err().to_string();
    assert!(sentence.contains("make an empty one"), "{sentence}");
    assert_eq!(target.revision().await, Ok(0));
    assert_eq!(target.setting("fleet").await.unwrap().unwrap(), "there");
    // Nor can it be moved back, or twice.
    assert!(target.move_to(&source, &[], entry("move")).await.is_err());
}

#[tokio::test]
async fn a_move_that_fails_at_the_end_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let source = filled(folder.path()).await;
    let end = source.audit_head().await.unwrap();
    let target = target(folder.path(), &Server::shared().database(), &end).await;
    // Twice the same key.
    let settings = [("fleet", "a"), ("fleet", "b")];
    let moved = source.move_to(&target, &settings, entry("move"));
    assert!(moved.await.is_err());
    assert_eq!(target.revision().await, Ok(0));
    assert_eq!(target.count_users().await, Ok(0));
    assert_eq!(target.audit_head().await.unwrap(), AuditHead::BEGINNING);
}
