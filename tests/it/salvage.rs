//! Cut records: whatever the platform cuts off, what stood before the cut is seen by rules, and
//! nothing in a log makes the decoder panic or lose count. On real events from `samples/`.

use std::collections::BTreeMap;
use std::thread;

use midwatch::audit::event::Event;
use midwatch::audit::lines::{self, LineReader};
use midwatch::audit::record::{Decoded, Origin, decode};
use midwatch::model::fields::Fields;
use midwatch::model::ids::ClusterId;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::detect::sample_lines;

/// Real events that are cut at every byte.
const EVENTS: usize = 200;

fn origin() -> Origin {
    Origin {
        cluster: None,
        fallback: ClusterId::new("offline"),
        name: "samples".to_owned(),
        control_plane: Default::default(),
    }
}

/// The audit events of the attack log as the API server wrote them.
fn inner_events() -> Vec<String> {
    let records = sample_lines("attack.azure.jsonl.gz");
    let log = |line: &Vec<u8>| {
        let record: Value = serde_json::from_slice(line).unwrap();
        record["properties"]["log"].as_str().unwrap().trim_end().to_owned()
    };
    records.iter().map(log).collect()
}

/// Events of every kind: first one of each verb, resource and subresource, smallest kinds first;
/// then large ones of rising size, as many as the time for a test allows (it grows with the square).
fn chosen() -> Vec<String> {
    let mut kinds: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for event in inner_events() {
        let parsed: Value = serde_json::from_str(&event).unwrap();
        let reference = &parsed["objectRef"];
        let kind =
            format!("{} {} {}", parsed["verb"], reference["resource"], reference["subresource"]);
        kinds.entry(kind).or_default().push(event);
    }
    let mut all: Vec<String> = Vec::new();
    let mut large: Vec<String> = Vec::new();
    for events in kinds.values_mut() {
        events.sort_by_key(String::len);
        all.extend(events.first().cloned());
        all.extend(events.get(events.len() / 2).cloned());
        large.extend(events.pop());
    }
    all.sort_by_key(String::len);
    all.dedup();
    large.sort_by_key(String::len);
    let large: Vec<String> = [3_000, 5_000, 8_000]
        .into_iter()
        .filter_map(|size| large.iter().find(|event| event.len() >= size).cloned())
        .collect();
    all.truncate(EVENTS - large.len());
    all.extend(large);
    all
}

/// A scalar of a document: its dotted path, its value, and the length of a prefix that has it whole.
#[derive(Debug)]
struct Leaf {
    path: String,
    text: String,
    whole_at: usize,
}

/// Reads sound, compact JSON and notes where every scalar ends. Written for this test alone, so
/// that the parser under test is not its own judge.
struct Scanner<'a> {
    text: &'a str,
    at: usize,
    leaves: Vec<Leaf>,
}

impl Scanner<'_> {
    fn leaves(text: &str) -> Vec<Leaf> {
        let mut scanner = Scanner { text, at: 0, leaves: Vec::new() };
        scanner.value("");
        assert_eq!(scanner.at, text.len());
        scanner.leaves
    }

    fn next(&self) -> u8 {
        self.text.as_bytes()[self.at]
    }

    fn value(&mut self, path: &str) {
        match self.next() {
            b'{' => {
                self.members(b'}', |scanner, _| {
                    let key = scanner.string();
                    assert_eq!(scanner.next(), b':');
                    scanner.at += 1;
                    scanner.value(&if path.is_empty() { key } else { format!("{path}.{key}") });
                });
            }
            b'[' => self.members(b']', |scanner, _| scanner.value(path)),
            b'"' => {
                let text = self.string();
                self.leaf(path, text, self.at);
            }
            _ => {
                let start = self.at;
                while !matches!(self.next(), b',' | b'}' | b']') {
                    self.at += 1;
                }
                let text = self.text[start..self.at].to_owned();
                // Only the byte after a number tells that it is whole.
                let is_number = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
                let text = if text == "null" { String::new() } else { text };
                self.leaf(path, text, self.at + usize::from(is_number));
            }
        }
    }

    fn members(&mut self, end: u8, mut member: impl FnMut(&mut Self, ())) {
        self.at += 1;
        while self.next() != end {
            member(self, ());
            if self.next() == b',' {
                self.at += 1;
            }
        }
        self.at += 1;
    }

    fn string(&mut self) -> String {
        let start = self.at;
        self.at += 1;
        while self.next() != b'"' {
            self.at += if self.next() == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
        serde_json::from_str(&self.text[start..self.at]).unwrap()
    }

    fn leaf(&mut self, path: &str, text: String, whole_at: usize) {
        self.leaves.push(Leaf { path: path.to_owned(), text, whole_at });
    }
}

