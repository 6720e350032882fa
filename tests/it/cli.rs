//! The command line as people and scripts use it: the real binary, its output, its exit codes.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

mod content;
mod correlations;
mod rule_folders;
mod tuning;
mod up;

/// A rule of our own, so that these tests do not depend on what the built-in rules say.
const RULE: &str = r"title: A test rule fired
id: 0c5f7c0e-5f5d-4c0b-9a54-0d8f1f5b7f01
name: cli-test-rule
status: test
description: Fires on what these tests write.
logsource:
  product: kubernetes
  service: audit
detection:
  selection:
    objectRef.namespace: clitest
  condition: selection
falsepositives:
  - none
level: high
midwatch:
  mode: on
  dedup:
    - user.username
  guide:
    questions:
      - Who was it?
    evidence:
      - The event
";

/// A folder with the rule in `rules/`, for logs and state beside it.
struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self { dir: tempfile::tempdir().expect("dir") };
        bench.write("rules/cli-test-rule.yml", RULE);
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("parent")).expect("dir");
        fs::write(&path, content).expect("write");
        path
    }

    /// `midwatch scan --rules rules ARGUMENTS`, in the folder.
    fn scan(&self, arguments: &[&str]) -> Ran {
        self.run(&[&["scan", "--rules", "rules"], arguments].concat(), b"")
    }

    fn run(&self, arguments: &[&str], input: &[u8]) -> Ran {
        run_in(self.dir.path(), arguments, input)
    }
}

/// How a command ended.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn binary(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_midwatch"));
    command.current_dir(dir).env_clear();
    command
}

fn run_in(dir: &Path, arguments: &[&str], input: &[u8]) -> Ran {
    let mut child = binary(dir)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("start");
    let mut stdin = child.stdin.take().expect("stdin");
    let input = input.to_vec();
    // A command that does not read its input may be gone before it is written.
    let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let Output { status, stdout, stderr } = child.wait_with_output().expect("end");
    writer.join().expect("writer");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Ran { code: status.code(), out: text(stdout), err: text(stderr) }
}

fn run(arguments: &[&str]) -> Ran {
    run_in(Path::new("."), arguments, b"")
}

/// An audit event on which the test rule fires.
fn event(audit_id: &str, user: &str) -> String {
    let event = serde_json::json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata",
        "auditID": audit_id, "stage": "ResponseComplete", "requestURI": "/api/v1/pods",
        "verb": "get", "user": { "username": user }, "sourceIPs": ["203.0.113.9"],
        "userAgent": "=cmd()", "objectRef": { "resource": "pods", "namespace": "clitest", "name": "p\u{1b}[31m" },
        "responseStatus": { "code": 200 },
        "requestReceivedTimestamp": "2026-01-02T03:04:05.000000Z",
        "stageTimestamp": "2026-01-02T03:04:05.000000Z",
    });
    format!("{event}\n")
}

/// The same as an Azure record, its inner event cut to `keep` bytes.
fn record(audit_id: &str, keep: usize) -> String {
    let mut log = event(audit_id, "cut");
    log.truncate(keep);
    let record = serde_json::json!({
        "time": "2026-01-02T03:04:05.1Z", "category": "kube-audit",
        "operationName": "Microsoft.ContainerService/managedClusters/diagnosticLogs/Read",
        "resourceId": "/SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/REC1",
        "properties": { "log": log, "stream": "stdout", "pod": "kube-apiserver-1" },
    });
    format!("{record}\n")
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

fn findings(ran: &Ran) -> Vec<Value> {
    ran.out.lines().map(|line| serde_json::from_str(line).expect("a finding a line")).collect()
}

#[test]
fn help_and_usage_errors_have_their_exit_codes() {
    let help = run(&["--help"]);
    assert_eq!(help.code, Some(0));
    assert!(help.out.contains("Exit codes:") && help.out.contains("130"), "{}", help.out);
    for arguments in [&["scan"][..], &["no-such-command"], &["scan", "--fail-onn", "high", "x"]] {
        let ran = run(arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}");
        assert!(ran.out.is_empty());
    }
    assert!(run(&["scan", "--fail-onn", "high", "x"]).err.contains("--fail-on"));
}

#[test]
fn version_completions_and_manual_pages_are_there() {
    let version = run(&["version", "-o", "json"]);
    let object: Value = serde_json::from_str(&version.out).expect("json");
    assert_eq!(object["version"], env!("CARGO_PKG_VERSION"));
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = run(&["completions", shell]);
        assert_eq!(script.code, Some(0));
        assert!(script.out.contains("midwatch") && script.out.contains("scan"), "{shell}");
    }
    let man = run(&["man"]);
    assert!(man.code == Some(0) && man.out.contains(".TH midwatch 1"), "{}", man.out);
    let bench = Bench::new();
    assert_eq!(bench.run(&["man", "--dir", "man"], b"").code, Some(0));
    for page in ["midwatch.1", "midwatch-scan.1", "midwatch-rules-explain.1"] {
        assert!(bench.path("man").join(page).is_file(), "{page}");
    }
}

