//! Folders of rules as people have them: taken from elsewhere, half broken, empty, or in a file.

use super::{Bench, RULE, event};

/// The same rule under another name and id.
fn second(name: &str) -> String {
    RULE.replace("5b7f01", "5b7f02").replace("cli-test-rule", name)
}

#[test]
fn a_check_goes_on_after_a_broken_file() {
    let bench = Bench::new();
    bench.write("rules/broken.yml", second("broken").replace("mode: on", "mode: loud"));
    bench.write("rules/broken.cases.jsonl", "");
    let without_description = second("plain").replace("description", "comment");
    bench.write("rules/plain.yml", without_description.replace("5b7f02", "5b7f03"));
    let lint = bench.run(&["rules", "lint", "rules"], b"");
    assert_eq!(lint.code, Some(1));
    assert!(lint.out.contains("broken.yml:17: error: "), "{}", lint.out);
    assert!(lint.out.contains("plain.yml:1: warning: `description`"), "{}", lint.out);
    let test = bench.run(&["rules", "test", "rules"], b"");
    assert!(test.out.contains("plain.yml:1: error: the rule has no cases"), "{}", test.out);
    assert!(!test.out.contains("no rule beside these cases"), "{}", test.out);
}

#[test]
fn documents_that_are_not_run_are_told_by_whoever_loads_them() {
    let bench = Bench::new();
    bench.write("log.json", event("a-1", "eve"));
    for n in 0..7 {
        let text = second(&format!("other-{n}")).replace("kubernetes", "windows");
        bench.write(&format!("rules/{n}.yml"), text);
    }
    for arguments in [&["scan", "log.json", "-q", "--rules"][..], &["rules", "test"]] {
        let ran = bench.run(&[arguments, &["rules"]].concat(), b"");
        let told = ran.out + &ran.err;
        assert!(told.contains("4.yml:1: ") && told.contains("its logsource is not"), "{told}");
    }
    let scan = bench.scan(&["log.json", "-q"]);
    assert!(scan.err.contains("and 2 more"), "{}", scan.err);
    assert_eq!(scan.err.lines().count(), 6, "{}", scan.err);
}

#[test]
fn a_path_that_gives_no_rule_is_refused_with_the_reason() {
    let bench = Bench::new();
    bench.write("empty/readme.txt", "");
    bench.write("latin/rule.yml", b"title: \xe9\n");
    bench.write("log.json", event("a-1", "eve"));
    for (path, reason) in [
        ("empty", "names of rule files end in .yml"),
        ("rules/cli-test-rule.yml", "give the directory that holds it"),
        ("latin", "latin/rule.yml: the text is not UTF-8"),
    ] {
        for arguments in
            [["rules", "lint", path].to_vec(), ["scan", "log.json", "--rules", path].to_vec()]
        {
            let ran = bench.run(&arguments, b"");
            assert_eq!(ran.code, Some(3), "{arguments:?}\n{}", ran.err);
            assert!(ran.err.contains(reason) && ran.out.is_empty(), "{arguments:?}\n{}", ran.err);
        }
    }
}

#[test]
fn a_second_rule_of_a_file_is_told_that_its_cases_need_a_file() {
    let bench = Bench::new();
    bench.write("rules/cli-test-rule.yml", format!("{RULE}---\n{}", second("z-second")));
    bench.write("rules/cli-test-rule.cases.jsonl", "");
    let ran = bench.run(&["rules", "test", "rules"], b"");
    assert!(ran.out.contains("are those of its first rule"), "{}", ran.out);
}

#[test]
fn a_file_full_of_problems_is_explained_in_a_few_lines() {
    let bench = Bench::new();
    let explain = ["rules", "explain", "--rule", "cli-test-rule", "--rules", "rules", "-"];
    let ran = bench.run(&explain, (event("a-1", "eve") + &"{}\n".repeat(500)).as_bytes());
    assert_eq!(ran.code, Some(4));
    assert!(ran.err.contains("and 495 more problems"), "{}", ran.err);
    assert_eq!(ran.err.lines().count(), 6);
}

#[test]
fn each_rule_of_a_file_is_shown_as_it_is_written_there() {
    let bench = Bench::new();
    let other = second("Mixed-Case").replace("namespace: clitest", "namespace: elsewhere");
    bench.write("rules/cli-test-rule.yml", format!("{RULE}---\n{other}"));
    let ran = bench.run(&["rules", "show", "mixed-case", "--rules", "rules"], b"");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.contains("elsewhere") && !ran.out.contains("clitest"), "{}", ran.out);
}

/// A rule as other repositories have them: no name, nothing of ours.
const THEIRS: &str = "title: Pods are read\nlogsource: {product: kubernetes, service: audit}\n\
    detection:\n  sel: {verb: [get, replace], objectRef.resource: pods}\n  condition: sel\n";

