//! Blocks as they are explained and checked.

use serde_json::{Value, json};

use crate::model::fields::{Fields, Found, Scalar};
use crate::sigma::compile::Matcher;
use crate::sigma::conjunct::{Asks, conjuncts};
use crate::sigma::document::{Document, Rule, parse};
use crate::sigma::explain::Explanation;
use crate::sigma::lint::{Known, Taxonomy, ValueKind, lint};
use crate::sigma::mapping::Mappings;

/// An event, or an element of one, whose paths have one part.
struct Flat(Value);

impl Fields for Flat {
    fn find<'a>(&'a self, path: &str) -> Found<'a> {
        let values = match self.0.get(path) {
            None => return Found::default(),
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            Some(value) => value.as_str().into_iter().collect::<Vec<_>>(),
        };
        let values = values.into_iter().map(|text| Scalar::Text(text.into())).collect();
        Found { present: true, values }
    }

    fn any_text(&self, test: &mut dyn FnMut(&str) -> bool) -> bool {
        let members = self.0.as_object();
        members.is_some_and(|all| all.values().filter_map(Value::as_str).any(test))
    }

    fn any_element(&self, path: &str, test: &mut dyn FnMut(&dyn Fields) -> bool) -> bool {
        let items = self.0.get(path).and_then(Value::as_array);
        items.is_some_and(|all| all.iter().any(|item| test(&Flat(item.clone()))))
    }
}

const HEAD: &str = "title: t\nlogsource: {product: k}\ndetection:\n  sel: {verb: create}\n  other: {verb: \
                    delete}\n  condition: sel or other\nmidwatch:\n  where:\n";
const GRANTS: &str = "    - some: rules\n      grants: {resources: secrets, verbs: [get, list]}\n      \
                      named: {names|exists: true}\n      condition: grants and not named\n";

fn rule(blocks: &str) -> Rule {
    let documents = parse(&format!("{HEAD}{blocks}"), "r.yml").unwrap();
    let [Document::Rule(rule)] = documents.as_slice() else { panic!("one rule") };
    rule.as_ref().clone()
}

fn explain(blocks: &str, event: &Value) -> Explanation {
    Matcher::compile(&rule(blocks)).unwrap().explain(&Flat(event.clone()))
}

#[test]
fn the_reasons_name_the_element_that_satisfied_and_what_it_had() {
    let named = json!({"resources": "secrets", "verbs": "get", "names": "a"});
    let event = json!({"verb": "create", "rules": [named, {"resources": ["pods", "Secrets"], "verbs": "list"}]});
    let reasons: Vec<String> = explain(GRANTS, &event)
        .reasons()
        .iter()
        .map(|reason| format!("{} = {} | {}", reason.field, reason.value, reason.clause))
        .collect();
    assert_eq!(
        reasons,
        [
            "verb = create | sel: verb 'create'",
            "rules[1].resources = Secrets | some rules: grants: resources 'secrets'",
            "rules[1].verbs = list | some rules: grants: verbs 'get' or 'list'",
            "rules[1].names =  | some rules: not named",
        ]
    );
}

#[test]
fn an_explanation_shows_why_no_element_satisfied() {
    let elements: Vec<Value> = (0..12).map(|n| json!({"verbs": format!("v{n}")})).collect();
    let explanation = explain(GRANTS, &json!({"verb": "create", "rules": elements}));
    assert!(!explanation.matched && explanation.reasons().is_empty());
    let text = explanation.to_string();
    assert!(
        text.contains("some rules: grants and not named   (12 elements looked at, 2 not shown)")
    );
    assert!(
        text.contains("element [9]") && text.contains("(v9)") && !text.contains("(v10)"),
        "{text}"
    );
    let absent = explain(GRANTS, &json!({"verb": "create"})).to_string();
    assert!(absent.contains("(0 elements looked at, 0 not shown)"), "{absent}");
}

#[test]
fn an_explanation_of_none_shows_the_element_that_is_in_the_way() {
    let block = "    - none: rules\n      a: {names|exists: true}\n      condition: a\n";
    let event = json!({"verb": "create", "rules": [{}, {"names": "x"}]});
    let text = explain(block, &event).to_string();
    assert!(text.contains("element [1]") && !text.contains("element [0]"), "{text}");
    let reasons = explain(block, &json!({"verb": "create"})).reasons();
    let last = reasons.last().map(|reason| (reason.field.as_str(), reason.clause.as_str()));
    assert_eq!(last, Some(("rules", "none rules: a")));
}