#[track_caller]
fn balanced(decoded: &Decoded) {
    let totals = decoded.totals;
    assert_eq!(totals.records, totals.evaluated + totals.malformed + totals.other);
    assert_eq!(totals.evaluated, decoded.events.len() as u64);
    let truncated = decoded.events.iter().filter(|event| event.truncated()).count() as u64;
    assert_eq!(totals.truncated, truncated);
}

#[track_caller]
fn sees(event: &Event, leaf: &Leaf, at: usize) {
    let found = event.find(&leaf.path);
    let is_it = |value: &midwatch::model::fields::Scalar<'_>| {
        value.to_text().unwrap_or_default() == leaf.text.as_str()
    };
    assert!(found.present && found.values.iter().any(is_it), "{leaf:?} at {at}: {found:?}");
}

/// Every member and element of `part` stands in `whole` too, with the same value.
fn is_part(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(key, value)| whole.get(key).is_some_and(|w| is_part(value, w)))
        }
        (Value::Array(part), Value::Array(whole)) => {
            part.len() <= whole.len() && part.iter().zip(whole).all(|(p, w)| is_part(p, w))
        }
        _ => part == whole,
    }
}

/// Cuts one event at every byte. Of the leaves before a cut the last ones are looked up, where a
/// mistake would show, and one more in turn, so that each is looked up at many cuts.
fn cut_everywhere(text: &str, line_of: impl Fn(&[u8]) -> Vec<u8>) {
    let leaves = Scanner::leaves(text);
    let whole: Value = serde_json::from_str(text).unwrap();
    for at in 1..text.len() {
        let decoded = decode(&line_of(&text.as_bytes()[..at]), 0, &origin());
        balanced(&decoded);
        assert_eq!(decoded.totals.records, 1);
        let before = leaves.partition_point(|leaf| leaf.whole_at <= at);
        let Some(event) = decoded.events.first() else {
            assert_eq!(before, 0, "no event at {at} of {text}");
            continue;
        };
        assert!(event.truncated(), "{at}");
        for leaf in leaves[before.saturating_sub(3)..before].iter() {
            sees(event, leaf, at);
        }
        if before > 0 {
            sees(event, &leaves[at % before], at);
        }
        if at % 61 == 0 {
            assert!(is_part(event.raw(), &whole), "more than was written, at {at}");
        }
        if at % 509 == 0 {
            for leaf in &leaves[..before] {
                sees(event, leaf, at);
            }
        }
    }
}

#[test]
fn two_hundred_real_events_cut_at_every_byte_keep_every_field_before_the_cut() {
    let events = chosen();
    assert_eq!(events.len(), EVENTS);
    // Each thread takes events of every size.
    thread::scope(|scope| {
        for share in 0..4 {
            let events = events.iter().skip(share).step_by(4);
            scope.spawn(move || events.for_each(|event| cut_everywhere(event, <[u8]>::to_vec)));
        }
    });
}

/// A storage record whose log has been cut; bytes of a split character become U+FFFD.
fn with_cut_log(log: &[u8]) -> Vec<u8> {
    let log = String::from_utf8_lossy(log);
    let properties = json!({"log": log, "stream": "stdout"});
    json!({"category": "kube-audit", "properties": properties}).to_string().into_bytes()
}

/// A storage record that is itself cut, inside its log: slashes escaped, as Azure does.
fn cut_inside_log(log: &[u8]) -> Vec<u8> {
    let log = json!(String::from_utf8_lossy(log)).to_string().replace('/', "\\/");
    let log = log.strip_suffix('"').unwrap();
    format!("{{\"category\":\"kube-audit\",\"properties\":{{\"log\":{log}").into_bytes()
}

#[test]
fn a_cut_log_and_a_cut_record_keep_every_field_before_the_cut() {
    let events = chosen();
    for event in events.iter().step_by(40).take(4) {
        cut_everywhere(event, with_cut_log);
        cut_everywhere(event, cut_inside_log);
    }
}

