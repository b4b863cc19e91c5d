//! Databases of every older schema that was ever published: everything in them is still there.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use jotgate_model::UnixTime;
use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;

use crate::Repository;

/// Databases with the tables and the migrations' checksums of that time: a migration that is changed
/// afterwards is found here. Their rows are younger.
const SCHEMAS: [&str; 5] = [
    include_str!("schemas/1.sql"),
    include_str!("schemas/2.sql"),
    include_str!("schemas/3.sql"),
    include_str!("schemas/4.sql"),
    include_str!("schemas/5.sql"),
];
const PATH: &str = "JOTGATE_TEST_MIGRATED_DATABASE";

async fn database_of_schema(schema: usize) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("configuration.db");
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        // The rows of a dump come in the order of their tables.
        .foreign_keys(false);
    let mut connection = options.connect().await.unwrap();
    sqlx::raw_sql(SCHEMAS[schema - 1])
        .execute(&mut connection)
        .await
        .unwrap();
    sqlx::Connection::close(connection).await.unwrap();
    (folder, path)
}

/// Opens it with this program, and looks whether what that schema could keep is there.
async fn check(path: &Path, schema: usize) {
    let repository = Repository::open_sqlite(path).await.unwrap();
    assert_eq!(repository.fault().await.unwrap(), None);
    let stored = repository.load().await.unwrap();
    assert_eq!(stored.revision, 2);
    let mut virtual_proxies = stored.documents.virtual_proxies.values();
    let jwt = virtual_proxies.find(|vp| vp.prefix == "jwt").unwrap();
    assert_eq!(jwt.jwt_attribute_map[0].sense_attribute, "group");
    assert!(jwt.jwt_public_key_certificate.contains("BEGIN CERTIFICATE"));
    let id = jwt.metadata.id;
    let proxy_id = repository.setting("local_proxy").await.unwrap().unwrap();
    let proxy_id = proxy_id.parse().unwrap();
    let snapshot = jotgate_model::Snapshot::build(2, stored.documents, proxy_id, None).unwrap();
    assert!(snapshot.by_prefix("jwt").is_some(), "it is served");
    let before = repository.documents_at(1).await.unwrap().unwrap();
    assert!(!before.documents.virtual_proxies.contains_key(&id));
    let revisions = repository.revisions(None, 10).await.unwrap();
    assert_eq!((revisions.len(), &*revisions[0].note), (2, "the portal"));

    let revoked = repository
        .revocations(UnixTime(1_764_000_000))
        .await
        .unwrap();
    assert_eq!(revoked.len(), if schema >= 2 { 3 } else { 0 });
    let users = repository.users(0, 10).await.unwrap();
    assert_eq!(users.len(), if schema >= 3 { 2 } else { 0 });
    if let Some(admin) = users.iter().find(|user| !user.roles.is_empty()) {
        let found = repository.user_of_name(&admin.user.key()).await.unwrap();
        assert_eq!(found.as_ref(), Some(admin));
        let hash = repository.password_hash(&admin.user.key()).await.unwrap();
        assert!(hash.unwrap().starts_with("$argon2id$"));
        assert!(users.iter().any(|user| user.blocked));
    }
    let keys = repository.api_keys().await.unwrap();
    assert_eq!(keys.len(), usize::from(schema >= 4));
    assert!(keys.iter().all(|key| key.virtual_proxies == [id]));
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM audit")
        .fetch_one(&repository.sqlite().readers)
        .await
        .unwrap();
    assert!(if schema >= 5 { rows >= 2 } else { rows == 0 });
    repository.close().await;
}

#[tokio::test]
async fn a_database_of_every_older_schema_opens_with_everything_in_it() {
    for schema in 1..=SCHEMAS.len() {
        let (_folder, path) = database_of_schema(schema).await;
        check(&path, schema).await;
        // Once more, as a database of this program.
        check(&path, schema).await;
    }
    let known = usize::try_from(Repository::known_schema()).unwrap();
    let missing = "write down what the schema before the newest one looks like, in schemas/";
    assert!(SCHEMAS.len() + 1 >= known, "{missing}");
}

#[tokio::test]
async fn a_migration_that_was_changed_afterwards_is_refused() {
    let (_folder, path) = database_of_schema(2).await;
    let options = SqliteConnectOptions::new().filename(&path);
    let mut connection = options.connect().await.unwrap();
    sqlx::query("UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 2")
        .execute(&mut connection)
        .await
        .unwrap();
    sqlx::Connection::close(connection).await.unwrap();
    let error = Repository::open_sqlite(&path)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("configuration.db") && !error.contains('\n'),
        "{error}"
    );
}

#[tokio::test]
async fn whoever_is_killed_while_it_migrates_loses_nothing() {
    // This test starts itself once more, as the process that is killed.
    if let Some(path) = std::env::var_os(PATH) {
        return migrate(path.as_ref()).await;
    }
    for round in 0..16_u64 {
        let (_folder, path) = database_of_schema(1).await;
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "open::migration_tests::whoever_is_killed_while_it_migrates_loses_nothing",
                "--nocapture",
            ])
            .env(PATH, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut lines = output.lines().map_while(Result::ok);
        lines.find(|line| line == "opening").unwrap();
        std::thread::sleep(Duration::from_micros(round * 300));
        child.kill().unwrap();
        child.wait().unwrap();
        check(&path, 1).await;
    }
}

async fn migrate(path: &Path) {
    println!("\nopening");
    let repository = Repository::open_sqlite(path).await.unwrap();
    println!("opened");
    repository.close().await;
}
