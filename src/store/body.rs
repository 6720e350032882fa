//! Bodies of rows as JSON text: keeps them within a hard bound and splits them over the columns
//! `body`, `body1`, `body2` … of a row. Must not know what the body says.
//!
//! A body is never refused because log content was long. While it exceeds its bound, its texts
//! and lists are cut further, rung by rung; what was cut ends in `…`.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::column::Columns;
use crate::ports::error::{PortError, PortErrorKind, PortResult};
use crate::ports::table::{Properties, Value};

/// UTF-16 units in one column: 60 KB of the 64 KiB that a property may have.
const COLUMN_UNITS: usize = 30_000;
/// Columns a body may be split over: more than any bound below needs.
const COLUMNS_MAX: usize = 16;
/// Bounds of a body, in bytes on the way to the store, where the JSON is a string within JSON.
/// A batch of one alert and 99 findings then stays below 3.5 MiB; Azure refuses 4 MiB.
pub(super) const ALERT_BYTES_MAX: usize = 256 * 1024;
/// See [`ALERT_BYTES_MAX`].
pub(super) const FINDING_BYTES_MAX: usize = 32 * 1024;

/// How far to cut.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rung {
    /// Characters of the value seen by a clause.
    pub value: usize,
    /// Characters of any other text that came from the log or a rule, ids excepted.
    pub text: usize,
    /// Reasons and contributing events.
    pub list: usize,
}

/// First only the values of `why` are cut; everything else only when that was not enough. On the
/// last rung a body of hostile text takes less than 20 KiB.
const RUNGS: [Rung; 6] = [
    Rung { value: usize::MAX, text: usize::MAX, list: usize::MAX },
    Rung { value: 2048, text: usize::MAX, list: usize::MAX },
    Rung { value: 256, text: usize::MAX, list: usize::MAX },
    Rung { value: 256, text: 2048, list: 256 },
    Rung { value: 64, text: 256, list: 32 },
    Rung { value: 32, text: 48, list: 8 },
];

/// A serde twin whose texts can be cut.
pub(super) trait Cut {
    fn cut(&mut self, rung: Rung);
}

/// Adds the body's columns to a row.
pub(super) fn write<T: Serialize + Cut>(
    mut twin: T,
    bytes_max: usize,
    properties: &mut Properties,
) -> PortResult<()> {
    let mut json = String::new();
    for rung in RUNGS {
        twin.cut(rung);
        json = serde_json::to_string(&twin).map_err(|error| {
            PortError::new(PortErrorKind::Invalid, "encode a row", error.to_string())
        })?;
        if bytes_sent(&json) <= bytes_max {
            break;
        }
    }
    for (index, chunk) in chunks(&json).into_iter().enumerate() {
        properties.insert(column(index), Value::Text(chunk));
    }
    Ok(())
}

/// Reads the body back from a row's columns.
pub(super) fn read<T: DeserializeOwned>(columns: &Columns<'_>) -> PortResult<T> {
    let mut json = columns.text(&column(0))?;
    for index in 1..COLUMNS_MAX {
        let name = column(index);
        if !columns.has(&name) {
            break;
        }
        json.push_str(&columns.text(&name)?);
    }
    // The category only: serde's own words would repeat what the row holds.
    serde_json::from_str(&json).map_err(|error| {
        columns.corrupt(format!("its body does not read back: {:?} error", error.classify()))
    })
}

/// Cuts a text to so many characters.
pub(super) fn shorten(text: &mut String, characters: usize) {
    if let Some((at, _)) = text.char_indices().nth(characters) {
        text.truncate(at);
        text.push('…');
    }
}

fn column(index: usize) -> String {
    if index == 0 { "body".to_owned() } else { format!("body{index}") }
}

/// JSON text within a JSON string: quotes and backslashes take one byte more each.
fn bytes_sent(json: &str) -> usize {
    json.len() + json.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count()
}

fn chunks(json: &str) -> Vec<String> {
    let mut chunks = Vec::new();
    let mut chunk = String::new();
    let mut units = 0;
    for character in json.chars() {
        if units + character.len_utf16() > COLUMN_UNITS {
            chunks.push(std::mem::take(&mut chunk));
            units = 0;
        }
        units += character.len_utf16();
        chunk.push(character);
    }
    chunks.push(chunk);
    chunks
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Twin {
        value: String,
    }

    impl Cut for Twin {
        fn cut(&mut self, rung: Rung) {
            shorten(&mut self.value, rung.value);
        }
    }

    fn row(value: &str) -> Properties {
        let mut properties = Properties::from([("v".to_owned(), Value::Int(1))]);
        write(Twin { value: value.to_owned() }, ALERT_BYTES_MAX, &mut properties).expect("written");
        properties
    }

    #[test]
    fn a_long_body_is_split_and_reads_back_whole() {
        let value = "é漢🦀\"\\".repeat(10_000);
        let properties = row(&value);
        assert!(properties.len() > 3, "{}", properties.len());
        for property in properties.values() {
            if let Value::Text(text) = property {
                assert!(text.encode_utf16().count() <= COLUMN_UNITS);
            }
        }
        let columns = Columns::open("test", 1, &properties).expect("a version");
        assert_eq!(read::<Twin>(&columns).expect("reads back").value, value);
    }

    #[test]
    fn a_body_beyond_its_bound_is_cut_and_not_refused() {
        let properties = row(&"x".repeat(ALERT_BYTES_MAX));
        let columns = Columns::open("test", 1, &properties).expect("a version");
        let value = read::<Twin>(&columns).expect("reads back").value;
        assert_eq!(value.chars().count(), 2049);
        assert!(value.ends_with("x…"));
    }
}