#[test]
fn a_split_character_costs_no_field_before_it() {
    let text = r#"{"kind":"Event","auditID":"1","verb":"get","userAgent":"übung 🛰 \u00fc\ud83d\ude00","user":{"username":"ä"}}"#;
    cut_everywhere(text, <[u8]>::to_vec);
    cut_everywhere(text, with_cut_log);
    cut_everywhere(text, cut_inside_log);
}

#[test]
fn a_record_cut_at_every_byte_is_counted_every_time() {
    let records = sample_lines("attack.azure.jsonl.gz");
    let line = records.iter().find(|line| line.len() > 2_000).unwrap();
    for at in 1..line.len() {
        let decoded = decode(&line[..at], 0, &origin());
        balanced(&decoded);
        assert_eq!(decoded.totals.records, 1, "{at}");
    }
}

/// Everything that may be asked of an event.
fn interrogate(event: &Event) {
    let _ = (event.actor(), event.target(), event.outcome(), event.time(), event.is_dry_run());
    for field in midwatch::audit::taxonomy::FIELDS {
        let _ = event.find(field.path);
    }
    assert!(!event.audit_id().is_empty());
}

fn mutated(mut line: Vec<u8>, changes: &[(usize, u8, u8)]) -> Vec<u8> {
    for (place, kind, byte) in changes {
        let at = place % line.len().max(1);
        match kind % 5 {
            0 if at < line.len() => line[at] = *byte,
            1 => line.insert(at, *byte),
            2 if at < line.len() => drop(line.remove(at)),
            3 => line.truncate(at.max(1)),
            _ => line.splice(at..at, *b"{\"a\":[").for_each(drop),
        }
    }
    line
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic_and_the_totals_balance(line in any::<Vec<u8>>()) {
        balanced(&decode(&line, 0, &origin()));
    }

    #[test]
    fn arbitrary_json_never_panics_and_the_totals_balance(
        line in r#"(\{|\}|\[|\]|,|:|"|\\|"kind":|"Event"|"records":|"properties":|"log":|"verb":|[0-9]|true|null| ){0,40}"#,
    ) {
        let decoded = decode(line.as_bytes(), 0, &origin());
        balanced(&decoded);
        decoded.events.iter().for_each(interrogate);
    }

    #[test]
    fn however_a_file_is_cut_into_chunks_its_lines_are_the_same(
        text in r"([ab]|\r|\n|\xc3){0,120}",
        sizes in prop::collection::vec(1_usize..20, 1..10),
        base in 1_u64..1000,
    ) {
        let bytes = text.as_bytes();
        let whole = lines::whole_lines(bytes, base);
        let consumed = whole.consumed();
        let expected: Vec<_> = whole.map(|line| (line.offset, line.bytes.to_vec())).collect();
        for (offset, line) in &expected {
            let start = usize::try_from(offset - base).unwrap();
            prop_assert_eq!(&bytes[start..start + line.len()], line.as_slice());
        }
        let (mut seen, mut from, mut to) = (Vec::new(), 0, 0);
        for size in sizes.iter().cycle() {
            to = (to + size).min(bytes.len());
            let part = lines::whole_lines(&bytes[from..to], base + from as u64);
            from += part.consumed();
            seen.extend(part.map(|line| (line.offset, line.bytes.to_vec())));
            if to == bytes.len() {
                break;
            }
        }
        prop_assert_eq!((seen, from), (expected.clone(), consumed));
        let mut reader = LineReader::new(bytes, 1000);
        let mut read = Vec::new();
        while let Some((span, line)) = reader.next_line().unwrap() {
            if span.terminated {
                read.push((base + span.offset, line.to_vec()));
            }
        }
        prop_assert_eq!(read, expected);
    }
}

#[test]
fn mutated_real_lines_never_panic_and_the_totals_balance() {
    let mut lines = sample_lines("attack.azure.jsonl.gz");
    lines.extend(sample_lines("quiet.audit.jsonl.gz"));
    lines.retain(|line| line.len() < 6_000);
    let change = (any::<usize>(), any::<u8>(), any::<u8>());
    let changes = prop::collection::vec(change, 1..6);
    let config =
        ProptestConfig { failure_persistence: None, cases: 600, ..ProptestConfig::default() };
    proptest!(config, |(index in 0..lines.len(), changes in changes)| {
        let line = mutated(lines[index].clone(), &changes);
        let decoded = decode(&line, 0, &origin());
        balanced(&decoded);
        prop_assert!(decoded.totals.records > 0 || line.trim_ascii().is_empty());
        decoded.events.iter().for_each(interrogate);
    });
}
