//! Documents that are taken, and every fault of those that are not.

use super::*;

fn faults(source: &str) -> Vec<String> {
    parse(source, "r.yml").expect_err(source).iter().map(ToString::to_string).collect()
}

const RULE: &str = "title: T\nlogsource: {product: kubernetes}\nid: 5013198C-5a17-4b1e-9d1e-0123456789ab\n\
                    midwatch:\n  mode: on\n  dedup: [user.username]\ndate: 2026/01/31\n\
                    detection:\n  sel:\n    verb: create\n  condition: sel\n";

#[test]
fn a_rule_keeps_its_attributes_and_the_custom_ones() {
    let documents = parse(RULE, "r.yml").unwrap();
    let [Document::Rule(rule)] = documents.as_slice() else { panic!("{documents:?}") };
    assert_eq!(rule.id, Some(RuleId::new("5013198c-5a17-4b1e-9d1e-0123456789ab")));
    assert_eq!(rule.custom["midwatch"].get("mode").and_then(Node::text), Some("on"));
    assert_eq!(rule.date, Some(time::macros::date!(2026 - 01 - 31)));
}

#[test]
fn every_fault_of_a_file_is_told_with_its_place() {
    let found = faults(
        "title: T\nid: 12\nlevel: severe\nlogsource: {product: k}\ndetection:\n  sel:\n    \
         verb|glob: x\n    verb|exists: maybe\n  condition: sel and other\n",
    );
    let starts: Vec<String> =
        found.iter().map(|fault| fault.split(": ").next().unwrap().to_owned()).collect();
    assert_eq!(starts, ["r.yml:2:5", "r.yml:3:8", "r.yml:7:5", "r.yml:8:18", "r.yml:9:22"]);
}

#[test]
fn old_actions_and_broken_yaml_are_refused_with_a_cure() {
    assert!(faults("action: global\ntitle: x\n")[0].contains("copy the shared attributes"));
    assert!(faults("title: [")[0].contains("not valid YAML"));
    let twice = faults("a: 1\na: 2\n");
    assert!(
        twice.iter().any(|fault| fault.starts_with("r.yml:2:1: the key `a` stands here twice"))
    );
    assert!(faults("")[0].contains("empty"));
    let deep = "- ".repeat(60);
    assert!(faults(&deep)[0].contains("nested deeper"), "{:?}", faults(&deep));
    assert!(!faults(&"[".repeat(9_000)).is_empty());
}

#[test]
fn aliases_cannot_blow_a_file_up() {
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let previous = format!("*a{}", level - 1);
        let items = [previous.as_str(); 10].join(", ");
        bomb += &format!("a{level}: &a{level} [{items}]\n");
    }
    assert!(faults(&bomb)[0].contains("aliases counted"));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]
    #[test]
    fn parsing_never_panics(text in "(title|detection|condition|: |- |\n|  |\\[|\\{|&a|\\*a|'|\"|\\|all|\\PC){0,40}") {
        let _ = parse(&text, "x");
        let _ = parse(&format!("{RULE}{text}"), "x");
    }
}