#[test]
fn every_format_parses_and_tells_the_same_finding() {
    let bench = Bench::new();
    bench.write("log.json", event("a-1", "eve"));
    let ndjson = findings(&bench.scan(&["log.json", "-o", "ndjson"]));
    assert_eq!(ndjson.len(), 1);
    assert_eq!(ndjson[0]["rule"]["name"], "cli-test-rule");
    assert_eq!(ndjson[0]["events"][0]["audit_id"], "a-1");
    assert_eq!(ndjson[0]["cluster"], "offline");
    let id = ndjson[0]["id"].as_str().expect("id");

    let json = bench.scan(&["log.json", "-o", "json"]);
    let object: Value = serde_json::from_str(&json.out).expect("json");
    assert_eq!(object["findings"][0]["id"], id);
    assert_eq!(object["summary"]["records"], 1);
    assert_eq!(object["summary"]["by_level"]["high"], 1);

    let csv = bench.scan(&["log.json", "-o", "csv"]);
    let rows: Vec<&str> = csv.out.lines().collect();
    assert_eq!(rows.len(), 2);
    assert!(rows[0].starts_with("id,time,level,rule"));
    assert!(rows[1].starts_with(id));

    let sarif = bench.scan(&["log.json", "-o", "sarif"]);
    let log: Value = serde_json::from_str(&sarif.out).expect("sarif");
    assert_eq!(log["version"], "2.1.0");
    assert_eq!(log["runs"][0]["results"][0]["ruleId"], "cli-test-rule");
    assert_eq!(log["runs"][0]["results"][0]["level"], "error");

    let table = bench.scan(&["log.json"]);
    assert!(table.out.contains("A test rule fired") && table.out.contains("eve"), "{}", table.out);
    assert!(table.out.contains("1 in 1 alert: 1 high"), "{}", table.out);
    assert!([&json, &csv, &sarif, &table].iter().all(|ran| ran.code == Some(0)));
}

#[test]
fn hostile_content_neither_draws_nor_calculates() {
    let bench = Bench::new();
    bench.write("log.json", event("a-1", "\u{1b}]0;x\u{7}\u{9b}2J\u{202e}=SUM(A1)"));
    for format in ["table", "json", "ndjson", "csv", "sarif"] {
        let ran = bench.scan(&["log.json", "-o", format]);
        for text in [&ran.out, &ran.err] {
            let acts = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!text.chars().any(acts), "{format}: {text:?}");
        }
        assert_eq!(ran.code, Some(0));
    }
    let csv = bench.scan(&["log.json", "-o", "csv"]).out;
    assert!(csv.contains(",'=cmd()") || csv.contains(",\"'=cmd()"), "{csv}");
}

#[test]
fn files_directories_globs_gzip_and_standard_input_are_read() {
    let bench = Bench::new();
    bench.write("logs/one.jsonl", event("a-1", "eve"));
    bench.write("logs/deep/two.log.gz", gzip(&event("a-2", "eve")));
    bench.write("logs/manifest.jsonl", "{\"scenario\":\"x\",\"auditIDs\":[\"a-1\"]}\n");
    bench.write("logs/README.md", "not a log");
    let count = |ran: &Ran| findings(ran).len();
    let directory = bench.scan(&["logs", "-o", "ndjson"]);
    assert_eq!((count(&directory), directory.code), (2, Some(0)), "{}", directory.err);
    assert_eq!(count(&bench.scan(&["logs/*.jsonl", "-o", "ndjson"])), 1);
    assert_eq!(count(&bench.scan(&["logs/**/*.gz", "-o", "ndjson"])), 1);

    let arguments = ["scan", "--rules", "rules", "-", "-o", "ndjson", "--cluster", "Prod-1"];
    for input in [event("a-3", "eve").into_bytes(), gzip(&event("a-3", "eve"))] {
        let ran = bench.run(&arguments, &input);
        let found = findings(&ran);
        assert_eq!((found.len(), ran.code), (1, Some(0)), "{}", ran.err);
        assert_eq!(found[0]["cluster"], "prod-1");
        assert_eq!(found[0]["evidence"]["origin"], "-");
    }
}

#[test]
fn a_downloaded_blob_keeps_its_cluster() {
    let bench = Bench::new();
    let id =
        "SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/P1";
    let blob =
        format!("insights-logs-kube-audit/resourceId=/{id}/y=2026/m=01/d=02/h=03/m=00/PT1H.json");
    bench.write(&blob, event("a-1", "eve"));
    let found = findings(&bench.scan(&["insights-logs-kube-audit", "-o", "ndjson"]));
    assert_eq!(found[0]["cluster"], format!("/{}", id.to_lowercase()));
}

