//! The server with scripted work in place of the pipeline: what must hold whatever the work does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use axum::Router;
use midwatch::functions::server::serve;
use midwatch::functions::verbs::{Completion, Verbs};
use midwatch::model::checkpoint::BlobRef;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use crate::fake_host::wire::{self, Answer, Call};

/// `follow` waits until it is let go; `segment` ends at once.
#[derive(Default)]
struct Slow {
    started: Notify,
    let_go: Notify,
    segments: AtomicU32,
}

struct Handle(Arc<Slow>);

#[async_trait]
impl Verbs for Handle {
    fn reads(&self, _: &str, _: &str) -> bool {
        true
    }

    async fn segment(&self, _: &BlobRef) -> Completion {
        self.0.segments.fetch_add(1, Ordering::Relaxed);
        Completion::Done { log: "done".into() }
    }

    async fn follow(&self) -> Completion {
        self.0.started.notify_one();
        self.0.let_go.notified().await;
        Completion::Done { log: "done".into() }
    }
}

struct Running {
    port: u16,
    ready: Option<oneshot::Sender<anyhow::Result<()>>>,
    stop: Option<oneshot::Sender<()>>,
    work: Arc<Slow>,
    server: JoinHandle<anyhow::Result<()>>,
}

async fn running() -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let work = Arc::new(Slow::default());
    let (ready, is_ready) = oneshot::channel::<anyhow::Result<()>>();
    let (stop, stopped) = oneshot::channel::<()>();
    let handle = Handle(Arc::clone(&work));
    let init = async move {
        is_ready.await??;
        Ok(handle)
    };
    let shutdown = async move {
        let _ = stopped.await;
    };
    let server = tokio::spawn(serve(listener, |_| Router::new(), init, shutdown));
    Running { port, ready: Some(ready), stop: Some(stop), work, server }
}

async fn send(port: u16, call: Call) -> std::io::Result<Answer> {
    tokio::task::spawn_blocking(move || wire::send(port, &call)).await.unwrap()
}

fn invocation(function: &str) -> Call {
    let blob = json!({"account": "acct", "container": "logs", "blob": "b"});
    let body = match function {
        "segment" => json!({"Data": {"segment": blob}, "Metadata": {}}),
        _ => json!({"Data": {"timer": {}}, "Metadata": {}}),
    };
    Call::invocation(function, body.to_string().into_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_port_answers_before_initialisation_ends_and_holds_invocations() {
    let mut running = running().await;
    let answer = send(running.port, Call::get("/")).await.unwrap();
    assert_eq!(answer.status, 200);
    let held = tokio::spawn(send(running.port, invocation("segment")));
    let answer = send(running.port, Call::get("/")).await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(!held.is_finished());
    running.ready.take().unwrap().send(Ok(())).unwrap();
    assert_eq!(held.await.unwrap().unwrap().status, 200);
    assert_eq!(running.work.segments.load(Ordering::Relaxed), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_initialisation_fails_what_waits_closes_the_port_and_is_told() {
    let mut running = running().await;
    let held = tokio::spawn(send(running.port, invocation("segment")));
    // The connection is accepted in order, so a later answer means that the held one has come in.
    send(running.port, Call::get("/")).await.unwrap();
    running.ready.take().unwrap().send(Err(anyhow::anyhow!("no such account"))).unwrap();
    let error = running.server.await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "no such account");
    if let Ok(answer) = held.await.unwrap() {
        assert_eq!(answer.status, 503);
    }
    assert!(send(running.port, Call::get("/")).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_slow_invocation_holds_up_no_other() {
    let mut running = running().await;
    running.ready.take().unwrap().send(Ok(())).unwrap();
    let slow = tokio::spawn(send(running.port, invocation("follow")));
    running.work.started.notified().await;
    for _ in 0..8 {
        assert_eq!(send(running.port, invocation("segment")).await.unwrap().status, 200);
        assert_eq!(send(running.port, Call::get("/")).await.unwrap().status, 200);
    }
    assert!(!slow.is_finished());
    running.work.let_go.notify_one();
    assert_eq!(slow.await.unwrap().unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_lets_a_running_invocation_end() {
    let mut running = running().await;
    running.ready.take().unwrap().send(Ok(())).unwrap();
    let slow = tokio::spawn(send(running.port, invocation("follow")));
    running.work.started.notified().await;
    running.stop.take().unwrap().send(()).unwrap();
    running.work.let_go.notify_one();
    assert_eq!(slow.await.unwrap().unwrap().status, 200);
    assert!(running.server.await.unwrap().is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forty_megabytes_are_taken_where_a_blob_comes_and_refused_elsewhere() {
    let mut running = running().await;
    running.ready.take().unwrap().send(Ok(())).unwrap();
    let padding = "A".repeat(40 * 1024 * 1024);
    let uri = "\"https://acct.blob.core.windows.net/logs/b\"";
    for (function, size, expected) in
        [("detect", 1, 200), ("detect", 2, 413), ("follow", 1, 413), ("segment", 1, 413)]
    {
        let body = json!({"Data": {"b": padding.repeat(size)}, "Metadata": {"Uri": uri}});
        let call = Call::invocation(function, body.to_string().into_bytes());
        let answer = send(running.port, call).await.unwrap();
        assert_eq!(answer.status, expected, "{function} with {size} x 40 MiB");
        assert!(answer.body.len() < 500 && answer.json().is_object());
    }
}
