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
        let inputs = inputs(target);
        assert!(inputs.len() >= FEWEST, "{target} is nearly empty");
        for (path, input) in inputs {
            if catch_unwind(|| run(&input)).is_err() {
                broken.push(path.display().to_string());
            }
        }
    }
    assert!(broken.is_empty(), "see above for: {broken:#?}");
}

/// What a fuzzer does, without its eyes: the same changes of the same inputs every time.
#[test]
fn no_input_that_is_near_one_of_the_corpus_breaks_a_rule() {
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
    for (target, run) in ALL {
        let inputs = inputs(target);
        for round in 0..ROUNDS {
            let (path, input) = &inputs[chance.below(inputs.len())];
            let (_, other) = &inputs[chance.below(inputs.len())];
            let input = changed(input, other, &mut chance);
            assert!(
                catch_unwind(|| run(&input)).is_ok(),
                "{target}, round {round}, from {}: {:?}",
                path.display(),
                String::from_utf8_lossy(&input)
            );
        }
    }
}

/// How many changed inputs a target gets.
const ROUNDS: usize = 2_000;

/// Bytes that mean something to one of the parsers.
const TELLING: &[u8] = b"\0\t\n\r \"#%&'(),-./0123456789:;<=>?@AZ[\\]^_az{|}~\x7f\x80\xc3\xff";

/// `input` with one to eight bytes or pieces of `other` put in, replaced or removed.
fn changed(input: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..=chance.below(8) {
        let at = chance.below(bytes.len() + 1);
        let end = (at + chance.below(8)).min(bytes.len());
        let byte = TELLING[chance.below(TELLING.len())];
        let from = chance.below(other.len() + 1);
        let piece = &other[from..(from + chance.below(32)).min(other.len())];
        match chance.below(4) {
            0 => bytes.insert(at, byte),
            1 => drop(bytes.splice(at..end, [byte])),
            2 => drop(bytes.splice(at..end, piece.iter().copied())),
            _ => drop(bytes.drain(at..end)),
        }
    }
    bytes
}

/// Numbers without a pattern, but the same in every run (xorshift).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let limit = u64::try_from(limit).expect("a limit");
        usize::try_from(self.0 % limit).expect("below the limit")
    }
}

fn inputs(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = fuzz().join("corpus").join(target);
    let mut paths: Vec<PathBuf> = fs::read_dir(&folder)
        .expect("inputs")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let read = |path: PathBuf| {
        let input = fs::read(&path).expect("an input");
        (path, input)
    };
    paths.into_iter().map(read).collect()
}
