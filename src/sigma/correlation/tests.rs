//! Correlation documents that are taken, and the faults of those that are not.

use super::*;
use crate::sigma::document::{Document, parse};

fn read_one(body: &str) -> Correlation {
    let documents = parse(&format!("title: t\ncorrelation:\n{body}"), "c.yml").unwrap();
    let [Document::Correlation(correlation)] = documents.as_slice() else { panic!("one") };
    correlation.as_ref().clone()
}

#[test]
fn everything_that_is_written_is_kept() {
    let read = read_one(
        "  type: value_percentile\n  rules: [a, b]\n  group-by: [who]\n  aliases:\n    who: {a: user, b: \
         uid}\n  timespan: 15m\n  condition: {gt: 2, lte: 7.5, field: size, percentile: 95}\n  \
         generate: true\n",
    );
    assert_eq!(read.kind, CorrelationKind::ValuePercentile);
    assert_eq!((read.timespan_seconds, read.generate), (900, true));
    assert_eq!(read.rules.iter().map(|rule| rule.text.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(read.aliases["who"]["b"], "uid");
    assert_eq!(
        read.condition,
        CorrelationCondition::Bounds {
            bounds: vec![
                Bound { relation: Relation::Greater, value: 2.0 },
                Bound { relation: Relation::LessOrEqual, value: 7.5 },
            ],
            fields: vec!["size".to_owned()],
            percentile: Some(95),
        }
    );
}

#[test]
fn a_temporal_correlation_wants_all_rules_or_what_its_condition_says() {
    let plain = read_one("  type: temporal\n  rules: [a, b]\n  timespan: 1h\n");
    assert_eq!(plain.condition, CorrelationCondition::AllRules);
    let stated =
        read_one("  type: temporal\n  rules: [a, b]\n  timespan: 1h\n  condition: a and not b\n");
    let CorrelationCondition::Rules(Condition::And(parts)) = stated.condition else {
        panic!("a condition over rules")
    };
    assert_eq!(
        parts,
        [Condition::Selection(0), Condition::Not(Box::new(Condition::Selection(1))),]
    );
}

#[test]
fn timespans_have_seven_units_and_do_not_overflow() {
    let check = |text: &str, expected: Option<u64>| assert_eq!(seconds(text), expected, "{text}");
    check("30s", Some(30));
    check("2m", Some(120));
    check("1h", Some(3_600));
    check("1d", Some(86_400));
    check("1w", Some(604_800));
    check("1M", Some(2_592_000));
    check("1y", Some(31_536_000));
    check("99999999999999999999y", None);
    check("9999999999999999y", None);
    check("m", None);
    check("1.5h", None);
    check("", None);
}

/// The first fault of a correlation of `a`, `b` and more with these lines below `midwatch`.
fn fault(kind: &str, condition: &str, extension: &str) -> (u32, u32, String) {
    let text = format!(
        "title: t\ncorrelation:\n  type: {kind}\n  rules: [a, b]\n  group-by: [who]\n  timespan: \
         1m\n{condition}midwatch:\n{extension}"
    );
    let faults = parse(&text, "c.yml").map(|_| ()).expect_err("refused");
    let fault = faults.first().expect("a fault");
    (fault.line, fault.column, fault.reason.clone())
}

#[test]
fn steps_that_must_differ_are_read() {
    let read = |text: &str| {
        let documents = parse(text, "c.yml").unwrap();
        let [Document::Correlation(correlation)] = documents.as_slice() else { panic!("one") };
        correlation.differ.iter().map(|field| field.text.clone()).collect::<Vec<_>>()
    };
    let plain = "title: t\ncorrelation:\n  type: temporal\n  rules: [a, b]\n  timespan: 1m\n";
    assert_eq!(read(plain), [""; 0]);
    assert_eq!(read(&format!("{plain}midwatch:\n  differ: [who, where]\n")), ["who", "where"]);
}

#[test]
fn steps_that_cannot_differ_are_refused_with_a_cure() {
    let check = |kind: &str, condition: &str, extension: &str, part: &str| {
        let (line, column, reason) = fault(kind, condition, extension);
        assert!(reason.contains(part), "{reason}");
        let before = if condition.is_empty() { 0 } else { 1 };
        assert_eq!(line, 8 + before, "{reason}");
        assert!(column >= 3, "{reason}");
    };
    let bounds = "  condition: {gte: 2}\n";
    check("event_count", bounds, "  differ: [x]\n", "use temporal or temporal_ordered");
    check("temporal", bounds, "  differ: [x]\n", "remove `condition`");
    check("temporal", "  condition: a or b\n", "  differ: [x]\n", "remove `condition`");
    check("temporal", "", "  differ: []\n", "a list of one to 4 fields");
    check("temporal", "", "  differ: x\n", "a list of one to 4 fields");
    check("temporal", "", "  differ: [a, b, c, d, e]\n", "a list of one to 4 fields");
    check("temporal", "", "  differ: [x, x]\n", "stands here twice");
    check("temporal", "", "  differ: [[x]]\n", "lists fields or aliases");
    check("temporal", "", "  differ: [who]\n", "can never differ");
    let many = "title: t\ncorrelation: {type: temporal, rules: [a, b, c, d, e, f, g], timespan: \
                1m}\nmidwatch: {differ: [x]}\n";
    let faults = parse(many, "c.yml").map(|_| ()).expect_err("refused");
    assert!(faults.iter().any(|fault| fault.reason.contains("6 rules at most")), "{faults:?}");
}

#[test]
fn what_must_not_follow_is_read_with_its_time() {
    let text = "title: t\ncorrelation:\n  type: event_count\n  rules: [a]\n  group-by: [who]\n  \
                aliases: {who: {a: user, b: uid}}\n  timespan: 1m\n  condition: {gte: 1}\n\
                midwatch:\n  absent: {rules: [b], within: 2h}\n";
    let documents = parse(text, "c.yml").unwrap();
    let [Document::Correlation(correlation)] = documents.as_slice() else { panic!("one") };
    let absent = correlation.absent.as_ref().unwrap();
    assert_eq!((absent.rules[0].text.as_str(), absent.within_seconds), ("b", 7_200));
    assert_eq!(correlation.members().count(), 2);
}

#[test]
fn what_must_not_follow_is_refused_with_a_cure_when_it_is_incomplete() {
    let check = |extension: &str, part: &str| {
        let (line, _, reason) = fault("temporal", "", &format!("  absent: {extension}\n"));
        assert!(reason.contains(part), "{reason}");
        assert_eq!(line, 8, "{reason}");
    };
    check("{rules: [c]}", "needs what must not follow and for how long");
    check("{within: 1h}", "needs what must not follow and for how long");
    check("{rules: [], within: 1h}", "needs what must not follow");
    check("[c]", "needs what must not follow");
    check("{rules: [c], within: 0s}", "a time of 30d at most");
    check("{rules: [c], within: 31d}", "a time of 30d at most");
    check("{rules: [c], within: soon}", "a time of 30d at most");
    check("{rules: [c, c], within: 1h}", "stands here twice");
    check("{rules: [c], within: 1h, after: 1h}", "it has rules and within");
}

#[test]
fn a_document_that_is_no_correlation_refuses_the_extensions_of_correlations() {
    let logsource = "logsource: {product: kubernetes, service: audit}\n";
    let detection = "{sel: {verb: get}, condition: sel";
    let documents = [
        ("a rule", format!("{logsource}detection: {detection}}}\n")),
        ("a filter", format!("{logsource}filter: {detection}, rules: any}}\n")),
        (
            "an exception",
            format!(
                "name: n\nmidwatch_exception: {detection}, rules: any, owner: o, reason: r, \
                 expires: never}}\n"
            ),
        ),
        ("a value list", "midwatch_list: {name: n, values: [v]}\n".to_owned()),
        ("a mapping", format!("{logsource}mapping: {{fields: {{a.b: verb}}}}\n")),
    ];
    for (what, document) in documents {
        for key in extension::KEYS {
            let text = format!("title: t\n{document}midwatch:\n  {key}: [x]\n");
            let faults = parse(&text, "r.yml").map(|_| ()).expect_err(what);
            let line = u32::try_from(text.lines().count()).unwrap();
            let told = faults.iter().find(|fault| fault.reason.contains(what)).expect(what);
            assert_eq!((told.line, told.column, told.file.as_str()), (line, 3, "r.yml"));
            assert!(told.reason.contains("write a correlation"), "{}", told.reason);
        }
    }
}

#[test]
fn a_risk_is_read_and_what_is_none_is_refused_with_a_cure() {
    let text = "title: t\ncorrelation:\n  type: temporal\n  rules: [a, b]\n  timespan: 1d\n  \
                condition: {gte: 2}\nmidwatch:\n  risk: {score: 20, tactics: 3}\n";
    let documents = parse(text, "c.yml").unwrap();
    let [Document::Correlation(correlation)] = documents.as_slice() else { panic!("one") };
    assert_eq!(correlation.risk, Some(RiskLimits { score: 20, tactics: 3 }));
    let bounds = "  condition: {gte: 2}\n";
    let risk = "  risk: {score: 20, tactics: 3}\n";
    for (kind, condition, extension, part) in [
        ("event_count", bounds, risk, "write `type: temporal` and `condition: {gte: 2}`"),
        ("temporal_ordered", bounds, risk, "write `type: temporal` and `condition: {gte: 2}`"),
        ("temporal", "", risk, "write `type: temporal` and `condition: {gte: 2}`"),
        ("temporal", bounds, "  risk: {tactics: 3}\n", "`midwatch.risk.score` is a number from 1"),
        ("temporal", bounds, "  risk: {score: 0, tactics: 3}\n", "`midwatch.risk.score` is a"),
        ("temporal", bounds, "  risk: {score: 9, tactics: 15}\n", "a number from 1 to 14"),
        ("temporal", bounds, "  risk: {score: 9, tactics: 1, of: x}\n", "it has score, tactics"),
    ] {
        let (line, _, reason) = fault(kind, condition, extension);
        assert!(reason.contains(part), "{reason}");
        assert!(line >= 8, "{reason}");
    }
}