#[test]
fn the_same_event_in_two_files_is_told_once() {
    let bench = Bench::new();
    bench.write("a.json", event("a-1", "eve"));
    bench.write("b.json", event("a-1", "eve"));
    let ran = bench.scan(&["a.json", "b.json", "-o", "json"]);
    let object: Value = serde_json::from_str(&ran.out).expect("json");
    assert_eq!(object["summary"]["findings"], 1);
    assert_eq!(object["summary"]["repeated"], 1);
}

#[test]
fn findings_can_fail_a_pipeline_and_filters_hide_them() {
    let bench = Bench::new();
    bench.write("log.json", event("a-1", "eve"));
    for (arguments, code) in [
        (&["--fail-on", "high"][..], 1),
        (&["--fail-on", "critical"], 0),
        (&["--fail-on", "low", "--level", "critical"], 0),
        (&["--fail-on", "low", "--mode", "duet"], 0),
    ] {
        let ran = bench.scan(&[&["log.json"], arguments].concat());
        assert_eq!(ran.code, Some(code), "{arguments:?}");
    }
}

#[test]
fn a_cut_record_and_a_malformed_line_are_told_with_their_offsets_and_the_rest_is_used() {
    let bench = Bench::new();
    let whole = event("a-1", "eve");
    // Without its last brace: everything else lies before the cut.
    let cut = record("a-2", event("a-2", "cut").len() - 2);
    let log = [whole.as_str(), &cut, "nonsense\n", &event("a-3", "eve")].concat();
    bench.write("log.json", &log);
    let ran = bench.scan(&["log.json", "-o", "ndjson"]);
    assert_eq!(ran.code, Some(4), "{}", ran.err);
    let found = findings(&ran);
    assert_eq!(found.len(), 3, "{}", ran.err);
    assert_eq!(found[1]["truncated"], true);
    let at = |what: &str, offset: usize| format!("log.json: {what} at byte {offset}: ");
    assert!(ran.err.contains(&at("truncated", whole.len())), "{}", ran.err);
    assert!(ran.err.contains(&at("malformed-line", whole.len() + cut.len())), "{}", ran.err);
    assert!(ran.err.contains("1 malformed"), "{}", ran.err);
}

#[test]
fn what_cannot_be_read_is_told_and_counted() {
    let bench = Bench::new();
    bench.write("good.json", event("a-1", "eve"));
    let mut damaged = gzip(&event("a-2", "eve").repeat(100));
    damaged.truncate(damaged.len() / 2);
    bench.write("damaged.gz", damaged);
    fs::create_dir(bench.path("empty")).expect("dir");
    for bad in ["gone.json", "damaged.gz", "empty", "no*match"] {
        let ran = bench.scan(&["good.json", bad, "-o", "ndjson"]);
        assert_eq!(ran.code, Some(4), "{bad}: {}", ran.err);
        assert!(ran.err.contains(&format!("cannot read {bad}: ")), "{bad}: {}", ran.err);
        assert_eq!(findings(&ran)[0]["events"][0]["audit_id"], "a-1");
    }
}

#[test]
fn nothing_to_check_is_not_called_clean() {
    let bench = Bench::new();
    let other = record("a-1", 40).replace("kube-audit", "kube-scheduler");
    for input in ["", "\n", other.as_str()] {
        let ran = bench.run(&["scan", "-"], input.as_bytes());
        assert_eq!(ran.code, Some(4), "{input}: {}", ran.err);
        assert!(ran.err.contains("nothing has been checked"), "{}", ran.err);
    }
}

#[test]
fn unusable_rules_are_a_configuration_error_of_one_line() {
    let bench = Bench::new();
    bench.write("log.json", event("a-1", "eve"));
    bench.write("rules/broken.yml", "title: x\ndetection: [\n");
    let ran = bench.scan(&["log.json"]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(3), ""));
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    assert!(ran.err.contains("broken.yml:"), "{}", ran.err);
    let lint = bench.run(&["rules", "lint", "rules"], b"");
    assert_eq!(lint.code, Some(1), "{}", lint.err);
}

