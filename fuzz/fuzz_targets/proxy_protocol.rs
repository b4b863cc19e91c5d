//! The target `proxy_protocol`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| jotgate_fuzz::run("proxy_protocol", input));
