//! What backslashes mean, on masks of 64 bytes: which quotes open or close a string, and which bytes
//! belong to an escape that must still be looked at.

use super::blocks::Masks;

/// What the backslashes of a block come to.
#[derive(Clone, Copy)]
pub(super) struct Quotes {
    /// Quotes that open or close a string.
    pub(super) structural: u64,
    /// The bytes of the text; in escaped text, those before the end of the outer string.
    pub(super) valid: u64,
    /// Bytes which must be a slash.
    pub(super) slashes: u64,
    /// Bytes which must be the letter of an escape.
    pub(super) letters: u64,
}

/// The bytes whose predecessor is in `mask`; `last` is its topmost bit in the block before.
#[inline(always)]
pub(super) fn behind(mask: u64, last: u64) -> u64 {
    (mask << 1) | last
}

#[inline(always)]
pub(super) fn quotes_of<const ESC: bool>(
    text: &[u8],
    place: usize,
    masks: &Masks,
    valid: u64,
    last: u64,
) -> Quotes {
    if ESC {
        escaped_quotes(text, place, masks, valid, last)
    } else {
        plain_quotes(text, place, masks, valid, last)
    }
}

/// In plain text a backslash escapes what follows, unless it is itself escaped: what stands behind
/// a run of them is escaped where the run is odd.
#[inline(always)]
fn plain_quotes(text: &[u8], place: usize, masks: &Masks, valid: u64, last: u64) -> Quotes {
    let one = behind(masks.backslash, last >> 63);
    if one == 0 {
        return Quotes { structural: masks.quote & valid, valid, slashes: 0, letters: 0 };
    }
    let two = one & ((masks.backslash << 2) | (last >> 62));
    let three = two & ((masks.backslash << 3) | (last >> 61));
    let ends = one & !masks.backslash;
    let mut escaped = ends & !two;
    let mut long = ends & three & valid;
    while long != 0 {
        let bit = long & long.wrapping_neg();
        if run(text, place + long.trailing_zeros() as usize) % 2 == 1 {
            escaped |= bit;
        }
        long &= long - 1;
    }
    Quotes {
        structural: masks.quote & !escaped & valid,
        valid,
        slashes: 0,
        letters: escaped & !masks.quote,
    }
}

/// In escaped text two backslashes are one of the inner text, and a last single one escapes the
/// byte behind the run for the outer text. So of a run it matters what is left when divided by four:
/// 0, nothing; 1, an outer escape: a structural quote; 2, an inner escape; 3, both: a quote that is
/// part of a string.
#[inline(always)]
fn escaped_quotes(text: &[u8], place: usize, masks: &Masks, valid: u64, last: u64) -> Quotes {
    let (backslash, quote) = (masks.backslash, masks.quote);
    let one = behind(backslash, last >> 63);
    let two = one & ((backslash << 2) | (last >> 62));
    let mut rests = [0, one, 0, 0];
    if two | (one & backslash) != 0 {
        rests = runs(text, place, backslash, last);
    }
    let [_, structural, letters, inner] = rests;
    let escaped = structural | inner;
    // A quote that the outer text does not escape ends it.
    let cut = quote & !escaped & valid;
    let valid = if cut == 0 { valid } else { (cut & cut.wrapping_neg()) - 1 };
    Quotes { structural: quote & structural & valid, valid, slashes: escaped & !quote, letters }
}

/// The bytes behind runs of backslashes, by the length of the run divided by four.
#[inline(never)]
fn runs(text: &[u8], place: usize, backslash: u64, last: u64) -> [u64; 4] {
    let one = behind(backslash, last >> 63);
    let two = one & ((backslash << 2) | (last >> 62));
    let three = two & ((backslash << 3) | (last >> 61));
    let four = three & ((backslash << 4) | (last >> 60));
    let ends = one & !backslash;
    let mut rests = [0, ends & !two, ends & two & !three, ends & three & !four];
    let mut long = ends & four;
    while long != 0 {
        let length = run(text, place + long.trailing_zeros() as usize);
        if let Some(rest) = rests.get_mut(length % 4) {
            *rest |= long & long.wrapping_neg();
        }
        long &= long - 1;
    }
    rests
}

/// How many backslashes stand before `end`. Each run has one end, so no run is counted twice; and an
/// opening brace stands before all of them.
#[cold]
#[inline(never)]
fn run(text: &[u8], end: usize) -> usize {
    let before = text.get(..end).unwrap_or_default();
    before.iter().rev().take_while(|byte| **byte == b'\\').count()
}
