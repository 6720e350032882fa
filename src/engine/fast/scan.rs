//! Where containers and strings end in JSON text, and whether what lies between is JSON at all.
//!
//! The text is either plain (`ESC = false`, a quote is `"`) or lies inside an outer JSON string
//! (`ESC = true`, a quote is `\"`, and an escape of the inner text starts with `\\`). Nothing is
//! decoded and nothing is copied.

mod grammar;
#[cfg(test)]
mod tests;

/// Why the scanner could not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The text ended before the value did.
    Cut,
    /// The text is not what the scanner expects; the reference decides.
    Odd,
}

/// A string found in the text, as indices into it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    /// The index behind the last byte of the content.
    pub end: usize,
    /// The index behind the closing quote.
    pub after: usize,
    /// Whether the content holds an escape of the inner text, or a slash escaped by the outer one.
    pub escaped: bool,
}

/// The implementation chosen for this processor.
#[derive(Debug, Clone, Copy)]
pub struct Scanner(Kind);

#[derive(Debug, Clone, Copy)]
enum Kind {
    Portable,
}

impl Scanner {
    /// The fastest implementation that runs here.
    #[must_use]
    pub fn detect() -> Self {
        Self::portable()
    }

    /// The implementation that runs everywhere.
    #[must_use]
    pub fn portable() -> Self {
        Self(Kind::Portable)
    }

    /// Every implementation that runs here, so that tests can hold them against each other.
    #[must_use]
    pub fn available() -> Vec<Self> {
        vec![Self::portable()]
    }

    /// The index behind the brace or bracket that closes the container whose opening one stands
    /// just before `at`.
    ///
    /// # Errors
    ///
    /// `Cut` where the text ends inside the container, `Odd` where it is not plain JSON.
    pub fn container<const ESC: bool>(self, text: &[u8], at: usize) -> Result<usize, Stop> {
        match self.0 {
            Kind::Portable => grammar::container::<ESC>(text, at),
        }
    }
}

/// The string whose opening quote stands just before `at`.
///
/// # Errors
///
/// `Cut` where the text ends inside the string, `Odd` where it is no JSON string.
#[inline]
pub fn string<const ESC: bool>(text: &[u8], at: usize) -> Result<Text, Stop> {
    let mut escaped = false;
    let mut at = at;
    loop {
        match text.get(at).ok_or(Stop::Cut)? {
            b'"' if ESC => return Err(Stop::Cut),
            b'"' => break Ok(Text { end: at, after: at + 1, escaped }),
            b'\\' if ESC && text.get(at + 1) == Some(&b'"') => {
                break Ok(Text { end: at, after: at + 2, escaped });
            }
            b'\\' => {
                escaped = true;
                at = grammar::escape::<ESC>(text, at)?;
            }
            0..0x20 => return Err(Stop::Odd),
            _ => at += 1,
        }
    }
}
