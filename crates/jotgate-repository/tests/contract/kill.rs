use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use jotgate_repository::{AuditFilter, AuditTrail, Repository};

use crate::support::{BEGINNING, Place, key, open, put, set};

const ADDRESS: &str = "JOTGATE_TEST_KILLED_ADDRESS";
const KIND: &str = "JOTGATE_TEST_KILLED_KIND";
const HEAD: &str = "JOTGATE_TEST_KILLED_HEAD";
const SAVES: usize = 20;

/// The test starts itself once more, as the process that is killed.
pub(crate) async fn whoever_is_killed_leaves_whole_saves_with_their_rows(place: Place) {
    if let (Ok(kind), Ok(address)) = (std::env::var(KIND), std::env::var(ADDRESS)) {
        return save_for_ever(&kind, &address).await;
    }
    let (kind, address) = place.address();
    let folder = tempfile::tempdir().unwrap();
    let head = folder.path().join("head");
    drop(AuditTrail::begin(key(), &head, &BEGINNING).unwrap());
    for _ in 0..3 {
        let name = format!("{kind}::whoever_is_killed_leaves_whole_saves_with_their_rows");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &name, "--nocapture"])
            .envs([(KIND, kind), (ADDRESS, &address)])
            .env(HEAD, &head)
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
    let repository = place.open().await;
    let repository = repository.with_audit(AuditTrail::open(key(), &head));
    // The server may find out a moment later that the process is gone.
    let settled = saved_once_more(&repository).await;
    let revision = repository.revision().await.unwrap();
    assert!(settled == revision && revision >= 3 * SAVES as u64);
    let stored = repository.load().await.unwrap();
    assert_eq!(stored.documents.nodes.len() as u64, revision);
    let verdict = repository.verify_audit(&[]).await.unwrap();
    assert_eq!(verdict.problem, None);
    assert_eq!(verdict.good.unsigned_abs(), revision, "one document a save");
    let all = AuditFilter::default();
    let newest = repository.audit_rows(&all, 1).await.unwrap();
    assert_eq!(newest[0].revision.map(i64::unsigned_abs), Some(revision));
}

async fn saved_once_more(repository: &Repository) -> u64 {
    loop {
        let revision = repository.revision().await.unwrap();
        if let Ok(saved) = repository.apply(revision, &set(vec![put(0, "z")])).await {
            return saved;
        }
    }
}

#[expect(clippy::print_stdout, reason = "whoever kills it reads what was saved")]
async fn save_for_ever(kind: &str, address: &str) {
    let repository = open(kind, address).await;
    let head = std::env::var_os(HEAD).unwrap();
    let repository = repository.with_audit(AuditTrail::open(key(), head.as_ref()));
    // Bounded, in case nobody kills it.
    for number in 0..10_000 {
        let revision = repository.revision().await.unwrap();
        let change = put(u128::from(revision) + 1, &format!("{number}"));
        if let Ok(saved) = repository.apply(revision, &set(vec![change])).await {
            println!("saved {saved}");
        }
    }
}
