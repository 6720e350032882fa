//! The real binary under the fake host: readiness, every envelope, refusals, and what a sudden
//! end or a second copy does to the state.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::azurite::{self, Azurite, name};
use crate::fake_host::stage::repository;
use crate::fake_host::wire::Call;
use crate::fake_host::{FakeHost, HostVerdict, PortVariable, settings};

const CONTAINER: &str = "insights-logs-kube-audit";

/// A log blob's name that no other test uses.
fn blob_name(subject: &str) -> String {
    format!(
        "resourceId=/SUBSCRIPTIONS/00000000-0000-0000-0000-000000000001/RESOURCEGROUPS/SHOP/\
         PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/{}/y=2026/m=01/d=01/h=10/m=00/\
         PT1H.json",
        subject.to_uppercase()
    )
}

fn host(subject: &str) -> FakeHost {
    FakeHost::start(&settings(Azurite::shared(), subject))
}

/// A record as AKS writes it, of an event that a shipped rule is about, with an id of its own.
fn record(number: usize) -> String {
    let cases = repository().join("rules/kubernetes/collection/kubectl-cp.cases.jsonl");
    let cases = fs::read_to_string(cases).unwrap();
    let case: Value = serde_json::from_str(cases.lines().next().unwrap()).unwrap();
    assert_eq!(case["match"], true);
    let mut event = case["event"].clone();
    event["auditID"] = json!(format!("00000000-0000-4000-8000-{number:012}"));
    let record = json!({
        "time": "2026-01-01T10:00:00.0000000Z",
        "category": "kube-audit",
        "operationName": "Microsoft.ContainerService/managedClusters/diagnosticLogs/Read",
        "properties": {"log": event.to_string(), "stream": "stdout", "pod": "kube-apiserver-0"},
    });
    format!("{record}\n")
}

fn records(count: usize) -> Vec<u8> {
    (0..count).flat_map(|number| record(number).into_bytes()).collect()
}

fn message(blob: &str) -> String {
    json!({"account": azurite::ACCOUNT, "container": CONTAINER, "blob": blob}).to_string()
}

/// Sends a signal to a process of our own; every shell has `kill` built in.
fn signal(pid: u32, name: &str) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status();
    assert!(sent.unwrap().success(), "the process was there");
}

/// Every finding that the API tells, by id; and none twice.
fn findings(host: &FakeHost) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for alert in pages(host, "/api/v1/alerts?limit=200", "alerts") {
        let id = alert["id"].as_str().unwrap();
        let path = format!("/api/v1/alerts/{id}?limit=200");
        let of_alert = pages(host, &path, "findings");
        assert_eq!(alert["findings"], of_alert.len(), "the alert counts what it holds");
        for finding in of_alert {
            assert!(found.insert(finding["id"].as_str().unwrap().to_owned()), "twice: {finding}");
        }
    }
    found
}

fn pages(host: &FakeHost, path: &str, part: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut next = path.to_owned();
    loop {
        let answer = host.proxy("GET", &next);
        assert_eq!(answer.status, 200, "{next}");
        let body = answer.json();
        all.extend(body[part].as_array().unwrap().iter().cloned());
        let Some(cursor) = body["cursor"].as_str() else { return all };
        next = format!("{path}&cursor={cursor}");
    }
}

