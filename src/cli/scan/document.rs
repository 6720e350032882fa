//! Files that hold one JSON document over many lines, such as a batch of records that a tool has
//! laid out for people. Logs have a record a line; these have to be read whole.

use std::io::{self, BufRead, Read};

/// Bytes of one document, at most: it is held in memory. Logs are not read this way.
const DOCUMENT_MAX: u64 = 64 * 1024 * 1024;

/// Whether the text that begins like this is laid out over lines: its first line is only the
/// opening of a list or an object, which no record is.
pub(super) fn is_document(start: &[u8]) -> bool {
    let text = start.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(start);
    let mut lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    // What follows the last newline may go on beyond what has been read so far.
    let whole = lines.clone().count().saturating_sub(1);
    let first = lines.by_ref().take(whole).find(|line| !line.is_empty());
    matches!(first, Some(b"{" | b"[" | b"[{"))
}

/// The whole document.
///
/// # Errors
/// It cannot be read, or is larger than the limit.
pub(super) fn read(reader: impl BufRead) -> io::Result<Vec<u8>> {
    let mut document = Vec::new();
    #[expect(clippy::disallowed_methods, reason = "capped by take, one byte beyond the limit")]
    reader.take(DOCUMENT_MAX + 1).read_to_end(&mut document)?;
    if document.len() as u64 > DOCUMENT_MAX {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            "one JSON document of more than 64 MiB; write a record a line (jq -c '.records[]')",
        ));
    }
    Ok(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_line_that_only_opens_makes_a_document() {
        for start in ["{\n  \"records\": [", "[\n{", "\n\n[{\r\n", "\u{feff}{\n"] {
            assert!(is_document(start.as_bytes()), "{start:?}");
        }
        for start in ["", "{", "{\"kind\":\"Event\"}\n", "{}\n{\n", "[{\"a\":1}]\n", "{ \"a\":\n1}"]
        {
            assert!(!is_document(start.as_bytes()), "{start:?}");
        }
    }
}
