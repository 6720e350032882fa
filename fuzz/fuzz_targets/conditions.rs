//! Runs `targets/conditions.rs` under libFuzzer.
#![no_main]

#[path = "../targets/conditions.rs"]
mod conditions;

libfuzzer_sys::fuzz_target!(|data: &[u8]| conditions::check(data));
