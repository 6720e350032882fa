//! The commands around the detection content: coverage, export, lock, new rules, mutation.

use std::fs;

use serde_json::Value;

use super::{Bench, RULE, event, run};

#[test]
fn coverage_says_what_a_rule_needs_and_what_goes_blind() {
    let bench = Bench::new();
    let reads = RULE
        .replace("objectRef.namespace: clitest", "verb: list\n    objectRef.namespace: clitest");
    bench.write("rules/cli-test-rule.yml", reads);
    let alone = ["--rules", "rules", "--no-shipped-rules"];
    let of =
        |arguments: &[&str]| bench.run(&[&["rules", "coverage"], arguments, &alone].concat(), b"");
    let csv = of(&["--format", "csv"]);
    assert_eq!(csv.code, Some(0), "{}", csv.err);
    assert!(csv.out.contains("high,on,cli-test-rule,kube-audit,list,none"), "{}", csv.out);
    let table = of(&["--category", "kube-audit-admin"]);
    assert!(table.out.contains("blind") && table.out.contains("cli-test-rule"), "{}", table.out);
    assert!(
        table.err.contains("1 go blind") && table.err.contains("% of the bytes"),
        "{}",
        table.err
    );
    let json: Value = serde_json::from_str(&of(&["-o", "json"]).out).expect("json");
    assert_eq!(json["schema"], "midwatch.rule-coverage/v1");
    assert_eq!(json["rules"][0]["kube_audit_admin"], "blind");
    assert_eq!(of(&["--category", "guard"]).code, Some(2));
}

#[test]
fn the_catalogue_is_exported_in_every_form_and_no_cell_is_a_formula() {
    let bench = Bench::new();
    bench.write(
        "rules/cli-test-rule.yml",
        RULE.replace("A test rule fired", "'=HYPERLINK(\"http://x\") was clicked'"),
    );
    let of = |arguments: &[&str]| {
        let ran = bench.run(&[&["rules", "export", "--rules", "rules"], arguments].concat(), b"");
        assert_eq!(ran.code, Some(0), "{}", ran.err);
        ran.out
    };
    let csv = of(&["-o", "csv"]);
    assert!(csv.starts_with("id,name,title,description,"), "{csv}");
    assert!(csv.contains("\"'=HYPERLINK("), "a formula was not made text");
    assert!(csv.contains("K8S_ClusterAdminBinding"), "vendor detections are missing");
    let json: Vec<Value> = serde_json::from_str(&of(&["-o", "json"])).expect("json");
    let ours = json.iter().find(|it| it["name"] == "cli-test-rule").expect("the rule");
    assert_eq!(
        (&ours["category"], &ours["window_seconds"]),
        (&"kube-audit".into(), &86_400.into())
    );
    assert_eq!(ours["hash"].as_str().map(str::len), Some(16));
    let vendor = json.iter().find(|it| it["id"] == "K8S.NODE_Webshell").expect("a vendor's");
    assert_eq!((&vendor["kind"], &vendor["active"]), (&"vendor".into(), &false.into()));
    let layer: Value = serde_json::from_str(&of(&["-o", "navigator"])).expect("json");
    assert_eq!(
        (&layer["versions"]["layer"], &layer["domain"]),
        (&"4.5".into(), &"enterprise-attack".into())
    );
    let techniques = layer["techniques"].as_array().expect("techniques");
    assert!(techniques.len() > 20);
    for technique in techniques {
        let names = technique["comment"].as_str().expect("comment").split(", ").count() as u64;
        assert!(technique["score"].as_u64().expect("score") >= names, "{technique}");
        assert!(
            !technique["techniqueID"].as_str().expect("id").starts_with("T1562"),
            "{technique}"
        );
    }
    assert!(of(&["-o", "markdown"]).starts_with("# Detections\n"));
    assert_eq!(run(&["rules", "export"]).code, Some(2));
}

#[test]
fn vendor_detections_are_listed_as_what_they_are() {
    let list = run(&["rules", "list", "--vendor"]);
    assert_eq!(list.code, Some(0));
    assert!(list.out.contains("K8S.NODE_ReverseShell"), "{}", list.out);
    assert!(list.err.contains("not active yet"), "{}", list.err);
    let high = run(&["rules", "list", "--vendor", "--level", "high", "-o", "csv"]);
    assert!(
        !high.out.contains("medium") && high.out.contains("K8S_ExposedDashboard"),
        "{}",
        high.out
    );
}

