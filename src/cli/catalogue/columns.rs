//! The catalogue as rows and objects, with the columns that a customer's spreadsheet or ticket
//! system needs.

use serde_json::{Map, Value, json};

use super::Entry;
use crate::engine::metadata::Denied;
use crate::engine::vendor::VendorDetection;

/// Columns, in the order of the rows.
pub const COLUMNS: [&str; 34] = [
    "id",
    "name",
    "title",
    "description",
    "author",
    "kind",
    "mode",
    "level",
    "status",
    "active",
    "tactics",
    "techniques",
    "matrix",
    "category",
    "verbs",
    "body",
    "under_kube_audit_admin",
    "correlation",
    "dedup",
    "window_seconds",
    "denied",
    "false_positives",
    "questions",
    "evidence",
    "ask",
    "audience",
    "actions",
    "cases_matching",
    "cases_near_miss",
    "version",
    "hash",
    "changed_at",
    "references",
    "file",
];

/// The rule as an object with all [`COLUMNS`]. How often it fired, and how often falsely, is not in
/// a rule and stands nowhere here.
pub fn object(entry: &Entry<'_>) -> Map<String, Value> {
    let rule = &entry.rule;
    let (matching, near) = entry.case_counts();
    let metadata = rule.metadata;
    let ask = metadata.ask.as_ref();
    let changed = rule.modified.or(rule.date).map(|date| date.to_string());
    let values = [
        json!(rule.reference.id.as_str()),
        json!(rule.reference.name),
        json!(rule.reference.title),
        json!(rule.description),
        json!(rule.author),
        json!("rule"),
        json!(rule.reference.mode.as_str()),
        json!(rule.reference.level.as_str()),
        json!(rule.status.map(crate::sigma::metadata::Status::as_str)),
        json!(rule.never.is_none()),
        json!(entry.rule.tactics()),
        json!(entry.techniques()),
        json!(metadata.matrix),
        json!(entry.needs.category().as_str()),
        json!(entry.needs.verbs),
        json!(entry.needs.body.describe()),
        json!(entry.needs.admin.as_str()),
        json!(rule.is_correlation),
        json!(metadata.dedup),
        json!(metadata.window_seconds),
        json!(match metadata.denied {
            Denied::Lower => "lower",
            Denied::Keep => "keep",
        }),
        json!(rule.falsepositives),
        json!(metadata.guide.questions),
        json!(metadata.guide.evidence),
        json!(ask.map(|ask| ask.question.as_str())),
        json!(ask.map(|ask| ask.audience.as_str())),
        json!(metadata.actions),
        json!(matching),
        json!(near),
        json!(entry.version),
        json!(entry.hash),
        json!(changed),
        json!(rule.references),
        json!(rule.file),
    ];
    COLUMNS.iter().map(|column| (*column).to_owned()).zip(values).collect()
}

/// A vendor's detection with the same columns; what only rules have is empty.
pub fn vendor_object(detection: &VendorDetection) -> Map<String, Value> {
    let mut object: Map<String, Value> =
        COLUMNS.iter().map(|column| ((*column).to_owned(), Value::Null)).collect();
    let mut set = |column: &str, value: Value| {
        object.insert(column.to_owned(), value);
    };
    set("id", json!(detection.alert_type));
    set("name", json!(detection.alert_type));
    set("title", json!(detection.title));
    set("author", json!(detection.vendor));
    set("kind", json!("vendor"));
    set("level", json!(detection.level.as_str()));
    set("status", json!(VendorDetection::STATUS));
    set("active", json!(false));
    set("tactics", json!(detection.tactics));
    set("category", json!("SecurityAlert"));
    object
}

/// An object of these columns as a row of cells: lists joined, what is missing empty.
pub fn row(object: &Map<String, Value>) -> Vec<String> {
    COLUMNS.iter().map(|column| object.get(*column).map(cell).unwrap_or_default()).collect()
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join("; "),
        other => other.to_string(),
    }
}
