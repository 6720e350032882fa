//! The fast path and the reference come to the same, line by line.

mod misled;
pub(crate) mod rules;
pub(crate) mod variants;

use std::fs::File;
use std::path::Path;

use serde_json::Value;

use midwatch::audit::gzip;
use midwatch::audit::lines::LineReader;
use midwatch::audit::record::{Origin, decode};
use midwatch::engine::builtin;
use midwatch::engine::correlate::contribution::contribute;
use midwatch::engine::evaluate::evaluate;
use midwatch::engine::fast::scan::Scanner;
use midwatch::engine::fast::{Counters, Surprise, Verdict};
use midwatch::engine::reader::Reader;
use midwatch::engine::ruleset::{Provenance, RuleSet};
use midwatch::model::ids::ClusterId;

use variants::{Dice, Spelling};

fn origin(cluster: Option<&str>) -> Origin {
    Origin {
        cluster: cluster.map(ClusterId::new),
        fallback: ClusterId::new("offline"),
        name: "lines".to_owned(),
        control_plane: Default::default(),
    }
}

/// Reads each line both ways and holds the outcomes against each other; gives the counters of the
/// fast path and how many findings there were.
#[track_caller]
fn compare<'l>(
    rules: &RuleSet,
    lines: impl IntoIterator<Item = &'l [u8]>,
    origin: &Origin,
) -> (Counters, usize) {
    let mut reader = Reader::new(rules);
    let mut findings = 0;
    for (offset, line) in (0..).zip(lines) {
        reader.line(line, offset, origin);
        let fast = reader.take();
        let slow = decode(line, offset, origin);
        let shown = || String::from_utf8_lossy(line).into_owned();
        assert_eq!(fast.totals, slow.totals, "{}", shown());
        assert_eq!(fast.problems, slow.problems, "{}", shown());
        assert_eq!(fast.findings, evaluate(rules, &slow.events), "{}", shown());
        assert_eq!(fast.contributed, contribute(rules, &slow.events), "{}", shown());
        findings += fast.findings.len();
    }
    (reader.counters().clone(), findings)
}

pub(crate) fn lines_of(path: &Path) -> Vec<Vec<u8>> {
    let file = gzip::open(File::open(path).unwrap()).unwrap();
    let mut reader = LineReader::new(file, 16 << 20);
    let mut lines = Vec::new();
    while let Some((_, line)) = reader.next_line().unwrap() {
        lines.push(line.to_vec());
    }
    lines
}

/// The event of a line, as the API server wrote it.
fn plain(line: &[u8]) -> Vec<u8> {
    let record: Value = serde_json::from_slice(line).unwrap();
    match record["properties"]["log"].as_str() {
        Some(log) => log.trim_end().as_bytes().to_vec(),
        None => line.to_vec(),
    }
}

