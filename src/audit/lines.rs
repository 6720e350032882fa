//! Lines with exact byte offsets, from a buffer or from a reader. Knows nothing of what a line
//! holds, and never keeps more of one than the caller allows.

use std::io::{self, BufRead};

/// UTF-8's byte-order mark; tolerated at the very start of a blob or file.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One line without its line end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Offset of the first byte in the blob or file.
    pub offset: u64,
    pub bytes: &'a [u8],
}

/// The complete lines of `buffer`, whose first byte lies at `base` in its blob. Empty lines are
/// skipped, a tail without a newline is left for later.
pub fn whole_lines(buffer: &[u8], base: u64) -> WholeLines<'_> {
    let consumed = buffer.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let whole = buffer.get(..consumed).unwrap_or_default();
    let (rest, offset) = match whole.strip_prefix(BYTE_ORDER_MARK) {
        Some(rest) if base == 0 => (rest, BYTE_ORDER_MARK.len() as u64),
        _ => (whole, base),
    };
    WholeLines { rest, offset, consumed }
}

/// Iterator of [`whole_lines`].
#[derive(Debug, Clone)]
pub struct WholeLines<'a> {
    rest: &'a [u8],
    offset: u64,
    consumed: usize,
}

impl WholeLines<'_> {
    /// Bytes of the buffer up to and including its last newline, iterated or not.
    pub fn consumed(&self) -> usize {
        self.consumed
    }
}

impl<'a> Iterator for WholeLines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let end = self.rest.iter().position(|byte| *byte == b'\n')?;
            let (with_newline, rest) = self.rest.split_at_checked(end + 1)?;
            let offset = self.offset;
            self.rest = rest;
            self.offset += with_newline.len() as u64;
            let bytes = without_line_end(with_newline);
            if !bytes.is_empty() {
                return Some(Line { offset, bytes });
            }
        }
    }
}

fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Where a line of a reader lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineSpan {
    /// Offset of the line's first byte (decompressed).
    pub offset: u64,
    /// Length in bytes without the line end; of an oversized line, all of it.
    pub length: u64,
    /// The line ended in a newline; only the last line of a reader may not.
    pub terminated: bool,
    /// The line was longer than the limit: it was skipped, and no bytes of it were given.
    pub oversized: bool,
}

/// Reads lines of bounded length from any buffered reader, last unterminated line included.
#[derive(Debug)]
pub struct LineReader<R> {
    reader: R,
    line_max: usize,
    offset: u64,
}

impl<R: BufRead> LineReader<R> {
    /// Reads from `reader`; lines longer than `line_max` bytes are skipped and reported.
    pub fn new(reader: R, line_max: usize) -> Self {
        Self { reader, line_max, offset: 0 }
    }

    /// Bytes consumed so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Puts the next non-empty line into `line` (replacing its content) and says where it lay;
    /// `None` at the end. Errors are the reader's own.
    pub fn next_line(&mut self, line: &mut Vec<u8>) -> io::Result<Option<LineSpan>> {
        loop {
            line.clear();
            let start = self.offset;
            let (consumed, terminated) = self.fill(line)?;
            if consumed == 0 {
                return Ok(None);
            }
            self.offset += consumed;
            // One byte of room is kept for the carriage return, which does not count as content.
            if line.len() > self.line_max && line.last() == Some(&b'\r') {
                line.pop();
            }
            let oversized = line.len() > self.line_max;
            let mut offset = start;
            if oversized {
                line.clear();
                let length = consumed - u64::from(terminated);
                return Ok(Some(LineSpan { offset, length, terminated, oversized }));
            }
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            if start == 0 && line.starts_with(BYTE_ORDER_MARK) {
                line.drain(..BYTE_ORDER_MARK.len());
                offset = BYTE_ORDER_MARK.len() as u64;
            }
            if !line.is_empty() {
                let length = line.len() as u64;
                return Ok(Some(LineSpan { offset, length, terminated, oversized }));
            }
        }
    }

