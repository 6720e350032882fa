//! Text from logs and file names on its way to a terminal: control characters and whatever
//! changes the direction or the look of a line are escaped, so that content cannot draw.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Escapes what a terminal would obey instead of show.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            c if is_unsafe(c) => {
                // Writing into a string cannot fail.
                let _ = write!(escaped, "\\u{{{:x}}}", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

/// Escapes and shortens to at most `width` characters, the last being an ellipsis when cut.
pub fn fit(text: &str, width: usize) -> String {
    let escaped = escape(text);
    if escaped.chars().count() <= width {
        return escaped.into_owned();
    }
    let mut short: String = escaped.chars().take(width.saturating_sub(1)).collect();
    if width > 0 {
        short.push('…');
    }
    short
}

/// C0 and C1 controls and DEL; the marks that reorder or hide text (bidirectional controls,
/// zero-width characters, line and paragraph separators, variation and tag characters).
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{061c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminal_sequences_and_direction_marks_become_text() {
        for (input, expected) in [
            ("plain – ünï", "plain – ünï"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("\u{9b}2J\u{7f}", "\\u{9b}2J\\u{7f}"),
            ("abc\u{202e}cba", "abc\\u{202e}cba"),
        ] {
            assert_eq!(escape(input), expected);
        }
    }

    #[test]
    fn long_text_is_cut_at_a_width_counted_in_characters() {
        assert_eq!(fit("äöüß", 4), "äöüß");
        assert_eq!(fit("äöüßx", 4), "äöü…");
        assert_eq!(fit("x", 0), "");
    }
}
