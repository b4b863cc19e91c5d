//! What only PostgreSQL has: servers that stop, fall silent or belong to others, and notices.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jotgate_model::Timestamp;
use jotgate_repository::{
    AuditActor, ChangeSet, DatabaseUrl, Feed, OpenError, Report, Repository, RepositoryError,
};
use jotgate_test_postgres::Server;
use sqlx::{Connection, Executor, PgConnection};
use tokio::time::{sleep, timeout};

/// Generous: what is waited for has limits of a few seconds.
const PATIENCE: Duration = Duration::from_secs(60);

async fn open(url: &str) -> Result<Repository, OpenError> {
    Repository::open_postgres(&DatabaseUrl::new(url)).await
}

fn set() -> ChangeSet {
    ChangeSet {
        changes: Vec::new(),
        author: AuditActor {
            name: r"LAB\root".to_owned(),
            kind: jotgate_model::ActorKind::User,
            source: "::1".to_owned(),
        },
        note: String::new(),
        at: Timestamp::from_millis(0),
    }
}

async fn save(repository: &Repository) -> Result<u64, RepositoryError> {
    let revision = repository.revision().await?;
    repository.apply(revision, &set()).await
}

/// Saves until one succeeds: which connections are broken is found out one by one.
async fn saved_again(repository: &Repository) -> u64 {
    let saving = async {
        loop {
            match save(repository).await {
                Ok(revision) => return revision,
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
        }
    };
    timeout(PATIENCE, saving).await.unwrap()
}

async fn raw(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

/// How many notices, or looks without one, it takes until the change of `revision` is seen.
async fn heard(feed: &mut Feed, repository: &Repository, revision: u64) {
    let hearing = async {
        loop {
            let marks = repository.marks().await;
            if marks.is_ok_and(|marks| marks.revision >= revision) {
                return;
            }
            feed.wait().await;
        }
    };
    timeout(PATIENCE, hearing).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_at_once_make_one_set_of_tables() {
    let url = Server::shared().database();
    for opened in join_all([(); 8].map(|()| open(&url))).await {
        assert_eq!(opened.unwrap().revision().await, Ok(0));
    }
}

#[tokio::test]
async fn a_database_of_somebody_else_is_refused_and_left_alone() {
    let url = Server::shared().database();
    let mut other = raw(&url).await;
    other.execute("CREATE TABLE users (x TEXT)").await.unwrap();
    let error = open(&url).await.unwrap_err();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
    let count = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'";
    let tables: i64 = sqlx::query_scalar(count)
        .fetch_one(&mut other)
        .await
        .unwrap();
    assert_eq!(tables, 1);
}

/// Two adjacent versions share a database while a fleet is upgraded.
#[tokio::test]
async fn a_newer_schema_is_used_unless_it_says_that_it_cannot_be() {
    let url = Server::shared().database();
    open(&url).await.unwrap().close().await;
    let mut newer = raw(&url).await;
    let migrated = "INSERT INTO _sqlx_migrations
                    (version, description, success, checksum, execution_time)
                    VALUES (9000, 'from the future', true, ''::bytea, 0)";
    newer.execute(migrated).await.unwrap();
    assert_eq!(save(&open(&url).await.unwrap()).await, Ok(1));
    newer
        .execute("UPDATE fleet SET oldest = 9000")
        .await
        .unwrap();
    let error = open(&url).await.unwrap_err();
    let sentence = error.to_string();
    assert!(matches!(error, OpenError::NewerVersion { found: 9000, .. }));
    assert!(sentence.contains("schema version 9000"), "{sentence}");
}

#[tokio::test]
async fn a_place_that_lets_nobody_in_is_named_without_the_password() {
    let socket = Server::shared().url("nowhere");
    for (url, words) in [
        (
            socket.replace("jotgate@", "jotgate:hunter2@"),
            "\"nowhere\" does not exist",
        ),
        (
            "postgres://me:hunter2@127.0.0.1:1/x".to_owned(),
            "PostgreSQL x at 127.0.0.1:1",
        ),
    ] {
        let error = open(&url).await.unwrap_err();
        let sentence = error.to_string();
        assert!(matches!(error, OpenError::Unreachable { .. }), "{sentence}");
        assert!(
            sentence.contains(words) && !sentence.contains("hunter2"),
            "{sentence}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_restart_or_a_crash_of_the_server_saves_work_again() {
    let server = Server::start();
    let url = server.database();
    let (one, other) = (open(&url).await.unwrap(), open(&url).await.unwrap());
    let mut feed = other.feed().unwrap();
    let mut saved = save(&one).await.unwrap();
    heard(&mut feed, &other, saved).await;
    for stop in [Server::stop, Server::crash] {
        stop(&server);
        let failed = save(&one).await;
        assert!(
            matches!(failed, Err(RepositoryError::Unavailable(_))),
            "{failed:?}"
        );
        feed.wait().await;
        server.start_again();
        // What was acknowledged is there; nothing that was refused is.
        let again = saved_again(&one).await;
        assert_eq!(again, saved + 1);
        saved = again;
        heard(&mut feed, &other, saved).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_falls_silent_keeps_nobody_waiting_for_long() {
    let server = Server::start();
    let url = server.database();
    let repository = open(&url).await.unwrap();
    // Every place has a connection that will not answer any more.
    let all = [(); 4].map(|()| repository.revision());
    for found in join_all(all).await {
        assert_eq!(found, Ok(0));
    }
    server.freeze();
    let begun = Instant::now();
    for failed in join_all([(); 8].map(|()| repository.revision())).await {
        assert!(
            matches!(failed, Err(RepositoryError::Unavailable(_))),
            "{failed:?}"
        );
    }
    let failed = repository.apply(0, &set()).await;
    assert!(
        matches!(failed, Err(RepositoryError::Unavailable(_))),
        "{failed:?}"
    );
    assert!(begun.elapsed() < PATIENCE);
    server.thaw();
    saved_again(&repository).await;
}

/// A node that was paused in the middle of a save has the writers' lock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_falls_asleep_in_a_save_stops_the_others_for_seconds_only() {
    let url = Server::shared().database();
    let repository = open(&url).await.unwrap();
    // As a node has it: the server ends what stays open.
    let mut asleep = raw(&url).await;
    let begin = "SET idle_in_transaction_session_timeout = 5000; BEGIN;
                 SELECT number FROM fleet FOR UPDATE";
    asleep.execute(begin).await.unwrap();
    assert_eq!(saved_again(&repository).await, 1);
    assert!(asleep.execute("COMMIT").await.is_err(), "it was ended");
}

#[tokio::test]
async fn what_gateways_say_of_themselves_is_kept_with_its_age() {
    let url = Server::shared().database();
    let repository = open(&url).await.unwrap();
    let report = |number, problem: &str| Report {
        gateway: uuid::Uuid::from_u128(number),
        version: "1.2.3".to_owned(),
        revision: 7,
        problem: problem.to_owned(),
    };
    let long = format!("no breath\0{}", "!".repeat(1000));
    repository.report(&report(1, &long)).await.unwrap();
    repository.report(&report(1, "")).await.unwrap();
    repository.report(&report(2, &long)).await.unwrap();
    let mut clock = raw(&url).await;
    let older = "UPDATE reports SET at = at - INTERVAL '1 hour' WHERE problem <> ''";
    clock.execute(older).await.unwrap();
    let mut heard = repository.reports().await.unwrap();
    heard.sort_by_key(|heard| heard.report.gateway);
    assert_eq!(heard[0].report, report(1, ""));
    assert!(heard[0].age < PATIENCE);
    assert!(heard[1].age >= Duration::from_secs(3600));
    assert_eq!(heard[1].report.problem.len(), 499);
    let month = "UPDATE reports SET at = at - INTERVAL '30 days' WHERE problem <> ''";
    clock.execute(month).await.unwrap();
    repository.forget_old_reports().await.unwrap();
    assert_eq!(repository.reports().await.unwrap().len(), 1);
}

#[tokio::test]
async fn saves_are_durable_whatever_the_servers_default_is() {
    let url = Server::shared().database();
    open(&url).await.unwrap().close().await;
    let mut administrator = raw(&url).await;
    let name = url.split(['/', '?']).nth(3).unwrap();
    let lax = format!("ALTER DATABASE {name} SET synchronous_commit = off");
    administrator
        .execute(sqlx::AssertSqlSafe(lax))
        .await
        .unwrap();
    let trap = "CREATE FUNCTION told() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    RAISE EXCEPTION 'commits are %', current_setting('synchronous_commit');
                END $$;
                CREATE TRIGGER told BEFORE INSERT ON revisions EXECUTE FUNCTION told()";
    administrator.execute(trap).await.unwrap();
    let told = save(&open(&url).await.unwrap()).await;
    let expected = RepositoryError::Unavailable("commits are on".to_owned());
    assert_eq!(told, Err(expected));
}

/// The connection of notices may be cut off without a word: looking once a second is enough.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_missed_when_the_connection_of_notices_is_lost() {
    let url = Server::shared().database();
    let (one, other) = (open(&url).await.unwrap(), open(&url).await.unwrap());
    let mut feed = other.feed().unwrap();
    feed.wait().await;
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE query LIKE 'LISTEN%' AND datname = current_database()";
    for _ in 0..3 {
        raw(&url).await.execute(end).await.unwrap();
        let saved = save(&one).await.unwrap();
        heard(&mut feed, &other, saved).await;
    }
}
