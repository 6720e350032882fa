//! `GET /api/v1/healthz`: whether this process can answer. It tells no setting and no address.

use std::time::Duration;

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;
use super::query::Query;
use super::router::{Shared, answer};
use super::sources::Sources;
use crate::model::ids::AlertId;

/// How long the store may take for one row.
const STORE_MAX: Duration = Duration::from_secs(5);

/// All is well; anything else is a problem of status 503.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Health)]
pub struct HealthBody {
    /// Always `ready`.
    pub status: &'static str,
    pub version: &'static str,
    /// Rules that are asked about events.
    pub rules: usize,
    /// Always `reachable`.
    pub store: &'static str,
}

pub(super) async fn show<V: Sources>(
    State(shared): State<Shared<V>>,
    uri: Uri,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let Some(sources) = shared.sources_now() else { return Err(Problem::not_ready()) };
    // One point read of a row that is never there: it costs nothing and takes the whole way.
    let probe = AlertId::new("healthz");
    match tokio::time::timeout(STORE_MAX, sources.store().alerts.get(&probe)).await {
        Ok(Ok(_)) => answer(&HealthBody {
            status: "ready",
            version: env!("CARGO_PKG_VERSION"),
            rules: sources.active_detections(),
            store: "reachable",
        }),
        Ok(Err(error)) => {
            tracing::warn!("{error}");
            Err(Problem::store_away(None))
        }
        Err(_) => Err(Problem::store_away(None)),
    }
}
