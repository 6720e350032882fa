//! Tokens of JSON between the strings: blanks, quotes that open, numbers, words. All of it is strict:
//! what is no JSON is said to be none.

use std::borrow::Cow;

use super::column::Value;
use super::surprise::Surprise;

/// An index behind what was read, or why there is none.
pub(super) type Walked = Result<usize, Surprise>;

/// Bytes as a text. As in the decoder, what is no UTF-8 becomes U+FFFD.
pub(super) fn readable(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    }
}

/// The byte at an index; none means that the text was cut.
#[inline]
pub(super) fn byte(text: &[u8], at: usize) -> Result<u8, Surprise> {
    text.get(at).copied().ok_or(Surprise::Cut)
}

/// The index behind blanks between tokens.
#[inline]
pub(super) fn blanks<const ESC: bool>(text: &[u8], mut at: usize) -> usize {
    loop {
        match text.get(at) {
            Some(b' ' | b'\t' | b'\n' | b'\r') if !ESC => at += 1,
            Some(b' ') => at += 1,
            Some(b'\\') if ESC && matches!(text.get(at + 1), Some(b'n' | b't' | b'r')) => at += 2,
            _ => return at,
        }
    }
}

/// The index behind the quote that opens a string at `at`.
#[inline]
pub(super) fn opened<const ESC: bool>(text: &[u8], at: usize) -> Walked {
    match (byte(text, at)?, ESC) {
        (b'"', false) => Ok(at + 1),
        (b'\\', true) => match byte(text, at + 1)? {
            b'"' => Ok(at + 2),
            _ => Err(Surprise::Malformed),
        },
        // The quote of the string around: it ended too early.
        (b'"', true) => Err(Surprise::Cut),
        _ => Err(Surprise::Malformed),
    }
}

/// The index behind a number, a boolean or null. Something must follow it: a number that ends
/// with the text may have been longer.
#[inline]
pub(super) fn token_end(text: &[u8], at: usize) -> Walked {
    let rest = text.get(at..).unwrap_or_default();
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.');
    let length = rest.iter().position(|byte| !inside(byte)).ok_or(Surprise::Cut)?;
    let token = rest.get(..length).unwrap_or_default();
    // The quote of the string around is where a cut shows.
    let cut = rest.get(length) == Some(&b'"');
    if matches!(token, b"true" | b"false" | b"null") || is_number(token) {
        if cut { Err(Surprise::Cut) } else { Ok(at + length) }
    } else {
        Err(if cut { Surprise::Cut } else { Surprise::Malformed })
    }
}

/// Longer numbers, or longer exponents, may be beyond what a double holds; the decoder refuses those.
const NUMBER_MAX: usize = 200;
const EXPONENT_MAX: usize = 2;

/// The grammar of JSON's numbers, of those that surely fit a double.
fn is_number(token: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if token.len() > NUMBER_MAX {
        return false;
    }
    let rest = token.strip_prefix(b"-").unwrap_or(token);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest.first() == Some(&b'0')) {
        return false;
    }
    let mut rest = rest.get(whole..).unwrap_or_default();
    if let Some(fraction) = rest.strip_prefix(b".") {
        let places = digits(fraction);
        if places == 0 {
            return false;
        }
        rest = fraction.get(places..).unwrap_or_default();
    }
    let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) else {
        return rest.is_empty();
    };
    let exponent = exponent.strip_prefix(b"+").or(exponent.strip_prefix(b"-")).unwrap_or(exponent);
    (1..=EXPONENT_MAX).contains(&exponent.len()) && digits(exponent) == exponent.len()
}

/// The value of a token. Fractions and numbers beyond 64 bits are the reference's: how they are
/// rounded is its own business.
pub(super) fn token(raw: &[u8]) -> Result<Value<'_>, Surprise> {
    match raw {
        b"true" => Ok(Value::Truth(true)),
        b"false" => Ok(Value::Truth(false)),
        b"null" => Ok(Value::Null),
        b"-0" => Err(Surprise::Number),
        _ => {
            let text = std::str::from_utf8(raw).map_err(|_| Surprise::Number)?;
            let integer = text.parse().map_err(|_| Surprise::Number)?;
            Ok(Value::Integer(integer, text))
        }
    }
}
