//! Compressed logs: gzip is recognised by its magic number, never by a file's name. Streams with
//! bounded memory; a file of several members reads as one.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

/// The first two bytes of every gzip member (RFC 1952).
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Opens `reader` as it is, or decompressing when it starts with gzip's magic number. Errors are
/// the reader's own; damage inside the compressed data shows as an error of a later read.
pub fn open<'a>(mut reader: impl Read + 'a) -> io::Result<Box<dyn BufRead + 'a>> {
    let head = head(&mut reader)?;
    let compressed = head == MAGIC;
    let whole = BufReader::new(io::Cursor::new(head).chain(reader));
    if compressed {
        Ok(Box::new(BufReader::new(MultiGzDecoder::new(whole))))
    } else {
        Ok(Box::new(whole))
    }
}

/// The first bytes of the reader, as many as the magic number has; fewer at the end.
fn head(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let (mut head, mut byte) = (Vec::with_capacity(MAGIC.len()), [0]);
    while head.len() < MAGIC.len() {
        match reader.read(&mut byte) {
            Ok(0) => break,
            Ok(_) => head.extend_from_slice(&byte),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(head)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn packed(text: &str) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        io::copy(&mut open(bytes)?.take(1000), &mut text)?;
        Ok(text)
    }

    #[track_caller]
    fn check(bytes: &[u8], expected: &str) {
        assert_eq!(read(bytes).unwrap(), expected.as_bytes());
    }

    #[test]
    fn plain_and_compressed_and_tiny_inputs_read_alike() {
        check(b"plain\n", "plain\n");
        check(b"", "");
        check(b"\x1f", "\x1f");
        check(&packed("one\n"), "one\n");
    }

    #[test]
    fn members_after_the_first_are_read() {
        let mut bytes = packed("one\n");
        bytes.extend(packed("two\n"));
        check(&bytes, "one\ntwo\n");
    }

    #[test]
    fn damage_is_an_error_and_not_an_end() {
        let mut bytes = packed(&"text ".repeat(100));
        bytes.truncate(bytes.len() / 2);
        assert!(read(&bytes).is_err());
    }
}
