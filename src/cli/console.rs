//! The writers that a command prints through: data to one, everything else to the other.

use std::io::{self, IsTerminal as _, Write};

use clap::ValueEnum;

use super::escape::escape;
use crate::model::level::Level;

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless NO_COLOR or TERM=dumb says otherwise
    Auto,
    /// Also into files and pipes
    Always,
    /// Nowhere
    Never,
}

/// What the terminal and its environment allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terminal {
    /// Standard output is a terminal.
    pub out: bool,
    /// Standard error is a terminal.
    pub err: bool,
    /// `NO_COLOR` is set and not empty, or `TERM` is `dumb`.
    pub plain: bool,
    /// `CLICOLOR_FORCE` is set, not empty and not `0`.
    pub forced: bool,
    /// Columns of the terminal, when known.
    pub columns: Option<usize>,
}

impl Terminal {
    /// Asks standard output and standard error; `variable` looks up the environment.
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        Self {
            out: io::stdout().is_terminal(),
            err: io::stderr().is_terminal(),
            plain: set("NO_COLOR").is_some() || set("TERM").as_deref() == Some("dumb"),
            forced: set("CLICOLOR_FORCE").is_some_and(|value| value != "0"),
            columns: terminal_size::terminal_size_of(io::stdout())
                .map(|(terminal_size::Width(columns), _)| usize::from(columns)),
        }
    }

    fn colours(self, choice: ColorChoice, stream_is_terminal: bool) -> bool {
        match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if self.plain => false,
            ColorChoice::Auto => self.forced || stream_is_terminal,
        }
    }
}

/// Where a command prints.
pub struct Console {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    terminal: Terminal,
    /// Whether standard output may be coloured.
    pub colour: bool,
    /// Only data and errors.
    pub quiet: bool,
    /// More about errors.
    pub verbose: bool,
}

impl Console {
    /// A console on the process's own streams.
    pub fn of_process(terminal: Terminal, color: ColorChoice, quiet: bool, verbose: bool) -> Self {
        let out: Box<dyn Write + Send> = if terminal.out {
            Box::new(io::stdout())
        } else {
            Box::new(io::BufWriter::new(io::stdout()))
        };
        let colour = terminal.colours(color, terminal.out);
        Self { out, err: Box::new(io::stderr()), terminal, colour, quiet, verbose }
    }

    /// The writer for data. Text from outside must have been escaped.
    pub fn out(&mut self) -> &mut (dyn Write + Send) {
        &mut *self.out
    }

    /// One line for people on standard error, unless `--quiet`. Not escaped.
    pub fn note(&mut self, line: &str) -> io::Result<()> {
        if self.quiet { Ok(()) } else { writeln!(self.err, "{line}") }
    }

    /// One line on standard error that `--quiet` does not silence; control characters escaped.
    pub fn warn(&mut self, line: &str) -> io::Result<()> {
        writeln!(self.err, "midwatch: {}", escape(line))
    }

    /// A finished message on standard error, as it is.
    pub fn fail(&mut self, message: &str) -> io::Result<()> {
        writeln!(self.err, "{message}")
    }

    /// Whether a progress bar may be drawn.
    pub fn may_animate(&self) -> bool {
        self.terminal.err && !self.terminal.plain && !self.quiet
    }

    /// Columns for tables: the terminal's, or `None` for a file or pipe, which is not cut.
    pub fn columns(&self) -> Option<usize> {
        self.terminal.columns
    }

    /// Whether data goes to a terminal.
    pub fn is_terminal(&self) -> bool {
        self.terminal.out
    }

    /// Writes out what is buffered.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()?;
        self.err.flush()
    }
}

/// A level as word and symbol, padded to one width, with colour only where that is allowed: it
/// is never told by colour alone.
pub fn level_word(level: Level, colour: bool) -> String {
    let (symbol, code) = match level {
        Level::Critical => ("!!", "1;35"),
        Level::High => ("! ", "1;31"),
        Level::Medium => ("* ", "33"),
        Level::Low => ("- ", "36"),
        Level::Informational => ("  ", "2"),
    };
    let word = format!("{symbol} {:<13}", level.as_str());
    if colour { format!("\u{1b}[{code}m{word}\u{1b}[0m") } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_is_for_terminals_unless_the_environment_or_the_flag_says_otherwise() {
        let tty = Terminal { out: true, ..Terminal::default() };
        let pipe = Terminal::default();
        assert!(tty.colours(ColorChoice::Auto, true));
        assert!(!pipe.colours(ColorChoice::Auto, false));
        assert!(!Terminal { plain: true, ..tty }.colours(ColorChoice::Auto, true));
        assert!(Terminal { forced: true, ..pipe }.colours(ColorChoice::Auto, false));
        assert!(Terminal { plain: true, ..tty }.colours(ColorChoice::Always, true));
        assert!(!tty.colours(ColorChoice::Never, true));
    }

    #[test]
    fn a_level_is_readable_without_colour_and_keeps_its_width() {
        let widths: Vec<usize> =
            Level::ALL.iter().map(|level| level_word(*level, false).len()).collect();
        assert!(widths.windows(2).all(|pair| pair[0] == pair[1]), "{widths:?}");
        assert!(level_word(Level::High, true).contains("high"));
        assert!(!level_word(Level::High, false).contains('\u{1b}'));
    }
}