/// What the host may log or echo must be short and hold no secret.
fn check_failure(verdict: &HostVerdict, status: u16, what: &str) {
    let HostVerdict::Failure { status: found, body } = verdict else {
        panic!("{what}: {verdict:?}");
    };
    assert_eq!(*found, Some(status), "{what}: {body}");
    assert!(body.len() < 600, "{what}: {body}");
    for secret in [azurite::KEY, "AccountKey", "not-a-real-key"] {
        assert!(!body.contains(secret), "{what}: {body}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_envelope_of_every_host_is_answered_as_its_fixture_says() {
    let azurite = Azurite::shared();
    azurite.create_container(CONTAINER).await;
    let blob = blob_name("PROD1");
    azurite.append(CONTAINER, &blob, &records(1)).await;
    let host = host(&name("envelopes"));
    let mut seen = 0;
    let mut paths: Vec<_> = fs::read_dir(repository().join("tests/data/invocations"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    for path in paths {
        let text = fs::read_to_string(&path)
            .unwrap()
            .replace("{{account}}", azurite::ACCOUNT)
            .replace("{{blob_endpoint}}", &azurite.blob_endpoint)
            .replace("{{base64:segment}}", &STANDARD.encode(message(&blob)));
        let fixture: Value = serde_json::from_str(&text).unwrap();
        let what = format!("{}: {}", path.display(), fixture["note"]);
        let function = fixture["function"].as_str().unwrap();
        let verdict = host.invoke_raw(function, fixture["request"].to_string());
        let expect = fixture["expect"].as_str().unwrap();
        match (&verdict, expect) {
            (HostVerdict::Success { logs }, "success") => {
                assert!(!logs[0].starts_with("given up"), "{what}: {logs:?}");
            }
            (HostVerdict::Success { logs }, "given-up") => {
                assert!(logs[0].starts_with("given up for good"), "{what}: {logs:?}");
            }
            (_, "failure") => {
                let status = u16::try_from(fixture["status"].as_u64().unwrap()).unwrap();
                check_failure(&verdict, status, &what);
            }
            _ => panic!("{what}: {verdict:?}"),
        }
        seen += 1;
    }
    assert!(seen >= 20, "the fixtures are there");
    assert_eq!(findings(&host).len(), 1, "one record, however often it was told of");
    check_logs(&host);
    let id = "5d3e2f9a-7c11-4f6f-9c65-0d2b8a6f2f10";
    let done = |line: &&String| line.contains("done: ") && line.contains(id);
    assert!(host.stdout().iter().find(done).is_some(), "an invocation's line carries its id");
}

/// The host takes standard output line by line and standard error for errors.
fn check_logs(host: &FakeHost) {
    let lines = host.stdout();
    assert!(!lines.is_empty());
    for line in &lines {
        let object: Value = serde_json::from_str(line).expect("each line is JSON");
        assert!(object["level"].is_string(), "{line}");
        for secret in [azurite::KEY, "AccountKey", "not-a-real-key", "jonas.peters"] {
            assert!(!line.contains(secret), "{line}");
        }
    }
    assert_eq!(host.stderr(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_old_port_variable_does_alone() {
    let settings = settings(Azurite::shared(), &name("oldport"));
    let host = FakeHost::start_with(PortVariable::HttpWorker, &settings);
    host.wait_until_healthy();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_reaches_the_api_and_no_trigger_and_its_key_reaches_no_log() {
    let host = host(&name("client"));
    host.wait_until_healthy();
    let key = ("x-functions-key", "not-a-real-key");
    let path = "/api/v1/healthz?code=not-a-real-key";
    let health = host.proxy_with("GET", path, &[key], b"");
    assert_eq!(health.status, 200);
    assert_eq!(health.json()["status"], "ready");
    assert_eq!(host.proxy("GET", "/api/v1/alerts").json()["alerts"], json!([]));
    // Whatever else a client forges, the proxy's own header gives it away.
    let timer = br#"{"Data":{"timer":{}},"Metadata":{}}"#.to_vec();
    let forged = Call::invocation("follow", timer).with_header("x-ms-invocation-id", "x");
    assert_eq!(host.send(&forged).unwrap().status, 403);
    for (method, path, status) in [
        ("POST", "/follow", 403),
        ("POST", "/segment", 403),
        ("POST", "/detect", 403),
        ("GET", "/api/v1/nothing", 404),
        ("POST", "/api/v1/alerts", 405),
        ("GET", "/api/v1/alerts?level=severe", 400),
    ] {
        let answer = host.proxy_with(method, path, &[key], b"{}");
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(answer.json().is_object(), "{method} {path}");
        assert_eq!(answer.header("content-encoding"), None);
    }
    check_logs(&host);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_invocation_fails_shortly_and_visibly() {
    let host = host(&name("refusals"));
    let timer = r#"{"Data":{"timer":{}},"Metadata":{}}"#;
    for (function, body, status) in [
        ("Follow", timer, 404),
        ("FOLLOW", timer, 404),
        ("follow/", timer, 404),
        ("nothing", timer, 404),
        ("follow", "", 400),
        ("follow", "null", 400),
        ("follow", "{\"Data\":", 400),
        ("segment", "[]", 400),
        ("detect", "not json", 400),
    ] {
        let verdict = host.invoke_raw(function, body);
        check_failure(&verdict, status, &format!("/{function} with {body}"));
    }
    let get = host.send(&Call::get("/follow")).unwrap();
    assert_eq!(get.status, 405);
    let padding = "A".repeat(40 * 1024 * 1024);
    let uri = "\"https://elsewhere.blob.core.windows.net/logs/n\"";
    let taken = host.invoke("detect", json!({ "auditBlob": padding }), json!({ "Uri": uri }));
    assert!(taken.is_success(), "40 MB are taken where a blob comes");
    for function in ["follow", "segment"] {
        let refused = host.invoke(function, json!({ "value": padding }), json!({}));
        check_failure(&refused, 413, &format!("40 MB to {function}"));
    }
    assert!(host.fire_timer("follow").is_success(), "and the process goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_invocations_all_succeed() {
    let azurite = Azurite::shared();
    azurite.create_container(CONTAINER).await;
    let host = host(&name("concurrent"));
    let blobs: Vec<String> = (0..6).map(|n| blob_name(&format!("concurrent{n}"))).collect();
    for (number, blob) in blobs.iter().enumerate() {
        let size = if number == 0 { 400 } else { 2 };
        azurite.append(CONTAINER, blob, &records(size)).await;
    }
    thread::scope(|scope| {
        let running: Vec<_> = blobs
            .iter()
            .map(|blob| scope.spawn(|| host.deliver("segment", &message(blob), 1)))
            .collect();
        for _ in 0..10 {
            assert_eq!(host.send(&Call::get("/")).unwrap().status, 200);
        }
        for one in running {
            let verdict = one.join().unwrap();
            assert!(verdict.is_success(), "{verdict:?}");
        }
    });
    assert_eq!(findings(&host).len(), 400 + 5 * 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sudden_end_loses_nothing_and_doubles_nothing() {
    let azurite = Azurite::shared();
    azurite.create_container(CONTAINER).await;
    let blob = blob_name("killed");
    azurite.append(CONTAINER, &blob, &records(300)).await;
    let mut settings = settings(azurite, &name("killed"));
    // A lease that outlives its holder only delays; here it would delay the test.
    settings.push(("MIDWATCH_LEASE_SECONDS".to_owned(), "1".to_owned()));
    let mut host = FakeHost::start(&settings);
    for pause_ms in [5, 40, 120] {
        let pid = host.pid();
        thread::scope(|scope| {
            scope.spawn(|| host.deliver("segment", &message(&blob), 1));
            thread::sleep(Duration::from_millis(pause_ms));
            signal(pid, "KILL");
        });
        host.restart();
    }
    let mut last = None;
    for _ in 0..40 {
        let verdict = host.deliver("segment", &message(&blob), 2);
        // A write of the dead process may still arrive and win; then the host repeats, as here.
        if !verdict.is_success() {
            check_failure(&verdict, 500, "after a sudden end");
        }
        last = Some(verdict);
        if findings(&host).len() == 300 {
            return;
        }
        thread::sleep(Duration::from_millis(250));
    }
    panic!("{} of 300 findings after {last:?}", findings(&host).len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_copies_at_once_double_nothing() {
    let azurite = Azurite::shared();
    azurite.create_container(CONTAINER).await;
    let blob = blob_name("twice");
    azurite.append(CONTAINER, &blob, &records(120)).await;
    let settings = settings(azurite, &name("twice"));
    let (one, other) = (FakeHost::start(&settings), FakeHost::start(&settings));
    for _ in 0..3 {
        thread::scope(|scope| {
            for host in [&one, &other] {
                scope.spawn(|| host.deliver("segment", &message(&blob), 1));
            }
        });
    }
    assert!(one.deliver("segment", &message(&blob), 1).is_success());
    assert_eq!(findings(&one).len(), 120);
    assert_eq!(findings(&one), findings(&other));
}

#[test]
fn without_settings_it_says_in_three_lines_what_is_missing_and_ends() {
    let none: &[(&str, &str)] = &[("MIDWATCH_CLIENT_SECRET", "not-a-real-key")];
    let (status, lines) = FakeHost::start_and_fail(none);
    assert_eq!(status.code(), Some(3));
    assert!((1..=3).contains(&lines.len()), "{lines:?}");
    let text = lines.join("\n");
    assert!(text.contains("MIDWATCH_LOG_ACCOUNTS"), "{text}");
    assert!(!text.contains("not-a-real-key"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_polite_signal_ends_it_cleanly() {
    let mut host = host(&name("signal"));
    signal(host.pid(), "TERM");
    let status = host.wait_for_end().expect("it ends");
    assert!(status.code().is_some(), "by itself and not by the signal: {status}");
}