    /// Consumes one line; keeps at most two bytes more than the limit. Returns the bytes consumed,
    /// newline included, and whether there was a newline.
    fn fill(&mut self, line: &mut Vec<u8>) -> io::Result<(u64, bool)> {
        let keep_max = self.line_max.saturating_add(2);
        let mut consumed = 0;
        loop {
            let available = match self.reader.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if available.is_empty() {
                return Ok((consumed, false));
            }
            let newline = available.iter().position(|byte| *byte == b'\n');
            let content = available.get(..newline.unwrap_or(available.len())).unwrap_or_default();
            let room = keep_max.saturating_sub(line.len()).min(content.len());
            line.extend_from_slice(content.get(..room).unwrap_or_default());
            let used = content.len() + usize::from(newline.is_some());
            self.reader.consume(used);
            consumed += used as u64;
            if newline.is_some() {
                return Ok((consumed, true));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(buffer: &[u8], base: u64) -> (Vec<(u64, &[u8])>, usize) {
        let lines = whole_lines(buffer, base);
        let consumed = lines.consumed();
        (lines.map(|line| (line.offset, line.bytes)).collect(), consumed)
    }

    fn spans(bytes: &[u8], line_max: usize, capacity: usize) -> Vec<(LineSpan, Vec<u8>)> {
        let reader = io::BufReader::with_capacity(capacity, bytes);
        let mut reader = LineReader::new(reader, line_max);
        let (mut line, mut seen) = (Vec::new(), Vec::new());
        while let Some(span) = reader.next_line(&mut line).unwrap() {
            seen.push((span, line.clone()));
        }
        assert_eq!(reader.offset(), bytes.len() as u64);
        seen
    }

    #[test]
    fn offsets_are_exact_over_line_ends_empty_lines_and_the_tail() {
        let expected: Vec<(u64, &[u8])> = vec![(100, b"a"), (103, b"bc"), (108, b"d")];
        assert_eq!(lines(b"a\r\nbc\n\r\nd\ntail", 100), (expected, 10));
        assert_eq!(lines(b"no newline", 0), (vec![], 0));
        assert_eq!(lines(b"", 0), (vec![], 0));
    }

    #[test]
    fn a_byte_order_mark_is_skipped_at_the_start_and_only_there() {
        assert_eq!(lines(b"\xef\xbb\xbfa\n", 0).0, vec![(3, b"a".as_slice())]);
        assert_eq!(lines(b"\xef\xbb\xbfa\n", 9).0, vec![(9, b"\xef\xbb\xbfa".as_slice())]);
        assert_eq!(spans(b"\xef\xbb\xbfa\n", 10, 2)[0].0.offset, 3);
    }

    #[test]
    fn the_last_line_without_a_newline_is_given_and_says_so() {
        let seen = spans(b"ab\r\n\ncd", 10, 3);
        let span =
            |offset, terminated| LineSpan { offset, length: 2, terminated, oversized: false };
        assert_eq!(seen, vec![(span(0, true), b"ab".to_vec()), (span(5, false), b"cd".to_vec())]);
    }

    #[test]
    fn a_line_over_the_limit_is_skipped_to_its_newline_and_reported() {
        for capacity in [1, 3, 64] {
            let seen = spans(b"abcd\nabcde\nx\nabcdefghij", 4, capacity);
            let told: Vec<_> =
                seen.iter().map(|(s, l)| (s.offset, s.length, s.oversized, l.len())).collect();
            let expected =
                [(0, 4, false, 4), (5, 5, true, 0), (11, 1, false, 1), (13, 10, true, 0)];
            assert_eq!(told, expected, "{capacity}");
            assert!(!seen[3].0.terminated);
        }
    }

    #[test]
    fn a_carriage_return_does_not_make_a_line_oversized() {
        let seen = spans(b"abcd\r\nabcde\r\n", 4, 64);
        assert_eq!(seen[0].1, b"abcd");
        assert!(seen[1].0.oversized);
    }
}
