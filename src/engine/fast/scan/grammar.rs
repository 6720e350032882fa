//! The grammar of JSON, byte by byte. The block scanner asks here for the few things that it does
//! not decide on its masks, and for the whole container where it has any doubt.

use super::{Stop, Text};

/// How deep containers may nest. `serde_json` refuses at 128, and a container here may itself lie
/// some levels deep.
pub(super) const DEEPEST: u32 = 100;

/// More digits than this could be a number beyond the range of a double, which `serde_json` refuses.
const MOST_DIGITS: usize = 200;

/// What may stand at a place between two tokens.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    /// Behind an opening bracket: a value or the closing one.
    FirstValue,
    /// Behind an opening brace: a key or the closing one.
    FirstKey,
    /// Behind a comma in an object.
    Key,
    /// Behind a colon, or behind a comma in an array.
    Value,
    /// Behind a value: a comma or the closing brace or bracket.
    Next,
}

/// The containers that are open, the innermost in the lowest bit: 1 is an array.
struct Open {
    arrays: u128,
    depth: u32,
}

impl Open {
    fn enter(&mut self, array: bool) -> Result<Expect, Stop> {
        if self.depth >= DEEPEST {
            return Err(Stop::Odd);
        }
        self.depth += 1;
        self.arrays = (self.arrays << 1) | u128::from(array);
        Ok(if array { Expect::FirstValue } else { Expect::FirstKey })
    }

    fn in_array(&self) -> bool {
        self.arrays & 1 == 1
    }

    fn leave(&mut self, array: bool) -> Result<(), Stop> {
        if self.in_array() != array {
            return Err(Stop::Odd);
        }
        self.arrays >>= 1;
        self.depth -= 1;
        Ok(())
    }
}

/// The index behind the container whose opening brace or bracket stands just before `at`.
pub(super) fn container<const ESC: bool>(text: &[u8], at: usize) -> Result<usize, Stop> {
    let opening = at.checked_sub(1).and_then(|before| text.get(before)).ok_or(Stop::Odd)?;
    let mut open = Open { arrays: 0, depth: 0 };
    let mut expect = open.enter(match opening {
        b'[' => true,
        b'{' => false,
        _ => return Err(Stop::Odd),
    })?;
    let mut at = at;
    loop {
        let byte = *text.get(at).ok_or(Stop::Cut)?;
        let value = matches!(expect, Expect::Value | Expect::FirstValue);
        match byte {
            b' ' => at += 1,
            b'\t' | b'\n' | b'\r' if !ESC => at += 1,
            b'"' if ESC => return Err(Stop::Cut),
            b'"' | b'\\' if value => {
                at = quoted::<ESC>(text, at)?;
                expect = Expect::Next;
            }
            b'"' | b'\\' if matches!(expect, Expect::Key | Expect::FirstKey) => {
                at = colon::<ESC>(text, quoted::<ESC>(text, at)?)?;
                expect = Expect::Value;
            }
            b'{' | b'[' if value => {
                expect = open.enter(byte == b'[')?;
                at += 1;
            }
            b'}' | b']' if matches!(expect, Expect::Next) || is_first(expect) => {
                open.leave(byte == b']')?;
                at += 1;
                expect = Expect::Next;
                if open.depth == 0 {
                    return Ok(at);
                }
            }
            b',' if expect == Expect::Next => {
                expect = if open.in_array() { Expect::Value } else { Expect::Key };
                at += 1;
            }
            _ if value => {
                at = scalar(text, at)?;
                expect = Expect::Next;
            }
            _ => return Err(Stop::Odd),
        }
    }
}

fn is_first(expect: Expect) -> bool {
    matches!(expect, Expect::FirstKey | Expect::FirstValue)
}

/// The index behind a string whose opening quote starts at `at`.
fn quoted<const ESC: bool>(text: &[u8], at: usize) -> Result<usize, Stop> {
    let opened = match (ESC, text.get(at), text.get(at + 1)) {
        (false, Some(b'"'), _) => at + 1,
        (true, Some(b'\\'), Some(b'"')) => at + 2,
        (true, Some(b'\\'), None) => return Err(Stop::Cut),
        _ => return Err(Stop::Odd),
    };
    super::string::<ESC>(text, opened).map(|text| text.after)
}

/// The rest of a string from `place` on, byte by byte; its content begins at `start`.
#[cold]
#[inline(never)]
pub(super) fn string<const ESC: bool>(
    text: &[u8],
    start: usize,
    place: usize,
    mut escaped: bool,
) -> Result<Text, Stop> {
    let mut at = place;
    let mut ascii = true;
    let found = loop {
        let byte = *text.get(at).ok_or(Stop::Cut)?;
        match byte {
            b'"' if ESC => return Err(Stop::Cut),
            b'"' => break Text { end: at, after: at + 1, escaped },
            b'\\' if ESC && text.get(at + 1) == Some(&b'"') => {
                break Text { end: at, after: at + 2, escaped };
            }
            b'\\' => {
                escaped = true;
                at = escape::<ESC>(text, at)?;
            }
            0..0x20 => return Err(Stop::Odd),
            _ => {
                ascii &= byte.is_ascii();
                at += 1;
            }
        }
    };
    let content = text.get(start..found.end).ok_or(Stop::Odd)?;
    if ascii || std::str::from_utf8(content).is_ok() { Ok(found) } else { Err(Stop::Odd) }
}

/// The index behind a colon, with blanks before it.
fn colon<const ESC: bool>(text: &[u8], mut at: usize) -> Result<usize, Stop> {
    loop {
        match text.get(at).ok_or(Stop::Cut)? {
            b':' => return Ok(at + 1),
            b' ' => at += 1,
            b'\t' | b'\n' | b'\r' if !ESC => at += 1,
            b'"' if ESC => return Err(Stop::Cut),
            _ => return Err(Stop::Odd),
        }
    }
}

