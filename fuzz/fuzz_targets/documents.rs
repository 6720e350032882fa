//! Runs `targets/documents.rs` under libFuzzer.
#![no_main]

#[path = "../targets/documents.rs"]
mod documents;

libfuzzer_sys::fuzz_target!(|data: &[u8]| documents::check(data));
