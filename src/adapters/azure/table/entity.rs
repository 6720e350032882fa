//! Rows as the table service's JSON, both ways. The service knows five of our types only by an
//! annotation beside the property; without it, numbers lose digits and times become text.

use azure_core_legacy::base64;
use serde_json::{Map, Value as Json};
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

use crate::ports::error::{PortError, PortErrorKind, PortResult};
use crate::ports::table::{Etag, Key, Properties, Row, Value};

const PARTITION: &str = "PartitionKey";
const ROW: &str = "RowKey";
const ANNOTATION: &str = "@odata.type";

/// A row as the service takes it. Times are kept to 100 ns, the service's own grain.
pub(super) fn encode(key: &Key, properties: &Properties) -> Map<String, Json> {
    let mut entity = Map::new();
    entity.insert(PARTITION.to_owned(), Json::from(key.partition.as_str()));
    entity.insert(ROW.to_owned(), Json::from(key.row.as_str()));
    for (name, value) in properties {
        let (json, edm) = match value {
            Value::Text(text) => (Json::from(text.as_str()), None),
            Value::Bool(value) => (Json::from(*value), None),
            Value::Int(number) => (Json::from(number.to_string()), Some("Edm.Int64")),
            Value::Time(time) => (Json::from(format_time(*time)), Some("Edm.DateTime")),
            Value::Bytes(bytes) => (Json::from(base64::encode(bytes)), Some("Edm.Binary")),
        };
        entity.insert(name.clone(), json);
        if let Some(edm) = edm {
            entity.insert(format!("{name}{ANNOTATION}"), Json::from(edm));
        }
    }
    entity
}

/// A row as the service gives it, with full metadata. `etag` is the header's, where there is one.
pub(super) fn decode(mut entity: Map<String, Json>, etag: Option<String>) -> PortResult<Row> {
    let mut text = |name: &str| match entity.remove(name) {
        Some(Json::String(text)) => Some(text),
        _ => None,
    };
    let partition = text(PARTITION).ok_or_else(|| corrupt("a row has no partition key"))?;
    let row = text(ROW).ok_or_else(|| corrupt("a row has no row key"))?;
    let inline = text("odata.etag");
    let etag = etag.or(inline).ok_or_else(|| corrupt("a row has no ETag"))?;
    let mut properties = Properties::new();
    for (name, json) in &entity {
        // The service's own: odata.id, odata.type, annotations, and the time of the last write.
        if name == "Timestamp" || name.contains("odata.") || json.is_null() {
            continue;
        }
        let edm = entity.get(&format!("{name}{ANNOTATION}")).and_then(Json::as_str);
        properties.insert(name.clone(), value(json, edm)?);
    }
    Ok(Row { key: Key { partition, row }, etag: Etag(etag), properties })
}

fn value(json: &Json, edm: Option<&str>) -> PortResult<Value> {
    let value = match (edm, json) {
        (Some("Edm.Int64"), Json::String(text)) => text.parse().ok().map(Value::Int),
        (Some("Edm.DateTime"), Json::String(text)) => {
            OffsetDateTime::parse(text, &Rfc3339).ok().map(Value::Time)
        }
        (Some("Edm.Binary"), Json::String(text)) => base64::decode(text).ok().map(Value::Bytes),
        (None | Some("Edm.String"), Json::String(text)) => Some(Value::Text(text.clone())),
        (None | Some("Edm.Boolean"), Json::Bool(value)) => Some(Value::Bool(*value)),
        // Somebody else's 32-bit number fits ours; a floating one does not.
        (None | Some("Edm.Int32"), Json::Number(number)) => number.as_i64().map(Value::Int),
        _ => None,
    };
    value.ok_or_else(|| corrupt("a property has a type that Midwatch does not write"))
}

fn format_time(time: OffsetDateTime) -> String {
    let format =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:7]Z");
    // Cannot fail: the years are checked before, and the description asks for nothing optional.
    time.to_offset(UtcOffset::UTC).format(format).unwrap_or_default()
}

fn corrupt(cause: &str) -> PortError {
    PortError::new(PortErrorKind::Corrupt, "read a row", cause)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use time::macros::datetime;

    fn key() -> Key {
        Key { partition: "p".into(), row: "r".into() }
    }

    #[test]
    fn every_type_survives_the_way_there_and_back() {
        let properties = Properties::from([
            ("A".to_owned(), Value::Text("it's \"odata.\" ü".into())),
            ("B".to_owned(), Value::Int(9_007_199_254_740_993)),
            ("C".to_owned(), Value::Int(i64::MIN)),
            ("D".to_owned(), Value::Bool(false)),
            ("E".to_owned(), Value::Time(datetime!(2026-11-25 01:02:03.000_000_4 UTC))),
            ("F".to_owned(), Value::Bytes(vec![0, 255, 10])),
            ("G".to_owned(), Value::Text(String::new())),
        ]);
        let row = decode(encode(&key(), &properties), Some("W/\"1\"".into())).unwrap();
        assert_eq!((row.key, row.properties), (key(), properties));
    }

    #[test]
    fn times_are_written_in_utc_to_the_service_s_grain() {
        let time = datetime!(2026-11-25 03:02:03.123_456_789 +2);
        let entity = encode(&key(), &Properties::from([("T".to_owned(), Value::Time(time))]));
        assert_eq!(entity["T"], "2026-11-25T01:02:03.1234567Z");
    }

    #[test]
    fn a_foreign_row_is_read_as_far_as_its_types_are_ours() {
        let entity = |more: Json| {
            let mut entity = json!({"PartitionKey": "p", "RowKey": "r", "odata.etag": "e",
                "odata.type": "x", "Timestamp@odata.type": "Edm.DateTime",
                "Timestamp": "2026-01-01T00:00:00Z"});
            entity.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            decode(entity.as_object().unwrap().clone(), None)
        };
        let row = entity(json!({"N": 7, "Nothing": null})).unwrap();
        assert_eq!(row.properties, Properties::from([("N".to_owned(), Value::Int(7))]));
        for foreign in [
            json!({"X": 0.5}),
            json!({"X": "1", "X@odata.type": "Edm.Guid"}),
            json!({"X": "x", "X@odata.type": "Edm.Int64"}),
            json!({"X": {"a": 1}}),
        ] {
            assert_eq!(entity(foreign).unwrap_err().kind, PortErrorKind::Corrupt);
        }
    }
}
