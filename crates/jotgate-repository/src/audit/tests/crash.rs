//! A process that is killed leaves a row for each change, and a change for each row.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::saves::{node, set};
use super::*;

const PATH: &str = "JOTGATE_TEST_CRASH_AUDIT";
const SAVES: usize = 30;

async fn open(path: &Path) -> Repository {
    let head = path.with_file_name("head");
    let trail = if head.exists() {
        AuditTrail::open(key(), &head)
    } else {
        AuditTrail::begin(key(), &head, &AuditHead::BEGINNING).unwrap()
    };
    let repository = Repository::open_sqlite(path).await.unwrap();
    repository.with_audit(trail)
}

#[test]
fn a_row_is_there_exactly_when_the_change_is() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    // This test starts itself once more, as the process that is killed.
    if let Some(path) = std::env::var_os(PATH) {
        return runtime.block_on(save_for_ever(path.as_ref()));
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.db");
    // Killed at three moments of its own choosing, it goes on where it was.
    for _ in 0..3 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "audit::tests::crash::a_row_is_there_exactly_when_the_change_is",
                "--nocapture",
            ])
            .env(PATH, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let saves = output.lines().map_while(Result::ok);
        let saves = saves.filter(|line| line.starts_with("saved"));
        assert_eq!(saves.take(SAVES).count(), SAVES);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    runtime.block_on(async {
        let repository = open(&path).await;
        let revision = repository.revision().await.unwrap();
        assert!(revision >= 3 * SAVES as u64);
        let verdict = repository.verify_audit(&[]).await.unwrap();
        assert_eq!(verdict.problem, None);
        // One document a save.
        assert_eq!(verdict.good.unsigned_abs(), revision);
        let newest = repository
            .audit_rows(&AuditFilter::default(), 1)
            .await
            .unwrap();
        assert_eq!(newest[0].revision.map(i64::unsigned_abs), Some(revision));
    });
}

async fn save_for_ever(path: &Path) {
    let repository = open(path).await;
    let first = repository.revision().await.unwrap();
    // Bounded, in case nobody kills it.
    for revision in first..first + 10_000 {
        let change = node(u128::from(revision) + 1, "a", "");
        repository
            .apply(revision, &set(vec![change]))
            .await
            .unwrap();
        println!("saved {revision}");
    }
}
