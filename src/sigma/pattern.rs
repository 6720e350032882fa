//! Sigma strings: wildcards, escapes and case. Owns how one text compares with one pattern.
//!
//! Case is ignored by simple folding: each character is upper-cased, then lower-cased, when that
//! maps one character to one character. So `Σ`, `σ` and `ς` are equal, `ß` and `ss` are not, and
//! `?` always stands for exactly one character of the text.

use std::borrow::Cow;

/// One element of a Sigma string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    Char(char),
    /// `*`: any number of characters, none included.
    Any,
    /// `?`: exactly one character.
    One,
}

/// Reads Sigma's escapes: `\*` and `\?` are plain characters, `\\` is one backslash, and a
/// backslash before anything else is itself.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut result = Vec::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        result.push(match c {
            '\\' => match chars.next_if(|next| matches!(next, '*' | '?' | '\\')) {
                Some(escaped) => Token::Char(escaped),
                None => Token::Char('\\'),
            },
            '*' => Token::Any,
            '?' => Token::One,
            other => Token::Char(other),
        });
    }
    result
}

/// The text of tokens that hold no wildcard.
pub fn literal(tokens: &[Token]) -> Option<String> {
    tokens
        .iter()
        .map(|token| match token {
            Token::Char(c) => Some(*c),
            Token::Any | Token::One => None,
        })
        .collect()
}

/// Where a pattern has to sit in the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shape {
    Whole,
    Contains,
    StartsWith,
    EndsWith,
}

/// A compiled Sigma string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    cased: bool,
    /// What lies between the `*`; the first is bound to the start of the text and the last to
    /// its end. One segment means no `*` at all.
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Text(String),
    /// With at least one `?`, which is `None`.
    Holes(Vec<Option<char>>),
}

impl Pattern {
    /// A pattern over the whole text, or a part of it. Folds itself unless `cased`.
    pub fn new(tokens: &[Token], shape: Shape, cased: bool) -> Self {
        let mut segments = Vec::new();
        let mut current: Vec<Option<char>> = Vec::new();
        let open_start = matches!(shape, Shape::Contains | Shape::EndsWith);
        let open_end = matches!(shape, Shape::Contains | Shape::StartsWith);
        let before = open_start.then_some(&Token::Any);
        let after = open_end.then_some(&Token::Any);
        for token in before.into_iter().chain(tokens).chain(after) {
            match token {
                Token::Any => segments.push(Segment::new(std::mem::take(&mut current), cased)),
                Token::One => current.push(None),
                Token::Char(c) => current.push(Some(*c)),
            }
        }
        segments.push(Segment::new(current, cased));
        Self { cased, segments }
    }

    /// Whether the pattern cares for case; its text must then be given as it is.
    pub fn is_cased(&self) -> bool {
        self.cased
    }

    /// The text that alone matches, folded unless cased; `None` with wildcards.
    pub fn literal(&self) -> Option<&str> {
        match self.segments.as_slice() {
            [Segment::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether the text matches.
    pub fn matches(&self, text: &str) -> bool {
        if self.cased { self.matches_folded(text) } else { self.matches_folded(&fold(text)) }
    }

    /// Whether a text matches that the caller has folded already (or must not fold: cased).
    pub fn matches_folded(&self, text: &str) -> bool {
        let Some((first, rest)) = self.segments.split_first() else { return false };
        let Some((last, middle)) = rest.split_last() else {
            return first.end_at_start(text) == Some(text.len());
        };
        let Some(mut remaining) = first.end_at_start(text).and_then(|end| text.get(end..)) else {
            return false;
        };
        for segment in middle {
            match segment.first_end(remaining).and_then(|end| remaining.get(end..)) {
                Some(after) => remaining = after,
                None => return false,
            }
        }
        last.ends(remaining)
    }
}

impl Segment {
    fn new(pieces: Vec<Option<char>>, cased: bool) -> Self {
        let adapt = |c: char| if cased { c } else { fold_char(c) };
        match pieces.iter().copied().collect::<Option<String>>() {
            Some(text) => Self::Text(text.chars().map(adapt).collect()),
            None => Self::Holes(pieces.into_iter().map(|piece| piece.map(adapt)).collect()),
        }
    }

    /// The byte length of the segment at the start of the text.
    fn end_at_start(&self, text: &str) -> Option<usize> {
        match self {
            Self::Text(wanted) => text.starts_with(wanted.as_str()).then_some(wanted.len()),
            Self::Holes(pieces) => {
                let mut chars = text.chars();
                let fits = pieces
                    .iter()
                    .all(|piece| chars.next().is_some_and(|c| piece.is_none_or(|p| p == c)));
                fits.then(|| text.len() - chars.as_str().len())
            }
        }
    }

    /// The byte offset behind the first occurrence of the segment.
    fn first_end(&self, text: &str) -> Option<usize> {
        match self {
            Self::Text(wanted) => text.find(wanted.as_str()).map(|at| at + wanted.len()),
            Self::Holes(_) => text.char_indices().find_map(|(at, _)| {
                let end = self.end_at_start(text.get(at..)?)?;
                Some(at + end)
            }),
        }
    }

    fn ends(&self, text: &str) -> bool {
        match self {
            Self::Text(wanted) => text.ends_with(wanted.as_str()),
            Self::Holes(pieces) => {
                let mut chars = text.chars().rev();
                pieces
                    .iter()
                    .rev()
                    .all(|piece| chars.next().is_some_and(|c| piece.is_none_or(|p| p == c)))
            }
        }
    }
}

/// The text with its case folded.
pub fn fold(text: &str) -> Cow<'_, str> {
    if !text.is_ascii() {
        return Cow::Owned(text.chars().map(fold_char).collect());
    }
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let upper = single(c.to_uppercase()).unwrap_or(c);
    single(upper.to_lowercase()).unwrap_or(upper)
}

fn single(mut chars: impl Iterator<Item = char>) -> Option<char> {
    let first = chars.next()?;
    chars.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests;
