//! Runs `targets/regexes.rs` under libFuzzer.
#![no_main]

#[path = "../targets/regexes.rs"]
mod regexes;

libfuzzer_sys::fuzz_target!(|data: &[u8]| regexes::check(data));
