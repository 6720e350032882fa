//! The OpenAPI 3.1 document, built from a list of operations and from the twins themselves, so
//! that a schema cannot drift from what is sent.

use bytes::Bytes;
use serde_json::{Map, Value, json};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::alerts::{AlertDetailBody, AlertListBody, LIMIT_DEFAULT, LIMIT_MAX};
use super::detections::DetectionListBody;
use super::explain::{EventExplanationBody, ExplainRequestBody};
use super::health::HealthBody;
use super::problem::ProblemBody;
use crate::model::alert::AlertState;
use crate::model::level::Level;
use crate::model::rule::Mode;

/// One method of one path.
pub(super) struct Operation {
    pub(super) path: &'static str,
    /// In lower case.
    pub(super) method: &'static str,
    id: &'static str,
    summary: &'static str,
    pub(super) parameters: &'static [&'static str],
    /// The schema of the body, where one is sent.
    body: Option<&'static str>,
    /// The schema of the answer; none for this document itself.
    answer: Option<&'static str>,
    /// Statuses of problems besides 405, 413, 414, 421 and 500, which every path has.
    problems: &'static [u16],
}

/// Every operation. A test compares it with the routes.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/api/v1/alerts",
        method: "get",
        id: "listAlerts",
        summary: "Alerts, newest recorded first",
        parameters: super::alerts::LIST_PARAMETERS,
        body: None,
        answer: Some("AlertList"),
        problems: &[400, 503],
    },
    Operation {
        path: "/api/v1/alerts/{id}",
        method: "get",
        id: "getAlert",
        summary: "One alert with a page of its findings",
        parameters: super::alerts::ONE_PARAMETERS,
        body: None,
        answer: Some("AlertDetail"),
        problems: &[400, 404, 503],
    },
    Operation {
        path: "/api/v1/detections",
        method: "get",
        id: "listDetections",
        summary: "The rules that are loaded",
        parameters: super::detections::PARAMETERS,
        body: None,
        answer: Some("DetectionList"),
        problems: &[400, 503],
    },
    Operation {
        path: "/api/v1/explain",
        method: "post",
        id: "explainEvent",
        summary: "Why rules do or do not fire on an event, clause by clause",
        parameters: &[],
        body: Some("ExplainRequest"),
        answer: Some("EventExplanation"),
        problems: &[400, 503],
    },
    Operation {
        path: "/api/v1/healthz",
        method: "get",
        id: "getHealth",
        summary: "Whether this process can answer",
        parameters: &[],
        body: None,
        answer: Some("Health"),
        problems: &[400, 503],
    },
    Operation {
        path: "/api/v1/openapi.json",
        method: "get",
        id: "getDocument",
        summary: "This document",
        parameters: &[],
        body: None,
        answer: None,
        problems: &[],
    },
];

/// The document as JSON.
pub(super) fn document() -> Bytes {
    let paths: Map<String, Value> = OPERATIONS
        .iter()
        .map(|operation| {
            (operation.path.to_owned(), json!({ operation.method: described(operation) }))
        })
        .collect();
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Midwatch",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Detection and response for Azure Kubernetes Service",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "security": [{ "functionKey": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "securitySchemes": {
                "functionKey": {
                    "type": "apiKey", "in": "header", "name": "x-functions-key",
                    "description": "A key of the function app; not needed on loopback.",
                },
            },
        },
    });
    Bytes::from(document.to_string())
}

fn described(operation: &Operation) -> Value {
    let mut parameters: Vec<Value> =
        operation.parameters.iter().map(|name| parameter(name)).collect();
    if operation.path.ends_with("/{id}") {
        parameters.push(json!({
            "name": "id", "in": "path", "required": true,
            "description": "The alert's id: 32 hexadecimal digits.",
            "schema": { "type": "string", "pattern": "^[0-9a-f]{32}$" },
        }));
    }
    let schema = match operation.answer {
        Some(name) => json!({ "$ref": format!("#/components/schemas/{name}") }),
        None => json!({ "type": "object" }),
    };
    let mut responses = Map::new();
    let ok = json!({
        "description": "The answer.",
        "content": { "application/json": { "schema": schema } },
    });
    responses.insert("200".to_owned(), ok);
    for status in operation.problems.iter().chain(&[405, 413, 414, 421, 500]) {
        let problem = json!({
            "description": "A problem (RFC 9457).",
            "content": { "application/problem+json": {
                "schema": { "$ref": "#/components/schemas/Problem" } } },
        });
        responses.insert(status.to_string(), problem);
    }
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "parameters": parameters,
        "responses": responses,
    });
    if let (Some(name), Some(members)) = (operation.body, described.as_object_mut()) {
        let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
        let body =
            json!({ "required": true, "content": { "application/json": { "schema": schema } } });
        members.insert("requestBody".to_owned(), body);
    }
    described
}

fn parameter(name: &str) -> Value {
    let (description, schema) = match name {
        "cluster" => ("ARM resource id of the cluster, in any case.", json!({ "type": "string" })),
        "level" => {
            ("This level or higher.", json!({ "enum": Level::ALL.map(|level| level.as_str()) }))
        }
        "rule" => ("The rule's name.", json!({ "type": "string" })),
        "state" => (
            "Where the alert stands.",
            json!({ "enum": AlertState::ALL.map(|state| state.as_str()) }),
        ),
        "mode" => {
            ("What a hit of the rule becomes.", json!({ "enum": Mode::ALL.map(|m| m.as_str()) }))
        }
        "tactic" => ("An ATT&CK tactic in kebab case.", json!({ "type": "string" })),
        "session" => (
            "The session of an alert's first finding, as `actor.session` names it.",
            json!({ "type": "string" }),
        ),
        "limit" => (
            "How many at most.",
            json!({ "type": "integer", "minimum": 1, "maximum": LIMIT_MAX,
                    "default": LIMIT_DEFAULT }),
        ),
        _ => ("Opaque: from the page before.", json!({ "type": "string" })),
    };
    json!({ "name": name, "in": "query", "description": description, "schema": schema })
}

/// Every schema that an answer refers to, by name.
fn schemas() -> Map<String, Value> {
    let mut found: Vec<(String, RefOr<Schema>)> = Vec::new();
    add::<AlertListBody<'_>>(&mut found);
    add::<AlertDetailBody<'_>>(&mut found);
    add::<DetectionListBody>(&mut found);
    add::<ExplainRequestBody>(&mut found);
    add::<EventExplanationBody>(&mut found);
    add::<HealthBody>(&mut found);
    add::<ProblemBody>(&mut found);
    found
        .into_iter()
        .map(|(name, schema)| (name, serde_json::to_value(schema).unwrap_or(Value::Null)))
        .collect()
}

fn add<T: ToSchema + PartialSchema>(found: &mut Vec<(String, RefOr<Schema>)>) {
    T::schemas(found);
    found.push((T::name().into_owned(), T::schema()));
}
