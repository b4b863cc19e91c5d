//! The target `trace_context`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| jotgate_fuzz::run("trace_context", input));
