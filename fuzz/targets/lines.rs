//! Any bytes as a log: lines are cut where a plain model cuts them, every record is counted once,
//! an event answers every question and is the same when it is written out and read again, and what
//! is salvaged of a cut text is a part of the whole one.

use std::io::{self, Read};

use midwatch::audit::lines::{LineReader, LineSpan, whole_lines};
use midwatch::audit::record::{Decoded, Origin, decode};
use midwatch::audit::salvage::salvage;
use midwatch::audit::taxonomy::FIELDS;
use midwatch::model::fields::Fields;
use midwatch::model::ids::ClusterId;
use serde_json::Value;

/// Gives so many bytes at once, at most.
struct Trickle<'a>(&'a [u8], usize);

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(self.1);
        self.0.read(&mut buffer[..room])
    }
}

/// The first three bytes say where the log begins, how much is read at once, and how long a line
/// may be (a byte-order mark before it counts); the rest is the log.
pub(crate) fn check(data: &[u8]) {
    let Some((&[base, chunk, line_max], log)) = data.split_first_chunk() else { return };
    cut(log, u64::from(base));
    read(log, usize::from(chunk) + 1, 3 + usize::from(line_max) * 16);
    let mut events = 0;
    for line in whole_lines(log, 0).take(40) {
        events += record(line.bytes, line.offset);
    }
    let tail = log.split(|byte| *byte == b'\n').next_back().unwrap_or_default();
    events += record(tail, 0);
    assert!(events <= log.len(), "more events than bytes");
    salvaged(&String::from_utf8_lossy(tail), usize::from(chunk));
}

/// The lines by a plain model: offset and bytes of those that are not empty.
fn model(log: &[u8], base: u64) -> Vec<(u64, &[u8])> {
    let mut lines = Vec::new();
    let mut at = base;
    for piece in log.split_inclusive(|byte| *byte == b'\n') {
        let line = piece.strip_suffix(b"\n").unwrap_or(piece);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match line.strip_prefix(b"\xef\xbb\xbf") {
            Some(line) if at == 0 => lines.push((3, line)),
            _ => lines.push((at, line)),
        }
        at += piece.len() as u64;
    }
    lines.retain(|(_, line)| !line.is_empty());
    lines
}

fn cut(log: &[u8], base: u64) {
    let lines = whole_lines(log, base);
    let consumed = lines.consumed();
    let (whole, tail) = log.split_at(consumed);
    assert!(!tail.contains(&b'\n') && whole.last().is_none_or(|byte| *byte == b'\n'));
    let given: Vec<_> = lines.map(|line| (line.offset, line.bytes)).collect();
    assert_eq!(given, model(whole, base));
}

fn read(log: &[u8], chunk: usize, line_max: usize) {
    let mut reader = LineReader::new(Trickle(log, chunk), line_max);
    let mut expected = model(log, 0).into_iter();
    while let Some((span, line)) = reader.next_line().unwrap_or_else(|error| panic!("{error}")) {
        let LineSpan { offset, length, oversized, .. } = span;
        let Some((at, wanted)) = expected.next() else { panic!("a line too many: {span:?}") };
        if oversized {
            assert!(length as usize > line_max && line.is_empty(), "{span:?}");
        } else {
            assert_eq!((offset, line), (at, wanted));
            assert_eq!(length as usize, line.len());
        }
    }
    assert_eq!((expected.next(), reader.offset()), (None, log.len() as u64));
}

fn origin() -> Origin {
    Origin {
        cluster: None,
        fallback: ClusterId::new("offline"),
        name: "lines".to_owned(),
        control_plane: Default::default(),
    }
}

/// Decodes one line; gives the number of events in it.
fn record(line: &[u8], offset: u64) -> usize {
    let Decoded { events, problems, totals } = decode(line, offset, &origin());
    assert_eq!(totals.records, totals.evaluated + totals.malformed + totals.other);
    assert_eq!(totals.evaluated, events.len() as u64);
    assert!(problems.iter().all(|problem| problem.offset == offset));
    for event in events.iter().take(20) {
        for field in FIELDS {
            let found = event.find(field.path);
            assert!(found.present || found.values.is_empty(), "{}", field.path);
        }
        event.any_text(&mut |_| false);
        let told = (event.actor(), event.target(), event.outcome(), event.is_dry_run());
        let text = event.raw().to_string();
        // An event that looks like a record as well is read as one.
        let ambiguous = ["records", "properties", "log", "category"];
        if event.truncated() || ambiguous.iter().any(|name| event.raw().get(name).is_some()) {
            continue;
        }
        let again = decode(text.as_bytes(), 0, &origin());
        let [again] = again.events.as_slice() else { panic!("no event any more: {text}") };
        assert_eq!(again.raw(), event.raw());
        let told_again = (again.actor(), again.target(), again.outcome(), again.is_dry_run());
        assert_eq!(told_again, told);
        // One without an id is named after its line.
        if event.raw()["auditID"].as_str().is_some_and(|id| !id.is_empty()) {
            assert_eq!(again.identity(), event.identity());
        }
    }
    events.len()
}

fn salvaged(text: &str, cut: usize) {
    if let Some(saved) = salvage(text) {
        assert!(text.is_char_boundary(saved.consumed), "{}", saved.consumed);
        assert!(!(saved.whole && saved.open.is_some()), "whole and open");
    }
    let Ok(value @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str::<Value>(text)
    else {
        return;
    };
    // Written out again, so that no key comes twice and no blank is left.
    let text = value.to_string();
    let whole = salvage(&text);
    assert!(whole.is_some_and(|whole| whole.whole && whole.value == value), "{text}");
    let end = text.floor_char_boundary(text.len() * cut / 256);
    if let Some(saved) = salvage(&text[..end]) {
        assert!(!saved.whole || end == text.len());
        assert!(is_part(&saved.value, &value), "{} of {text}", saved.value);
    }
}

fn is_part(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(key, part)| whole.get(key).is_some_and(|whole| is_part(part, whole)))
        }
        (Value::Array(part), Value::Array(whole)) => {
            part.len() <= whole.len() && part.iter().zip(whole).all(|(p, w)| is_part(p, w))
        }
        _ => part == whole,
    }
}
