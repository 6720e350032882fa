//! Running text for people: escaped, and broken at blanks.

use std::io::{self, Write};

use super::escape::escape;

/// Writes text in lines of at most `width` characters, unless one word is longer; the first line
/// begins with `first`, the others with `other`.
pub(super) fn write(
    out: &mut dyn Write,
    text: &str,
    width: usize,
    first: &str,
    other: &str,
) -> io::Result<()> {
    let mut line = first.to_owned();
    let mut empty = true;
    for word in text.split_whitespace() {
        let word = escape(word);
        if !empty && line.chars().count() + 1 + word.chars().count() > width {
            writeln!(out, "{line}")?;
            other.clone_into(&mut line);
            empty = true;
        }
        if !empty {
            line.push(' ');
        }
        line.push_str(&word);
        empty = false;
    }
    writeln!(out, "{line}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_text_is_wrapped_indented_and_escaped() {
        let mut out = Vec::new();
        let text = format!("{}\u{1b}[2J", "word ".repeat(40));
        write(&mut out, &text, 80, "- ", "  ").expect("memory");
        let text = String::from_utf8(out).expect("text");
        assert!(text.lines().count() == 3 && text.lines().all(|line| line.len() <= 80), "{text}");
        assert!(text.starts_with("- word") && text.ends_with("\\u{1b}[2J\n"), "{text}");
    }
}
