//! The scanner against `serde_json`, and its implementations against each other.

use proptest::prelude::*;
use serde_json::Value;

use super::{Kind, Scanner, Stop, Text, grammar, portable, stops, string};

/// What `serde_json` says of the container whose opening brace stands at `at - 1`.
fn judge_plain(text: &[u8], at: usize) -> Result<usize, Stop> {
    let mut values = serde_json::Deserializer::from_slice(&text[at - 1..]).into_iter::<Value>();
    match values.next() {
        Some(Ok(_)) => Ok(at - 1 + values.byte_offset()),
        Some(Err(error)) if error.is_eof() => Err(Stop::Cut),
        _ => Err(Stop::Odd),
    }
}

/// The same of a text inside an outer string: decode it byte by byte, judge, and count back.
fn judge_escaped(text: &[u8], at: usize) -> Result<usize, Stop> {
    let (mut inner, mut ends) = (Vec::new(), Vec::new());
    let mut place = at - 1;
    let stop = loop {
        match text.get(place) {
            None | Some(b'"') => break Stop::Cut,
            Some(0..0x20) => break Stop::Odd,
            Some(b'\\') => match text.get(place + 1) {
                Some(byte @ (b'"' | b'\\' | b'/')) => {
                    inner.push(*byte);
                    place += 2;
                }
                Some(_) => break Stop::Odd,
                None => break Stop::Cut,
            },
            Some(byte) => {
                inner.push(*byte);
                place += 1;
            }
        }
        ends.push(place);
    };
    match judge_plain(&inner, 1) {
        Ok(end) => Ok(ends[end - 1]),
        Err(Stop::Cut) => Err(stop),
        Err(Stop::Odd) => Err(Stop::Odd),
    }
}

/// Whether we say the same; numbers with a long exponent may be left to the reference.
fn agree(found: Result<usize, Stop>, judged: Result<usize, Stop>, text: &[u8]) -> bool {
    let long_exponent = || {
        text.windows(3)
            .any(|bytes| matches!(bytes, [b'e' | b'E', b'+' | b'-' | b'0'..=b'9', b'0'..=b'9']))
    };
    found.ok() == judged.ok() || found == Err(Stop::Odd) && long_exponent()
}

/// What all implementations say, which must be the same.
fn all<const ESC: bool>(text: &[u8], at: usize) -> Result<usize, Stop> {
    let strict = grammar::container::<ESC>(text, at);
    for scanner in Scanner::available().into_iter().chain([Scanner(Kind::Words)]) {
        let found = scanner.container::<ESC>(text, at);
        assert_eq!(found, strict, "{scanner:?} at {at} of {:?}", text.escape_ascii().to_string());
    }
    strict
}

/// The text as it stands inside an outer string, perhaps with its slashes escaped.
fn escape(text: &str, slashes: bool) -> Vec<u8> {
    let outer = serde_json::to_string(text).unwrap();
    let inner = outer.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap();
    if slashes { inner.replace('/', "\\/") } else { inner.to_owned() }.into_bytes()
}

fn letters() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-z.]{0,12}",
        1 => "[a-z ]{30,90}",
        1 => Just("\"".to_owned()),
        1 => Just("\\".to_owned()),
        1 => "\\\\{2,9}",
        1 => Just("/api/v1".to_owned()),
        1 => Just("{[:,]}".to_owned()),
        1 => Just("\n\t\u{1}\u{7f}".to_owned()),
        1 => Just("é€😀".to_owned()),
        1 => Just(r#"{\"a\":\"b\\n\"}"#.to_owned()),
    ];
    prop::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1000i32..1000).prop_map(|number| Value::from(f64::from(number) / 8.0)),
        letters().prop_map(Value::from),
    ];
    let any = leaf.prop_recursive(6, 60, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::vec((letters(), inner), 0..8)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    });
    any.prop_map(|value| if value.is_object() { value } else { Value::from(vec![value]) })
}

/// A container behind some bytes that shift it against the blocks, and before some more.
fn placed(before: usize, text: &[u8], after: &[u8]) -> (Vec<u8>, usize) {
    let mut all = vec![b'"'; before];
    all.extend_from_slice(text);
    all.extend_from_slice(after);
    (all, before + 1)
}

const AFTER: &[&[u8]] =
    &[b"", b"}", b",\"a\":[1]", b"\n{\"next\":1}", b"\",\"z\":1}", b"\\\"x\\\\", b"\x00\xff"];

/// Bytes that mean something, or break something.
const BYTES: &[u8] = b"{}[]:,\"\\/ \t\n\x01tfnu0129.-+eExaD\x7f\x80\xc3\xff";

