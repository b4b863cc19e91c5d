//! What the programs in `fuzz_targets/` run.
//!
//!     cargo +nightly fuzz run token
//!
//! What is found goes into `corpus/`, where the tests replay it without a fuzzer.

mod targets;

/// Does with `input` what the target of that name does.
///
/// # Panics
/// A rule is broken, or there is no such target.
pub fn run(name: &str, input: &[u8]) {
    let target = targets::ALL.iter().find(|(known, _)| *known == name);
    let (_, run) = target.unwrap_or_else(|| panic!("there is no target {name}"));
    run(input);
}
