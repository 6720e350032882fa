//! `GET /api/v1/detections`: the catalogue of rules that are loaded.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::alerts::{level, mode};
use super::detection::DetectionBody;
use super::problem::Problem;
use super::query::Query;
use super::router::{Shared, answer};
use super::sources::Sources;
use crate::model::level::Level;

/// The parameters of the catalogue.
pub(super) const PARAMETERS: &[&str] = &["level", "mode", "tactic"];

/// The rules that are loaded.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DetectionList)]
pub struct DetectionListBody {
    /// Ordered by name.
    pub detections: Vec<DetectionBody>,
}

pub(super) async fn list<V: Sources>(
    State(shared): State<Shared<V>>,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = Query::read(&uri, PARAMETERS)?;
    let level_min = level(&query)?;
    let mode = mode(&query)?;
    let mut detections = shared.sources().await?.detections();
    let tactic = query.word("tactic", &tactics(&detections), |word| {
        detections.iter().any(|d| d.tactics.iter().any(|t| t == word)).then(|| word.to_owned())
    })?;
    detections.retain(|detection| {
        let level: Option<Level> = detection.level.parse().ok();
        level_min.is_none_or(|min| level.is_some_and(|level| level >= min))
            && mode.is_none_or(|mode| mode.as_str() == detection.mode)
            && tactic.as_ref().is_none_or(|tactic| detection.tactics.contains(tactic))
    });
    answer(&DetectionListBody { detections })
}

/// The tactics that occur, each once.
fn tactics(detections: &[DetectionBody]) -> Vec<&str> {
    let mut tactics: Vec<&str> =
        detections.iter().flat_map(|d| d.tactics.iter().map(String::as_str)).collect();
    tactics.sort_unstable();
    tactics.dedup();
    tactics
}