/// One byte put in, taken out or changed.
fn mutated(text: &[u8], (kind, place, byte): (u8, prop::sample::Index, u8)) -> Vec<u8> {
    let mut text = text.to_vec();
    if text.is_empty() {
        return text;
    }
    let place = place.index(text.len());
    match kind {
        0 => text.insert(place, byte),
        1 => drop(text.remove(place)),
        _ => text[place] = byte,
    }
    text
}

fn mutation() -> impl Strategy<Value = (u8, prop::sample::Index, u8)> {
    (0u8..3, any::<prop::sample::Index>(), prop::sample::select(BYTES))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 2 } else { 192 }, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_container_ends_where_it_was_written_to_end(
        value in json(), before in 0usize..70, after in prop::sample::select(AFTER), slashes: bool,
    ) {
        let plain = value.to_string();
        let (text, at) = placed(before, plain.as_bytes(), after);
        prop_assert_eq!(all::<false>(&text, at), Ok(before + plain.len()));
        // Compact text takes one walk: nothing in it raises a doubt.
        prop_assert_eq!(portable::closes::<false>(&text, at), Some(before + plain.len()));
        let escaped = escape(&plain, slashes);
        let (text, at) = placed(before, &escaped, after);
        prop_assert_eq!(all::<true>(&text, at), Ok(before + escaped.len()));
        prop_assert_eq!(portable::closes::<true>(&text, at), Some(before + escaped.len()));
    }

    #[test]
    fn every_cut_is_a_cut(value in json(), before in 0usize..70, slashes: bool) {
        let plain = value.to_string();
        let (text, at) = placed(before, plain.as_bytes(), b"");
        for end in at..text.len() {
            prop_assert_eq!(all::<false>(&text[..end], at), Err(Stop::Cut), "cut at {}", end);
        }
        let (text, at) = placed(before, &escape(&plain, slashes), b"");
        for end in at..text.len() {
            prop_assert_eq!(all::<true>(&text[..end], at), Err(Stop::Cut), "cut at {}", end);
            // A cut with a whole outer string around it, and more behind.
            if text[end - 1] != b'\\' {
                let mut closed = text[..end].to_vec();
                closed.extend_from_slice(b"\",\"tail\":{\"a\":1}}");
                prop_assert_eq!(all::<true>(&closed, at), Err(Stop::Cut), "ended at {}", end);
            }
        }
    }

    #[test]
    fn what_the_scanner_accepts_is_json(
        value in json(), pretty: bool, before in 0usize..70, slashes: bool,
        changes in prop::collection::vec(mutation(), 1..4),
    ) {
        let plain = if pretty { format!("{value:#}") } else { value.to_string() };
        let mut text = plain.clone().into_bytes();
        for change in changes.clone() {
            text = mutated(&text, change);
            let (text, at) = placed(before, &text, b"");
            let judged = if matches!(text.get(before), Some(b'{' | b'[')) {
                judge_plain(&text, at)
            } else {
                Err(Stop::Odd)
            };
            prop_assert!(agree(all::<false>(&text, at), judged, &text), "{}", text.escape_ascii());
        }
        let mut text = escape(&plain, slashes);
        for change in changes {
            text = mutated(&text, change);
            let (text, at) = placed(before, &text, b"\"");
            let judged = if matches!(text.get(before), Some(b'{' | b'[')) {
                judge_escaped(&text, at)
            } else {
                Err(Stop::Odd)
            };
            prop_assert!(agree(all::<true>(&text, at), judged, &text), "{}", text.escape_ascii());
        }
    }

    #[test]
    fn any_bytes_are_answered_alike_and_only_json_is_accepted(
        bytes in prop::collection::vec(prop::sample::select(b"{}[]:,\"\\/ 1u".as_slice()), 0..150),
        array: bool,
    ) {
        let mut text = vec![if array { b'[' } else { b'{' }];
        text.extend_from_slice(&bytes);
        prop_assert_eq!(all::<false>(&text, 1).ok(), judge_plain(&text, 1).ok());
        prop_assert_eq!(all::<true>(&text, 1).ok(), judge_escaped(&text, 1).ok());
    }

    #[test]
    fn a_string_is_what_serde_json_takes_for_one(
        content in letters(), before in 0usize..20, slashes: bool, change in mutation(),
        after in prop::sample::select(AFTER),
    ) {
        let plain = serde_json::to_string(&content).unwrap();
        let has_escape = plain.contains('\\');
        let (text, at) = placed(before, plain.as_bytes(), after);
        let after_quote = before + plain.len();
        let expected = Text { end: after_quote - 1, after: after_quote, escaped: has_escape };
        prop_assert_eq!(string::<false>(&text, at), Ok(expected));
        for end in at..after_quote {
            prop_assert_eq!(string::<false>(&text[..end], at), Err(Stop::Cut));
        }
        let quoted = escape(&plain, slashes);
        let has_escape = has_escape || slashes && content.contains('/');
        let (text, at) = placed(before, &quoted, after);
        let after_quote = before + quoted.len();
        let expected = Text { end: after_quote - 2, after: after_quote, escaped: has_escape };
        prop_assert_eq!(string::<true>(&text, at + 1), Ok(expected));
        for end in at + 1..after_quote {
            prop_assert_eq!(string::<true>(&text[..end], at + 1), Err(Stop::Cut));
        }
        // Changed anyhow, it is accepted exactly where an array of it is.
        let mut wrapped = b"[".to_vec();
        wrapped.extend(mutated(plain.as_bytes(), change));
        wrapped.push(b']');
        if wrapped[1] == b'"' {
            let found = string::<false>(&wrapped, 2).ok().map(|text| text.after);
            let judged = grammar::container::<false>(&wrapped, 1).ok();
            prop_assert!(judged.is_none() || found.is_some());
        }
    }

    #[test]
    fn windows_stop_at_the_same_bytes_everywhere(
        window in prop_oneof![any::<[u8; 16]>(), prop::array::uniform16(prop::sample::select(BYTES))],
    ) {
        let expected = window.iter().enumerate().fold(0u32, |found, (place, byte)| {
            let stop = matches!(byte, b'"' | b'\\' | 0..0x20 | 0x80..);
            found | (u32::from(stop) << place)
        });
        prop_assert_eq!(portable::stops(&window), expected);
        prop_assert_eq!(stops(&window), expected);
    }
}

