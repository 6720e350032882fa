//! Any text as a regular expression of a rule, or as a value with modifiers, against any text of an
//! event: it is refused with its place, or the reference and the fast path find what the `regex`
//! crate finds by itself.

use midwatch::audit::record::{Origin, decode};
use midwatch::engine::evaluate::evaluate;
use midwatch::engine::reader::Reader;
use midwatch::engine::ruleset::{Provenance, RuleSet, RuleSource};
use midwatch::model::ids::ClusterId;
use regex::RegexBuilder;
use serde_json::{Value, json};

/// Chains that a value is written behind, and whether it is a regular expression.
const CHAINS: [(&str, bool); 16] = [
    ("re", true),
    ("re|i", true),
    ("re|m", true),
    ("re|s", true),
    ("re|i|m|s", true),
    ("contains", false),
    ("startswith", false),
    ("endswith|cased", false),
    ("cidr", false),
    ("base64offset|contains", false),
    ("wide|base64offset|contains", false),
    ("windash|contains|all", false),
    ("gt", false),
    ("neq", false),
    ("fieldref|endswith", false),
    ("cased", false),
];

const TEXT_MAX: usize = 2_000;

pub(crate) fn check(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else { return };
    if rest.len() > TEXT_MAX {
        return;
    }
    let (chain, is_regex) = CHAINS[usize::from(*choice) % CHAINS.len()];
    let rest = String::from_utf8_lossy(rest);
    let (value, text) = rest.split_once(['\0', '\n']).unwrap_or((&rest, "kubectl/v1.30"));
    let rule = format!(
        "title: Made\nid: 0b6a7f9e-3d0c-4a43-8a5c-1e1b1c0f0009\nname: made\nlogsource: {{product: \
         kubernetes, service: audit}}\nlevel: low\ndetection:\n  a:\n    userAgent|{chain}: {}\n  \
         condition: a\n",
        Value::String(value.to_owned())
    );
    let source = RuleSource { path: "made.yml".to_owned(), text: rule };
    let (rules, faults) = RuleSet::load_sound(&[source], Provenance::Directory);
    for fault in &faults {
        assert!((8..=9).contains(&fault.line), "{fault}");
        assert!(!fault.reason.contains(char::is_control), "{fault}");
    }
    if rules.rules().is_empty() {
        assert!(!faults.is_empty(), "neither a rule nor a fault");
        return;
    }
    let event = json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": "a", "verb": "create",
        "stage": "ResponseComplete", "userAgent": text, "requestURI": value,
    });
    let found = both(&rules, event.to_string().as_bytes());
    if is_regex {
        let flagged = |flag: &str| chain.split('|').any(|part| part == flag);
        let regex = RegexBuilder::new(value)
            .case_insensitive(flagged("i"))
            .multi_line(flagged("m"))
            .dot_matches_new_line(flagged("s"))
            .build()
            .unwrap_or_else(|error| panic!("the rule was loaded: {error}"));
        assert_eq!(found, regex.is_match(text), "{chain} {value:?} on {text:?}");
    }
}

/// Whether there is a finding, by the fast path and by the reference.
fn both(rules: &RuleSet, line: &[u8]) -> bool {
    let origin = Origin {
        cluster: None,
        fallback: ClusterId::new("offline"),
        name: "lines".to_owned(),
        control_plane: Default::default(),
    };
    let mut reader = Reader::new(rules);
    reader.line(line, 0, &origin);
    let fast = reader.take().findings;
    let slow = evaluate(rules, &decode(line, 0, &origin).events);
    assert_eq!(fast, slow, "{}", String::from_utf8_lossy(line));
    !slow.is_empty()
}
