//! The host's request: `{"Data": {<binding>: value}, "Metadata": {…}}`, in all the encodings that
//! hosts have used. It decodes and bounds; what a trigger does with it is the trigger's matter.
//!
//! A value may come as plain JSON, as JSON text within a JSON string, or (queue text) as a string
//! within a string. So a string is tried as JSON and kept as text when it is none; a `Value`
//! that is no string is taken as it is.
//!
//! Queue and Event Grid payloads are merged into `Metadata` by the host and may overwrite its own
//! keys there. Therefore a queue function never looks at it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

/// Levels of "JSON text in a string" that are undone: queue text has two, and one to spare.
const UNWRAPS_MAX: usize = 3;

/// An invocation by timer or queue: small enough to hold. `Metadata` is not even read.
#[derive(Debug, Deserialize)]
pub struct Envelope {
    #[serde(rename = "Data")]
    data: Map<String, Value>,
}

impl Envelope {
    /// The trigger's value: the only entry of `Data`, whatever the binding is called.
    pub fn into_datum(self) -> Option<Value> {
        let mut values = self.data.into_iter();
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }
}

/// An invocation by blob: the bytes in `Data` are skipped as they arrive, because a log blob is
/// read by ranges from its checkpoint and never from a payload.
#[derive(Debug, Deserialize)]
pub struct BlobEnvelope {
    #[serde(rename = "Data")]
    _data: IgnoredAny,
    #[serde(rename = "Metadata", default)]
    metadata: Option<BlobMetadata>,
}

/// The one key that says which blob it is. A blob's own content cannot get into it.
#[derive(Debug, Deserialize)]
struct BlobMetadata {
    #[serde(rename = "Uri", default)]
    uri: Option<Value>,
}

impl BlobEnvelope {
    /// The blob's address as text, if there is one.
    pub fn uri(self) -> Option<String> {
        match lenient(self.metadata?.uri?) {
            Value::String(uri) => Some(uri),
            _ => None,
        }
    }
}

/// A string is tried as JSON and kept when it is none.
pub fn lenient(value: Value) -> Value {
    match value {
        Value::String(text) => match serde_json::from_str(&text) {
            Ok(inner) => inner,
            Err(_) => Value::String(text),
        },
        other => other,
    }
}

/// The JSON object in a queue message, through every encoding a host may have put around it:
/// none, a string, a string in a string, or base64 (`dataType: binary`).
pub fn queue_object(value: Value) -> Option<Map<String, Value>> {
    let mut value = value;
    for _ in 0..UNWRAPS_MAX {
        match lenient(value) {
            Value::Object(object) => return Some(object),
            Value::String(text) => value = Value::String(text),
            _ => return None,
        }
    }
    let Value::String(text) = value else { return None };
    let bytes = STANDARD.decode(text.trim()).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_queue_object_is_found_in_every_encoding() {
        let object = json!({"blob": "a \"quoted\" name"});
        let text = object.to_string();
        let twice = serde_json::to_string(&text).unwrap();
        for value in
            [object.clone(), json!(text.clone()), json!(twice), json!(STANDARD.encode(&text))]
        {
            let found = queue_object(value.clone()).map(Value::Object);
            assert_eq!(found.as_ref(), Some(&object), "{value}");
        }
    }

    #[test]
    fn what_holds_no_object_is_none_however_deep_it_is_wrapped() {
        let mut deep = "{}".to_owned();
        for _ in 0..10 {
            deep = serde_json::to_string(&deep).unwrap();
        }
        for value in [json!(null), json!("null"), json!(3), json!([{}]), json!("x"), json!(deep)] {
            assert_eq!(queue_object(value.clone()), None, "{value}");
        }
    }

    #[test]
    fn a_datum_is_the_only_entry_whatever_its_name() {
        let envelope = |json: Value| serde_json::from_value::<Envelope>(json).unwrap();
        assert_eq!(envelope(json!({"Data": {"m": 1}})).into_datum(), Some(json!(1)));
        assert_eq!(envelope(json!({"Data": {}})).into_datum(), None);
        assert_eq!(envelope(json!({"Data": {"m": 1, "n": 2}})).into_datum(), None);
    }

    #[test]
    fn a_blob_address_is_read_in_both_encodings_and_data_of_any_shape_is_skipped() {
        for (data, uri) in [
            (json!({"b": "eyJh"}), json!("\"https://a.example/c/n\"")),
            (json!({"b": {"Version": "1.0", "Content": {}}}), json!("https://a.example/c/n")),
        ] {
            let json = json!({"Data": data, "Metadata": {"Uri": uri, "Properties": {"ETag": {}}}});
            let envelope: BlobEnvelope = serde_json::from_value(json).unwrap();
            assert_eq!(envelope.uri().as_deref(), Some("https://a.example/c/n"));
        }
    }
}
