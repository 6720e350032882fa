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
