//! One line in, audit events out. Knows every shape in which AKS, Event Hubs and the API server
//! itself write the audit log, and accounts for every record: evaluated, malformed or other.
//! Nothing is refused as a whole because a part of it is bad.

mod envelope;
mod row;
mod shape;

use serde_json::{Deserializer, Map, Value};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::event::{Event, Surroundings, timestamp};
use super::salvage::salvage;
use super::source::ControlPlane;
use crate::model::checkpoint::Totals;
use crate::model::finding::Evidence;
use crate::model::ids::ClusterId;
use crate::model::problem::{Problem, ProblemKind};
use envelope::Category;
use shape::Shape;

/// Problems told of one line. The totals count them all; a line of a thousand bad records must not
/// become a thousand messages.
const PROBLEMS_MAX: usize = 100;

/// Where lines come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The cluster named by the blob's path. The platform wrote it, so it is believed over what
    /// records say.
    pub cluster: Option<ClusterId>,
    /// Used when neither path nor record names a cluster, such as `offline`.
    pub fallback: ClusterId,
    /// Container and blob name, a file's path, or `-`.
    pub name: String,
    /// Networks that the cluster's control plane calls from besides its usual one.
    pub control_plane: ControlPlane,
}

/// What one line came to.
#[derive(Debug, Clone, Default)]
pub struct Decoded {
    pub events: Vec<Event>,
    /// The first hundred of the line.
    pub problems: Vec<Problem>,
    /// Of this line: `records = evaluated + malformed + other`.
    pub totals: Totals,
}

/// Decodes one line (without its line end) that begins at `offset`. A line may hold many records;
/// one of white space holds none.
pub fn decode(line: &[u8], offset: u64, origin: &Origin) -> Decoded {
    let mut decoder = Decoder { line, offset, origin, decoded: Decoded::default(), digest: None };
    // Bytes that are no UTF-8 become U+FFFD: a cut inside a sequence must not cost the record.
    match std::str::from_utf8(line) {
        Ok(text) => decoder.documents(text),
        Err(_) => decoder.documents(&String::from_utf8_lossy(line)),
    }
    decoder.decoded
}

struct Decoder<'a> {
    line: &'a [u8],
    offset: u64,
    origin: &'a Origin,
    decoded: Decoded,
    /// Of the line, once it was needed.
    digest: Option<String>,
}

/// What a record says of the event in it.
#[derive(Debug, Clone, Default)]
struct Context {
    cluster: Option<ClusterId>,
    time: Option<OffsetDateTime>,
}

