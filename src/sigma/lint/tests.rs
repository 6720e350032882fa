//! What the lint remarks, and what it lets pass.

use super::*;
use crate::sigma::document::{Document, parse};

struct Fixed;

impl Taxonomy for Fixed {
    fn look_up(&self, path: &str) -> Known<'_> {
        let field = |kind| Known::Field { kind, values: &[] };
        match path {
            "verb" => Known::Field { kind: ValueKind::Text, values: &["get", "list", "create"] },
            "code" => field(ValueKind::Number),
            "flag" => field(ValueKind::Boolean),
            "time" => field(ValueKind::Time),
            "user" => field(ValueKind::Object),
            "user.name" => field(ValueKind::Text),
            path if path.starts_with("body.") => Known::Open,
            _ => Known::Unknown,
        }
    }

    fn has_elements(&self, path: &str) -> bool {
        self.look_up(path) == Known::Open
    }

    fn nearest(&self, path: &str) -> Option<String> {
        (path == "verbs").then(|| "verb".to_owned())
    }
}

const HEAD: &str = "title: t\nid: 5013198c-5a17-4b1e-9d1e-0123456789ab\nlevel: low\nstatus: test\n\
    description: d\nfalsepositives: [none known]\ntags: [attack.t1609]\n\
    logsource: {product: k}\ndetection:\n";

fn found(detection: &str) -> Vec<Lint> {
    let documents = parse(&format!("{HEAD}{detection}"), "r.yml").unwrap();
    let [Document::Rule(rule)] = documents.as_slice() else { panic!("one rule") };
    lint(rule, &Fixed)
}

fn check(item: &str, severity: Severity, part: &str) {
    let found = found(&format!("  sel:\n    {item}\n  condition: sel\n"));
    let [lint] = found.as_slice() else { panic!("{item}: {found:?}") };
    assert!(lint.reason.contains(part), "{item}: {}", lint.reason);
    assert_eq!((lint.severity, lint.line), (severity, 11), "{item}");
}

#[test]
fn a_sound_rule_has_no_findings() {
    let sound = "  sel:\n    verb: [get, 'c*']\n    code|gte: 200\n    code: '20?'\n    body.x: y\n    \
                 user|exists: true\n    time|hour: 3\n    flag: true\n    user.name|contains: adm\n  \
                 condition: sel\n";
    assert_eq!(found(sound), []);
}

#[test]
fn impossible_things_are_errors() {
    let severity = Severity::Error;
    check("verbs: get", severity, "did you mean `verb`?");
    check("verb: replace", severity, "never 'replace'; it is get, list, create");
    check("verb|startswith: up", severity, "never 'up'");
    check("code: ALLOW", severity, "is a number and never 'ALLOW'");
    check("flag: 'true'", severity, "without quotes");
    check("user: x", severity, "is an object");
    check("verb|hour: 3", severity, "no time");
    check("time|gt: 3", severity, "no order");
    check("user.name|fieldref: nobody", severity, "no event has the field `nobody`");
}

#[test]
fn doubtful_things_are_warnings() {
    let severity = Severity::Warning;
    check("user.name: '*'", severity, "exists: true");
    check("user.name: '* * * * *'", severity, "nothing but wildcards and blanks");
    check("user.name|contains: '*adm'", severity, "outer `*`");
    check("user.name|endswith: '*adm'", severity, "outer `*`");
    check("user.name|re: '^adm\\.x'", severity, "write `startswith|cased` with `adm.x`");
    check("user.name|re|i: '.*adm.*'", severity, "write `contains` with `adm`");
    check("user.name: 'null'", severity, "without quotes");
    check("user.name: [a, A]", severity, "twice");
    check("user.name|expand: a", severity, "no placeholder");
}

#[test]
fn conditions_that_do_nothing_are_told() {
    let reasons = |detection: &str| -> Vec<String> {
        found(detection).into_iter().map(|lint| format!("{}: {}", lint.line, lint.reason)).collect()
    };
    let never = reasons("  a:\n    verb: get\n  condition: a and not a\n");
    assert!(never[0].starts_with("12: the condition contradicts itself"), "{never:?}");
    let unused = reasons("  a:\n    verb: get\n  b:\n    code: 1\n  condition: a\n");
    assert!(unused[0].starts_with("12: no condition uses `b`"), "{unused:?}");
    let barred = reasons("  a|contains:\n    verb: get\n  b:\n    code: 1\n  condition: 1 of *\n");
    assert!(barred[0].contains("the bar in `a|contains` modifies nothing"), "{barred:?}");
    let lonely = reasons("  a:\n    verb: get\n  condition: 1 of them\n");
    assert!(lonely[0].contains("covers one selection"), "{lonely:?}");
    let negative = reasons("  a:\n    verb: get\n  condition: not a\n");
    assert!(negative[0].contains("only for what is not there"), "{negative:?}");
}

#[test]
fn missing_attributes_are_told_at_the_start_of_the_rule() {
    let source = "title: t\nlogsource: {product: k}\ntags: [attack.x1, foo.bar, tlp.red]\n\
                  detection:\n  a: {verb: get}\n  condition: a\n";
    let documents = parse(source, "r.yml").unwrap();
    let [Document::Rule(rule)] = documents.as_slice() else { panic!("one rule") };
    let reasons: Vec<String> = lint(rule, &Fixed).into_iter().map(|lint| lint.reason).collect();
    for part in
        ["`id`", "`level`", "`falsepositives`", "`description`", "`status`", "attack.x1", "foo.bar"]
    {
        assert!(reasons.iter().any(|reason| reason.contains(part)), "{part}: {reasons:?}");
    }
    assert!(!reasons.iter().any(|reason| reason.contains("tlp.red")));
}

#[test]
fn a_filter_that_keeps_what_it_describes_is_told() {
    let source = "title: t\nid: 5013198c-5a17-4b1e-9d1e-0123456789ab\nlogsource: {product: k}\n\
                  filter:\n  rules: any\n  a: {verb: get}\n  condition: a\n";
    let check = |source: &str| {
        let documents = parse(source, "f.yml").unwrap();
        let [Document::Filter(filter)] = documents.as_slice() else { panic!("one filter") };
        lint_filter(filter, &Fixed).len()
    };
    assert_eq!(check(source), 1);
}
