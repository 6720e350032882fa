//! What each target begins with: the samples, the shipped rules and their cases, the semantics
//! cases, and what is hostile; and the words that mutations put in.

use std::path::Path;

use midwatch::engine::builtin;
use serde::Deserialize;
use serde_json::Value;

use crate::fast_path::variants::Dice;
use crate::fast_path::{case_events, hostile, lines_of, rules};

/// Seeds and words of one target.
pub(super) struct Corpus {
    seeds: Vec<Vec<u8>>,
    words: Vec<&'static str>,
}

impl Corpus {
    fn new(seeds: impl IntoIterator<Item = impl Into<Vec<u8>>>, words: &[&[&'static str]]) -> Self {
        let seeds: Vec<Vec<u8>> = seeds.into_iter().map(Into::into).collect();
        assert!(seeds.len() >= 10, "only {} seeds", seeds.len());
        Self { seeds, words: words.concat() }
    }

    pub(super) fn len(&self) -> usize {
        self.seeds.len()
    }

    pub(super) fn seeds(&self) -> &[Vec<u8>] {
        &self.seeds
    }

    pub(super) fn words(&self) -> &[&'static str] {
        &self.words
    }
}

const YAML: &[&str] = &[
    "---\n",
    "...\n",
    "\n",
    "\r\n",
    "\t",
    "\u{feff}",
    "  ",
    "- ",
    ": ",
    "? ",
    "| ",
    "|\n",
    ">-\n",
    "&a ",
    "*a ",
    "<<: *a\n",
    "!!binary ",
    "!x ",
    "# ",
    "{}",
    "[]",
    "{a: b}",
    "null",
    "~",
    "true",
    "0x1f",
    ".nan",
    "1e400",
    "''",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "%YAML 1.2\n---\n",
];

const SIGMA: &[&str] = &[
    "title: x\n",
    "detection:\n",
    "correlation:\n",
    "filter:\n",
    "exception:\n",
    "list:\n",
    "mapping:\n",
    "action: global\n",
    "condition: ",
    "timespan: 5m\n",
    "type: event_count\n",
    "rules: any\n",
    "group-by: [user.username]\n",
    "midwatch:\n",
    "|contains",
    "|re",
    "|re|i",
    "|cidr",
    "|expand",
    "|all",
    "|exists",
    "|fieldref",
    "|base64offset|contains",
    "|wide",
    "|windash",
    "|gte",
    "%names%",
    "user.username",
    "objectRef.resource",
    "verb",
    "*",
    "\\*",
];

const CONDITION: &[&str] = &[
    " and ",
    " or ",
    " not ",
    "NOT ",
    "(",
    ")",
    "1 of ",
    "all of ",
    "any of ",
    "them",
    "sel",
    "sel*",
    "*",
    "_*",
    "_hidden",
    "a.b",
    "of-course",
    "2 of ",
    " | count() > 5",
    "\u{a0}",
    " near ",
];

const PATTERN: &[&str] = &[
    "*",
    "?",
    "\\",
    "\\*",
    "\\?",
    "\\\\",
    "\0",
    "\n",
    "**",
    "*?",
    "?*",
    "a",
    "A",
    "\u{212a}",
    "k",
    "K",
    "\u{df}",
    "\u{1e9e}",
    "\u{3c3}",
    "\u{3c2}",
    "\u{130}",
    "\u{131}",
    "i",
    "\u{301}",
    "é",
    "😀",
    "contains|",
    "re|i",
    "cidr",
    "|",
    "wide|base64",
    "all",
    "",
];

const REGEX: &[&str] = &[
    "(?i)",
    "(?s)",
    "^",
    "$",
    "\\A",
    "\\z",
    "\\b",
    "\\d",
    "\\w",
    "\\pL",
    "[^a]",
    "[a-z&&[^b]]",
    "(",
    ")",
    "|",
    "*",
    "+",
    "?",
    "{2,3}",
    "{1000}",
    ".*",
    ".*?",
    "(?=a)",
    "(?<n>a)",
    "\\1",
    "(?x) a #",
    "\0",
    "\n",
    "kubectl",
    "\u{212a}",
    "\\x{10ffff}",
    "10.0.0.0/8",
    "::/0",
    "-x",
    "/x",
    "1.5",
];

const JSON: &[&str] = &[
    "\"",
    "\\",
    "\\u0041",
    "\\ud83d\\ude00",
    "\\ud800",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "null",
    "true",
    "-0",
    "1e400",
    "0.1",
    "18446744073709551616",
    "\n",
    "\r\n",
    "\u{feff}",
    "\0",
    "\\n",
    "\"verb\":\"create\"",
    "\"user\":{\"username\":\"system:anonymous\"}",
    "\"objectRef\":",
    "\"resource\":\"secrets\"",
    "\"kind\":\"EventList\",\"items\":[",
    "{\"records\":[",
    "\"properties\":{\"log\":\"",
    "\"category\":\"kube-audit\"",
    "\"apiVersion\":\"audit.k8s.io/v1\"",
    "\"requestObject\":{\"spec\":{\"containers\":[{\"image\":\"busybox\"}]}}",
    "\"sourceIPs\":[\"10.0.0.1\"]",
];

/// The parts of a semantics case that are a text of Sigma.
#[derive(Deserialize)]
struct Case {
    selection: Option<String>,
    detection: Option<String>,
    document: Option<String>,
}

fn semantics() -> Vec<Case> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sigma");
    let files = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    let cases = paths.iter().flat_map(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        serde_saphyr::from_str::<Vec<Case>>(&text).unwrap()
    });
    cases.collect()
}

