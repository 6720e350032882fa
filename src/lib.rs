//! Midwatch: detection and response for Azure Kubernetes Service.
//!
//! The crate is cut into floors and an import goes only downward; `ARCHITECTURE.md` has the map.
//! Floors 0 to 2 are pure and compile alone (`--no-default-features`); the feature `shell` adds
//! the floors that touch the network, the disk, the clock and the terminal.

// Floor 0: the nouns.
pub mod model;

// Floor 1: two languages, each ignorant of the other: what AKS writes, and Sigma.
pub mod audit;
pub mod sigma;

// Floor 2: decisions.
pub mod engine;
pub mod triage;

// Floor 3: the few traits at the process edge, and the typed repositories over the table port.
#[cfg(feature = "shell")]
pub mod ports;
#[cfg(feature = "shell")]
pub mod store;

// Floor 4: the verbs, and the vendors.
#[cfg(feature = "shell")]
pub mod adapters;
#[cfg(feature = "shell")]
pub mod pipeline;

// Floor 5: what the Functions host and HTTP callers see.
#[cfg(feature = "shell")]
pub mod api;
#[cfg(feature = "shell")]
pub mod functions;

// Floor 6: the composition root and the command line.
#[cfg(feature = "shell")]
pub mod app;
#[cfg(feature = "shell")]
pub mod cli;
#[cfg(feature = "shell")]
pub mod config;
#[cfg(feature = "shell")]
pub mod telemetry;
