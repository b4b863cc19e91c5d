//! What a thousand nodes ask of one database, and of each other.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jotgate_model::Timestamp;
use jotgate_repository::{AuditActor, ChangeSet, DatabaseUrl, Report, Repository};
use jotgate_test_postgres::Server;
use sqlx::{Connection, Executor, PgConnection};
use tokio::time::timeout;

/// As many nodes.
const NODES: u128 = 1000;
/// Generous.
const PATIENCE: Duration = Duration::from_secs(60);

/// What each node does when it has changed something.
const CHANGE: &str = "WITH counted AS (UPDATE fleet SET number = number + 1 RETURNING number)
                      SELECT pg_notify('jotgate_changes', '') FROM counted";

async fn open(url: &str) -> Repository {
    Repository::open_postgres(&DatabaseUrl::new(url))
        .await
        .unwrap()
}

fn save(note: &str) -> ChangeSet {
    ChangeSet {
        changes: Vec::new(),
        author: AuditActor {
            name: r"LAB\root".to_owned(),
            kind: jotgate_model::ActorKind::User,
            source: "::1".to_owned(),
        },
        note: note.to_owned(),
        at: Timestamp::from_millis(0),
    }
}

/// Each notice is a transaction of its own, as those of nodes are.
async fn change(url: &str, times: usize) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    for _ in 0..times {
        connection.execute(CHANGE).await.unwrap();
    }
}

/// A node looks as often as it did before, whoever changes how much; and it sees the last change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_notices_are_a_few_looks() {
    let url = Server::shared().database();
    let repository = open(&url).await;
    let mut feed = repository.feed().unwrap();
    // It listens now.
    feed.wait().await;
    feed.wait().await;
    let begun = Instant::now();
    let others = join_all([(); 4].map(|()| {
        let url = url.clone();
        tokio::spawn(async move { change(&url, 250).await })
    }));
    let mut looks = 0_u32;
    let following = async {
        while repository.marks().await.unwrap().changes.unwrap() < 1000 {
            feed.wait().await;
            looks += 1;
        }
    };
    let (changed, followed) = tokio::join!(others, timeout(PATIENCE, following));
    followed.unwrap();
    assert!(changed.into_iter().all(|done| done.is_ok()));
    let possible = begun.elapsed().as_millis() / 50 + 1;
    assert!(u128::from(looks) <= possible, "{looks} looks");
    // What came too fast to be looked at is gone, but for what is still on its way: soon a look waits
    // for the next second.
    let mut left = 0;
    loop {
        let begun = Instant::now();
        feed.wait().await;
        if begun.elapsed() > Duration::from_millis(500) {
            break;
        }
        left += 1;
        assert!(left < 20, "the notices are still there");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_save_is_heard_among_the_reports_of_a_thousand_nodes() {
    let url = Server::shared().database();
    let (repository, other) = (open(&url).await, open(&url).await);
    let mut feed = other.feed().unwrap();
    let report = |number, revision| Report {
        gateway: uuid::Uuid::from_u128(number),
        version: "1.2.3".to_owned(),
        revision,
        problem: String::new(),
    };
    // After a save each of them says that it serves it: a row each, and no notice.
    for revision in 1..=2 {
        let saved = repository.apply(revision - 1, &save("a save")).await;
        assert_eq!(saved, Ok(revision));
        let reports = (0..NODES).map(|number| report(number, revision));
        let all = reports.map(|report| {
            let repository = repository.clone();
            async move { repository.report(&report).await }
        });
        let heard = async {
            while other.marks().await.unwrap().revision < revision {
                feed.wait().await;
            }
        };
        let (said, heard) = tokio::join!(join_all(all), timeout(PATIENCE, heard));
        heard.unwrap();
        assert!(said.into_iter().all(|said| said.is_ok()));
    }
    let heard = other.reports().await.unwrap();
    assert_eq!(heard.len(), 1000);
    assert!(heard.iter().all(|heard| heard.report.revision == 2));
}
