//! The target `import`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| jotgate_fuzz::run("import", input));
