//! Text on its way into a Markdown page: nothing in it is markup, and nothing ends a block.

use crate::cli::escape::escape;

/// Running text on one line, with everything escaped that Markdown or HTML would obey.
pub(super) fn text(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out = String::with_capacity(line.len());
    for c in escape(&line).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '$' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// Text as inline code, also in a table: the fence is longer than any in it.
pub(super) fn code(text: &str) -> String {
    let text = escape(text).replace('|', "\\|");
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A block of code in a language; its fence is longer than any in it.
pub(super) fn block(language: &str, text: &str) -> String {
    let fence = "`".repeat(longest_run(text).max(2) + 1);
    let lines: Vec<String> = text.lines().map(|line| escape(line).into_owned()).collect();
    format!("{fence}{language}\n{}\n{fence}\n", lines.join("\n"))
}

/// A list of sentences.
pub(super) fn list(items: &[String]) -> String {
    items.iter().map(|item| format!("- {}\n", text(item))).collect()
}

fn longest_run(text: &str) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(
            text("a *b* [c](d)\n<script> | `e`"),
            "a \\*b\\* \\[c\\](d) &lt;script&gt; \\| \\`e\\`"
        );
        assert_eq!(code("a``b|c"), "```a``b\\|c```");
        assert_eq!(block("yaml", "a: ```\n"), "````yaml\na: ```\n````\n");
        assert_eq!(text("a\u{202e}b"), "a\\\\u{202e}b");
    }
}