#[test]
fn the_lock_is_written_checked_and_wants_a_new_version_for_a_change() {
    let bench = Bench::new();
    let lock =
        |arguments: &[&str]| bench.run(&[&["rules", "lock", "rules"], arguments].concat(), b"");
    let missing = lock(&["--check"]);
    assert_eq!(missing.code, Some(1));
    assert!(missing.out.contains("midwatch rules lock"), "{}", missing.out);
    assert_eq!(lock(&[]).code, Some(0));
    assert_eq!(lock(&["--check"]).code, Some(0));
    bench.write("rules/cli-test-rule.yml", RULE.replace("level: high", "level: low"));
    let changed = lock(&["--check"]);
    assert_eq!(changed.code, Some(1));
    assert!(changed.out.contains("a changed rule needs a higher version"), "{}", changed.out);
    assert_eq!(lock(&[]).code, Some(0));
    let text = fs::read_to_string(bench.path("rules/rules.lock")).expect("the lock");
    assert!(text.contains("cli-test-rule 0c5f7c0e-5f5d-4c0b-9a54-0d8f1f5b7f01 2 "), "{text}");
    bench.write(
        "rules/other.yml",
        RULE.replace("cli-test-rule", "other").replace("5b7f01", "5b7f09"),
    );
    fs::remove_file(bench.path("rules/cli-test-rule.yml")).expect("gone");
    assert_eq!(lock(&[]).code, Some(0));
    bench.write("rules/cli-test-rule.yml", RULE);
    let reused = lock(&[]);
    assert_eq!(reused.code, Some(1));
    assert!(reused.err.contains("ids are never given again"), "{}", reused.err);
}

#[test]
fn a_new_rule_loads_and_its_cases_say_what_is_missing() {
    let bench = Bench::new();
    let new = |name: &str, tactic: &str| {
        bench.run(&["rules", "new", name, "--tactic", tactic, "--dir", "mine"], b"")
    };
    let made = new("quota-deleted", "impact");
    assert_eq!(made.code, Some(0), "{}", made.err);
    assert!(made.out.contains("mine/kubernetes/impact/quota-deleted.yml"), "{}", made.out);
    let lint = bench.run(&["rules", "lint", "mine"], b"");
    assert_eq!(lint.code, Some(0), "{}{}", lint.out, lint.err);
    let test = bench.run(&["rules", "test", "mine"], b"");
    assert_eq!(test.code, Some(1));
    assert_eq!(test.out.matches("TODO").count(), 3, "{}", test.out);
    assert_eq!(new("quota-deleted", "impact").code, Some(3), "it must not be written over");
    assert_eq!(new("Quota", "impact").code, Some(2));
    assert_eq!(new("a-rule", "nonsense").code, Some(2));
    assert_eq!(new("host-pid", "impact").code, Some(2));
}

#[test]
fn a_clause_that_no_case_notices_is_told() {
    let bench = Bench::new();
    let rule =
        RULE.replace("objectRef.namespace: clitest", "verb: get\n    objectRef.namespace: clitest");
    bench.write("rules/cli-test-rule.yml", rule);
    let case = |matches: bool, event: &str| {
        format!(
            "{{\"name\":\"{matches}{}\",\"match\":{matches},\"event\":{}}}\n",
            event.len(),
            event.trim()
        )
    };
    let elsewhere = event("a-2", "eve").replace("\"clitest\"", "\"elsewhere\"");
    let two = case(true, &event("a-1", "eve")) + &case(false, &elsewhere);
    bench.write("rules/cli-test-rule.cases.jsonl", &two);
    let ran = bench.run(&["rules", "test", "rules", "--mutate"], b"");
    assert_eq!(ran.code, Some(0), "a warning is no failure: {}", ran.out);
    assert!(ran.out.contains("`selection.verb removed`"), "{}", ran.out);
    assert!(!ran.out.contains("objectRef.namespace"), "{}", ran.out);
    let verb = event("a-3", "eve").replace("\"get\"", "\"list\"");
    bench.write("rules/cli-test-rule.cases.jsonl", two + &case(false, &verb));
    let ran = bench.run(&["rules", "test", "rules", "--mutate"], b"");
    assert!(!ran.out.contains("no case notices"), "{}", ran.out);
}
