//! Case and wildcards once more. The reference has its own code for both; a fault in one of the
//! two shows as a difference between them, which one shared piece of code would hide.

use std::borrow::Cow;

/// A text with its case folded: every character upper-cased, then lower-cased, where either gives
/// exactly one character. Gives whether the text had to be changed.
pub(super) fn fold_into(text: &str, folded: &mut String) -> bool {
    if text.is_ascii() {
        if !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return false;
        }
        folded.clear();
        folded.push_str(text);
        folded.make_ascii_lowercase();
        return true;
    }
    folded.clear();
    folded.extend(text.chars().map(fold));
    true
}

/// The folded text.
pub(super) fn folded(text: &str) -> Cow<'_, str> {
    let mut result = String::new();
    if fold_into(text, &mut result) { Cow::Owned(result) } else { Cow::Borrowed(text) }
}

fn fold(c: char) -> char {
    let one = |mut mapped: std::char::ToUppercase| match (mapped.next(), mapped.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    };
    let upper = one(c.to_uppercase()).unwrap_or(c);
    let mut lower = upper.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(only), None) => only,
        _ => upper,
    }
}

/// A piece of a Sigma string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Piece {
    Is(char),
    /// `?`
    Some,
    /// `*`
    Many,
}

/// Reads a Sigma string: a backslash takes the meaning from `*`, `?` and `\`, and is plain before
/// anything else.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut escaped = false;
    for c in text.chars() {
        if escaped {
            escaped = false;
            if !matches!(c, '*' | '?' | '\\') {
                pieces.push(Piece::Is('\\'));
            }
            pieces.push(Piece::Is(c));
            continue;
        }
        match c {
            '\\' => escaped = true,
            '*' => pieces.push(Piece::Many),
            '?' => pieces.push(Piece::Some),
            other => pieces.push(Piece::Is(other)),
        }
    }
    if escaped {
        pieces.push(Piece::Is('\\'));
    }
    pieces
}

/// What a Sigma string asks of a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Glob {
    /// Any text at all.
    Anything,
    Equals(String),
    Starts(String),
    Ends(String),
    Contains(String),
    Pieces(Vec<Piece>),
}

impl Glob {
    /// The glob of these pieces, its letters folded already where case does not count.
    pub(super) fn of(mut pieces: Vec<Piece>) -> Self {
        pieces.dedup_by(|a, b| *a == Piece::Many && *b == Piece::Many);
        let (open, rest) = match pieces.split_first() {
            Some((Piece::Many, rest)) => (true, rest),
            _ => (false, pieces.as_slice()),
        };
        let (rest, closed) = match rest.split_last() {
            Some((Piece::Many, rest)) => (rest, false),
            _ => (rest, true),
        };
        let literal: Option<String> = rest
            .iter()
            .map(|piece| match piece {
                Piece::Is(c) => Some(*c),
                Piece::Some | Piece::Many => None,
            })
            .collect();
        match (literal, open, closed) {
            (Some(text), true, _) if text.is_empty() => Self::Anything,
            (Some(text), false, true) => Self::Equals(text),
            (Some(text), false, false) => Self::Starts(text),
            (Some(text), true, true) => Self::Ends(text),
            (Some(text), true, false) => Self::Contains(text),
            (None, ..) => Self::Pieces(pieces),
        }
    }

    /// A text that every matching text contains, as long as there is one.
    pub(super) fn needle(&self) -> Option<String> {
        match self {
            Self::Anything | Self::Equals(_) => None,
            Self::Starts(text) | Self::Ends(text) | Self::Contains(text) => Some(text.clone()),
            Self::Pieces(pieces) => pieces
                .split(|piece| !matches!(piece, Piece::Is(_)))
                .max_by_key(|run| run.len())
                .map(|run| {
                    run.iter()
                        .filter_map(|piece| match piece {
                            Piece::Is(c) => Some(*c),
                            _ => None,
                        })
                        .collect::<String>()
                }),
        }
        .filter(|needle| !needle.is_empty())
    }

    /// Whether a text matches, letter by letter.
    pub(super) fn matches(&self, text: &str) -> bool {
        match self {
            Self::Anything => true,
            Self::Equals(wanted) => text == wanted,
            Self::Starts(wanted) => text.starts_with(wanted.as_str()),
            Self::Ends(wanted) => text.ends_with(wanted.as_str()),
            Self::Contains(wanted) => text.contains(wanted.as_str()),
            Self::Pieces(pieces) => walk(pieces, &text.chars().collect::<Vec<_>>()),
        }
    }
}

/// The classic walk with one point to come back to, the last `*`: its work is bounded by the
/// product of both lengths.
fn walk(pieces: &[Piece], text: &[char]) -> bool {
    let (mut piece, mut at) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while at < text.len() {
        let fits = match (pieces.get(piece), text.get(at)) {
            (Some(Piece::Many), _) => {
                back = Some((piece, at));
                piece += 1;
                continue;
            }
            (Some(Piece::Some), _) => true,
            (Some(Piece::Is(wanted)), Some(c)) => wanted == c,
            _ => false,
        };
        if fits {
            piece += 1;
            at += 1;
        } else if let Some((star, from)) = back {
            back = Some((star, from + 1));
            piece = star + 1;
            at = from + 1;
        } else {
            return false;
        }
    }
    pieces.iter().skip(piece).all(|piece| *piece == Piece::Many)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_say_what_they_ask() {
        let cases = [
            ("abc", "abc", true),
            ("abc", "abcd", false),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("*b*", "abc", true),
            ("a?c", "aßc", true),
            ("a?c", "ac", false),
            ("* * *", "a b c", true),
            ("* * *", "a b", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("**", "", true),
            ("?*", "", false),
            (r"a\*", "a*", true),
            (r"a\*", "ab", false),
            (r"\\", r"\", true),
            (r"a\b", r"a\b", true),
            (r"a\", r"a\", true),
        ];
        for (glob, text, expected) in cases {
            assert_eq!(Glob::of(pieces(glob)).matches(text), expected, "{glob} on {text}");
        }
    }

    #[test]
    fn a_needle_is_part_of_every_match() {
        assert_eq!(Glob::of(pieces("a*long?b")).needle().as_deref(), Some("long"));
        assert_eq!(Glob::of(pieces("*?*")).needle(), None);
        assert_eq!(Glob::of(pieces("*x")).needle().as_deref(), Some("x"));
    }

    #[test]
    fn folding_maps_one_character_to_one() {
        assert_eq!(folded("ſTRAßE K"), "straße k");
        assert_eq!(folded("ΣσςABC"), "σσσabc");
    }
}
