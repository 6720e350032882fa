//! Rewriting a rule's value before it is compared: placeholders, dashes, encodings. Owns the
//! bound on how many values one value may become.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::quote;
use super::modifier::Transform;
use super::pattern::{Token, literal, tokens};

/// Named lists of values that stand in for placeholders such as `%admins%`. The values are Sigma
/// strings, so they may hold wildcards.
pub type ValueLists = BTreeMap<String, Vec<String>>;

/// What one value may become through dashes and placeholders.
const VARIANTS_MAX: usize = 10_000;

/// The dashes (and the slash) that Windows programs take for a hyphen before an option.
const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];

/// A text of a rule, cut at its placeholders.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Placeholder(String),
}

/// The texts that a value with placeholders stands for. A `%` behind a backslash is plain.
/// `escape` adapts the values of the lists to what surrounds them.
pub(crate) fn expand(
    text: &str,
    lists: &ValueLists,
    escape: fn(&str) -> String,
) -> Result<Vec<String>, String> {
    let mut results = vec![String::new()];
    for piece in pieces(text) {
        let additions = match piece {
            Piece::Text(text) => vec![text],
            Piece::Placeholder(name) => match lists.get(&name) {
                Some(values) if !values.is_empty() => {
                    values.iter().map(|value| escape(value)).collect()
                }
                _ => {
                    let name = quote(&format!("%{name}%"));
                    return Err(format!(
                        "no value list stands for the placeholder {name}; define the list, or \
                         write `\\%` for a plain percent sign"
                    ));
                }
            },
        };
        if results.len().saturating_mul(additions.len()) > VARIANTS_MAX {
            return Err(too_many());
        }
        results = results
            .iter()
            .flat_map(|before| additions.iter().map(move |after| format!("{before}{after}")))
            .collect();
    }
    Ok(results)
}

/// Whether a text holds a placeholder.
pub(crate) fn has_placeholder(text: &str) -> bool {
    pieces(text).iter().any(|piece| matches!(piece, Piece::Placeholder(_)))
}

/// The names of the placeholders in a text.
pub(crate) fn placeholders(text: &str) -> impl Iterator<Item = String> {
    pieces(text).into_iter().filter_map(|piece| match piece {
        Piece::Placeholder(name) => Some(name),
        Piece::Text(_) => None,
    })
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        plain.push_str(before);
        rest = after;
        if plain.ends_with('\\') {
            plain.pop();
            plain.push('%');
            continue;
        }
        match after.split_once('%').filter(|(name, _)| is_name(name)) {
            Some((name, behind)) => {
                pieces.push(Piece::Text(std::mem::take(&mut plain)));
                pieces.push(Piece::Placeholder(name.to_owned()));
                rest = behind;
            }
            None => plain.push('%'),
        }
    }
    plain.push_str(rest);
    pieces.push(Piece::Text(plain));
    pieces
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// The Sigma strings that a text becomes through the transforms, in their order.
pub(crate) fn transform(text: &str, steps: &[Transform]) -> Result<Vec<Vec<Token>>, String> {
    let mut values = vec![Value::Tokens(tokens(text))];
    for step in steps {
        let mut next = Vec::new();
        for value in &values {
            next.extend(apply(value, *step)?);
            if next.len() > VARIANTS_MAX {
                return Err(too_many());
            }
        }
        values = next;
    }
    values.into_iter().map(Value::into_tokens).collect()
}

fn too_many() -> String {
    format!("the value stands for more than {VARIANTS_MAX} values; split it")
}

enum Value {
    Tokens(Vec<Token>),
    Bytes(Vec<u8>),
}

impl Value {
    fn bytes(&self) -> Result<Vec<u8>, String> {
        match self {
            Self::Bytes(bytes) => Ok(bytes.clone()),
            Self::Tokens(tokens) => plain(tokens).map(String::into_bytes),
        }
    }

    fn into_tokens(self) -> Result<Vec<Token>, String> {
        match self {
            Self::Tokens(tokens) => Ok(tokens),
            Self::Bytes(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(text.chars().map(Token::Char).collect()),
                Err(_) => Err("this text in UTF-16 is no text of an event; put `base64offset` \
                               after the encoding"
                    .to_owned()),
            },
        }
    }
}

fn apply(value: &Value, step: Transform) -> Result<Vec<Value>, String> {
    Ok(match (step, value) {
        (Transform::Windash, Value::Tokens(tokens)) => {
            windash(tokens)?.into_iter().map(Value::Tokens).collect()
        }
        // The modifier chain refuses `windash` behind an encoding.
        (Transform::Windash, Value::Bytes(bytes)) => vec![Value::Bytes(bytes.clone())],
        (Transform::Base64, _) => vec![text_value(&STANDARD.encode(value.bytes()?))],
        (Transform::Base64Offset, _) => {
            base64_offsets(&value.bytes()?).iter().map(|text| text_value(text)).collect()
        }
        (Transform::Utf16Le, _) => vec![Value::Bytes(utf16(value, u16::to_le_bytes)?)],
        (Transform::Utf16Be, _) => vec![Value::Bytes(utf16(value, u16::to_be_bytes)?)],
        (Transform::Utf16, _) => {
            let mut bytes = vec![0xff, 0xfe];
            bytes.extend(utf16(value, u16::to_le_bytes)?);
            vec![Value::Bytes(bytes)]
        }
    })
}

