//! The loopback server: it listens before anything is initialised, answers `GET /` at once, holds
//! invocations until the services are there, and ends cleanly when told to. It builds nothing
//! itself.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::router::{self, Ready};
use super::verbs::Verbs;

/// How long running requests may go on once the server has been told to stop. Container
/// platforms kill after ten seconds or more; the Functions host kills without a word.
const GRACE: Duration = Duration::from_secs(8);

/// The variables in which the Functions host hands over its port, newest first.
pub const PORT_VARIABLES: [&str; 2] = ["FUNCTIONS_CUSTOMHANDLER_PORT", "FUNCTIONS_HTTPWORKER_PORT"];

/// A port variable that holds no port.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{variable} must be a port number from 1 to 65535")]
pub struct BadPort {
    pub variable: &'static str,
}

/// The port that the host has chosen; `None` when no host started this process.
///
/// # Errors
/// [`BadPort`] when the first variable that is set is no port: listening elsewhere would only
/// hide it until the host's own timeout.
pub fn port(lookup: impl Fn(&str) -> Option<String>) -> Result<Option<u16>, BadPort> {
    for variable in PORT_VARIABLES {
        if let Some(text) = lookup(variable).filter(|text| !text.trim().is_empty()) {
            return match text.trim().parse::<u16>() {
                Ok(port) if port > 0 => Ok(Some(port)),
                _ => Err(BadPort { variable }),
            };
        }
    }
    Ok(None)
}

/// Serves the host's routes, and beneath them the router that `http` makes, until `shutdown`.
///
/// `init` runs beside the server, as its own task; long computation in it belongs on a blocking
/// thread so that `GET /` is answered meanwhile. `http` gets the same handles as the triggers and
/// is called at once.
///
/// # Errors
/// What `init` failed with, after the port was closed and waiting invocations were answered with
/// a failure; or that the server broke.
pub async fn serve<V, I, S>(
    listener: TcpListener,
    http: impl FnOnce(Ready<V>) -> Router,
    init: I,
    shutdown: S,
) -> anyhow::Result<()>
where
    V: Verbs,
    I: Future<Output = anyhow::Result<V>> + Send + 'static,
    S: Future<Output = ()> + Send,
{
    let (set_ready, ready) = watch::channel(None);
    let routes = router::router(ready.clone()).fallback_service(http(ready));
    let (stop, mut stopped) = watch::channel(false);
    let listener = listener.tap_io(|stream| {
        // An answer is one small write; waiting to fill a packet would only delay it.
        let _ = stream.set_nodelay(true);
    });
    let server = axum::serve(listener, routes).with_graceful_shutdown(async move {
        let _ = stopped.wait_for(|stop| *stop).await;
    });
    let mut server = tokio::spawn(async move { server.await });
    let mut init = tokio::spawn(init);
    tokio::pin!(shutdown);

    let failure = tokio::select! {
        made = &mut init => match made {
            Ok(Ok(verbs)) => {
                set_ready.send_replace(Some(Arc::new(verbs)));
                tracing::info!("ready");
                None
            }
            Ok(Err(error)) => Some(error),
            Err(_) => Some(anyhow::anyhow!("initialisation panicked")),
        },
        () = &mut shutdown => {
            init.abort();
            return end(server, &stop).await;
        }
        ended = &mut server => return flatten(ended),
    };
    if let Some(error) = failure {
        // Without a sender, whoever waits for readiness is answered with a failure now.
        drop(set_ready);
        let _ = end(server, &stop).await;
        return Err(error);
    }
    tokio::select! {
        () = &mut shutdown => end(server, &stop).await,
        ended = &mut server => flatten(ended),
    }
}

type Server = tokio::task::JoinHandle<std::io::Result<()>>;

/// Stops accepting, lets running requests end within [`GRACE`], then drops them: every piece of
/// work can be repeated.
async fn end(mut server: Server, stop: &watch::Sender<bool>) -> anyhow::Result<()> {
    stop.send_replace(true);
    match tokio::time::timeout(GRACE, &mut server).await {
        Ok(ended) => flatten(ended),
        Err(_) => {
            tracing::warn!("stopped with requests still running");
            server.abort();
            Ok(())
        }
    }
}

fn flatten(ended: Result<std::io::Result<()>, tokio::task::JoinError>) -> anyhow::Result<()> {
    Ok(ended??)
}

/// Resolves at the first SIGINT or SIGTERM. The Functions host sends neither, but container
/// platforms and people do. The signals are caught from the call on, not from the first poll:
/// call it, within the runtime, before anybody can know that the process runs.
pub fn told_to_stop() -> impl Future<Output = ()> + Send + 'static {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let signals = signal(SignalKind::interrupt())
            .and_then(|interrupt| Ok((interrupt, signal(SignalKind::terminate())?)));
        async move {
            match signals {
                Ok((mut interrupt, mut terminate)) => {
                    tokio::select! {
                        _ = interrupt.recv() => {}
                        _ = terminate.recv() => {}
                    }
                }
                // Without a handler the signals end the process as they always do.
                Err(_) => std::future::pending().await,
            }
        }
    }
    #[cfg(not(unix))]
    {
        async {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Result<Option<u16>, BadPort> {
        port(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, v)| (*v).to_owned()))
    }

    #[test]
    fn the_new_variable_goes_before_the_old_and_a_bad_one_is_not_passed_over() {
        let [new, old] = PORT_VARIABLES;
        assert_eq!(with(&[]), Ok(None));
        assert_eq!(with(&[(new, "50001"), (old, "50002")]), Ok(Some(50001)));
        assert_eq!(with(&[(old, " 50002 ")]), Ok(Some(50002)));
        assert_eq!(with(&[(new, "")]), Ok(None));
        for bad in ["0", "-1", "65536", "http://127.0.0.1"] {
            assert_eq!(with(&[(new, bad), (old, "1")]), Err(BadPort { variable: new }), "{bad}");
        }
    }
}
