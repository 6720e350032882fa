//! Runs `targets/fast_path.rs` under libFuzzer.
#![no_main]

#[path = "../targets/fast_path.rs"]
mod fast_path;

libfuzzer_sys::fuzz_target!(|data: &[u8]| fast_path::check(data));