#[test]
fn what_is_no_json_is_odd_wherever_it_stands() {
    let wrong = [
        "[,1]",
        "[1,,2]",
        "{,\"a\":1}",
        "{\"a\"::1}",
        "{\"a\":1,,\"b\":2}",
        "[[,[]]]",
        "{]",
        "[}",
        "{,}",
        "[,]",
        "[:]",
        "{:1}",
        "[1,]",
        "[1 2]",
        "[1:2]",
        "{1:2}",
        "{\"a\"}",
        "{\"a\",1}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1 \"b\":2}",
        "{\"a\":1:2}",
        "{\"a\":1,2}",
        "{\"a\":1,[]}",
        "[\"a\":1]",
        "[\"a\"\"b\"]",
        "[\"a\"1]",
        "[[]1]",
        "[[][]]",
        "[{}{}]",
        "{\"a\":\"b\":1}",
        "{\"a\":{}:1}",
        "[{\"a\":1,\"b\"}]",
        "{\"a\":[1,\"b\":2]}",
        "[tru]",
        "[truee]",
        "[nul]",
        "[True]",
        "[01]",
        "[-]",
        "[-01]",
        "[1.]",
        "[.5]",
        "[1e]",
        "[1e+]",
        "[+1]",
        "[0x1]",
        "[NaN]",
        "[1a]",
        "[']",
        "{{}}",
        "[/]",
        "[1;2]",
    ];
    for text in wrong {
        for filler in [0, 1, 40, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64] {
            let whole = format!("[\"{}\",{text}]", "x".repeat(filler));
            assert_eq!(all::<false>(whole.as_bytes(), 1), Err(Stop::Odd), "{whole}");
            assert_eq!(all::<true>(&escape(&whole, false), 1), Err(Stop::Odd), "{whole}");
        }
    }
}

#[test]
fn escapes_in_skipped_strings_are_judged() {
    let wrong =
        [r"\x", r"\u12", r"\u12G4", r"\ud800", r"\udc00", r"\ud800\u0041", r"\u00e9\", "\u{1}"];
    let right = [r"\u0026", r"\ud83d\ude00", r"\\ud800", r"\\\\", r#"\"\\\""#, r"\/\b\f\n\r\t"];
    for filler in (0..70).step_by(if cfg!(miri) { 23 } else { 1 }) {
        let whole = |text: &str| format!("{{\"{}\":[\"{text}\"]}}", "x".repeat(filler));
        for text in wrong {
            let whole = whole(text);
            assert!(judge_plain(whole.as_bytes(), 1).is_err(), "{whole}");
            assert!(all::<false>(whole.as_bytes(), 1).is_err(), "{whole}");
            if !text.contains('\u{1}') {
                assert!(all::<true>(&escape(&whole, false), 1).is_err(), "{whole}");
            }
        }
        for text in right {
            let whole = whole(text);
            assert_eq!(all::<false>(whole.as_bytes(), 1), Ok(whole.len()), "{whole}");
            let escaped = escape(&whole, false);
            assert_eq!(all::<true>(&escaped, 1), Ok(escaped.len()), "{whole}");
        }
    }
}

#[test]
fn a_container_nests_a_hundred_deep_and_no_deeper() {
    for depth in [59, 60, 61, 100, 101] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let text = format!("{}[]{}", open.repeat(depth - 1), close.repeat(depth - 1));
            let escaped = escape(&text, false);
            let expected = |end| if depth > 100 { Err(Stop::Odd) } else { Ok(end) };
            assert_eq!(all::<false>(text.as_bytes(), 1), expected(text.len()), "{text}");
            assert_eq!(all::<true>(&escaped, 1), expected(escaped.len()), "{text}");
        }
    }
}

