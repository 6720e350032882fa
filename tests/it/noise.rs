//! The noise budget: ordinary days of a cluster, made from a seed, raise at most one alert and three
//! questions a day. `MIDWATCH_NOISE_SEED=7 cargo test --test it noise -- --nocapture` makes other days.

mod day;
mod objects;
mod people;
mod platform;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use midwatch::model::finding::Finding;
use midwatch::model::level::Level;
use midwatch::model::rule::Mode;
use midwatch::triage::fold;
use time::OffsetDateTime;

use self::day::{DAY, Days};
use crate::detect::detect;

const SEED: u64 = 20_261_123;
/// Rules that learn what is usual do so on the first day; the others are held to the budget there, too.
const DAYS: usize = 2;
const ALERTS_MAX: usize = 1;
const QUESTIONS_MAX: usize = 3;

fn seed() -> u64 {
    std::env::var("MIDWATCH_NOISE_SEED").map_or(SEED, |seed| seed.parse().expect("a number"))
}

/// What is told of one day, each alert once by its first finding.
fn told(findings: &[Finding], mode: Mode) -> Vec<Finding> {
    let of_mode = findings.iter().filter(|finding| finding.rule.mode == mode).cloned().collect();
    fold::by_alert(of_mode).into_values().filter_map(|group| group.into_iter().next()).collect()
}

fn list(findings: &[Finding]) -> String {
    let mut rows: BTreeMap<(String, Level, String), usize> = BTreeMap::new();
    for finding in findings {
        let key = (finding.rule.name.clone(), finding.level, finding.actor.username.clone());
        *rows.entry(key).or_default() += 1;
    }
    let mut text = String::new();
    for ((rule, level, actor), alerts) in rows {
        let _ = writeln!(text, "  {rule} ({level}) x{alerts}: {actor}");
    }
    text
}

#[test]
fn ordinary_days_stay_in_the_noise_budget() {
    let seed = seed();
    println!("MIDWATCH_NOISE_SEED={seed}");
    let mut days = Days::new(seed);
    let mut midnights: Vec<OffsetDateTime> = Vec::new();
    for _ in 0..DAYS {
        midnights.push(days.midnight());
        platform::write(&mut days);
        people::write(&mut days);
        days.next_day();
    }
    let lines = days.lines();
    assert!(lines.len() >= DAYS * 4_000, "only {} events", lines.len());
    let found = detect(lines.iter().map(Vec::as_slice), Some(DAY));
    assert_eq!(found.totals.evaluated, lines.len() as u64, "every event is evaluated");
    assert!(!found.told.is_empty(), "a shell in a pod is a question; nothing was looked at");

    for (number, midnight) in midnights.iter().enumerate() {
        let of_day: Vec<Finding> = found
            .told
            .iter()
            .filter(|finding| (finding.time - *midnight).whole_seconds().div_euclid(DAY) == 0)
            .cloned()
            .collect();
        let (alerts, questions) = (told(&of_day, Mode::On), told(&of_day, Mode::Duet));
        let report = format!(
            "day {} of seed {seed}, {} events in all; alerts:\n{}questions:\n{}",
            number + 1,
            lines.len(),
            list(&alerts),
            list(&questions)
        );
        println!("{report}");
        let grave = alerts.iter().filter(|finding| finding.level >= Level::Medium).count();
        assert_eq!(grave, 0, "alerts of medium or above; {report}");
        assert!(alerts.len() <= ALERTS_MAX, "too many alerts; {report}");
        assert!(questions.len() <= QUESTIONS_MAX, "too many questions; {report}");
    }
}
