//! Lines with exact byte offsets, from a buffer or from a reader. Knows nothing of what a line
//! holds, and never keeps more of one than the caller allows.

use std::io::{self, Read};

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
    let consumed = memchr::memrchr(b'\n', buffer).map_or(0, |at| at + 1);
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
            let end = memchr::memchr(b'\n', self.rest)?;
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

/// Bytes asked of a reader at once: large enough to make calls rare, small enough to stay near.
const CHUNK: usize = 256 * 1024;

/// Reads lines of bounded length from any reader, last unterminated line included. A line is given
/// where it lies in the reader's own buffer, which grows only for a line that is longer than it.
#[derive(Debug)]
pub struct LineReader<R> {
    reader: R,
    line_max: usize,
    /// Bytes consumed: the offset of what begins at `start`.
    offset: u64,
    buffer: Vec<u8>,
    start: usize,
    /// Where the bytes that are known to hold no newline end.
    searched: usize,
    end: usize,
    at_end: bool,
}

/// A line as it lies in the buffer.
struct Raw {
    start: usize,
    end: usize,
    /// Length of all of it, which for an oversized line is not in the buffer.
    length: u64,
    terminated: bool,
    oversized: bool,
}

impl<R: Read> LineReader<R> {
    /// Reads from `reader`; lines longer than `line_max` bytes are skipped and reported.
    pub fn new(reader: R, line_max: usize) -> Self {
        let buffer = Vec::new();
        Self { reader, line_max, offset: 0, buffer, start: 0, searched: 0, end: 0, at_end: false }
    }

    /// Bytes consumed so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next non-empty line and where it lay; `None` at the end. Errors are the reader's own.
    pub fn next_line(&mut self) -> io::Result<Option<(LineSpan, &[u8])>> {
        loop {
            let offset = self.offset;
            let Some(raw) = self.raw_line()? else { return Ok(None) };
            self.offset += raw.length + u64::from(raw.terminated);
            let Raw { start, end, length, terminated, oversized } = raw;
            if oversized {
                return Ok(Some((LineSpan { offset, length, terminated, oversized }, &[])));
            }
            let line = self.buffer.get(start..end).unwrap_or_default();
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let marked = offset == 0 && line.starts_with(BYTE_ORDER_MARK);
            let mark = if marked { BYTE_ORDER_MARK.len() } else { 0 };
            let (start, end) = (start + mark, start + line.len());
            if start < end {
                let offset = offset + mark as u64;
                let length = (end - start) as u64;
                let line = self.buffer.get(start..end).unwrap_or_default();
                return Ok(Some((LineSpan { offset, length, terminated, oversized }, line)));
            }
        }
    }

    fn raw_line(&mut self) -> io::Result<Option<Raw>> {
        loop {
            let fresh = self.buffer.get(self.searched..self.end).unwrap_or_default();
            if let Some(at) = memchr::memchr(b'\n', fresh) {
                let end = self.searched + at;
                return Ok(Some(self.taken(end, true)));
            }
            self.searched = self.end;
            // One byte of room is kept for a carriage return, which does not count as content.
            if self.end - self.start > self.line_max.saturating_add(1) {
                return self.skip_line().map(Some);
            }
            if !self.fill()? {
                let rest = self.end > self.start;
                return Ok(rest.then(|| self.taken(self.end, false)));
            }
        }
    }

    /// Takes the line that ends at an index out of the buffer.
    fn taken(&mut self, end: usize, terminated: bool) -> Raw {
        let start = std::mem::replace(&mut self.start, end + usize::from(terminated));
        self.searched = self.start;
        let line = self.buffer.get(start..end).unwrap_or_default();
        let content = line.strip_suffix(b"\r").unwrap_or(line).len();
        let oversized = content > self.line_max;
        Raw { start, end, length: (end - start) as u64, terminated, oversized }
    }

    /// Drops an overlong line up to its newline.
    fn skip_line(&mut self) -> io::Result<Raw> {
        let mut length = 0;
        loop {
            length += (self.end - self.start) as u64;
            (self.start, self.searched, self.end) = (0, 0, 0);
            let terminated = if self.fill()? {
                let fresh = self.buffer.get(..self.end).unwrap_or_default();
                let Some(at) = memchr::memchr(b'\n', fresh) else { continue };
                length += at as u64;
                (self.start, self.searched) = (at + 1, at + 1);
                true
            } else {
                false
            };
            return Ok(Raw { start: 0, end: 0, length, terminated, oversized: true });
        }
    }

    /// Reads more behind what is there; `false` at the end.
    fn fill(&mut self) -> io::Result<bool> {
        if self.at_end {
            return Ok(false);
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.searched -= self.start;
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.buffer.len() {
            self.buffer.resize(self.end + CHUNK.max(self.end), 0);
        }
        loop {
            match self.reader.read(self.buffer.get_mut(self.end..).unwrap_or_default()) {
                Ok(0) => {
                    self.at_end = true;
                    return Ok(false);
                }
                Ok(read) => {
                    self.end += read;
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives so many bytes at once, at most.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let room = buffer.len().min(self.1);
            self.0.read(&mut buffer[..room])
        }
    }

    fn lines(buffer: &[u8], base: u64) -> (Vec<(u64, &[u8])>, usize) {
        let lines = whole_lines(buffer, base);
        let consumed = lines.consumed();
        (lines.map(|line| (line.offset, line.bytes)).collect(), consumed)
    }

    fn spans(bytes: &[u8], line_max: usize, capacity: usize) -> Vec<(LineSpan, Vec<u8>)> {
        let reader = Trickle(bytes, capacity);
        let mut reader = LineReader::new(reader, line_max);
        let mut seen = Vec::new();
        while let Some((span, line)) = reader.next_line().unwrap() {
            seen.push((span, line.to_vec()));
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