/// The index behind an escape whose backslash stands at `at`. In escaped text that may be the one
/// escape of the outer text which means itself, `\/`.
#[inline(never)]
pub(super) fn escape<const ESC: bool>(text: &[u8], at: usize) -> Result<usize, Stop> {
    let first = at + 1;
    if !ESC {
        return match text.get(first).ok_or(Stop::Cut)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(first + 1),
            b'u' => unicode::<ESC>(text, first + 1),
            _ => Err(Stop::Odd),
        };
    }
    match text.get(first).ok_or(Stop::Cut)? {
        b'/' => return Ok(first + 1),
        b'\\' => {}
        _ => return Err(Stop::Odd),
    }
    let second = first + 1;
    match text.get(second).ok_or(Stop::Cut)? {
        b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(second + 1),
        b'u' => unicode::<ESC>(text, second + 1),
        // The escaped character is itself escaped by the outer text.
        b'\\' => match text.get(second + 1).ok_or(Stop::Cut)? {
            b'"' | b'\\' | b'/' => Ok(second + 2),
            _ => Err(Stop::Odd),
        },
        b'"' => Err(Stop::Cut),
        _ => Err(Stop::Odd),
    }
}

/// The index behind the four digits at `at`, and behind the second half where they are the first
/// half of a surrogate pair. A half alone is no character.
fn unicode<const ESC: bool>(text: &[u8], at: usize) -> Result<usize, Stop> {
    let after = at + 4;
    match hex::<ESC>(text, at)? {
        0xDC00..=0xDFFF => Err(Stop::Odd),
        0xD800..=0xDBFF => {
            let mut at = after;
            let marks: &[u8] = if ESC { br"\\u" } else { br"\u" };
            for mark in marks {
                match text.get(at).ok_or(Stop::Cut)? {
                    byte if byte == mark => at += 1,
                    b'"' if ESC => return Err(Stop::Cut),
                    _ => return Err(Stop::Odd),
                }
            }
            match hex::<ESC>(text, at)? {
                0xDC00..=0xDFFF => Ok(at + 4),
                _ => Err(Stop::Odd),
            }
        }
        _ => Ok(after),
    }
}

/// The letter of an escape, judged alone. Halves of a surrogate pair are left to `unicode`.
#[cfg(any(test, target_arch = "x86_64"))]
pub(super) fn letter(text: &[u8], at: usize) -> Option<()> {
    match text.get(at)? {
        b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
        b'u' => match hex::<true>(text, at + 1).ok()? {
            0xD800..=0xDFFF => None,
            _ => Some(()),
        },
        _ => None,
    }
}

fn hex<const ESC: bool>(text: &[u8], at: usize) -> Result<u32, Stop> {
    let mut unit = 0;
    for place in at..at + 4 {
        let byte = *text.get(place).ok_or(Stop::Cut)?;
        if ESC && byte == b'"' {
            return Err(Stop::Cut);
        }
        unit = unit * 16 + char::from(byte).to_digit(16).ok_or(Stop::Odd)?;
    }
    Ok(unit)
}

/// The index behind a number, `true`, `false` or `null`, which a separator, a closing brace or a
/// blank must follow.
pub(super) fn scalar(text: &[u8], at: usize) -> Result<usize, Stop> {
    let rest = text.get(at..).unwrap_or_default();
    let word: &[u8] = match rest.first().ok_or(Stop::Cut)? {
        b't' => b"true",
        b'f' => b"false",
        b'n' => b"null",
        b'-' | b'0'..=b'9' => return number(text, at),
        _ => return Err(Stop::Odd),
    };
    for (place, expected) in word.iter().enumerate() {
        match rest.get(place) {
            None | Some(b'"') => return Err(Stop::Cut),
            Some(byte) if byte == expected => {}
            Some(_) => return Err(Stop::Odd),
        }
    }
    ends(text, at + word.len())
}

/// Behind a scalar stands what ends it.
fn ends(text: &[u8], at: usize) -> Result<usize, Stop> {
    match text.get(at).ok_or(Stop::Cut)? {
        b',' | b']' | b'}' | b' ' | b'\t' | b'\n' | b'\r' => Ok(at),
        // In escaped text the outer string ended; in plain text this is no JSON either way.
        b'"' => Err(Stop::Cut),
        _ => Err(Stop::Odd),
    }
}

fn number(text: &[u8], start: usize) -> Result<usize, Stop> {
    let mut at = start + usize::from(text.get(start) == Some(&b'-'));
    let whole = digits(text, at);
    if text.get(at) == Some(&b'0') && whole > at + 1 {
        return Err(Stop::Odd);
    }
    at = some_digits(text, at, whole)?;
    if text.get(at) == Some(&b'.') {
        at = some_digits(text, at + 1, digits(text, at + 1))?;
    }
    if at - start > MOST_DIGITS {
        return Err(Stop::Odd);
    }
    if matches!(text.get(at), Some(b'e' | b'E')) {
        at += 1;
        at += usize::from(matches!(text.get(at), Some(b'+' | b'-')));
        let end = some_digits(text, at, digits(text, at))?;
        // Two digits of exponent keep even the longest number here within the range of a double.
        if end - at > 2 {
            return Err(Stop::Odd);
        }
        at = end;
    }
    ends(text, at)
}

fn digits(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// At least one digit lies between `from` and `to`.
fn some_digits(text: &[u8], from: usize, to: usize) -> Result<usize, Stop> {
    match text.get(to) {
        _ if to > from => Ok(to),
        None | Some(b'"') => Err(Stop::Cut),
        Some(_) => Err(Stop::Odd),
    }
}
