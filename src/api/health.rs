//! `GET /api/v1/healthz`: whether this process can answer. It tells no setting and no address.

use std::time::Duration;

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;

use super::json;
use super::problem::Problem;
use super::query::Query;
use super::router::{Shared, answer};
use super::sources::{RulesInUse, Sources};
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
    pub rules: HealthRulesBody,
    /// Always `reachable`.
    pub store: &'static str,
}

/// The rules that are asked about events.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HealthRules)]
pub struct HealthRulesBody {
    pub count: usize,
    /// When they were loaded.
    #[serde(serialize_with = "json::time_as_text")]
    #[schema(value_type = String, format = "date-time")]
    pub loaded_at: OffsetDateTime,
    /// The directory of rules holds others that cannot be used: why. Those before go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
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
            rules: HealthRulesBody::new(sources.rules_in_use()),
            store: "reachable",
        }),
        Ok(Err(error)) => {
            tracing::warn!("{error}");
            Err(Problem::store_away(None))
        }
        Err(_) => Err(Problem::store_away(None)),
    }
}

impl HealthRulesBody {
    fn new(rules: RulesInUse) -> Self {
        let RulesInUse { count, loaded_at, problem } = rules;
        Self { count, loaded_at, problem }
    }
}
