//! The one place that makes keys: escapes what a table forbids, bounds the length, orders by time.
//!
//! Azure Table Storage forbids `/ \ # ?` and the control characters U+0000 to U+001F and U+007F
//! to U+009F in a key, and limits a key to 1 KiB, which is 512 UTF-16 units. Everything else
//! (quotes, percent, blanks, any other Unicode) stays as it is, so ordinary keys keep their order
//! and stay readable.
//!
//! The escape character is `~`. What follows it tells what it means, so no two texts share a key:
//! two hexadecimal digits are an escaped character, `-` parts the members of a compound key, `_`
//! is an empty text, and `s` with 64 hexadecimal digits ends a key that was too long: the SHA-256
//! of the whole escaped text, behind as much of it as fits.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};
use time::OffsetDateTime;

/// Length of a key at most, in UTF-16 units (Azure Table Storage: 1 KiB).
pub const KEY_UNITS_MAX: usize = 512;
/// `~s` and 64 hexadecimal digits.
const DIGEST_UNITS: usize = 66;
/// 9999-12-31T23:59:59.999999999Z in nanoseconds since the Unix epoch: the last moment that
/// [`OffsetDateTime`] can hold.
const LAST_NANOS: i128 = 253_402_300_799_999_999_999;

/// A text as a key.
pub fn escape(text: &str) -> String {
    compound(&[text])
}

/// Several texts as one key; different lists never share a key. The key of `[a, b]` starts with
/// the key of `[a]`, unless it is too long.
pub fn compound(parts: &[&str]) -> String {
    bounded(joined(parts))
}

/// The text behind a key made by [`escape`]; `None` when it was too long to be kept, or when this
/// is no such key.
pub fn unescape(key: &str) -> Option<String> {
    if key == "~_" {
        return Some(String::new());
    }
    let mut text = String::with_capacity(key.len());
    let mut rest = key;
    while let Some((plain, escaped)) = rest.split_once('~') {
        text.push_str(plain);
        let code = escaped.get(..2).filter(|code| code.bytes().all(|b| b.is_ascii_hexdigit()))?;
        text.push(char::from(u8::from_str_radix(code, 16).ok()?));
        rest = escaped.get(2..)?;
    }
    text.push_str(rest);
    Some(text)
}

/// Where the keys that start with the key of `parts` begin and end: `from` inclusive, `to`
/// exclusive. The last part may be a beginning of a text. Keys that were too long are found only
/// when `parts` is short enough to be kept whole in them.
pub fn starting_with(parts: &[&str]) -> (String, Option<String>) {
    let mut from = joined(parts);
    if from.ends_with("~_") {
        // A beginning of length nothing: every text starts with it.
        from.truncate(from.len() - 2);
    }
    let to = successor(&from);
    (from, to)
}

/// A fixed-width text that sorts the later time first.
pub fn inverted_time(time: OffsetDateTime) -> String {
    let inverted = LAST_NANOS.saturating_sub(time.unix_timestamp_nanos()).max(0);
    format!("{inverted:021}")
}

fn joined(parts: &[&str]) -> String {
    let mut key = String::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            key.push_str("~-");
        }
        if part.is_empty() {
            key.push_str("~_");
        }
        for character in part.chars() {
            if is_kept(character) {
                key.push(character);
            } else {
                let _ = write!(key, "~{:02x}", u32::from(character));
            }
        }
    }
    key
}

/// What is escaped is below U+0100, so two hexadecimal digits always do.
fn is_kept(character: char) -> bool {
    !matches!(character, '/' | '\\' | '#' | '?' | '~') && !character.is_control()
}

fn bounded(key: String) -> String {
    if key.encode_utf16().count() <= KEY_UNITS_MAX {
        return key;
    }
    let mut units = 0;
    let mut short = String::with_capacity(KEY_UNITS_MAX);
    for character in key.chars() {
        units += character.len_utf16();
        if units > KEY_UNITS_MAX - DIGEST_UNITS {
            break;
        }
        short.push(character);
    }
    // The cut must not leave half an escape behind, which could read as another one.
    if let Some(at) = short.rfind('~')
        && short.len() - at < 3
    {
        short.truncate(at);
    }
    short.push_str("~s");
    for byte in Sha256::digest(key.as_bytes()) {
        let _ = write!(short, "{byte:02x}");
    }
    short
}

/// The smallest text that is greater than every key which starts with `prefix`, in the order of
/// UTF-8 and of UTF-16 alike; free of the characters that a key never holds.
fn successor(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        // Beyond U+FFFF the two orders differ, so a step never crosses that line.
        let end = if last.len_utf16() == 1 { 0xFFFD } else { 0x10_FFFF };
        let next = (u32::from(last) + 1..=end)
            .filter_map(char::from_u32)
            .find(|next| *next == '~' || is_kept(*next));
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests;
