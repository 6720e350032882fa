//! Floor 0: the nouns of Midwatch, as plain values.
//!
//! Nothing here knows a file format, a vendor, a clock or a log. The types are deliberately not
//! serialisable: each boundary (table row, NDJSON line, HTTP body) owns a twin and converts.

pub mod action;
pub mod alert;
pub mod attack;
pub mod checkpoint;
pub mod fields;
pub mod finding;
pub mod framework;
pub mod ids;
pub mod level;
pub mod problem;
pub mod rule;
