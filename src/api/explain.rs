//! `POST /api/v1/explain`: why rules do or do not fire on an event that the caller gives, clause by
//! clause. Nothing is stored, and nothing of the event is logged.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::explanation::DecisionBody;
use super::problem::Problem;
use super::query::Query;
use super::router::{BODY_MAX, Shared, answer};
use super::sources::Sources;
use crate::engine::explain::{Explained, Refusal};

/// The value of `schema` in every answer.
const SCHEMA: &str = "midwatch.event-explanation/v1";
/// Characters of a rule's name or id that are looked up.
const RULE_MAX: usize = 256;

/// What is asked.
#[derive(Debug, ToSchema)]
#[schema(as = ExplainRequest)]
pub struct ExplainRequestBody {
    /// An audit event, a record of Azure Monitor with one, or a row of AKSAudit.
    #[schema(value_type = Object)]
    pub event: Map<String, Value>,
    /// Name or id of a rule; without it, every rule is asked.
    pub rule: Option<String>,
}

/// What rules make of the event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventExplanation)]
pub struct EventExplanationBody {
    /// Always `midwatch.event-explanation/v1`.
    pub schema: &'static str,
    /// The event's `auditID`, or a name made of its bytes.
    pub event: String,
    /// Its stage, empty when unknown.
    pub stage: String,
    /// Parts of it were cut off, so that a clause may have missed what it asks for.
    pub truncated: bool,
    /// Rules that were asked.
    pub asked: usize,
    /// Rules that fire.
    pub fired: usize,
    /// Rules whose explanation found no room; ask for them by name.
    pub not_shown: usize,
    /// Those that fire first.
    pub rules: Vec<ExplainedRuleBody>,
}

/// One rule's decision.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExplainedRule)]
pub struct ExplainedRuleBody {
    /// The Sigma UUID.
    pub id: String,
    pub name: String,
    pub title: String,
    /// informational, low, medium, high or critical.
    pub level: &'static str,
    /// on, opt-in, duet or building-block.
    pub mode: &'static str,
    #[serde(flatten)]
    pub decision: DecisionBody,
}

pub(super) async fn explain<V: Sources>(
    State(shared): State<Shared<V>>,
    uri: Uri,
    body: Body,
) -> Result<Response, Problem> {
    Query::read(&uri, &[])?;
    let bytes = usize::try_from(BODY_MAX).unwrap_or(usize::MAX);
    // A body that breaks off is not told apart from one that is too long: nobody is there to read it.
    let bytes = axum::body::to_bytes(body, bytes).await;
    let bytes = bytes.map_err(|_| Problem::body_too_large(BODY_MAX))?;
    let request = ExplainRequestBody::read(&bytes)?;
    let sources = shared.sources().await?;
    let explained = work(sources, request).await?;
    answer(&EventExplanationBody::new(&explained))
}

/// Asks the rules, away from the threads that answer: a hundred rules about a large event take
/// a while.
async fn work<V: Sources>(
    sources: Arc<V>,
    request: ExplainRequestBody,
) -> Result<Explained, Problem> {
    let asked = tokio::task::spawn_blocking(move || {
        let event = Value::Object(request.event).to_string();
        sources.explain(&event, request.rule.as_deref())
    });
    let explained = asked.await.map_err(|_| Problem::defect())?;
    explained.map_err(|refusal| match refusal {
        Refusal::NoEvent(why) => {
            let cure = "give an audit event, a record of kube-audit or a row of AKSAudit";
            Problem::bad_member("event", format!("{why}; {cure}"))
        }
        Refusal::SeveralEvents(count) => {
            let detail = format!("it holds {count} events; give one");
            Problem::bad_member("event", detail)
        }
        Refusal::UnknownRule => {
            let detail = "no rule has this name or id; /api/v1/detections lists them";
            Problem::bad_member("rule", detail)
        }
        Refusal::Correlation => {
            let detail = "the rule is about several events, and a single one explains nothing";
            Problem::bad_member("rule", detail)
        }
    })
}

impl ExplainRequestBody {
    fn read(bytes: &[u8]) -> Result<Self, Problem> {
        let members = match serde_json::from_slice(bytes) {
            Ok(Value::Object(members)) => members,
            Ok(_) => return Err(Problem::bad_body("the body is no JSON object")),
            // Line and column, and nothing of what stands there.
            Err(error) => {
                let (line, column) = (error.line(), error.column());
                let detail = format!("the body is not JSON at line {line}, column {column}");
                return Err(Problem::bad_body(detail));
            }
        };
        let (mut event, mut rule) = (None, None);
        for (name, value) in members {
            match (name.as_str(), value) {
                ("event", Value::Object(members)) => event = Some(members),
                ("event", _) => return Err(Problem::bad_member("event", "it is no JSON object")),
                ("rule", Value::Null) => {}
                ("rule", Value::String(text)) if text.chars().count() <= RULE_MAX => {
                    rule = Some(text);
                }
                ("rule", _) => {
                    let detail = format!("it is no text of at most {RULE_MAX} characters");
                    return Err(Problem::bad_member("rule", detail));
                }
                _ => {
                    let detail = "a member is unknown; the body takes `event` and `rule`";
                    return Err(Problem::bad_body(detail));
                }
            }
        }
        let event = event.ok_or_else(|| Problem::bad_member("event", "it is missing"))?;
        Ok(Self { event, rule })
    }
}

impl EventExplanationBody {
    fn new(explained: &Explained) -> Self {
        let rule = |(reference, decision): &(_, _)| {
            let reference: &crate::model::rule::RuleRef = reference;
            ExplainedRuleBody {
                id: reference.id.as_str().to_owned(),
                name: reference.name.clone(),
                title: reference.title.clone(),
                level: reference.level.as_str(),
                mode: reference.mode.as_str(),
                decision: DecisionBody::new(&explained.audit_id, decision),
            }
        };
        Self {
            schema: SCHEMA,
            event: explained.audit_id.clone(),
            stage: explained.stage.clone(),
            truncated: explained.truncated,
            asked: explained.asked,
            fired: explained.fired,
            not_shown: explained.asked.saturating_sub(explained.decisions.len()),
            rules: explained.decisions.iter().map(rule).collect(),
        }
    }
}
