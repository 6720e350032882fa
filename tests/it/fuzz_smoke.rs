//! The fuzz targets of `fuzz/`, for a bounded number of rounds on stable Rust: the same functions,
//! fed with mutated samples, rules and hostile cases.
//!
//! `MIDWATCH_FUZZ_SEED` begins with another seed, `MIDWATCH_FUZZ_ROUNDS` takes more rounds or fewer
//! than a target's own number. A failure prints the seed that makes it again in one round.

#[path = "../../fuzz/targets/conditions.rs"]
mod conditions;
#[path = "../../fuzz/targets/documents.rs"]
mod documents;
#[path = "../../fuzz/targets/fast_path.rs"]
mod fast_path;
#[path = "../../fuzz/targets/lines.rs"]
mod lines;
#[path = "../../fuzz/targets/patterns.rs"]
mod patterns;
#[path = "../../fuzz/targets/regexes.rs"]
mod regexes;

mod corpus;
mod mutate;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use crate::fast_path::variants::Dice;
use corpus::Corpus;

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|error| panic!("{name}={text}: {error}")))
}

/// Runs a target over its corpus as it is, then mutated. Each round has a seed of its own.
fn smoke(name: &str, rounds: u64, corpus: &Corpus, check: fn(&[u8])) {
    let first = number("MIDWATCH_FUZZ_SEED").unwrap_or(1);
    let rounds = number("MIDWATCH_FUZZ_ROUNDS").unwrap_or(rounds);
    println!("{name}: {} seeds of the corpus, {rounds} rounds from seed {first}", corpus.len());
    let attempt = |round: &str, data: &[u8]| {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| check(data))) {
            eprintln!("{name}: fails in {round} with `{}`", data.escape_ascii());
            resume_unwind(panic);
        }
    };
    for (index, data) in corpus.seeds().iter().enumerate() {
        attempt(&format!("number {index} of the corpus"), data);
    }
    for seed in (0..rounds).map(|round| first.wrapping_add(round)) {
        let mut dice = Dice::new(seed);
        let data = mutate::mutated(corpus, &mut dice);
        attempt(&format!("MIDWATCH_FUZZ_SEED={seed} MIDWATCH_FUZZ_ROUNDS=1"), &data);
    }
}

#[test]
fn any_text_is_documents_or_has_faults_with_a_place() {
    smoke("documents", 200, &corpus::documents(), documents::check);
}

#[test]
fn any_text_is_a_condition_that_reads_back_or_a_fault() {
    smoke("conditions", 3_000, &corpus::conditions(), conditions::check);
}

#[test]
fn any_pattern_matches_what_a_plain_model_says() {
    smoke("patterns", 3_000, &corpus::patterns(), patterns::check);
}

#[test]
fn any_regex_is_refused_or_finds_what_its_crate_finds() {
    smoke("regexes", 400, &corpus::regexes(), regexes::check);
}

#[test]
fn any_bytes_are_lines_and_records_that_are_counted() {
    smoke("lines", 600, &corpus::lines(), lines::check);
}

#[test]
fn any_line_comes_to_the_same_on_the_fast_path() {
    smoke("fast_path", 150, &corpus::fast_path(), fast_path::check);
}
