//! Any lines against the shipped rules, or against the rules before the first zero byte: the fast
//! path and the reference come to the same totals, problems, findings and contributions.

use std::sync::OnceLock;

use midwatch::audit::record::{Origin, decode};
use midwatch::engine::correlate::contribution::contribute;
use midwatch::engine::evaluate::evaluate;
use midwatch::engine::reader::Reader;
use midwatch::engine::ruleset::{Provenance, RuleSet, RuleSource};
use midwatch::model::ids::ClusterId;

const RULES_MAX: usize = 32 * 1024;

fn shipped() -> &'static RuleSet {
    static RULES: OnceLock<RuleSet> = OnceLock::new();
    RULES.get_or_init(|| RuleSet::builtin().unwrap_or_else(|faults| panic!("{faults:?}")))
}

pub(crate) fn check(data: &[u8]) {
    let Some(at) = data.iter().position(|byte| *byte == 0) else {
        return both(shipped(), data);
    };
    let (text, lines) = data.split_at(at);
    if text.len() > RULES_MAX {
        return;
    }
    let text = String::from_utf8_lossy(text).into_owned();
    let source = RuleSource { path: "made.yml".to_owned(), text };
    let (rules, _) = RuleSet::load_sound(&[source], Provenance::Directory);
    both(&rules, &lines[1..]);
}

fn both(rules: &RuleSet, lines: &[u8]) {
    let origin = Origin {
        cluster: None,
        fallback: ClusterId::new("offline"),
        name: "lines".to_owned(),
        control_plane: Default::default(),
    };
    // Many lines with one reader: what it remembers of one line must not change the next.
    let mut reader = Reader::new(rules);
    for (offset, line) in (0..).zip(lines.split(|byte| *byte == b'\n')).take(60) {
        let shown = || String::from_utf8_lossy(line).into_owned();
        reader.line(line, offset, &origin);
        let fast = reader.take();
        let slow = decode(line, offset, &origin);
        assert_eq!(fast.totals, slow.totals, "{}", shown());
        assert_eq!(fast.problems, slow.problems, "{}", shown());
        assert_eq!(fast.findings, evaluate(rules, &slow.events), "{}", shown());
        assert_eq!(fast.contributed, contribute(rules, &slow.events), "{}", shown());
    }
}