impl Decoder<'_> {
    /// The JSON texts of the line: one as a rule, several when a newline was lost between them.
    fn documents(&mut self, text: &str) {
        let mut rest = text.trim();
        while !rest.is_empty() {
            let mut values = Deserializer::from_str(rest).into_iter::<Value>();
            let next = values.next();
            let used = values.byte_offset();
            let used = match next {
                Some(Ok(value)) => {
                    self.document(value, false);
                    used
                }
                _ => match salvage(rest) {
                    Some(saved) if saved.value.is_object() || saved.value.is_array() => {
                        self.document(envelope::restored(saved.value, saved.open), !saved.whole);
                        if saved.whole { saved.consumed } else { rest.len() }
                    }
                    _ => {
                        self.malformed(ProblemKind::MalformedLine, "the line is not JSON");
                        rest.len()
                    }
                },
            };
            rest = rest.get(used.max(1)..).unwrap_or_default().trim_start();
        }
    }

    /// A JSON text: one record, or a batch of them. Of a cut batch the last record was cut.
    fn document(&mut self, value: Value, cut: bool) {
        match value {
            Value::Array(records) => self.batch(records, cut),
            Value::Object(mut members) => match members.remove("records") {
                Some(Value::Array(records)) => self.batch(records, cut),
                Some(other) => {
                    members.insert("records".to_owned(), other);
                    self.record(members, cut);
                }
                None => self.record(members, cut),
            },
            _ => self.malformed(ProblemKind::MalformedLine, "the line is no JSON object"),
        }
    }

    fn batch(&mut self, records: Vec<Value>, cut: bool) {
        let last = records.len();
        if cut && last == 0 {
            self.malformed(ProblemKind::MalformedLine, "the batch was cut before its first record");
        }
        for (index, record) in records.into_iter().enumerate() {
            match record {
                Value::Object(members) => self.record(members, cut && index + 1 == last),
                _ => self.malformed(ProblemKind::MalformedLine, "a record is no object"),
            }
        }
    }

    /// A plain event, a list of events, or a record of the platform with an event inside.
    fn record(&mut self, members: Map<String, Value>, cut: bool) {
        match Shape::of(members, cut) {
            Shape::Neither(members) if row::is_row(&members) => self.row(members, cut),
            Shape::Neither(members) if envelope::is_envelope(&members) => {
                self.enveloped(members, cut);
            }
            Shape::Neither(_) => {
                let reason = "the object is neither an audit event nor a record of the platform";
                self.malformed(ProblemKind::MalformedLine, reason);
            }
            shape => self.events(shape, cut, &Context::default()),
        }
    }

    /// A row of a Log Analytics table.
    fn row(&mut self, members: Map<String, Value>, cut: bool) {
        let Some(row) = row::event(members) else {
            self.decoded.totals.records += 1;
            self.decoded.totals.other += 1;
            return;
        };
        let context = Context { cluster: row.cluster, time: row.time };
        self.compare_clusters(context.cluster.as_ref());
        self.event(row.event, cut || row.cut, &context);
    }

    fn enveloped(&mut self, members: Map<String, Value>, cut: bool) {
        let category = Category::of(&members);
        if category == Category::Other {
            self.decoded.totals.records += 1;
            self.decoded.totals.other += 1;
            return;
        }
        let context = Context {
            cluster: envelope::cluster(&members),
            time: members.get("time").and_then(Value::as_str).and_then(timestamp),
        };
        self.compare_clusters(context.cluster.as_ref());
        let log = envelope::log(members);
        let (value, log_is_cut) = log.map_or((Value::Null, false), |log| (log.value, log.cut));
        let cut = cut || log_is_cut;
        let shape = match value {
            Value::Object(members) => Shape::of(members, cut),
            _ => Shape::Neither(Map::new()),
        };
        match shape {
            Shape::Neither(_) if category == Category::Audit => {
                let reason = "the record's log holds no audit event";
                self.malformed(ProblemKind::MalformedEvent, reason);
            }
            Shape::Neither(_) => {
                let reason = "the record names no category and holds no audit event";
                self.malformed(ProblemKind::MalformedLine, reason);
            }
            shape => self.events(shape, cut, &context),
        }
    }

    /// Events of one record or list; of a cut list the last event was cut.
    fn events(&mut self, shape: Shape, cut: bool, context: &Context) {
        let items = match shape {
            Shape::Event(members) => return self.event(members, cut, context),
            Shape::List(items) => items,
            Shape::Neither(_) => return,
        };
        let last = items.len();
        for (index, item) in items.into_iter().enumerate() {
            let cut = cut && index + 1 == last;
            match item {
                Value::Object(members) => match Shape::of(members, cut) {
                    Shape::Event(members) => self.event(members, cut, context),
                    _ => self.not_in_list(),
                },
                _ => self.not_in_list(),
            }
        }
    }

    fn not_in_list(&mut self) {
        self.malformed(ProblemKind::MalformedEvent, "an item of the list is no audit event");
    }

    fn event(&mut self, members: Map<String, Value>, cut: bool, context: &Context) {
        let origin = self.origin;
        let cluster = origin.cluster.as_ref().or(context.cluster.as_ref());
        let around = Surroundings {
            cluster: cluster.unwrap_or(&origin.fallback).clone(),
            evidence: Evidence {
                origin: origin.name.clone(),
                offset: self.offset,
                length: self.line.len() as u64,
            },
            cut,
            time: context.time,
            control_plane: origin.control_plane.clone(),
        };
        let index = self.decoded.events.len();
        let (line, digest) = (self.line, &mut self.digest);
        let event = Event::new(members, around, || {
            let digest = digest.get_or_insert_with(|| digest_of(line));
            if index == 0 { format!("line-{digest}") } else { format!("line-{digest}-{index}") }
        });
        let totals = &mut self.decoded.totals;
        totals.records += 1;
        totals.evaluated += 1;
        if event.truncated() {
            totals.truncated += 1;
            self.problem(ProblemKind::Truncated, "parts of the event were cut off");
        }
        self.decoded.events.push(event);
    }

    fn compare_clusters(&mut self, in_record: Option<&ClusterId>) {
        let in_path = self.origin.cluster.as_ref();
        if in_path.zip(in_record).is_some_and(|(path, record)| path != record) {
            let reason = "the record names another cluster than the path; the path was believed";
            self.problem(ProblemKind::ClusterMismatch, reason);
        }
    }

    fn malformed(&mut self, kind: ProblemKind, detail: &str) {
        self.decoded.totals.records += 1;
        self.decoded.totals.malformed += 1;
        self.problem(kind, detail);
    }

    fn problem(&mut self, kind: ProblemKind, detail: &str) {
        if self.decoded.problems.len() < PROBLEMS_MAX {
            let problem = Problem { kind, offset: self.offset, detail: detail.to_owned() };
            self.decoded.problems.push(problem);
        }
    }
}

/// Half a SHA-256 of the line. It names an event whose `auditID` was cut off: the same bytes get
/// the same name again.
fn digest_of(line: &[u8]) -> String {
    Sha256::digest(line).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
