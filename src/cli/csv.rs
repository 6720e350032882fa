//! Rows for spreadsheets: quoted where needed, and never a formula.

use std::io::{self, Write};

use super::escape::escape;

/// Writes one row.
pub(super) fn write_row<'a>(
    out: &mut dyn Write,
    cells: impl IntoIterator<Item = &'a str>,
) -> io::Result<()> {
    for (at, cell) in cells.into_iter().enumerate() {
        if at > 0 {
            out.write_all(b",")?;
        }
        write_cell(out, cell)?;
    }
    out.write_all(b"\n")
}

/// Spreadsheets run what begins with `=`, `+`, `-` or `@` as a formula; an apostrophe before it
/// makes it text.
fn write_cell(out: &mut dyn Write, cell: &str) -> io::Result<()> {
    let cell = escape(cell);
    let guard = if cell.trim_start().starts_with(['=', '+', '-', '@']) { "'" } else { "" };
    if cell.contains(['"', ',', '\'']) || cell.starts_with(' ') || cell.ends_with(' ') {
        write!(out, "\"{guard}{}\"", cell.replace('"', "\"\""))
    } else {
        write!(out, "{guard}{cell}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_quoted_and_formulas_become_text() {
        let mut out = Vec::new();
        let cells = ["plain", "a,b", "say \"hi\"", "=cmd|'/c calc'!A1", " +1", "-1", "@x", "a\nb"];
        write_row(&mut out, cells).expect("memory");
        assert_eq!(
            String::from_utf8(out).expect("text"),
            "plain,\"a,b\",\"say \"\"hi\"\"\",\"'=cmd|'/c calc'!A1\",\"' +1\",'-1,'@x,a\\nb\n"
        );
    }
}
