//! Configuration: the only place that reads the process environment. Every fault is reported at
//! once and by name, each with its cure; a setting that is wrong never falls back to a default.

pub mod environment;
pub mod fault;
