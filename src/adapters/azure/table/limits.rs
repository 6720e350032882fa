//! What the table service refuses, refused before it is sent: the service's own refusal of one
//! operation in a batch does not say which.

use crate::ports::error::{PortError, PortErrorKind, PortResult};
use crate::ports::table::{
    BATCH_OPERATIONS_MAX, Etag, Key, PROPERTIES_MAX, PROPERTY_BYTES_MAX, Properties, Value, Write,
};

/// Bytes of one key, at most, two a UTF-16 unit.
const KEY_BYTES_MAX: usize = 1024;
/// Bytes of one row, at most.
const ROW_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of one batch, at most, as it travels; some room is left for addresses and headers.
const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024 - 128 * 1024;
/// Characters of a property's name, at most.
const NAME_CHARS_MAX: usize = 255;
/// The service's first year.
const YEAR_MIN: i32 = 1601;
const YEAR_MAX: i32 = 9999;

/// Checks one change.
pub(super) fn check(write: &Write) -> PortResult<()> {
    check_key(write.key())?;
    match write {
        Write::Insert { properties, .. } | Write::Upsert { properties, .. } => {
            check_properties(properties)
        }
        Write::Replace { properties, etag, .. } => {
            check_properties(properties)?;
            check_etag(etag)
        }
        Write::Delete { etag, .. } => etag.as_ref().map_or(Ok(()), check_etag),
    }
}

/// Checks a batch: its parts, their number, one partition, no key twice.
pub(super) fn check_batch(writes: &[Write]) -> PortResult<()> {
    if writes.len() > BATCH_OPERATIONS_MAX {
        return Err(invalid("a batch has at most 100 operations"));
    }
    let mut seen = std::collections::BTreeSet::new();
    let mut bytes = 0usize;
    for write in writes {
        check(write)?;
        if writes.first().is_some_and(|first| first.key().partition != write.key().partition) {
            return Err(invalid("a batch stays within one partition"));
        }
        if !seen.insert(&write.key().row) {
            return Err(invalid("a batch changes a row once"));
        }
        bytes = bytes.saturating_add(on_the_wire(write));
    }
    if bytes > BATCH_BYTES_MAX {
        return Err(invalid("a batch is at most 4 MiB"));
    }
    Ok(())
}

/// Checks a key. `store::key` escapes what the service forbids; this is the second lock.
pub(super) fn check_key(key: &Key) -> PortResult<()> {
    for part in [&key.partition, &key.row] {
        if text_bytes(part) > KEY_BYTES_MAX {
            return Err(invalid("a key is at most 1 KiB"));
        }
        if part.chars().any(|c| c.is_control() || matches!(c, '/' | '\\' | '#' | '?')) {
            return Err(invalid("a key holds none of / \\ # ? and no control character"));
        }
    }
    Ok(())
}

fn check_properties(properties: &Properties) -> PortResult<()> {
    if properties.len() > PROPERTIES_MAX {
        return Err(invalid("a row has at most 252 properties"));
    }
    let mut total = 0usize;
    for (name, value) in properties {
        if !is_name(name) {
            return Err(invalid(
                "a property's name is a letter followed by letters, digits and _, at most 255",
            ));
        }
        let bytes = value_bytes(value);
        if bytes > PROPERTY_BYTES_MAX {
            return Err(invalid(
                "a property is at most 64 KiB, where text counts two bytes a unit",
            ));
        }
        if let Value::Time(time) = value
            && !(YEAR_MIN..=YEAR_MAX).contains(&time.to_offset(time::UtcOffset::UTC).year())
        {
            return Err(invalid("a time lies between the years 1601 and 9999"));
        }
        total = total.saturating_add(bytes).saturating_add(text_bytes(name)).saturating_add(8);
    }
    if total > ROW_BYTES_MAX {
        return Err(invalid("a row is at most 1 MiB"));
    }
    Ok(())
}

/// An ETag stands in a header line, in a batch even inside a body.
fn check_etag(etag: &Etag) -> PortResult<()> {
    let fits = !etag.0.is_empty()
        && etag.0.len() <= KEY_BYTES_MAX
        && etag.0.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    // A star would match any version, which is what an ETag is there to prevent.
    if fits && etag.0 != "*" { Ok(()) } else { Err(invalid("this is no ETag of a stored row")) }
}

fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic())
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.len() <= NAME_CHARS_MAX
        && !matches!(name, "PartitionKey" | "RowKey" | "Timestamp")
}

fn text_bytes(text: &str) -> usize {
    text.encode_utf16().count().saturating_mul(2)
}

fn value_bytes(value: &Value) -> usize {
    match value {
        Value::Text(text) => text_bytes(text),
        Value::Bytes(bytes) => bytes.len(),
        Value::Int(_) | Value::Time(_) => 8,
        Value::Bool(_) => 1,
    }
}

/// About what a change takes in a batch: JSON text, base64, and some hundred bytes of headers.
fn on_the_wire(write: &Write) -> usize {
    let properties = match write {
        Write::Insert { properties, .. }
        | Write::Replace { properties, .. }
        | Write::Upsert { properties, .. } => properties,
        Write::Delete { .. } => return 1024,
    };
    let value = |value: &Value| match value {
        Value::Text(text) => serde_json::to_string(text).map_or(0, |json| json.len()),
        Value::Bytes(bytes) => bytes.len().saturating_mul(4) / 3 + 4,
        _ => 32,
    };
    properties.iter().map(|(name, v)| name.len() * 2 + 40 + value(v)).sum::<usize>() + 1024
}

fn invalid(cause: &'static str) -> PortError {
    PortError::new(PortErrorKind::Invalid, "write a row", cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn insert(row: &str, name: &str, value: Value) -> Write {
        let key = Key { partition: "p".into(), row: row.into() };
        Write::Insert { key, properties: Properties::from([(name.to_owned(), value)]) }
    }

    #[test]
    fn what_fits_passes_and_what_does_not_is_invalid() {
        let time = time::macros::datetime!(1600-12-31 0:00 UTC);
        for (write, fits) in [
            (insert("r", "A", Value::Text("x".repeat(32_768))), true),
            (insert("r", "A", Value::Text("x".repeat(32_769))), false),
            // Each of these is two UTF-16 units.
            (insert("r", "A", Value::Text("😀".repeat(16_384))), true),
            (insert("r", "A", Value::Text("😀".repeat(16_385))), false),
            (insert("r", "A", Value::Bytes(vec![0; 65_536])), true),
            (insert("r", "A", Value::Bytes(vec![0; 65_537])), false),
            (insert("o'brien 100% +&é", "A", Value::Bool(true)), true),
            (insert("a/b", "A", Value::Bool(true)), false),
            (insert("a\u{7}b", "A", Value::Bool(true)), false),
            (insert(&"x".repeat(513), "A", Value::Bool(true)), false),
            (insert("r", "1a", Value::Bool(true)), false),
            (insert("r", "odata.type", Value::Bool(true)), false),
            (insert("r", "Timestamp", Value::Bool(true)), false),
            (insert("r", "A", Value::Time(time)), false),
        ] {
            let answer = check(&write).map_err(|error| error.kind);
            assert_eq!(answer, if fits { Ok(()) } else { Err(PortErrorKind::Invalid) });
        }
    }

    #[test]
    fn an_etag_cannot_carry_a_header_line() {
        for etag in ["", "*", "x\r\nIf-Match: *", "é"] {
            let key = Key { partition: "p".into(), row: "r".into() };
            let write = Write::Delete { key, etag: Some(Etag(etag.into())) };
            assert_eq!(check(&write).unwrap_err().kind, PortErrorKind::Invalid, "{etag:?}");
        }
    }

    #[test]
    fn a_batch_is_bounded_and_changes_a_row_once() {
        let row = |i: usize| insert(&format!("r{i}"), "A", Value::Bool(true));
        assert!(check_batch(&(0..100).map(row).collect::<Vec<_>>()).is_ok());
        assert!(check_batch(&(0..101).map(row).collect::<Vec<_>>()).is_err());
        assert!(check_batch(&[row(1), row(1)]).is_err());
        let big = |i: usize| insert(&format!("r{i}"), "A", Value::Bytes(vec![0; 65_536]));
        assert!(check_batch(&(0..60).map(big).collect::<Vec<_>>()).is_err());
    }
}
