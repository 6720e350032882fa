//! Runs `targets/patterns.rs` under libFuzzer.
#![no_main]

#[path = "../targets/patterns.rs"]
mod patterns;

libfuzzer_sys::fuzz_target!(|data: &[u8]| patterns::check(data));
