//! Floor 5: what HTTP callers and scripts see: the stable JSON twins of our nouns, and the HTTP
//! API under `/api/v1`. It knows no adapter, no trigger and no page.

pub mod alert;
pub mod alerts;
pub mod detection;
pub mod detections;
pub mod explain;
pub mod explanation;
pub mod finding;
pub mod health;
pub mod json;
pub mod openapi;
pub mod problem;
pub mod query;
pub mod router;
pub mod sources;
