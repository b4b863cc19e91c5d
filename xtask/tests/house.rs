//! The table in `docs/ARCHITECTURE.md` is the law: a crate uses what its row allows, and nothing else
//! of ours. Test code may use more.
#![expect(
    clippy::unwrap_used,
    reason = "a test: what is missing in cargo's own output fails it"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

#[test]
fn crates_use_what_the_architecture_allows() {
    let allowed = table(include_str!("../../docs/ARCHITECTURE.md"));
    let actual = dependencies();
    let rooms: BTreeSet<_> = actual
        .keys()
        .filter(|name| name.starts_with("jotgate"))
        .collect();
    let rows: BTreeSet<_> = allowed.keys().collect();
    let outside = [
        "jotgate-scenarios",
        "jotgate-test-postgres",
        "jotgate-test-redis",
    ]
    .map(str::to_owned);
    let outside = BTreeSet::from(outside);
    assert_eq!(
        rows,
        rooms
            .into_iter()
            .filter(|name| !outside.contains(*name))
            .collect()
    );
    for (name, may) in &allowed {
        let too_many: Vec<_> = actual[name].difference(may).collect();
        assert!(
            too_many.is_empty(),
            "{name} uses {too_many:?}, which its row does not allow"
        );
    }
}

/// Name and allowed crates of each row: `| `name` | what it is | model, token |`.
fn table(text: &str) -> BTreeMap<String, BTreeSet<String>> {
    let everything: BTreeSet<String> = rows(text).map(|(name, _)| name).collect();
    rows(text)
        .map(|(name, uses)| {
            let uses = if uses == "everything" {
                everything.clone()
            } else {
                uses.split(',')
                    .map(str::trim)
                    .filter(|use_| !use_.is_empty())
                    .map(|use_| format!("jotgate-{use_}"))
                    .collect()
            };
            (name, uses)
        })
        .collect()
}

fn rows(text: &str) -> impl Iterator<Item = (String, &str)> {
    text.lines().filter_map(|line| {
        let cells: Vec<&str> = line
            .strip_prefix("| `jotgate")?
            .split('|')
            .map(str::trim)
            .collect();
        let &[name, _, uses, ""] = cells.as_slice() else {
            return None;
        };
        Some((format!("jotgate{}", name.trim_end_matches('`')), uses))
    })
}

/// What each crate of the workspace really uses, without its tests.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let list = |value: &Value| value.as_array().unwrap().clone();
    list(&metadata["packages"])
        .iter()
        .map(|package| {
            let uses = list(&package["dependencies"])
                .iter()
                .filter(|dependency| dependency["kind"].is_null() && !dependency["path"].is_null())
                .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
                .collect();
            (package["name"].as_str().unwrap().to_owned(), uses)
        })
        .collect()
}
