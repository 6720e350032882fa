//! `midwatch serve`: the functions behind the Azure Functions host. It listens first and
//! initialises after, because the host takes any answer for readiness.

use std::net::Ipv4Addr;

use tokio::net::TcpListener;

use super::arguments::rules::RulesFrom;
use super::exit::Exit;
use super::failure::Failure;
use super::rules::folder;
use crate::api;
use crate::api::router::Front;
use crate::app;
use crate::config::{ConfigFaults, Environment, Settings};
use crate::functions::server;
use crate::pipeline::services::Services;
use crate::ports::error::{PortError, PortErrorKind};
use crate::telemetry::{self, Audience, TelemetryError};

/// The level when `MIDWATCH_LOG` says nothing, or nothing sensible: the settings report that.
const LEVEL: &str = "info";

/// Serves until told to stop.
pub(super) fn serve(environment: Environment) -> Result<Exit, Failure> {
    let level = environment.get("MIDWATCH_LOG").unwrap_or(LEVEL);
    match telemetry::init(Audience::Host, level) {
        Err(TelemetryError::UnknownLevel) => telemetry::init(Audience::Host, LEVEL),
        other => other,
    }
    .map_err(|error| Failure::new(Exit::Configuration, "cannot log").because(error))?;
    let port = server::port(|name| environment.get(name).map(str::to_owned))
        .map_err(|error| Failure::new(Exit::Configuration, "cannot serve").because(error))?
        .ok_or_else(|| {
            Failure::new(Exit::Configuration, "no Functions host has started this process")
                .because(format!("neither {} is set", server::PORT_VARIABLES.join(" nor ")))
                .then("midwatch up")
        })?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| {
        Failure::new(Exit::Configuration, "cannot start a runtime").because(error)
    })?;
    runtime.block_on(async {
        let stop = server::told_to_stop();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
            let what = format!("cannot listen on 127.0.0.1:{port}");
            Failure::new(Exit::Configuration, what).because(error)
        })?;
        let http = |ready| api::router::router(ready, Front::FunctionsHost);
        let served = server::serve(listener, http, services(environment), stop);
        served.await.map(|()| Exit::Ok).map_err(failure)
    })
}

/// Everything the functions need; its failure ends the process.
async fn services(environment: Environment) -> anyhow::Result<Services> {
    let settings = Settings::read(&environment)?;
    for name in &settings.unknown {
        tracing::warn!(setting = name, "this setting is unknown and has no effect");
    }
    let from = RulesFrom { dir: settings.rules.directory.clone(), no_shipped_rules: false };
    let feed = tokio::task::spawn_blocking(move || folder::feed(&from)).await??;
    let rules = &feed.rules;
    for document in rules.not_run() {
        tracing::warn!("{document}");
    }
    if let Some(unheard) = rules.unheard() {
        tracing::warn!("{unheard}");
    }
    app::azure::services(&settings, feed).await
}

/// What made it fail decides the exit code: a setting, a credential or a service.
fn failure(error: anyhow::Error) -> Failure {
    let error = match error.downcast::<Failure>() {
        Ok(failure) => return failure,
        Err(error) => error,
    };
    if let Some(ConfigFaults(faults)) = error.downcast_ref::<ConfigFaults>() {
        let named: Vec<String> = faults.iter().map(ToString::to_string).collect();
        return Failure::new(Exit::Configuration, "the settings cannot be used")
            .because(format!("{}; see docs/reference/configuration.md", named.join("; ")));
    }
    let kind = error.chain().find_map(|cause| cause.downcast_ref::<PortError>()).map(|it| it.kind);
    let exit = match kind {
        Some(PortErrorKind::Unauthorised | PortErrorKind::Invalid) | None => Exit::Configuration,
        Some(_) => Exit::Remote,
    };
    Failure::new(exit, "cannot serve").because(format!("{error:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_decides_the_exit_code() {
        let port = |kind| anyhow::Error::new(PortError::new(kind, "reach the tables", "cause"));
        for (error, exit) in [
            (port(PortErrorKind::Unavailable).context("outer"), Exit::Remote),
            (port(PortErrorKind::Unauthorised), Exit::Configuration),
            (anyhow::anyhow!("no credential"), Exit::Configuration),
            (Failure::new(Exit::PartialInput, "x").into(), Exit::PartialInput),
        ] {
            assert_eq!(failure(error).exit, exit);
        }
        let faults = Settings::read(&Environment::default()).expect_err("nothing is set");
        let message = failure(faults.into()).message(false);
        assert!(message.contains("MIDWATCH_") && !message.contains('\n'), "{message}");
    }
}
