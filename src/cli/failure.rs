//! Why a command could not do its work: what, why, and the next command to try, in one line.

use std::fmt;

use super::escape::escape;
use super::exit::Exit;

/// A failed command.
#[derive(Debug)]
pub struct Failure {
    /// How the process ends.
    pub exit: Exit,
    what: String,
    why: Option<String>,
    next: Option<String>,
    details: Vec<String>,
    broken_pipe: bool,
}

impl Failure {
    /// A failure named by what could not be done, such as `cannot read rules/`.
    pub fn new(exit: Exit, what: impl Into<String>) -> Self {
        Self {
            exit,
            what: what.into(),
            why: None,
            next: None,
            details: Vec::new(),
            broken_pipe: false,
        }
    }

    /// Adds the reason.
    #[must_use]
    pub fn because(mut self, why: impl fmt::Display) -> Self {
        self.why = Some(why.to_string());
        self
    }

    /// Adds the command or change that helps.
    #[must_use]
    pub fn then(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Adds a line that only `--verbose` shows.
    #[must_use]
    pub fn detail(mut self, line: impl fmt::Display) -> Self {
        self.details.push(line.to_string());
        self
    }

    /// Whether the reader of our output went away.
    pub fn is_broken_pipe(&self) -> bool {
        self.broken_pipe
    }

    /// The message; control characters are escaped, since parts of it may come from outside.
    pub fn message(&self, verbose: bool) -> String {
        let mut line = format!("midwatch: {}", self.what);
        if let Some(why) = &self.why {
            line.push_str(": ");
            line.push_str(why);
        }
        if let Some(next) = &self.next {
            line.push_str("; try: ");
            line.push_str(next);
        }
        let mut message = escape(&line).into_owned();
        if verbose {
            for detail in &self.details {
                message.push_str("\n  ");
                message.push_str(&escape(detail));
            }
        }
        message
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message(false))
    }
}

impl std::error::Error for Failure {}

impl From<std::io::Error> for Failure {
    /// Only output is written with a bare `?`; reading names its file.
    fn from(error: std::io::Error) -> Self {
        let broken_pipe = error.kind() == std::io::ErrorKind::BrokenPipe;
        let failure = Self::new(Exit::PartialInput, "cannot write the output").because(error);
        Self { broken_pipe, ..failure }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_one_line_of_what_why_and_next_unless_verbose() {
        let failure = Failure::new(Exit::PartialInput, "cannot read a.json")
            .because("no such\nfile")
            .then("midwatch scan --help")
            .detail("os error 2");
        let line = failure.message(false);
        assert_eq!(line, "midwatch: cannot read a.json: no such\\nfile; try: midwatch scan --help");
        assert!(failure.message(true).ends_with("\n  os error 2"));
    }
}
