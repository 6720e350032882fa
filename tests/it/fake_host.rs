//! A fake Functions host: it starts the real binary as the real host does, waits for its port,
//! calls triggers with chunked envelopes, proxies HTTP requests, judges the answers as strictly,
//! and ends the process without a warning. Every habit is one that the host's source shows.

use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub(crate) mod stage;
pub(crate) mod wire;

pub(crate) use stage::script_root;
use wire::Answer;

use crate::azurite::Azurite;

/// The host asks every 25 ms whether the port is open, and gives up after 30 s; a test machine
/// under load gets more.
const POLL: Duration = Duration::from_millis(25);
const START_PATIENCE: Duration = Duration::from_secs(90);
/// How often the host's proxy sends a request again when the connection breaks.
const PROXY_TRIES: u32 = 10;

/// Which of its two port variables the host sets: hosts set both, each must do alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PortVariable {
    CustomHandler,
    HttpWorker,
}

/// A running handler, and how the host would see it.
pub(crate) struct FakeHost {
    child: Child,
    port: u16,
    variable: PortVariable,
    env: Vec<(String, String)>,
    stdout: Lines,
    stderr: Lines,
}

/// The host's judgement of an invocation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum HostVerdict {
    /// 2xx, JSON, an object: the message is deleted, the tick is done.
    Success { logs: Vec<String> },
    /// Anything else that is an answer, or a broken connection (`status` is `None`): the host
    /// repeats, or lets the message go to the poison queue.
    Failure { status: Option<u16>, body: String },
    /// 2xx without a result: the host would wait for its timeout and kill the process.
    Hung,
}

impl HostVerdict {
    pub(crate) fn is_success(&self) -> bool {
        matches!(self, Self::Success { .. })
    }
}

impl FakeHost {
    /// Starts the binary with these settings, and returns when the host would call it ready.
    pub(crate) fn start<K: AsRef<str>, V: AsRef<str>>(env: &[(K, V)]) -> Self {
        Self::start_with(PortVariable::CustomHandler, env)
    }

    /// The same, with the port in the variable of choice only.
    pub(crate) fn start_with<K: AsRef<str>, V: AsRef<str>>(
        variable: PortVariable,
        env: &[(K, V)],
    ) -> Self {
        let mut host = Self::spawn(variable, owned(env));
        host.wait_until_ready();
        host
    }

    /// Starts the binary where it is expected to give up, and returns how it ended and what it
    /// wrote to standard error.
    pub(crate) fn start_and_fail<K: AsRef<str>, V: AsRef<str>>(
        env: &[(K, V)],
    ) -> (ExitStatus, Vec<String>) {
        let mut host = Self::spawn(PortVariable::CustomHandler, owned(env));
        let deadline = Instant::now() + START_PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = host.child.try_wait().unwrap() {
                return (status, host.stderr.finish());
            }
            thread::sleep(POLL);
        }
        panic!("the handler was to give up and runs on");
    }

    fn spawn(variable: PortVariable, env: Vec<(String, String)>) -> Self {
        let port = free_port();
        let name = match variable {
            PortVariable::CustomHandler => "FUNCTIONS_CUSTOMHANDLER_PORT",
            PortVariable::HttpWorker => "FUNCTIONS_HTTPWORKER_PORT",
        };
        let root = script_root();
        let mut child = Command::new(env!("CARGO_BIN_EXE_midwatch"))
            .arg("serve")
            .current_dir(root)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", root)
            .env("FUNCTIONS_APP_ROOT_PATH", root)
            .env(name, port.to_string())
            .envs(env.iter().map(|(k, v)| (k, v)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary under test starts");
        let stdout = Lines::collect(child.stdout.take().unwrap());
        let stderr = Lines::collect(child.stderr.take().unwrap());
        Self { child, port, variable, env, stdout, stderr }
    }

    /// Connects every 25 ms; once that works, any answer to `GET /` means ready.
    fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + START_PATIENCE;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the handler ended with {status}: {:?}", self.stderr.finish());
            }
            assert!(Instant::now() < deadline, "the handler opened no port");
            thread::sleep(POLL);
        }
        let answer = wire::send(self.port, &wire::Call::get("/")).expect("an answer to GET /");
        assert_eq!(answer.status, 200, "GET / is answered at once");
    }

    /// Calls a trigger as the host does: `{"Data": data, "Metadata": metadata}`, to which the
    /// host adds `sys`, in chunks and without a length.
    pub(crate) fn invoke(&self, function: &str, data: Value, mut metadata: Value) -> HostVerdict {
        if let Some(metadata) = metadata.as_object_mut() {
            metadata.entry("sys").or_insert_with(|| {
                json!({"MethodName": function, "UtcNow": "2026-01-01T00:00:00Z",
                       "RandGuid": "0f3a2c1e-5c3f-4a5e-9d55-7d6f6c3e1a01"})
            });
        }
        let envelope = [("Data".to_owned(), data), ("Metadata".to_owned(), metadata)];
        self.invoke_raw(function, Value::from_iter(envelope).to_string())
    }

    /// Fires the timer of a function.
    pub(crate) fn fire_timer(&self, function: &str) -> HostVerdict {
        let timer = json!({"Schedule": {"AdjustForDST": true}, "ScheduleStatus": null,
                           "IsPastDue": false});
        self.invoke(function, json!({ "timer": timer }), json!({}))
    }

    /// Hands a queue message to a function, in the encoding of today's hosts.
    pub(crate) fn deliver(&self, function: &str, message: &str, dequeued: u32) -> HostVerdict {
        let twice = json!(message).to_string();
        let metadata = json!({"DequeueCount": dequeued.to_string(), "Id": "\"3c9e0d6e\"",
            "PopReceipt": "\"AgAAAAMAAAA\"", "InsertionTime": "2026-01-01T10:00:00+00:00",
            "ExpirationTime": "2026-01-08T10:00:00+00:00",
            "NextVisibleTime": "2026-01-01T10:10:00+00:00"});
        self.invoke(function, json!({ "message": twice }), metadata)
    }

    /// Calls a trigger with any body.
    pub(crate) fn invoke_raw(&self, function: &str, body: impl Into<Vec<u8>>) -> HostVerdict {
        judge(wire::send(self.port, &wire::Call::invocation(function, body.into())))
    }

    /// Proxies a client's request, as an HTTP function with `enableProxyingHttpRequest` does.
    pub(crate) fn proxy(&self, method: &str, path: &str) -> Answer {
        self.proxy_with(method, path, &[], b"")
    }

    /// The same, with headers and a body of the client's own.
    pub(crate) fn proxy_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let call = wire::Call::proxied(method, path, headers, body);
        let mut failure = None;
        for attempt in 0..PROXY_TRIES {
            match wire::send(self.port, &call) {
                Ok(answer) => return answer,
                Err(error) => failure = Some(error),
            }
            thread::sleep(Duration::from_millis(50 + 20 * u64::from(attempt)));
        }
        panic!("{method} {path} got no answer: {failure:?}");
    }

    /// Asks `healthz` until it says that initialisation has ended: unlike everything else it
    /// does not wait for that.
    pub(crate) fn wait_until_healthy(&self) {
        let deadline = Instant::now() + START_PATIENCE;
        while self.proxy("GET", "/api/v1/healthz").status != 200 {
            assert!(Instant::now() < deadline, "the handler does not get healthy");
            thread::sleep(POLL);
        }
    }

    /// Any other call.
    pub(crate) fn send(&self, call: &wire::Call) -> std::io::Result<Answer> {
        wire::send(self.port, call)
    }

    /// Ends the process as the host does at a timeout and at shutdown: SIGKILL, no warning.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("the process ends");
    }

    /// Kills the process, if it still runs, and starts another with the same settings.
    pub(crate) fn restart(&mut self) {
        self.kill();
        *self = Self::spawn(self.variable, std::mem::take(&mut self.env));
        self.wait_until_ready();
    }

    /// The process id, to send it a signal.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How the process ended, if it has; waits a while for that.
    pub(crate) fn wait_for_end(&mut self) -> Option<ExitStatus> {
        let deadline = Instant::now() + START_PATIENCE;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait().unwrap() {
                return Some(status);
            }
            thread::sleep(POLL);
        }
        None
    }

    /// Lines written to standard output so far.
    pub(crate) fn stdout(&self) -> Vec<String> {
        self.stdout.so_far()
    }

    /// Lines written to standard error so far.
    pub(crate) fn stderr(&self) -> Vec<String> {
        self.stderr.so_far()
    }
}