fn text_value(text: &str) -> Value {
    Value::Tokens(text.chars().map(Token::Char).collect())
}

fn plain(tokens: &[Token]) -> Result<String, String> {
    literal(tokens).ok_or_else(|| {
        "wildcards cannot be encoded; remove them, or escape them as `\\*` and `\\?`".to_owned()
    })
}

fn utf16(value: &Value, bytes: fn(u16) -> [u8; 2]) -> Result<Vec<u8>, String> {
    let Value::Tokens(tokens) = value else { return value.bytes() };
    Ok(plain(tokens)?.encode_utf16().flat_map(bytes).collect())
}

/// What the bytes look like inside a longer base64 text, at each of the three alignments: only
/// the characters that the neighbours cannot change.
fn base64_offsets(bytes: &[u8]) -> Vec<String> {
    (0..3)
        .map(|offset| {
            let mut padded = vec![b' '; offset];
            padded.extend_from_slice(bytes);
            let encoded = STANDARD.encode(&padded);
            let start = [0, 2, 3].get(offset).copied().unwrap_or_default();
            let cut = [0, 3, 2].get(padded.len() % 3).copied().unwrap_or_default();
            let length = encoded.len().saturating_sub(start + cut);
            encoded.chars().skip(start).take(length).collect()
        })
        .collect()
}

/// Every way to write the dashes that stand before a word and not inside one.
fn windash(tokens: &[Token]) -> Result<Vec<Vec<Token>>, String> {
    let is_word = |token: Option<&Token>| matches!(token, Some(Token::Char(c)) if c.is_alphanumeric() || *c == '_');
    let mut results: Vec<Vec<Token>> = vec![Vec::new()];
    for (index, token) in tokens.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|previous| tokens.get(previous));
        let option = matches!(token, Token::Char(c) if DASHES.contains(c))
            && !is_word(before)
            && is_word(tokens.get(index + 1));
        if !option {
            results.iter_mut().for_each(|result| result.push(*token));
            continue;
        }
        if results.len() * DASHES.len() > VARIANTS_MAX {
            return Err(too_many());
        }
        results = results
            .iter()
            .flat_map(|result| {
                DASHES.iter().map(move |dash| {
                    let mut longer = result.clone();
                    longer.push(Token::Char(*dash));
                    longer
                })
            })
            .collect();
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str, steps: &[Transform]) -> Vec<String> {
        transform(text, steps).unwrap().iter().map(|tokens| literal(tokens).unwrap()).collect()
    }

    #[test]
    fn base64_is_found_at_every_alignment() {
        let parts = texts("http://", &[Transform::Base64Offset]);
        for (offset, part) in parts.iter().enumerate() {
            let text = format!("{}http://example", "x".repeat(offset));
            assert!(STANDARD.encode(text).contains(part), "{offset}: {part}");
        }
        assert_eq!(parts, ["aHR0cDovL", "h0dHA6Ly", "odHRwOi8v"]);
    }

    #[test]
    fn utf16_has_two_byte_orders_and_a_mark() {
        assert_eq!(texts("ab", &[Transform::Utf16Le]), ["a\0b\0"]);
        assert_eq!(texts("ab", &[Transform::Utf16Be]), ["\0a\0b"]);
        assert_eq!(texts("a", &[Transform::Utf16, Transform::Base64]), ["//5hAA=="]);
        assert!(transform("é", &[Transform::Utf16Le]).is_err());
        assert!(transform("a*", &[Transform::Base64]).is_err());
    }

    #[test]
    fn windash_rewrites_options_and_not_hyphens() {
        let found = texts("a-b -c", &[Transform::Windash]);
        assert_eq!(found.len(), 5);
        assert!(
            found.contains(&"a-b /c".to_owned()) && found.contains(&"a-b \u{2015}c".to_owned())
        );
        assert!(transform(&" -a".repeat(7), &[Transform::Windash]).is_err());
    }

    #[test]
    fn placeholders_become_their_lists_and_escaped_percents_stay() {
        let lists = ValueLists::from([("who".to_owned(), vec!["a".to_owned(), "b*".to_owned()])]);
        let keep = |text: &str| text.to_owned();
        assert_eq!(expand("x%who%", &lists, keep), Ok(vec!["xa".to_owned(), "xb*".to_owned()]));
        assert_eq!(expand(r"\%who%", &lists, keep), Ok(vec!["%who%".to_owned()]));
        assert_eq!(expand("50% of %", &lists, keep), Ok(vec!["50% of %".to_owned()]));
        assert!(expand("%nobody%", &lists, keep).is_err());
    }
}
