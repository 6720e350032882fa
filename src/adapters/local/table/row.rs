//! A row's bytes in the file: JSON with the row's version, so that a state file can be looked at
//! with anything.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::ports::error::{PortError, PortErrorKind, PortResult};
use crate::ports::table::{Etag, Key, Properties, Row, Value};

/// Both stores keep hundreds of nanoseconds.
const TICK_NANOS: i128 = 100;

#[derive(Serialize, Deserialize)]
struct StoredRow {
    version: u64,
    properties: BTreeMap<String, StoredValue>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum StoredValue {
    Text(String),
    Int(i64),
    Bool(bool),
    /// Hundreds of nanoseconds since the Unix epoch.
    Time(i64),
    /// Base64.
    Bytes(String),
}

/// Only the version, when nothing else matters.
#[derive(Deserialize)]
struct StoredVersion {
    version: u64,
}

pub(super) fn etag(version: u64) -> Etag {
    Etag(version.to_string())
}

pub(super) fn encode(version: u64, properties: &Properties) -> PortResult<Vec<u8>> {
    let properties =
        properties.iter().map(|(name, value)| (name.clone(), to_stored(value))).collect();
    serde_json::to_vec(&StoredRow { version, properties })
        .map_err(|error| PortError::new(PortErrorKind::Invalid, "encode a row", error.to_string()))
}

pub(super) fn version(bytes: &[u8]) -> PortResult<u64> {
    let stored: StoredVersion = serde_json::from_slice(bytes).map_err(|_| corrupt())?;
    Ok(stored.version)
}

pub(super) fn decode(key: Key, bytes: &[u8]) -> PortResult<Row> {
    let stored: StoredRow = serde_json::from_slice(bytes).map_err(|_| corrupt())?;
    let mut properties = Properties::new();
    for (name, value) in stored.properties {
        properties.insert(name, from_stored(value)?);
    }
    Ok(Row { key, etag: etag(stored.version), properties })
}

fn to_stored(value: &Value) -> StoredValue {
    match value {
        Value::Text(text) => StoredValue::Text(text.clone()),
        Value::Int(number) => StoredValue::Int(*number),
        Value::Bool(truth) => StoredValue::Bool(*truth),
        Value::Time(time) => {
            let ticks = time.unix_timestamp_nanos().div_euclid(TICK_NANOS);
            // The years -9999 to 9999 fit with room to spare.
            StoredValue::Time(i64::try_from(ticks).unwrap_or(i64::MAX))
        }
        Value::Bytes(bytes) => StoredValue::Bytes(STANDARD.encode(bytes)),
    }
}

fn from_stored(value: StoredValue) -> PortResult<Value> {
    Ok(match value {
        StoredValue::Text(text) => Value::Text(text),
        StoredValue::Int(number) => Value::Int(number),
        StoredValue::Bool(truth) => Value::Bool(truth),
        StoredValue::Time(ticks) => {
            let nanos = i128::from(ticks) * TICK_NANOS;
            let time = OffsetDateTime::from_unix_timestamp_nanos(nanos);
            Value::Time(time.map_err(|_| corrupt())?)
        }
        StoredValue::Bytes(text) => Value::Bytes(STANDARD.decode(text).map_err(|_| corrupt())?),
    })
}

fn corrupt() -> PortError {
    let cause = "a row in the state file is not what was written";
    PortError::new(PortErrorKind::Corrupt, "read a row", cause)
}
