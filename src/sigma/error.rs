//! What is wrong with a rule file, and where. Collects; decides nothing.

use std::fmt;

use super::node::Place;

/// Faults kept of one file; a file with more is broken in one way many times over.
const FAULTS_MAX: usize = 100;

/// One fault of a rule file: what is wrong and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct SigmaError {
    /// The file as it was named to the parser.
    pub file: String,
    /// Counted from 1.
    pub line: u32,
    /// In characters, counted from 1.
    pub column: u32,
    /// The fault and its cure, one line, free of control characters.
    pub reason: String,
}

impl fmt::Display for SigmaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.reason)
    }
}

/// The faults found so far in one file.
#[derive(Debug)]
pub(crate) struct Faults {
    file: String,
    list: Vec<SigmaError>,
}

impl Faults {
    pub(crate) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), list: Vec::new() }
    }

    pub(crate) fn add(&mut self, place: Place, reason: impl Into<String>) {
        if self.list.len() < FAULTS_MAX {
            self.list.push(SigmaError {
                file: self.file.clone(),
                line: place.line,
                column: place.column,
                reason: reason.into(),
            });
        }
    }

    pub(crate) fn file(&self) -> &str {
        &self.file
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The faults in the order of the file.
    pub(crate) fn into_sorted(mut self) -> Vec<SigmaError> {
        self.list.sort_by_key(|fault| (fault.line, fault.column));
        self.list
    }
}

/// Text from a rule file, fit for a message: in back-ticks, bounded, control characters escaped.
pub(crate) fn quote(text: &str) -> String {
    format!("`{}`", bounded(text, 60))
}

/// At most `max` characters of the text with control characters escaped; `…` marks a cut.
pub(crate) fn bounded(text: &str, max: usize) -> String {
    let mut shown = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == max {
            shown.push('…');
            break;
        }
        if is_unsafe(c) {
            shown.extend(c.escape_unicode());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Control characters, and the marks that reorder text on a terminal.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_text_is_bounded_and_cannot_drive_a_terminal() {
        assert_eq!(quote("a\u{1b}[31m\u{202e}"), "`a\\u{1b}[31m\\u{202e}`");
        assert_eq!(bounded("abcdef", 3), "abc…");
        assert_eq!(bounded("abc", 3), "abc");
    }
}