fn indented(text: &str, by: usize) -> String {
    text.lines().map(|line| format!("{}{line}\n", " ".repeat(by))).collect()
}

/// Every semantics case as a file.
fn files() -> Vec<String> {
    const HEAD: &str =
        "title: case\nlogsource: {product: kubernetes, service: audit}\ndetection:\n";
    let file = |case: Case| match (case.selection, case.detection, case.document) {
        (Some(selection), _, _) => {
            format!("{HEAD}  sel:\n{}  condition: sel\n", indented(&selection, 4))
        }
        (_, Some(detection), _) => format!("{HEAD}{}", indented(&detection, 2)),
        (_, _, document) => document.unwrap_or_default(),
    };
    semantics().into_iter().map(file).collect()
}

/// Files of rules of every kind.
pub(super) fn documents() -> Corpus {
    let hostile = [
        String::new(),
        "a: &a [*a]\n".to_owned(),
        format!("a: &x [{}]\nb: &y [*x, *x]\nc: [*y, *y]\n", "x,".repeat(100)),
        "[".repeat(400),
        format!("title: {}\n", "x".repeat(9_000)),
        "title: x\ntitle: y\ndetection: {}\n".to_owned(),
        "\u{feff}title: x\r\nlogsource: {product: a}\r\ndetection: {a: {b: c}, condition: a}\r\n"
            .to_owned(),
        format!("detection: {}\n", "{a: ".repeat(120)),
    ];
    let filter = "title: f\nlogsource: {product: kubernetes, service: audit}\nfilter:\n  rules: any\n  \
                  a: {verb: get}\n  condition: not a\n";
    // The shipped rules take longest, so every eighth one does.
    let shipped = builtin::sources().into_iter().step_by(8).map(|source| source.text);
    let seeds = shipped.chain(files()).chain(hostile).chain([filter.to_owned()]);
    Corpus::new(seeds, &[YAML, SIGMA, CONDITION])
}

