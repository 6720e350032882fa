//! The contract with the Functions host, clause by clause: what is declared in `host.json` and
//! `functions/`, the server alone with scripted work, and the real binary under a fake host.

mod binary;
mod declared;
mod server;