impl Drop for FakeHost {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            for line in self.stdout.so_far().iter().rev().take(30).rev() {
                eprintln!("handler: {line}");
            }
            for line in self.stderr.so_far() {
                eprintln!("handler (stderr): {line}");
            }
        }
    }
}

/// App settings with which `serve` works on an emulator; `subject` keeps the tables of one test
/// apart from those of others.
pub(crate) fn settings(azurite: &Azurite, subject: &str) -> Vec<(String, String)> {
    [
        ("MIDWATCH_LOG_ACCOUNTS", azurite.blob_endpoint.clone()),
        ("MIDWATCH_TABLE_ENDPOINT", azurite.table_endpoint.clone()),
        ("MIDWATCH_QUEUE_ENDPOINT", azurite.queue_endpoint.clone()),
        ("MIDWATCH_TABLE_PREFIX", subject.to_owned()),
        ("MIDWATCH_CREDENTIAL", "connection-string".to_owned()),
        ("MIDWATCH_CONNECTION_STRING", azurite.connection_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}

fn owned<K: AsRef<str>, V: AsRef<str>>(env: &[(K, V)]) -> Vec<(String, String)> {
    env.iter().map(|(k, v)| (k.as_ref().to_owned(), v.as_ref().to_owned())).collect()
}

/// As the host judges: any 2xx must be `application/json` with an object.
fn judge(answer: std::io::Result<Answer>) -> HostVerdict {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return HostVerdict::Failure { status: None, body: error.to_string() },
    };
    let body = String::from_utf8_lossy(&answer.body).into_owned();
    if !(200..300).contains(&answer.status) {
        return HostVerdict::Failure { status: Some(answer.status), body };
    }
    if answer.body.is_empty() || body.trim() == "null" {
        return HostVerdict::Hung;
    }
    let is_json = answer.header("content-type").is_some_and(|t| t.starts_with("application/json"));
    match serde_json::from_str::<Value>(&body) {
        Ok(Value::Object(object)) if is_json => {
            let logs = object.get("Logs").and_then(Value::as_array).cloned().unwrap_or_default();
            let logs = logs.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            HostVerdict::Success { logs }
        }
        _ => HostVerdict::Failure { status: Some(answer.status), body },
    }
}

/// A port that was free a moment ago: the host picks one the same way.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

/// Lines of one stream of the child, read as they come so that it never blocks on a full pipe.
struct Lines {
    lines: Arc<Mutex<Vec<String>>>,
    reader: Option<thread::JoinHandle<()>>,
}

impl Lines {
    fn collect(stream: impl Read + Send + 'static) -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let reader = thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                kept.lock().unwrap().push(line);
            }
        });
        Self { lines, reader: Some(reader) }
    }

    fn so_far(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// All lines, once the child has ended.
    fn finish(&mut self) -> Vec<String> {
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        self.so_far()
    }
}
