//! The target `access_rule`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| jotgate_fuzz::run("access_rule", input));