#[test]
fn rules_that_others_wrote_run_alone_or_beside_ours() {
    let bench = Bench::new();
    bench.write("theirs/audit/pods_read.yml", THEIRS);
    bench.write("log.json", event("a-1", "eve"));
    let alone =
        ["scan", "log.json", "-o", "ndjson", "-q", "--rules", "theirs", "--no-shipped-rules"];
    let ran = bench.run(&alone, b"");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert_eq!(ran.out.lines().count(), 1, "{}", ran.out);
    assert!(ran.out.contains("\"pods_read\"") && ran.err.is_empty(), "{}{}", ran.out, ran.err);
    let list = |arguments: &[&str]| {
        let ran = bench.run(&[&["rules", "list", "-o", "csv"], arguments].concat(), b"");
        ran.out.lines().skip(1).count()
    };
    assert_eq!(list(&["--rules", "theirs", "--no-shipped-rules"]), 1);
    assert_eq!(list(&["--rules", "theirs"]), list(&[]) + 1);
    let ran = bench.run(&["scan", "log.json", "--no-shipped-rules"], b"");
    assert_eq!(ran.code, Some(2), "nothing is left to run: {}", ran.err);
    assert!(ran.err.contains("--rules"), "{}", ran.err);
}

#[test]
fn a_rule_that_can_never_match_is_told_by_lint_list_show_and_scan_and_stops_nothing() {
    let bench = Bench::new();
    bench.write("theirs/dead.yml", THEIRS.replace("verb:", "apiGroup: apps, verb:"));
    bench.write("theirs/live.yml", THEIRS);
    bench.write("log.json", event("a-1", "eve"));
    let run = |arguments: &[&str]| bench.run(arguments, b"");
    let lint = run(&["rules", "lint", "theirs"]);
    assert_eq!(lint.code, Some(0), "remarks are no faults: {}", lint.out);
    let told = "dead.yml:1: warning: the rule can never match what AKS writes: no event has the \
                field `apiGroup`";
    assert!(lint.out.contains(told), "{}", lint.out);
    assert!(!lint.out.contains("live.yml:1: warning: the rule can never"), "{}", lint.out);
    let list = run(&["rules", "list", "--rules", "theirs", "--no-shipped-rules", "-o", "json"]);
    assert!(list.out.contains("\"never\":\"no event has the field `apiGroup`"), "{}", list.out);
    let show = run(&["rules", "show", "dead", "--rules", "theirs"]);
    assert!(show.out.contains("never matches"), "{}", show.out);
    let scan = run(&["scan", "log.json", "-q", "--rules", "theirs"]);
    assert!(scan.err.contains("1 rule can never match what AKS writes"), "{}", scan.err);
    assert_eq!(scan.code, Some(0), "{}", scan.err);
}

#[test]
fn rules_about_other_logs_are_counted_where_they_are_many() {
    let bench = Bench::new();
    bench.write("theirs/pods_read.yml", THEIRS);
    for n in 0..20 {
        bench.write(&format!("theirs/{n}.yml"), THEIRS.replace("kubernetes", "windows"));
    }
    let lint = bench.run(&["rules", "lint", "theirs"], b"");
    assert!(lint.err.contains("1 rule, 20 about other logs and not run"), "{}", lint.err);
    assert!(!lint.out.contains("logsource"), "{}", lint.out);
}

#[test]
fn a_mapping_in_the_directory_gives_fields_more_names() {
    let bench = Bench::new();
    bench.write("theirs/pods_read.yml", THEIRS.replace("objectRef.resource", "thing"));
    bench.write("log.json", event("a-1", "eve"));
    let scan =
        ["scan", "log.json", "-o", "ndjson", "-q", "--rules", "theirs", "--no-shipped-rules"];
    assert_eq!(bench.run(&scan, b"").out, "");
    let mapping = "title: m\nlogsource: {product: kubernetes}\nmapping:\n  fields:\n    \
                   thing: objectRef.resource\n";
    bench.write("theirs/mapping.yml", mapping);
    let found = bench.run(&scan, b"");
    assert_eq!(found.out.lines().count(), 1, "{}", found.err);
    assert!(found.out.contains("thing 'pods'"), "reasons keep the name as written: {}", found.out);
    bench.write("theirs/mapping.yml", mapping.replace("thing:", "verb:"));
    let refused = bench.run(&scan, b"");
    assert_eq!(refused.code, Some(3), "{}", refused.err);
    assert!(
        refused.err.contains("mapping.yml:5:") && refused.err.contains("`verb`"),
        "{}",
        refused.err
    );
}