/// Conditions, those of the shipped rules among them with their names put for ours.
pub(super) fn conditions() -> Corpus {
    let own = [
        "sel",
        "not sel",
        "sel and selection or not filter_main",
        "1 of sel*",
        "all of sel_*",
        "any of them",
        "all of them and not _hidden",
        "(((sel)))",
        "NOT (a.b OR of-course)",
        "1 of *a",
        "not not sel_a",
        "1 of _*",
    ];
    let shipped = builtin::sources().into_iter().flat_map(|source| {
        let lines = source.text.lines().filter_map(|line| line.trim().strip_prefix("condition: "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    });
    Corpus::new(own.into_iter().map(str::to_owned).chain(shipped), &[CONDITION])
}

/// A pattern or a chain of modifiers, and a text below it.
pub(super) fn patterns() -> Corpus {
    let own = [
        "kube*\nkube-system",
        "*k8s?io*\na.k8s.io/b",
        "a\\*b\na*b",
        "\\\\*\n\\x",
        "?\n\u{1f600}",
        "stra\u{df}e\nSTRASSE",
        "\u{3c3}\u{3a3}\n\u{3c2}\u{3c3}",
        "*a*a*a*b\naaaaaaaaaaaaaaaa",
        "contains|all\n",
        "re|i|m\n",
        "wide|base64offset|contains\n",
        "*?*?*\nab",
        "\n",
        "***\n",
    ];
    Corpus::new(own, &[PATTERN])
}

/// A byte that chooses modifiers, a value, and a text below it.
pub(super) fn regexes() -> Corpus {
    let own = [
        "^kubectl/v1\\.\nkubectl/v1.30",
        "a.c\na\nc",
        "(?i)K\n\u{212a}",
        "(a+)+$\naaaaaaaaaaaaaaaaaaaa!",
        "[0-9]{1,3}(\\.[0-9]{1,3}){3}\n10.0.0.1",
        "\\bsh\\b\n/bin/sh -c",
        "x{500}{500}\nx",
        "(?=a)\na",
        "10.0.0.0/8\n10.1.2.3",
        "::1/128\n::1",
        "-exec\n/exec",
        "300\n301",
        "requestURI\n/api",
    ];
    let chosen = own
        .iter()
        .flat_map(|seed| (0..16).map(move |choice: u8| [&[choice], seed.as_bytes()].concat()));
    Corpus::new(chosen, &[REGEX, PATTERN])
}

/// Lines of the samples, short ones, and hostile ones made of the rules' cases.
fn log_lines() -> Vec<Vec<u8>> {
    let mut dice = Dice::new(5);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for name in ["attack.azure.jsonl.gz", "quiet.audit.jsonl.gz"] {
        let all = lines_of(&folder.join(name));
        lines.extend(all.into_iter().filter(|line| line.len() < 3_000).step_by(200));
    }
    let events = case_events();
    lines.extend(events.iter().step_by(12).map(|event| hostile(event, &mut dice)));
    lines.extend(events.iter().step_by(40).map(|event| event.to_string().into_bytes()));
    lines
}

/// Three bytes of settings, then lines.
pub(super) fn lines() -> Corpus {
    let settings: [&[u8]; 4] = [b"\0\xff\xff", b"\0\x01\x02", b"\x07\x40\x80", b"\xff\xa0\x10"];
    let lines = log_lines();
    let seeds = lines.chunks(2).zip(settings.iter().cycle());
    let texts = seeds.map(|(lines, settings)| [settings, lines.join(&b'\n').as_slice()].concat());
    Corpus::new(texts.chain([b"\0\0\0\xef\xbb\xbf\n\r\n".to_vec()]), &[JSON])
}

/// Lines for the shipped rules, and rules made at random with lines behind them.
pub(super) fn fast_path() -> Corpus {
    let mut dice = Dice::new(6);
    let events: Vec<Value> = case_events();
    let lines = log_lines();
    let with_rules = lines.iter().step_by(3).enumerate().map(|(number, line)| {
        let rule = rules::made(number, &events, &mut dice);
        [rule.text.as_bytes(), b"\0", line].concat()
    });
    let with_rules: Vec<_> = with_rules.collect();
    let pairs = lines.chunks(2).map(|lines| lines.join(&b'\n'));
    Corpus::new(pairs.chain(with_rules), &[JSON, SIGMA])
}