/// The event of a line as a record of the platform.
fn recorded(line: &[u8]) -> Vec<u8> {
    let event = String::from_utf8(plain(line)).unwrap();
    let text = Value::String(event + "\n");
    format!(r#"{{"category":"kube-audit","properties":{{"log":{text},"stream":"stdout"}}}}"#).into()
}

/// The record with every slash of its text escaped, as some exporters write it.
fn slashed(line: &[u8]) -> Vec<u8> {
    String::from_utf8_lossy(line).replace('/', "\\/").into_bytes()
}

/// The events of all cases of all shipped rules.
pub(crate) fn case_events() -> Vec<Value> {
    let mut events = Vec::new();
    for file in builtin::case_files() {
        for line in file.text.lines() {
            let case: Value = serde_json::from_str(line).unwrap();
            match &case["event"] {
                Value::Null => {}
                event => events.push(event.clone()),
            }
        }
    }
    assert!(events.len() > 500, "only {} events", events.len());
    events
}

/// A hostile line made of an event.
pub(crate) fn hostile(event: &Value, dice: &mut Dice) -> Vec<u8> {
    let often = dice.pick(&[1, 4, 40, 1_000]);
    let event = variants::mutated(event, dice, often);
    let mut text = String::new();
    variants::spell(&event, Spelling::any(dice), dice, &mut text);
    let line = if dice.once_in(3) { text } else { variants::enveloped(&text, dice) };
    let line = if dice.once_in(4) { line.replace('/', "\\/") } else { line };
    variants::damaged(&line, dice)
}

#[test]
fn the_samples_come_to_the_same_in_every_form_and_hardly_surprise() {
    let rules = RuleSet::builtin().unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    for name in ["attack.azure.jsonl.gz", "quiet.audit.jsonl.gz"] {
        // Every third line keeps the time short; the attack log repeats itself less than that.
        let lines: Vec<_> = lines_of(&folder.join(name)).into_iter().step_by(3).collect();
        for (form, shape) in [
            ("azure", recorded as fn(&[u8]) -> Vec<u8>),
            ("plain", plain),
            ("slashed", |line| slashed(&recorded(line))),
        ] {
            let lines: Vec<_> = lines.iter().map(|line| shape(line)).collect();
            let (counters, _) = compare(&rules, lines.iter().map(Vec::as_slice), &origin(None));
            let surprises: Vec<_> = counters.surprises().collect();
            assert!(surprises.is_empty(), "{name} {form}: {surprises:?}");
            // Else the fast path would be none. A fifth of the attack log is part of something that
            // rules or correlations look at.
            assert!(counters.nothing * 10 > counters.lines * 7, "{name} {form}: {counters:?}");
        }
    }
}

#[test]
fn hostile_lines_come_to_the_same_for_all_rules() {
    let rules = RuleSet::builtin().unwrap();
    let events = case_events();
    let mut dice = Dice::new(7);
    let origins = [origin(None), origin(Some("/SUBSCRIPTIONS/S/CLUSTERS/A"))];
    let mut found = 0;
    for round in 0..3 {
        let lines: Vec<_> = events.iter().map(|event| hostile(event, &mut dice)).collect();
        let (_, findings) = compare(&rules, lines.iter().map(Vec::as_slice), &origins[round % 2]);
        found += findings;
    }
    assert!(found > 200, "only {found} findings: the lines say too little");
}

#[test]
fn hostile_lines_come_to_the_same_for_each_rule_alone() {
    let all = RuleSet::builtin().unwrap().without_correlations();
    let events = case_events();
    let names: Vec<String> = all.rules().iter().map(|rule| rule.reference.name.clone()).collect();
    for (seed, name) in names.iter().enumerate() {
        let alone = all.clone().asking_only(|rule| rule.name == *name);
        let mut dice = Dice::new(seed as u64 + 100);
        let lines: Vec<_> = (0..30).map(|_| hostile(dice_pick(&events, seed), &mut dice)).collect();
        compare(&alone, lines.iter().map(Vec::as_slice), &origin(None));
    }
}

/// Events near the rule of this number: cases stand in the order of rules.
fn dice_pick(events: &[Value], seed: usize) -> &Value {
    &events[seed * 8 % events.len()]
}

#[test]
fn a_line_cut_at_any_byte_comes_to_the_same() {
    let rules = RuleSet::builtin().unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let lines = lines_of(&folder.join("attack.azure.jsonl.gz"));
    let short = lines.iter().filter(|line| line.len() < 1_600).step_by(400);
    for line in short.take(6) {
        for whole in [recorded(line), plain(line)] {
            let cuts = (1..whole.len()).step_by(3).map(|end| &whole[..end]);
            let (counters, _) = compare(&rules, cuts, &origin(None));
            assert_eq!(counters.nothing + counters.candidates, 0, "a cut line counted as whole");
        }
    }
}

#[test]
fn every_scanner_gives_the_same_candidates_and_none_too_few() {
    let rules = RuleSet::builtin().unwrap();
    let fast = rules.fast();
    let events = case_events();
    for scanner in Scanner::available() {
        let mut judge = fast.judge_with(scanner);
        let mut portable = fast.judge_with(Scanner::portable());
        let mut dice = Dice::new(11);
        for event in events.iter().step_by(2) {
            let line = hostile(event, &mut dice);
            let expected = format!("{:?}", Seen::of(&portable.judge(&line, None)));
            assert_eq!(format!("{:?}", Seen::of(&judge.judge(&line, None))), expected);
        }
    }
}

/// A verdict, without what it borrows.
#[derive(Debug)]
#[expect(dead_code, reason = "compared in their debug form")]
enum Seen {
    Nothing,
    Candidates(Vec<usize>),
    Surprise(Surprise, Vec<usize>),
}

impl Seen {
    fn of(verdict: &Verdict<'_>) -> Self {
        match verdict {
            Verdict::Nothing => Self::Nothing,
            Verdict::Candidates(candidates) => Self::Candidates(candidates.indexes().collect()),
            Verdict::Surprise(surprise, candidates) => {
                Self::Surprise(*surprise, candidates.indexes().collect())
            }
        }
    }
}

#[test]
fn rules_made_at_random_come_to_the_same() {
    let events = case_events();
    let mut dice = Dice::new(23);
    let (mut used, mut found) = (0, 0);
    for _ in 0..150 {
        let mut sources: Vec<_> =
            (0..8).map(|number| rules::made(number, &events, &mut dice)).collect();
        sources.push(rules::lists());
        let (set, _) = RuleSet::load_sound(&sources, Provenance::Directory);
        used += set.rules().len();
        let lines: Vec<_> = (0..24)
            .map(|_| {
                let e = dice.below(events.len());
                hostile(&events[e], &mut dice)
            })
            .collect();
        found += compare(&set, lines.iter().map(Vec::as_slice), &origin(None)).1;
    }
    assert!(used > 600, "only {used} of 1,200 rules were sound");
    assert!(found > 300, "only {found} findings: the rules say too little");
}
