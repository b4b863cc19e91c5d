//! Replays what the fuzz targets begin with and what they found, without a fuzzer.

#[path = "../../fuzz/src/targets.rs"]
mod targets;

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use targets::ALL;

/// How many inputs a target has at least.
const FEWEST: usize = 6;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

/// The names in a folder, without the ends of files.
fn names(folder: &Path) -> BTreeSet<String> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let name = |path: PathBuf| {
        path.file_stem()
            .expect("a name")
            .to_str()
            .expect("text")
            .to_owned()
    };
    entries
        .map(|entry| name(entry.expect("an entry").path()))
        .collect()
}

#[test]
fn every_target_has_inputs_a_program_and_a_place_in_the_list() {
    let known: BTreeSet<String> = ALL.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&fuzz().join("corpus")), known);
    assert_eq!(names(&fuzz().join("fuzz_targets")), known);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).expect("the manifest");
    for name in known {
        assert!(
            manifest.contains(&format!("name = \"{name}\"")),
            "{name} is not built"
        );
    }
}

#[test]
fn no_input_of_the_corpus_breaks_a_rule() {
    let mut broken = Vec::new();
    for (target, run) in ALL {
        let folder = fuzz().join("corpus").join(target);
        let mut inputs: Vec<PathBuf> = fs::read_dir(&folder)
            .expect("inputs")
            .map(|entry| entry.expect("an entry").path())
            .collect();
        inputs.sort();
        assert!(inputs.len() >= FEWEST, "{target} is nearly empty");
        for path in inputs {
            let input = fs::read(&path).expect("an input");
            if catch_unwind(|| run(&input)).is_err() {
                broken.push(path.display().to_string());
            }
        }
    }
    assert!(broken.is_empty(), "see above for: {broken:#?}");
}
