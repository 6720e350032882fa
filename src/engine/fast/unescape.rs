//! A string's content as it lies in the file, into the text it means.

/// Why a text is left to the reference: an escape that is none, or half of a surrogate pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadEscape;

/// Decodes the content of a string. With `ESC` the string lies inside another one, whose escapes
/// are taken off first; of those only a quote, a backslash and a slash are expected.
pub(super) fn unescape<const ESC: bool>(
    raw: &[u8],
    inner: &mut Vec<u8>,
    text: &mut Vec<u8>,
) -> Result<(), BadEscape> {
    if !ESC {
        return escapes(raw, text);
    }
    inner.clear();
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (plain, escape) = rest.split_at_checked(at).ok_or(BadEscape)?;
        inner.extend_from_slice(plain);
        match escape {
            [_, byte @ (b'"' | b'\\' | b'/'), more @ ..] => {
                inner.push(*byte);
                rest = more;
            }
            _ => return Err(BadEscape),
        }
    }
    inner.extend_from_slice(rest);
    escapes(inner, text)
}

fn escapes(raw: &[u8], text: &mut Vec<u8>) -> Result<(), BadEscape> {
    text.clear();
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        let (plain, escape) = rest.split_at_checked(at).ok_or(BadEscape)?;
        text.extend_from_slice(plain);
        let [_, letter, more @ ..] = escape else { return Err(BadEscape) };
        rest = more;
        match letter {
            b'"' | b'\\' | b'/' => text.push(*letter),
            b'b' => text.push(8),
            b'f' => text.push(12),
            b'n' => text.push(b'\n'),
            b'r' => text.push(b'\r'),
            b't' => text.push(b'\t'),
            b'u' => {
                let c = unicode(&mut rest)?;
                text.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            _ => return Err(BadEscape),
        }
    }
    text.extend_from_slice(rest);
    Ok(())
}

fn unicode(rest: &mut &[u8]) -> Result<char, BadEscape> {
    let first = unit(rest)?;
    if !(0xd800..0xdc00).contains(&first) {
        return char::from_u32(first).ok_or(BadEscape);
    }
    *rest = rest.strip_prefix(b"\\u").ok_or(BadEscape)?;
    let second = unit(rest)?;
    if !(0xdc00..0xe000).contains(&second) {
        return Err(BadEscape);
    }
    char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or(BadEscape)
}

fn unit(rest: &mut &[u8]) -> Result<u32, BadEscape> {
    let (digits, more) = rest.split_first_chunk::<4>().ok_or(BadEscape)?;
    *rest = more;
    digits.iter().try_fold(0, |unit, digit| {
        char::from(*digit).to_digit(16).map(|value| unit << 4 | value).ok_or(BadEscape)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded<const ESC: bool>(raw: &str) -> Result<String, BadEscape> {
        let (mut inner, mut text) = (Vec::new(), Vec::new());
        unescape::<ESC>(raw.as_bytes(), &mut inner, &mut text)?;
        Ok(String::from_utf8(text).unwrap())
    }

    #[test]
    fn texts_are_decoded_as_serde_does_it_once_and_twice() {
        for text in ["", "a\"b\\c/d", "\u{1}\u{8}\u{c}\n\r\t", "é中😀", "&<>", "\\u0026"] {
            let once = serde_json::to_string(text).unwrap();
            let inside = once.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap();
            assert_eq!(decoded::<false>(inside).as_deref(), Ok(text));
            let twice = serde_json::to_string(inside).unwrap();
            let inside = twice.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap();
            assert_eq!(decoded::<true>(inside).as_deref(), Ok(text));
        }
        assert_eq!(decoded::<false>(r"\ud83d\ude00\u0026\/").as_deref(), Ok("😀&/"));
        assert_eq!(decoded::<true>(r"a\/b\\u0026\\\/").as_deref(), Ok("a/b&/"));
    }

    #[test]
    fn what_is_no_escape_is_left_to_the_reference() {
        for bad in [r"\x", r"\u12", r"\ud83d", r"\ude00", r"\ud83d\u0041", r"\", r"\u+123"] {
            assert_eq!(decoded::<false>(bad), Err(BadEscape), "{bad}");
        }
        for bad in [r"a\n", r"\u0041", r"\\x", r"\\"] {
            assert_eq!(decoded::<true>(bad), Err(BadEscape), "{bad}");
        }
    }
}
