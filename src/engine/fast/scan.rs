//! Where containers and strings end in JSON text, and whether what lies between is JSON at all.
//!
//! The text is either plain (`ESC = false`, a quote is `"`) or lies inside an outer JSON string
//! (`ESC = true`, a quote is `\"`, and an escape of the inner text starts with `\\`). Nothing is
//! decoded and nothing is copied.

mod blocks;
mod escapes;
mod grammar;
mod portable;
#[cfg(test)]
mod tests;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(not(target_arch = "x86_64"))]
use portable::stops;
#[cfg(target_arch = "x86_64")]
use x86::stops;

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
    #[cfg(target_arch = "x86_64")]
    Avx2(x86::Avx2),
}

impl Scanner {
    /// The fastest implementation that runs here. Asks the processor, so call it once.
    #[must_use]
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(avx2) = x86::Avx2::detect() {
            return Self(Kind::Avx2(avx2));
        }
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
        let mut all = vec![Self::portable()];
        #[cfg(target_arch = "x86_64")]
        all.extend(x86::Avx2::detect().map(|avx2| Self(Kind::Avx2(avx2))));
        all
    }

    /// The index behind the brace or bracket that closes the container whose opening one stands
    /// just before `at`.
    ///
    /// # Errors
    ///
    /// `Cut` where the text ends inside the container, `Odd` where it is not plain JSON.
    #[inline]
    pub fn container<const ESC: bool>(self, text: &[u8], at: usize) -> Result<usize, Stop> {
        let closes = match self.0 {
            Kind::Portable => portable::closes::<ESC>(text, at),
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2(avx2) => avx2.closes::<ESC>(text, at),
        };
        match closes {
            Some(end) => Ok(end),
            None => grammar::container::<ESC>(text, at),
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
    let mut place = at;
    loop {
        let window = text.get(place..).and_then(|rest| rest.first_chunk::<16>());
        let Some(window) = window else {
            return grammar::string::<ESC>(text, at, place, escaped);
        };
        let stops = stops(window);
        if stops == 0 {
            place += 16;
            continue;
        }
        place += stops.trailing_zeros() as usize;
        match (ESC, text.get(place), text.get(place + 1)) {
            (false, Some(b'"'), _) => return Ok(Text { end: place, after: place + 1, escaped }),
            (true, Some(b'\\'), Some(b'"')) => {
                return Ok(Text { end: place, after: place + 2, escaped });
            }
            (_, Some(b'\\'), _) => {
                escaped = true;
                place = grammar::escape::<ESC>(text, place)?;
            }
            _ => return grammar::string::<ESC>(text, at, place, escaped),
        }
    }
}
