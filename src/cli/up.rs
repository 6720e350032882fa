//! `midwatch up`: everything on this machine, without a cloud account: a directory as log
//! account, state in one file, the API on loopback. It adds nothing to what the functions do.

mod demo;
mod recording;
mod watch;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch::{Receiver, channel};

use self::demo::{Folder, Replay};
use self::recording::Recording;
use self::watch::Watch;
use super::arguments::UpArguments;
use super::console::Console;
use super::escape::escape;
use super::exit::Exit;
use super::failure::Failure;
use super::rules::folder;
use crate::api;
use crate::api::router::Front;
use crate::app;
use crate::functions::server::told_to_stop;
use crate::pipeline::services::Services;

/// What may still be written after Ctrl-C takes at most so long.
const GRACE: Duration = Duration::from_millis(600);

/// What is watched, and where the state goes.
struct Plan {
    account: PathBuf,
    state_file: PathBuf,
    replay: Option<Replay>,
}

/// Watches until Ctrl-C.
pub(super) fn up(arguments: &UpArguments, console: Console) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::new(Exit::Configuration, "cannot start a runtime").because(error)
        })?;
    let ended = runtime.block_on(run(arguments, console));
    runtime.shutdown_timeout(Duration::from_millis(100));
    ended
}

async fn run(arguments: &UpArguments, mut console: Console) -> Result<Exit, Failure> {
    let rules = folder::feed(&arguments.rules)?;
    let unheard = rules.rules.unheard();
    // First, because it fails when a former `up` still runs, whose files must not be touched.
    let (listener, address) = listen(arguments.port).await?;
    let plan = plan(arguments)?;
    let account = escape(&plan.account.to_string_lossy()).into_owned();
    let (services, queue) =
        app::local::services(&plan.account, &plan.state_file, rules).await.map_err(|error| {
            Failure::new(Exit::Configuration, "cannot start").because(format!("{error:#}"))
        })?;
    let services = Arc::new(services);
    let told_to_stop = told_to_stop();
    introduce(&mut console, &account, address, plan.replay.as_ref())?;
    if let Some(unheard) = unheard {
        console.warn(&unheard)?;
    }

    let (stop, stopped) = channel(false);
    let api = tokio::spawn(serve_api(listener, Arc::clone(&services), stopped.clone()));
    let watch = Watch {
        services,
        queue,
        replay: plan.replay,
        console,
        told: BTreeMap::new(),
        fault: String::new(),
        rules_fault: None,
    };
    let mut watch = tokio::spawn(watch.run(stopped));
    let early = tokio::select! {
        () = told_to_stop => None,
        ended = &mut watch => Some(ended),
    };
    stop.send_replace(true);
    let ended = match early {
        Some(ended) => Some(ended),
        // A segment that takes longer is replayed by the next run.
        None => tokio::time::timeout(GRACE, watch).await.ok(),
    };
    let _ = tokio::time::timeout(GRACE, api).await;
    match ended {
        Some(Ok(Ok(mut console))) => {
            console.note("Ended; the state is kept.")?;
            console.flush()?;
        }
        Some(Ok(Err(error))) => return Err(error.into()),
        Some(Err(panic)) if panic.is_panic() => std::panic::resume_unwind(panic.into_panic()),
        Some(Err(_)) | None => {}
    }
    Ok(Exit::Ok)
}

/// The demo, or the directory that was named.
fn plan(arguments: &UpArguments) -> Result<Plan, Failure> {
    let state = &arguments.state;
    let Some(dir) = &arguments.dir else {
        let folder = Folder::open(state, arguments.keep)?;
        let recording = Recording::bundled().map_err(|error| {
            Failure::new(Exit::Configuration, "the bundled recording is damaged").because(error)
        })?;
        let replay = Replay::new(recording, folder.account(), arguments.speed);
        return Ok(Plan {
            account: folder.account(),
            state_file: folder.state_file(),
            replay: Some(replay),
        });
    };
    if !dir.is_dir() {
        return Err(Failure::new(Exit::Configuration, format!("cannot follow {}", dir.display()))
            .because("it is not a directory")
            .then("midwatch up --help"));
    }
    std::fs::create_dir_all(state).map_err(|error| {
        Failure::new(Exit::Configuration, format!("cannot make {}", state.display())).because(error)
    })?;
    Ok(Plan { account: dir.clone(), state_file: state.join("state.redb"), replay: None })
}

async fn listen(port: u16) -> Result<(TcpListener, SocketAddr), Failure> {
    let bound = async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        Ok::<_, std::io::Error>((listener, address))
    };
    bound.await.map_err(|error| {
        Failure::new(Exit::Configuration, format!("cannot listen on 127.0.0.1:{port}"))
            .because(error)
            .then("midwatch up --port 0")
    })
}

/// This program as the user called it, so that what is printed can be copied.
fn program() -> String {
    let called = std::env::args_os().next().unwrap_or_else(|| "midwatch".into());
    escape(&called.to_string_lossy()).into_owned()
}

fn introduce(
    console: &mut Console,
    account: &str,
    address: SocketAddr,
    replay: Option<&Replay>,
) -> std::io::Result<()> {
    match replay {
        Some(replay) => console.note(&format!(
            "Replaying a real attack on a Kubernetes cluster, {:.0} times faster than it happened \
             ({} seconds).",
            replay.speed(),
            replay.length().as_secs(),
        ))?,
        None => console.note("Following a directory as a log account.")?,
    }
    console.note(&format!("Log account  {account}"))?;
    console.note(&format!("API          http://{address}/api/v1/alerts"))?;
    console.note("")?;
    console.note("Try in another terminal, while alerts come in here:")?;
    console.note(&format!("  curl http://{address}/api/v1/alerts"))?;
    console.note(&format!("  curl http://{address}/api/v1/detections"))?;
    let program = program();
    console.note(&format!("  {program} scan {account}"))?;
    console.note(&format!("  {program} rules list --level high"))?;
    console.note("Ctrl-C ends.")?;
    console.note("")
}

/// Serves the API until told to stop. What the API reads from is there already.
async fn serve_api(
    listener: TcpListener,
    handles: Arc<Services>,
    mut stop: Receiver<bool>,
) -> std::io::Result<()> {
    let (_set, ready) = channel(Some(handles));
    axum::serve(listener, api::router::router(ready, Front::Nobody))
        .with_graceful_shutdown(async move {
            let _ = stop.wait_for(|stop| *stop).await;
        })
        .await
}
