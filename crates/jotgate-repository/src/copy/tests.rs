use super::*;

#[tokio::test]
async fn a_copy_is_one_whole_file_and_a_save_meanwhile_is_not_kept_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let (path, target) = (folder.path().join("a.db"), folder.path().join("b.db"));
    let repository = Repository::open_sqlite(&path).await.unwrap();
    repository.set_setting("a", "one").await.unwrap();
    let mut reading = repository.sqlite().readers.begin().await.unwrap();
    let seen: String = sqlx::query_scalar("SELECT value FROM settings")
        .fetch_one(&mut *reading)
        .await
        .unwrap();
    assert_eq!(seen, "one");
    let (copied, saved) = tokio::join!(
        repository.copy_to(&target),
        repository.set_setting("b", "two")
    );
    saved.unwrap();
    let expected = Copied {
        schema: Repository::known_schema(),
        revision: 0,
    };
    assert_eq!(copied.unwrap(), expected);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 4);

    let copy = Repository::open_sqlite(&target).await.unwrap();
    assert_eq!(copy.setting("a").await.unwrap().unwrap(), "one");
    assert_eq!(copy.fault().await.unwrap(), None);
    assert!(repository.copy_to(&target).await.is_err(), "it is there");
}

#[tokio::test]
async fn a_copy_of_a_closed_file_is_not_brought_to_the_newest_schema() {
    let folder = tempfile::tempdir().unwrap();
    let (path, target) = (folder.path().join("a.db"), folder.path().join("b.db"));
    Repository::open_sqlite(&path).await.unwrap().close().await;
    let mut raw = SqliteConnectOptions::new()
        .filename(&path)
        .connect()
        .await
        .unwrap();
    sqlx::query("UPDATE _sqlx_migrations SET version = 9000 WHERE version = 4")
        .execute(&mut raw)
        .await
        .unwrap();
    raw.close().await.unwrap();
    let copied = Repository::copy_file(&path, &target).await.unwrap();
    assert_eq!(copied.schema, 9000);

    std::fs::write(&path, "no database").unwrap();
    let none = folder.path().join("none.db");
    for wrong in [&path, &none] {
        assert!(
            Repository::copy_file(wrong, &folder.path().join("c.db"))
                .await
                .is_err()
        );
    }
    assert!(!none.exists());
}

#[tokio::test]
async fn damage_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    Repository::open_sqlite(&path).await.unwrap().close().await;
    let mut raw = SqliteConnectOptions::new()
        .filename(&path)
        .connect()
        .await
        .unwrap();
    // An index that has less than its table.
    sqlx::raw_sql(
        "INSERT INTO revisions VALUES (1, 0, 'a', ''); PRAGMA writable_schema = ON;
         DELETE FROM sqlite_schema WHERE name = 'revocations_until';",
    )
    .execute(&mut raw)
    .await
    .unwrap();
    raw.close().await.unwrap();
    let repository = Repository::open_sqlite(&path).await.unwrap();
    assert!(repository.fault().await.unwrap().is_some());
}
