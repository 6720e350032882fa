//! JSON as we send it: one compact line, times in RFC 3339 UTC, and no character that could act
//! on a terminal or turn the reading direction around. It knows no noun.

use std::io;

use serde::{Serialize, Serializer};
use serde_json::ser::Formatter;
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};

/// Writes `value` as one compact JSON text, without a newline.
///
/// JSON itself demands `\u` escapes below U+0020 only. Values come from hostile logs and end up
/// on terminals, so delete, the C1 controls, line and paragraph separators and the characters
/// that reorder text are escaped as well; any JSON reader gives back the original.
///
/// # Errors
/// Whatever the writer fails with.
pub fn write(writer: impl io::Write, value: &impl Serialize) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(writer, Inert);
    value.serialize(&mut serializer).map_err(io::Error::from)
}

/// The same as bytes.
///
/// # Errors
/// A value that JSON cannot hold; our twins have none.
pub fn bytes(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(256);
    write(&mut bytes, value)?;
    Ok(bytes)
}

/// RFC 3339 in UTC with as many fraction digits as the time has. Years outside 0..=9999 have no
/// such text and become an empty string.
pub fn time_text(time: OffsetDateTime) -> String {
    time.checked_to_offset(UtcOffset::UTC)
        .and_then(|utc| utc.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// For `#[serde(serialize_with = "…")]`.
pub(crate) fn time_as_text<S: Serializer>(
    time: &OffsetDateTime,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time_text(*time))
}

/// Compact output that escapes what a terminal or a reader's eye could stumble over.
struct Inert;

impl Formatter for Inert {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, acting)) = rest.char_indices().find(|(_, c)| acts(*c)) {
            let (before, from) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            write!(writer, "\\u{:04x}", u32::from(acting))?;
            rest = from.get(acting.len_utf8()..).unwrap_or_default();
        }
        writer.write_all(rest.as_bytes())
    }
}

/// Delete and C1 controls, separators that end a line, and bidirectional controls. All lie in
/// the basic plane, so four hexadecimal digits name each.
fn acts(c: char) -> bool {
    matches!(c, '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_is_escaped_and_reads_back_unchanged() {
        let hostile = "a\u{1b}[31m\u{9b}2J\u{7f}\u{202e}gpj.exe\u{2028}é😀\"\\\n";
        let json = bytes(&hostile).unwrap();
        assert!(json.iter().all(|byte| *byte >= 0x20 && *byte != 0x7f));
        let text = String::from_utf8(json).unwrap();
        assert!(!text.chars().any(acts), "{text}");
        assert!(text.contains("é😀"), "ordinary text stays readable: {text}");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), hostile);
    }

    #[test]
    fn times_are_told_in_utc() {
        let time = time::macros::datetime!(2026-01-01 01:30:00.25 +02:00);
        assert_eq!(time_text(time), "2025-12-31T23:30:00.25Z");
    }
}
