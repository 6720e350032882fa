//! `GET /api/v1/alerts` and `/api/v1/alerts/{id}`: what Midwatch found, newest first.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::alert::AlertBody;
use super::finding::FindingBody;
use super::problem::Problem;
use super::query::Query;
use super::router::{Shared, answer};
use super::sources::Sources;
use crate::model::alert::AlertState;
use crate::model::ids::{AlertId, ClusterId, SessionKey};
use crate::model::level::Level;
use crate::model::rule::Mode;
use crate::store::alerts::{Filter, LISTED_MAX};

/// Alerts or findings on a page when the caller does not say.
pub(super) const LIMIT_DEFAULT: usize = 50;
/// And at most.
pub(super) const LIMIT_MAX: usize = LISTED_MAX;

/// The parameters of the list.
pub(super) const LIST_PARAMETERS: &[&str] =
    &["cluster", "level", "rule", "state", "mode", "session", "limit", "cursor"];
/// The parameters of one alert, which are about the page of its findings.
pub(super) const ONE_PARAMETERS: &[&str] = &["limit", "cursor"];

/// One page of alerts.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AlertList)]
pub struct AlertListBody<'a> {
    /// Newest recorded first. May be empty while there is more.
    pub alerts: Vec<AlertBody<'a>>,
    /// Give it back as `cursor` to go on; null at the end.
    pub cursor: Option<String>,
}

/// One alert and a page of its findings.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AlertDetail)]
pub struct AlertDetailBody<'a> {
    pub alert: AlertBody<'a>,
    pub findings: Vec<FindingBody<'a>>,
    /// Give it back as `cursor` for more findings; null at the end.
    pub cursor: Option<String>,
}

pub(super) async fn list<V: Sources>(
    State(shared): State<Shared<V>>,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = Query::read(&uri, LIST_PARAMETERS)?;
    let filter = filter(&query)?;
    let limit = query.limit(LIMIT_DEFAULT, LIMIT_MAX)?;
    let sources = shared.sources().await?;
    let page = sources.store().alerts.newest(&filter, query.text("cursor"), limit).await?;
    let alerts = page.alerts.iter().map(AlertBody::from).collect();
    answer(&AlertListBody { alerts, cursor: page.cursor })
}

pub(super) async fn one<V: Sources>(
    State(shared): State<Shared<V>>,
    path: Result<Path<String>, PathRejection>,
    uri: Uri,
) -> Result<Response, Problem> {
    let query = Query::read(&uri, ONE_PARAMETERS)?;
    let limit = query.limit(LIMIT_DEFAULT, LIMIT_MAX)?;
    let absent = || Problem::not_found("there is no alert of this id");
    // What does not decode to text is no id either.
    let Ok(Path(id)) = path else { return Err(absent()) };
    let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_id {
        return Err(absent());
    }
    let id = AlertId::new(id);
    let sources = shared.sources().await?;
    let alerts = &sources.store().alerts;
    let alert = alerts.get(&id).await?.ok_or_else(absent)?;
    let page = alerts.findings(&id, query.text("cursor"), limit).await?;
    answer(&AlertDetailBody {
        alert: (&alert).into(),
        findings: page.findings.iter().map(FindingBody::from).collect(),
        cursor: page.cursor,
    })
}

fn filter(query: &Query) -> Result<Filter, Problem> {
    let states = AlertState::ALL.map(AlertState::as_str);
    Ok(Filter {
        cluster: query.text("cluster").map(ClusterId::new),
        level_min: level(query)?,
        rule: query.text("rule").map(str::to_owned),
        state: query.word("state", &states, AlertState::from_word)?,
        mode: mode(query)?,
        session: query.text("session").map(SessionKey::new),
    })
}

/// The parameter `level`.
pub(super) fn level(query: &Query) -> Result<Option<Level>, Problem> {
    query.word("level", &Level::ALL.map(Level::as_str), |word| word.parse().ok())
}

/// The parameter `mode`.
pub(super) fn mode(query: &Query) -> Result<Option<Mode>, Problem> {
    query.word("mode", &Mode::ALL.map(Mode::as_str), |word| word.parse().ok())
}
