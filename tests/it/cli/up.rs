//! `midwatch up`: the demo shows an alert, the API lists it, Ctrl-C ends it cleanly.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::{Bench, binary};

/// Long enough for a debug build on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// `up` under way; ended when dropped.
struct Up {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Up {
    fn start(bench: &Bench, arguments: &[&str]) -> Self {
        let mut child = binary(bench.dir.path())
            .args(["up", "--port", "0", "--state", "state"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("start");
        let (send, lines) = mpsc::channel();
        let (out, err) = (child.stdout.take().expect("out"), child.stderr.take().expect("err"));
        let forward = |reader: Box<dyn std::io::Read + Send>, send: mpsc::Sender<String>| {
            std::thread::spawn(move || {
                for line in BufReader::new(reader).lines().map_while(Result::ok) {
                    let _ = send.send(line);
                }
            });
        };
        forward(Box::new(out), send.clone());
        forward(Box::new(err), send);
        Self { child, lines }
    }

    /// Waits for a line that contains `part`.
    fn line(&self, part: &str) -> String {
        let mut seen = Vec::new();
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(part) => return line,
                Ok(line) => seen.push(line),
                Err(_) => panic!("no line with `{part}` among\n{}", seen.join("\n")),
            }
        }
    }

    /// Sends Ctrl-C and returns the exit code.
    fn interrupt(mut self) -> Option<i32> {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
        self.child.wait().expect("end").code()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("connect");
    stream.set_read_timeout(Some(PATIENCE)).expect("timeout");
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answer");
    answer
}

fn address(up: &Up) -> String {
    let line = up.line("http://127.0.0.1:");
    let from = line.find("127.0.0.1:").expect("address");
    line[from..].chars().take_while(|c| c.is_ascii_digit() || ".:".contains(*c)).collect()
}

#[test]
fn the_demo_shows_an_alert_answers_the_api_and_ends_cleanly() {
    let bench = Bench::new();
    let up = Up::start(&bench, &["--speed", "1000"]);
    let address = address(&up);
    let alert = up.line("!  high");
    assert!(!alert.contains('\u{1b}'), "no colour in a pipe: {alert}");
    let alerts = get(&address, "/api/v1/alerts");
    assert!(alerts.starts_with("HTTP/1.1 200"), "{alerts}");
    assert!(alerts.contains("midwatch.alert/v1"), "{alerts}");
    up.line("replayed");
    assert_eq!(up.interrupt(), Some(0));
    assert!(bench.path("state/demo/state.redb").is_file());
}

/// The path of this hour's blob in a directory laid out like a log account.
fn blob() -> String {
    let id =
        "SUBSCRIPTIONS/S/RESOURCEGROUPS/G/PROVIDERS/MICROSOFT.CONTAINERSERVICE/MANAGEDCLUSTERS/P1";
    let now = time::OffsetDateTime::now_utc();
    let hour = format!(
        "y={:04}/m={:02}/d={:02}/h={:02}/m=00/PT1H.json",
        now.year(),
        u8::from(now.month()),
        now.day(),
        now.hour()
    );
    format!("account/insights-logs-kube-audit/resourceId=/{id}/{hour}")
}

#[test]
fn a_directory_is_followed_as_a_log_account() {
    let bench = Bench::new();
    bench.write(&blob(), super::event("a-1", "eve"));
    let up = Up::start(&bench, &["account", "--rules", "rules"]);
    let line = up.line("A test rule fired");
    assert!(line.contains("eve"), "{line}");
    assert_eq!(up.interrupt(), Some(0));
    assert!(bench.path("state/state.redb").is_file());
}

/// Waits until the health of the rules is as wanted.
fn rules_health(address: &str, wanted: impl Fn(&serde_json::Value) -> bool) -> serde_json::Value {
    let mut rules = serde_json::Value::Null;
    for _ in 0..900 {
        let answer = get(address, "/api/v1/healthz");
        let (_, body) = answer.split_once("\r\n\r\n").expect("body");
        rules = serde_json::from_str::<serde_json::Value>(body).expect("JSON")["rules"].clone();
        if wanted(&rules) {
            return rules;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("the rules stay {rules}");
}

#[test]
fn changed_rules_are_taken_up_and_bad_ones_are_not() {
    let bench = Bench::new();
    let blob = blob();
    let mut log = super::event("a-1", "eve");
    bench.write(&blob, &log);
    let up = Up::start(&bench, &["account", "--rules", "rules", "--no-shipped-rules"]);
    let address = address(&up);
    up.line("A test rule fired");
    let health = rules_health(&address, |rules| rules["count"] == 1);
    assert!(health["loaded_at"].is_string() && health.get("problem").is_none(), "{health}");

    let second = super::RULE
        .replace("5b7f01", "5b7f02")
        .replace("cli-test-rule", "second")
        .replace("A test rule fired", "A second rule fired");
    bench.write("rules/second.yml", &second);
    rules_health(&address, |rules| rules["count"] == 2);
    log.push_str(&super::event("a-2", "mallory"));
    bench.write(&blob, &log);
    assert!(up.line("A second rule fired").contains("mallory"));

    bench.write("rules/second.yml", second.replace("mode: on", "mode: loud"));
    let health = rules_health(&address, |rules| rules.get("problem").is_some());
    let problem = health["problem"].as_str().expect("text");
    assert!(problem.contains("second.yml:17") && problem.contains("`loud`"), "{problem}");
    assert!(!problem.contains(&*bench.dir.path().to_string_lossy()), "{problem}");
    assert_eq!(health["count"], 2, "the old set goes on");
    up.line("the old rules go on");
    log.push_str(&super::event("a-3", "trudy"));
    bench.write(&blob, &log);
    assert!(up.line("A second rule fired").contains("trudy"));

    bench.write("rules/second.yml", second.replace("A second rule fired", "A mended rule fired"));
    rules_health(&address, |rules| rules["count"] == 2 && rules.get("problem").is_none());
    log.push_str(&super::event("a-4", "peggy"));
    bench.write(&blob, &log);
    assert!(up.line("A mended rule fired").contains("peggy"));
    assert_eq!(up.interrupt(), Some(0));
}

#[test]
fn a_state_file_that_is_none_is_told_with_the_cure() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.dir.path().join("state")).expect("dir");
    std::fs::create_dir_all(bench.dir.path().join("account")).expect("dir");
    std::fs::write(bench.dir.path().join("state/state.redb"), "soup".repeat(1000)).expect("file");
    let up = Up::start(&bench, &["account"]);
    up.line("move it away to start with a new one");
}