#[test]
fn an_interrupted_scan_says_so() {
    let mut child = binary(Path::new("."))
        .args(["scan", "-", "--quiet"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("start");
    // The records that were taken show that the scan is at work: it reads more than a pipe holds.
    let mut stdin = child.stdin.take().expect("stdin");
    let log: String = (0..1000).map(|n| event(&format!("a-{n}"), "eve")).collect();
    stdin.write_all(log.as_bytes()).expect("taken");
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
    assert_eq!(child.wait().expect("end").code(), Some(130));
    drop(stdin);
}

#[test]
fn serve_names_what_it_misses() {
    let alone = run(&["serve"]);
    assert_eq!(alone.code, Some(3));
    assert!(alone.err.contains("neither FUNCTIONS_CUSTOMHANDLER_PORT"), "{}", alone.err);
    // A port that was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
    let port = listener.local_addr().expect("address").port().to_string();
    drop(listener);
    let ended = binary(Path::new("."))
        .arg("serve")
        .env("FUNCTIONS_CUSTOMHANDLER_PORT", port)
        .output()
        .expect("start");
    let err = String::from_utf8(ended.stderr).expect("UTF-8");
    assert_eq!(ended.status.code(), Some(3), "{err}");
    assert!(err.contains("MIDWATCH_TABLE_ENDPOINT") && err.lines().count() == 1, "{err}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let bench = Bench::new();
    let log: String = (0..3000).map(|n| event(&format!("a-{n}"), "eve")).collect();
    bench.write("log.json", log);
    let mut child = binary(bench.dir.path())
        .args(["scan", "--rules", "rules", "log.json", "-o", "ndjson", "-q"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("start");
    let mut first = [0; 64];
    child.stdout.take().expect("stdout").read_exact(&mut first).expect("a finding");
    let ended = child.wait_with_output().expect("end");
    assert_eq!(ended.status.code(), Some(0));
    assert!(ended.stderr.is_empty(), "{}", String::from_utf8_lossy(&ended.stderr));
}

#[test]
fn rules_are_listed_shown_and_explained() {
    let bench = Bench::new();
    let run = |arguments: &[&str]| bench.run(arguments, event("a-1", "eve").as_bytes());
    let list = run(&["rules", "list", "--rules", "rules", "--level", "high", "-o", "json"]);
    let rules: Vec<Value> = serde_json::from_str(&list.out).expect("json");
    assert!(rules.iter().any(|rule| rule["name"] == "cli-test-rule"));
    assert!(rules.iter().all(|rule| rule["level"] == "high" || rule["level"] == "critical"));
    assert!(run(&["rules", "list"]).out.starts_with("LEVEL"));
    assert!(run(&["rules", "list", "-o", "csv"]).out.starts_with("level,"));

    let show = run(&["rules", "show", "cli-test-rule", "--rules", "rules"]);
    assert!(
        show.out.contains("objectRef.namespace: clitest") && show.out.contains("Who was it?"),
        "{}",
        show.out
    );
    let unknown = run(&["rules", "show", "cli-test-rul", "--rules", "rules"]);
    assert_eq!(unknown.code, Some(2));
    assert!(unknown.err.contains("did you mean `cli-test-rule`"), "{}", unknown.err);

    let explain = ["rules", "explain", "--rule", "cli-test-rule", "--rules", "rules", "-"];
    let ran = run(&explain);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(ran.out.contains("fires") && ran.out.contains("clitest"), "{}", ran.out);
    let ran = run(&[&explain[..], &["-o", "json"]].concat());
    let object: Value = serde_json::from_str(&ran.out).expect("json");
    assert_eq!(object["decisions"][0]["fires"], true);
}

#[test]
fn rule_cases_are_run_and_a_wrong_verdict_fails() {
    let bench = Bench::new();
    let case = |name: &str, matches: bool| {
        let event = event("a-1", "eve");
        format!("{{\"name\":\"{name}\",\"match\":{matches},\"event\":{}}}\n", event.trim())
    };
    bench.write("rules/cli-test-rule.cases.jsonl", case("right", true));
    let ran = bench.run(&["rules", "test", "rules"], b"");
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    bench.write("rules/cli-test-rule.cases.jsonl", case("right", true) + &case("wrong", false));
    let ran = bench.run(&["rules", "test", "rules"], b"");
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.contains("`wrong`") && ran.out.contains("cases.jsonl:2"), "{}", ran.out);
}

#[test]
fn a_rule_that_can_never_fire_is_refused_with_its_line() {
    let bench = Bench::new();
    bench.write(
        "rules/cli-test-rule.yml",
        RULE.replace("objectRef.namespace", "objectRef.namespaces"),
    );
    let lint = bench.run(&["rules", "lint", "rules"], b"");
    assert_eq!(lint.code, Some(1), "{}", lint.err);
    assert!(lint.out.contains("cli-test-rule.yml:11: error: "), "{}", lint.out);
    let json = bench.run(&["rules", "lint", "rules", "-o", "json"], b"");
    let object: Value = serde_json::from_str(&json.out).expect("json");
    assert_eq!(object["complaints"][0]["severity"], "error");
    bench.write("log.json", event("a-1", "eve"));
    assert_eq!(bench.scan(&["log.json"]).code, Some(3));
}

#[test]
fn the_built_in_rules_pass_their_cases_and_the_lint() {
    for arguments in [["rules", "test"], ["rules", "lint"]] {
        let ran = run(&arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}\n{}\n{}", ran.out, ran.err);
    }
}