#[test]
fn no_kind_is_forgotten_however_deep_the_text_goes() {
    for depth in 55..80 {
        let inside = format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        let (right, wrong) = (format!("[{inside}]"), format!("[{inside}}}"));
        assert_eq!(all::<false>(right.as_bytes(), 1), Ok(right.len()), "{right}");
        assert_eq!(all::<false>(wrong.as_bytes(), 1), Err(Stop::Odd), "{wrong}");
        assert_eq!(all::<true>(&escape(&wrong, false), 1), Err(Stop::Odd), "{wrong}");
    }
}

#[test]
fn scalars_are_those_of_serde_json() {
    let right =
        "0 -0 1 -1 10 12345678 123456789012345678901 0.5 -1.25e-7 1E+2 1e05 true false null";
    let wrong =
        "1e999 -1e999 00 -00 1e 1.e2 - -a 1x 12345678x tRue trueX nulll fals 1-1 0b1 \u{e9}";
    for filler in 50..70 {
        let filler = "x".repeat(filler);
        for scalar in right.split(' ') {
            for whole in [format!("[\"{filler}\",{scalar}]"), format!("{{\"{filler}\":{scalar}}}")]
            {
                assert_eq!(judge_plain(whole.as_bytes(), 1), Ok(whole.len()), "{whole}");
                assert_eq!(all::<false>(whole.as_bytes(), 1), Ok(whole.len()), "{whole}");
                let escaped = escape(&whole, false);
                assert_eq!(all::<true>(&escaped, 1).ok(), Some(escaped.len()), "{whole}");
            }
        }
        for scalar in wrong.split(' ') {
            let whole = format!("[\"{filler}\",{scalar}]");
            assert!(judge_plain(whole.as_bytes(), 1).is_err(), "{whole}");
            assert!(all::<false>(whole.as_bytes(), 1).is_err(), "{whole}");
            assert!(all::<true>(&escape(&whole, false), 1).is_err(), "{whole}");
        }
    }
}

#[test]
fn nothing_is_found_where_nothing_opens() {
    for (text, at) in [("", 0), ("{}", 0), ("x}", 1), ("{}", 5), ("\"}", 1)] {
        assert_eq!(all::<false>(text.as_bytes(), at), Err(Stop::Odd));
        assert_eq!(all::<true>(text.as_bytes(), at), Err(Stop::Odd));
    }
    assert_eq!(string::<false>(b"abc", 9), Err(Stop::Cut));
    assert_eq!(string::<true>(b"a\\n", 0), Err(Stop::Odd));
}

#[test]
#[cfg_attr(miri, ignore = "reads a file")]
fn the_events_of_a_real_log_take_one_walk() {
    use std::io::BufRead;
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/attack.azure.jsonl.gz");
    let file = flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap());
    let mut events = 0;
    for line in std::io::BufReader::new(file).lines().step_by(5) {
        let line = line.unwrap();
        let line = line.as_bytes();
        let whole = judge_plain(line, 1).unwrap();
        assert_eq!(all::<false>(line, 1), Ok(whole));
        assert_eq!(portable::closes::<false>(line, 1), Some(whole));
        let key = b"\"log\":\"";
        let log = line.windows(key.len()).position(|window| window == key).unwrap();
        let at = log + key.len() + 1;
        let Ok(end) = judge_escaped(line, at) else {
            // The outer text escapes more than quotes and backslashes: not ours.
            assert_eq!(all::<true>(line, at), Err(Stop::Odd));
            continue;
        };
        assert_eq!(all::<true>(line, at), Ok(end));
        assert_eq!(portable::closes::<true>(line, at), Some(end));
        events += 1;
    }
    assert!(events > 100, "{events}");
}