#[test]
fn a_reference_to_the_event_is_told_as_a_field_of_the_event() {
    let block = "    - some: rules\n      a: {midwatch.event.verb: create}\n      words: [curl]\n      \
                 condition: a and words\n";
    let event = json!({"verb": "create", "rules": [{"run": "curl x"}]});
    let reasons = explain(block, &event).reasons();
    let fields: Vec<&str> = reasons.iter().skip(1).map(|reason| reason.field.as_str()).collect();
    assert_eq!(fields, ["verb", "rules[0]"]);
}

#[test]
fn a_block_that_every_event_must_meet_is_a_term_of_every_branch() {
    let fields = |blocks: &str| -> Vec<Vec<String>> {
        let branches = conjuncts(&rule(blocks)).unwrap();
        let all = branches.iter().map(|branch| {
            let terms = branch.terms.iter().filter(|term| term.asks == Asks::Other);
            terms.filter_map(|term| term.field.as_deref().map(str::to_owned)).collect()
        });
        all.collect()
    };
    assert_eq!(fields(GRANTS), [["rules"], ["rules"]]);
    assert_eq!(fields(&GRANTS.replace("some", "none")), [[""; 0], [""; 0]]);
    assert_eq!(fields(&format!("{GRANTS}      when: sel\n")), [[""; 0], [""; 0]]);
}

struct Fixed;

impl Taxonomy for Fixed {
    fn look_up(&self, path: &str) -> Known<'_> {
        match path {
            "verb" | "user.name" => Known::Field { kind: ValueKind::Text, values: &[] },
            path if path == "rules" || path.starts_with("rules.") => Known::Open,
            _ => Known::Unknown,
        }
    }

    fn has_elements(&self, path: &str) -> bool {
        self.look_up(path) == Known::Open
    }
}

fn lints(blocks: &str) -> Vec<String> {
    let found = lint(&rule(blocks), &Fixed);
    let own = found.into_iter().filter(|lint| lint.line > 8);
    own.map(|lint| format!("{} {} {}", lint.line, lint.severity.as_str(), lint.reason)).collect()
}

#[test]
fn the_array_and_the_fields_in_it_are_checked() {
    assert_eq!(lints(GRANTS), [""; 0]);
    assert_eq!(
        lints(&GRANTS.replace("some: rules", "some: rolls")),
        ["9 error no event has the field `rolls`; correct its spelling"]
    );
    assert_eq!(
        lints(&GRANTS.replace("some: rules", "some: verb")),
        ["9 error `verb` has no elements with fields; name an array of objects"]
    );
    let of_event = GRANTS.replace("resources: secrets", "user.name: eve, midwatch.event.nobody: x");
    assert_eq!(
        lints(&of_event),
        [
            "10 warning `user.name` is looked up in the element; for the event's write \
             `midwatch.event.user.name`",
            "10 error no event has the field `nobody`; correct its spelling",
        ]
    );
    let never = GRANTS.replace("not named", "not grants");
    let never = never.replace("      named: {names|exists: true}\n", "");
    assert!(lints(&never)[0].contains("contradicts itself"), "{:?}", lints(&never));
}

#[test]
fn a_selection_that_only_when_names_is_used() {
    let text = format!("{HEAD}{GRANTS}      when: other\n").replace("sel or other", "sel");
    let documents = parse(&text, "r.yml").unwrap();
    let [Document::Rule(rule)] = documents.as_slice() else { panic!("one rule") };
    let found = lint(rule, &Fixed);
    assert!(found.iter().all(|lint| !lint.reason.contains("no condition uses")), "{found:?}");
}

#[test]
fn a_mapping_renames_the_array_and_nothing_in_it() {
    let text =
        "title: m\nlogsource: {product: k}\nmapping: {fields: {grants: rules, resources: other}}\n";
    let documents = parse(text, "m.yml").unwrap();
    let [Document::Mapping(mapping)] = documents.as_slice() else { panic!("a mapping") };
    let mut mappings = Mappings::default();
    mappings.add(mapping.as_ref().clone());
    let mut mapped =
        Document::Rule(Box::new(rule(&GRANTS.replace("some: rules", "some: grants.x"))));
    mappings.apply(&mut mapped);
    let Document::Rule(mapped) = mapped else { panic!("a rule") };
    assert_eq!(mapped.element_blocks[0].path, "rules.x");
    let fields: Vec<_> = mapped.element_blocks[0].detection.items();
    assert_eq!(fields[0].field.as_deref(), Some("resources"));
}
