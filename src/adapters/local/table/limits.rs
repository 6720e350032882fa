//! The limits of the port, checked before anything is written, as strictly as Azure does: what
//! works on this machine must not fail in the cloud.

use std::collections::BTreeSet;

use time::OffsetDateTime;

use crate::ports::error::{PortError, PortErrorKind, PortResult};
use crate::ports::table::{
    BATCH_OPERATIONS_MAX, Key, PROPERTIES_MAX, PROPERTY_BYTES_MAX, Properties, Value, Write,
};

/// UTF-16 units of a key: 1 KiB.
const KEY_UNITS_MAX: usize = 512;
/// Bytes of a whole row.
const ROW_BYTES_MAX: usize = 1024 * 1024;
/// Years that Azure's `Edm.DateTime` holds.
const YEARS: std::ops::RangeInclusive<i32> = 1601..=9999;

pub(super) fn check_key(key: &Key) -> PortResult<()> {
    for part in [&key.partition, &key.row] {
        if part.chars().any(|c| matches!(c, '/' | '\\' | '#' | '?') || c.is_control()) {
            return Err(invalid("a key holds a character that no key may hold"));
        }
        if part.encode_utf16().count() > KEY_UNITS_MAX {
            return Err(invalid(format!("a key has more than {KEY_UNITS_MAX} UTF-16 units")));
        }
    }
    Ok(())
}

pub(super) fn check_write(write: &Write) -> PortResult<()> {
    check_key(write.key())?;
    match write {
        Write::Insert { properties, .. }
        | Write::Replace { properties, .. }
        | Write::Upsert { properties, .. } => check_properties(properties),
        Write::Delete { .. } => Ok(()),
    }
}

pub(super) fn check_batch(writes: &[Write]) -> PortResult<()> {
    if writes.len() > BATCH_OPERATIONS_MAX {
        let cause = format!("a batch has more than {BATCH_OPERATIONS_MAX} operations");
        return Err(invalid(cause));
    }
    let mut keys = BTreeSet::new();
    for write in writes {
        check_write(write)?;
        if !keys.insert(write.key()) {
            return Err(invalid("a batch changes one row twice"));
        }
    }
    let partitions: BTreeSet<&str> = keys.iter().map(|key| key.partition.as_str()).collect();
    if partitions.len() > 1 {
        return Err(invalid("a batch spans two partitions"));
    }
    Ok(())
}

fn check_properties(properties: &Properties) -> PortResult<()> {
    if properties.len() > PROPERTIES_MAX {
        return Err(invalid(format!("a row has more than {PROPERTIES_MAX} properties")));
    }
    let mut total = 0;
    for (name, value) in properties {
        check_name(name)?;
        let bytes = size(value)?;
        if bytes > PROPERTY_BYTES_MAX {
            let cause = format!("a property has more than {PROPERTY_BYTES_MAX} bytes");
            return Err(invalid(cause));
        }
        total += 2 * name.len() + bytes;
    }
    if total > ROW_BYTES_MAX {
        return Err(invalid(format!("a row has more than {ROW_BYTES_MAX} bytes")));
    }
    Ok(())
}

fn check_name(name: &str) -> PortResult<()> {
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let reserved = matches!(name, "PartitionKey" | "RowKey" | "Timestamp");
    if starts_well && plain && !reserved && name.len() <= 255 {
        Ok(())
    } else {
        Err(invalid("a property has a name that no property may have"))
    }
}

fn size(value: &Value) -> PortResult<usize> {
    match value {
        Value::Text(text) => Ok(2 * text.encode_utf16().count()),
        Value::Bytes(bytes) => Ok(bytes.len()),
        Value::Time(time) => check_time(*time).map(|()| 8),
        Value::Int(_) | Value::Bool(_) => Ok(8),
    }
}

fn check_time(time: OffsetDateTime) -> PortResult<()> {
    let utc = time.checked_to_offset(time::UtcOffset::UTC);
    if utc.is_some_and(|utc| YEARS.contains(&utc.year())) {
        Ok(())
    } else {
        Err(invalid("a time lies outside the years 1601 to 9999"))
    }
}

fn invalid(cause: impl Into<String>) -> PortError {
    PortError::new(PortErrorKind::Invalid, "write rows", cause)
}
