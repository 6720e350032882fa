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
