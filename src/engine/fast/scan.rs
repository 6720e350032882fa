//! Where containers and strings end in JSON text, and whether what lies between is JSON at all.
//!
//! The text is either plain (`ESC = false`, a quote is `"`) or lies inside an outer JSON string
//! (`ESC = true`, a quote is `\"`, and an escape of the inner text starts with `\\`). Nothing is
//! decoded and nothing is copied.
//!
//! # Two walks
//!
//! `blocks` walks over masks of 64 bytes and only ever says "ends here, and all of it is JSON". At
//! any doubt it gives up, and the strict walker in `grammar` starts again at the opening brace. So
//! the strict walker alone says what `Odd` and `Cut` are, every implementation answers alike, and
//! what the block walk costs in the worst case is one more look at the container.
//!
//! Doubts are: blanks between tokens, more than 60 levels, surrogate pairs, and everything wrong.
//!
//! # What is noticed
//!
//! What `container` accepts, `serde_json` accepts: tokens in their order, keys and colons, kinds of
//! brackets, spelling of scalars, escapes, control characters, UTF-8, whatever lies in the strings
//! that are skipped. The other way round there is a difference, which costs time and no answer:
//! `Odd` are also
//!
//! - containers nested more than 100 deep (`serde_json` refuses at 128, counted from the outermost);
//! - numbers of more than 200 digits, or with more than two digits of exponent;
//! - in escaped text, escapes of the outer string other than those of quote, backslash and slash.
//!
//! What stands behind the container or the string is not looked at.
//!
//! # What it costs
//!
//! On one core of an EPYC with AVX2, the generator's events from brace to brace: 4.1 GB/s plain and
//! 3.7 GB/s escaped. The same walk, blind to whether it is in an object or an array (keys, commas,
//! kinds of brackets), made 6.3 and 5.0; blind to all but the depth, 11.8 and 7.7. The checks stay
//! since a damaged line must be noticed. The strict walker alone, which texts with blanks get and every
//! processor without AVX2, makes 2.8 GB/s with SSE2 for the strings, and 1.3 to 1.6 with words.
//!
//! # How the unsafe part is checked
//!
//! All `unsafe` of the crate is in `x86`, which loads from arrays of known size and calls what
//! `detect` found. Miri runs everything in here: the block walk over masks made of words, the windows
//! of SSE2, and with a flag AVX2 as well.
//!
//! ```text
//! rustup component add miri rust-src --toolchain nightly
//! cargo +nightly miri test --lib --no-default-features engine::fast::scan
//! RUSTFLAGS="-Ctarget-feature=+avx2,+pclmulqdq,+bmi1,+bmi2,+lzcnt,+popcnt" \
//!     cargo +nightly miri test --lib --no-default-features engine::fast::scan
//! RUSTFLAGS="-Zsanitizer=address" cargo +nightly test --lib --no-default-features \
//!     --target x86_64-unknown-linux-gnu engine::fast::scan
//! ```

#[cfg(any(test, target_arch = "x86_64"))]
mod blocks;
#[cfg(any(test, target_arch = "x86_64"))]
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
    Strict,
    #[cfg(test)]
    Words,
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

    /// The implementation that runs everywhere: the strict walker alone. Masks made by arithmetic on
    /// words are slower than it is, so only tests walk over those.
    #[must_use]
    pub fn portable() -> Self {
        Self(Kind::Strict)
    }

    /// The implementations to hold against each other: the portable one and the fastest.
    #[must_use]
    pub fn available() -> Vec<Self> {
        vec![Self::portable(), Self::detect()]
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
            Kind::Strict => None,
            #[cfg(test)]
            Kind::Words => portable::closes::<ESC>(text, at),
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
