//! Runs `targets/lines.rs` under libFuzzer.
#![no_main]

#[path = "../targets/lines.rs"]
mod lines;

libfuzzer_sys::fuzz_target!(|data: &[u8]| lines::check(data));
