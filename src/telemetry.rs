//! Where log lines go: under the Functions host one JSON object a line on standard output, for a
//! person plain lines on standard error. It decides on places and levels; what is logged is
//! everybody's own matter, and never a body, a token or the environment.

use std::io;
use std::panic::PanicHookInfo;

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// Who reads the lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// The Functions host: it takes standard output for information, and standard error for
    /// errors of which the last three lines explain an exit. So everything goes to the former,
    /// with the level inside.
    Host,
    /// A person at a terminal: standard output is left to the data.
    Person { colour: bool },
}

/// Why logging could not be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TelemetryError {
    #[error("MIDWATCH_LOG must be off, error, warn, info, debug or trace")]
    UnknownLevel,
    #[error("logging is set up already")]
    AlreadySet,
}

/// Sets up logging for the whole process, once. `level` is for our own lines; other crates are
/// heard from `warn` upwards only, because at lower levels some tell of headers and addresses.
///
/// # Errors
/// [`TelemetryError`].
pub fn init(audience: Audience, level: &str) -> Result<(), TelemetryError> {
    let filter = filter(level)?;
    let lines = match audience {
        Audience::Host => fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(true)
            .with_span_list(false)
            .with_writer(io::stdout)
            .boxed(),
        Audience::Person { colour } => {
            fmt::layer().with_ansi(colour).with_target(false).with_writer(io::stderr).boxed()
        }
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(filter))
        .try_init()
        .map_err(|_| TelemetryError::AlreadySet)?;
    std::panic::set_hook(Box::new(log_panic));
    Ok(())
}

/// The place of a panic, and not its message, which may quote what was being read.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(place, "panicked");
}

fn filter(level: &str) -> Result<Targets, TelemetryError> {
    let level = match level.trim().to_ascii_lowercase().as_str() {
        "off" => return Ok(Targets::new()),
        "error" => Level::ERROR,
        "warn" => Level::WARN,
        "info" => Level::INFO,
        "debug" => Level::DEBUG,
        "trace" => Level::TRACE,
        _ => return Err(TelemetryError::UnknownLevel),
    };
    Ok(Targets::new().with_default(level.min(Level::WARN)).with_target("midwatch", level))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_level_is_settable_and_other_crates_stay_quiet() {
        let filter = filter(" Debug ").unwrap();
        assert!(filter.would_enable("midwatch::pipeline", &Level::DEBUG));
        assert!(filter.would_enable("hyper", &Level::WARN));
        assert!(!filter.would_enable("hyper", &Level::INFO));
    }

    #[test]
    fn a_quiet_level_quietens_other_crates_as_well() {
        assert!(!filter("error").unwrap().would_enable("hyper", &Level::WARN));
        assert!(!filter("off").unwrap().would_enable("midwatch", &Level::ERROR));
    }

    #[test]
    fn an_unknown_level_is_refused_and_named() {
        let error = filter("loud").unwrap_err();
        assert!(error.to_string().contains("MIDWATCH_LOG"));
    }
}
