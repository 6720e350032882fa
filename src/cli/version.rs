//! `midwatch version`: which build this is.

use serde_json::json;

use super::arguments::{TextFormat, VersionArguments};
use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;

/// Prints name, version and platform.
pub(super) fn version(
    arguments: &VersionArguments,
    console: &mut Console,
) -> Result<Exit, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let (os, architecture) = (std::env::consts::OS, std::env::consts::ARCH);
    match arguments.output {
        TextFormat::Table => writeln!(console.out(), "midwatch {version} ({architecture}, {os})")?,
        TextFormat::Json => {
            let object = json!({
                "schema": "midwatch.version/1",
                "name": "midwatch",
                "version": version,
                "os": os,
                "architecture": architecture,
            });
            writeln!(console.out(), "{object}")?;
        }
    }
    Ok(Exit::Ok)
}
