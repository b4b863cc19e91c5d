//! A process that is killed loses nothing that it acknowledged.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::*;

const PATH: &str = "JOTGATE_TEST_CRASH_DATABASE";
const SAVES: usize = 40;

#[test]
fn what_was_acknowledged_survives_kill_9() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    // This test starts itself once more, as the process that is killed.
    if let Some(path) = std::env::var_os(PATH) {
        return runtime.block_on(save_for_ever(path.as_ref()));
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("jotgate.db");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "repository::tests::crash::what_was_acknowledged_survives_kill_9",
            "--nocapture",
        ])
        .env(PATH, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let saves = output.lines().map_while(Result::ok);
    let acknowledged: Vec<String> = saves
        .filter_map(|line| Some(line.strip_prefix("saved ")?.to_owned()))
        .take(SAVES)
        .collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(acknowledged.len(), SAVES);

    runtime.block_on(async {
        let repository = Repository::open_sqlite(&path).await.unwrap();
        let stored = repository.load().await.unwrap();
        assert!(stored.revision >= SAVES as u64);
        // One document a save, named in the same transaction: nothing is there by halves.
        assert_eq!(stored.documents.nodes.len() as u64, stored.revision);
        for name in &acknowledged {
            assert!(
                stored
                    .documents
                    .nodes
                    .values()
                    .any(|node| node.name == *name),
                "{name}"
            );
        }
    });
}

async fn save_for_ever(path: &Path) {
    let repository = Repository::open_sqlite(path).await.unwrap();
    // Bounded, in case nobody kills it.
    for revision in 0..10_000 {
        let name = format!("node {revision}");
        let change = put(u128::from(revision) + 1, &name);
        repository
            .apply(revision, &set(vec![change]))
            .await
            .unwrap();
        println!("saved {name}");
    }
}
