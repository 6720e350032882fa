//! What AKS writes: lines, records and audit events, decoded from hostile bytes into values.
//!
//! Owns every shape of the Kubernetes audit log (Azure storage records, Event Hubs batches, plain
//! API-server logs, whole or cut), the fields that rules may ask for, and the fixed AKS audit
//! policy. It never fails on a stream: what cannot be used becomes a [`Problem`], with its offset.
//! It must not know rules, do I/O of its own, or read a clock.
//!
//! [`Problem`]: crate::model::problem::Problem

pub mod actor;
pub mod blob_path;
pub mod body;
pub mod client;
pub mod csr;
pub mod event;
pub mod exec;
pub mod gzip;
pub mod image;
pub mod lines;
pub mod object;
pub mod outcome;
pub mod path;
pub mod pod;
pub mod policy;
pub mod record;
pub mod request;
pub mod salvage;
pub mod source;
pub mod taxonomy;
