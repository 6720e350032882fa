//! Plain text tables: aligned columns, the last one cut to the terminal, everything escaped.

use std::io::{self, Write};

use super::escape::{escape, fit};

/// Blanks between columns.
const GAP: usize = 2;
/// The last column is never cut below this, however narrow the terminal.
const LAST_WIDTH_MIN: usize = 20;

/// Writes a header and rows of text, each row as long as the header.
pub(super) fn write(
    out: &mut dyn Write,
    header: &[&str],
    rows: &[Vec<String>],
    columns: Option<usize>,
) -> io::Result<()> {
    let mut widths: Vec<usize> = header.iter().map(|title| title.len()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(escape(cell).chars().count());
        }
    }
    let titles: Vec<String> = header.iter().map(|title| (*title).to_owned()).collect();
    write_row(out, &titles, &widths, columns)?;
    for row in rows {
        write_row(out, row, &widths, columns)?;
    }
    Ok(())
}

fn write_row(
    out: &mut dyn Write,
    row: &[String],
    widths: &[usize],
    columns: Option<usize>,
) -> io::Result<()> {
    let last = row.len().saturating_sub(1);
    let mut used = 0;
    for (at, (cell, width)) in row.iter().zip(widths).enumerate() {
        if at == last {
            let room = columns.map_or(usize::MAX, |all| all.saturating_sub(used));
            writeln!(out, "{}", fit(cell, room.max(LAST_WIDTH_MIN)))?;
        } else {
            write!(out, "{:<width$}{:GAP$}", escape(cell), "")?;
            used += width + GAP;
        }
    }
    Ok(())
}

/// A number with its thousands apart: `12,345`.
pub(super) fn number(value: u64) -> String {
    let digits = value.to_string();
    let mut spaced = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            spaced.push(',');
        }
        spaced.push(digit);
    }
    spaced
}

/// A count with its noun: `1 file`, `2 files`.
pub(super) fn count(value: u64, noun: &str) -> String {
    let ending = if value == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", number(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align_and_only_the_last_is_cut() {
        let rows = vec![
            vec!["a".to_owned(), "x".repeat(40)],
            vec!["long\u{1b}".to_owned(), "short".to_owned()],
        ];
        let mut out = Vec::new();
        write(&mut out, &["N", "TEXT"], &rows, Some(34)).expect("memory");
        let text = String::from_utf8(out).expect("text");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "N           TEXT");
        assert_eq!(lines[1], format!("a           {}…", "x".repeat(21)));
        assert_eq!(lines[2], "long\\u{1b}  short");
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (value, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(number(value), text);
        }
        assert_eq!((count(1, "file"), count(2, "file")), ("1 file".into(), "2 files".into()));
    }
}
